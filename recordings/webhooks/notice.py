# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The body of a webhook request."""

import datetime
import json
from typing import Any

from recordings.job import JobStatus, RecordingJob
from recordings.sources import read
from recordings.webhooks.target import INSANELY_FAST

LARGEST_OUTPUT = 4 * 1024 * 1024
"""Largest transcript, in bytes, sent in the body; longer ones are linked."""

_SECONDS_OF_ADDRESS = 3600


def notice(job: RecordingJob, s3: Any) -> bytes:
    """Return the request body, the same for every attempt.

    Only the link to a long transcript, in insanely-fast-whisper's form, differs each time.
    """
    if job.webhook["form"] == INSANELY_FAST:
        return json.dumps(insanely_fast(job, s3)).encode()
    ended = datetime.datetime.fromtimestamp(job.ended_at, datetime.UTC)
    told = {name: value for name, value in job.summary().items() if name != "deliveries"}
    return json.dumps(
        {
            "type": f"job.{job.status.lower()}",
            "timestamp": ended.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "data": told,
        }
    ).encode()


def insanely_fast(job: RecordingJob, s3: Any) -> dict[str, Any]:
    """Return insanely-fast-whisper's body for an ended task."""
    if job.status is not JobStatus.SUCCEEDED:
        return {"error": job.error, "status": "error", "task_id": job.known_as}
    uri = job.outputs.get("chunks", "")
    content = read(s3, uri) if uri else None
    answer = {"status": "completed", "task_id": job.known_as}
    if content is None:
        return {"output": None, **answer}
    if len(content) > LARGEST_OUTPUT:
        return {"output": None, "output_url": address_of(uri, s3), **answer}
    return {"output": json.loads(content), **answer}


def address_of(uri: str, s3: Any) -> str:
    """Return a presigned URL of an object, valid for an hour."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    url: str = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_SECONDS_OF_ADDRESS
    )
    return url
