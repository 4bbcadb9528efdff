# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Look at the beginning of a batch's manifest: only an alarm tells of a batch that fails later."""

import csv
from typing import Any

from recordings.errors import InvalidJob
from recordings.requests import BYTE_ORDER_MARK
from recordings.sources import beginning

_LOOKED_AT = 65_536
_SOURCES = {"s3_uri", "url"}


def require_manifest(s3: Any, bucket: str, key: str, form: str) -> None:
    """Refuse a manifest that is missing, or that names no recordings.

    Parameters
    ----------
    form : str
        ``csv`` or ``json``.

    Raises
    ------
    InvalidJob, SourceUnusable
    """
    text = beginning(s3, bucket, key, _LOOKED_AT).decode(errors="replace")
    uri = f"s3://{bucket}/{key}"
    if form == "json":
        if not text.lstrip().startswith("["):
            raise InvalidJob(
                f'Write the manifest {uri:.300} as a JSON list: [{{"s3_uri": "s3://…"}}, …].'
            )
        return
    lines = text.removeprefix(BYTE_ORDER_MARK).splitlines()[:1]
    if _SOURCES.isdisjoint(name.strip() for row in csv.reader(lines) for name in row):
        raise InvalidJob(
            f"Begin the manifest {uri:.300} with a line of names of columns, separated by commas, "
            f"with s3_uri among them; its first line is {''.join(lines)!r:.100}."
        )
