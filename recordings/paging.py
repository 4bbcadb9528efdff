# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Pages of jobs, newest first, with cursors that skip no job."""

import base64
import json
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from recordings.errors import InvalidJob
from recordings.job import JobStatus, RecordingJob
from recordings.table import JobTable

MOST_BYTES = 2_500_000
"""Size at which a page takes no further job: Lambda's limit is 6 MiB, and the HTTP API's
responses are JSON within JSON, which at most doubles them."""

LATEST_S = 10**11
"""Latest accepted time, seconds since 1970: about the year 5138."""

_MOST_LOOKED_AT = 1000


class _Place(NamedTuple):
    """Where a page ended: a submission time, and the jobs of that time already returned."""

    at: float
    ids: tuple[str, ...]


class Page(NamedTuple):
    """Jobs, and the cursor of the next page; empty on the last page."""

    jobs: list[RecordingJob]
    next: str


def page(
    table: JobTable,
    statuses: Sequence[JobStatus],
    limit: int,
    cursor: str = "",
    before: float = LATEST_S,
    wanted: Callable[[RecordingJob], bool] = bool,
) -> Page:
    """Return at most `limit` jobs that `wanted` accepts, without deleted ones.

    A page may be short, even empty, and still have a cursor: it scans at most 1,000 jobs, and ends
    at `MOST_BYTES`.

    Parameters
    ----------
    before : float
        Seconds since 1970: only jobs submitted earlier; ignored if there is a cursor.

    Raises
    ------
    InvalidJob
        The cursor is invalid.
    """
    place = _place(cursor) if cursor else _Place(math.nextafter(before, 0), ())
    kept: list[RecordingJob] = []
    looked_at = size = 0
    for job in table.each(statuses, min(math.nextafter(place.at, math.inf), LATEST_S)):
        if job.submitted_at == place.at and job.id in place.ids:
            continue
        if len(kept) == limit or looked_at == _MOST_LOOKED_AT or size >= MOST_BYTES:
            return Page(kept, _cursor(place))
        looked_at += 1
        same = place.ids if job.submitted_at == place.at else ()
        place = _Place(job.submitted_at, (*same, job.id))
        if not job.deleted and wanted(job):
            kept.append(job)
            size += job.told_bytes
    return Page(kept, "")


def _cursor(place: _Place) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(cursor: str) -> _Place:
    try:
        at, ids = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        place = _Place(float(at), tuple(map(str, ids)))
    except (AttributeError, ValueError, TypeError, OverflowError, RecursionError):
        place = _Place(0, ())
    if not 0 < place.at < LATEST_S:
        raise InvalidJob(
            "Give the token of the next page unchanged, as the previous page returned it."
        )
    return place
