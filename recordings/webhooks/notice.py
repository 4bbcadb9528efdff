# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a webhook is told, and its signature by https://www.standardwebhooks.com."""

import base64
import binascii
import datetime
import hashlib
import hmac
import json
from collections.abc import Iterable
from typing import Any

from recordings.errors import InvalidFunctionSetting
from recordings.job import JobStatus, RecordingJob
from recordings.sources import read
from recordings.webhooks.target import INSANELY_FAST

LARGEST_OUTPUT = 4 * 1024 * 1024
"""Bytes of a transcript that go with the body; what is longer has its address there."""

_SECONDS_OF_ADDRESS = 3600


def notice(job: RecordingJob, s3: Any) -> bytes:
    """Return the body: the same whenever the same job is told of.

    An address in it, of a long transcript in insanely-fast-whisper's form, is another each time.
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
    """Return what insanely-fast-whisper says of a task that has ended."""
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
    """Return an https address from which an object can be read for an hour."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    url: str = s3.generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_SECONDS_OF_ADDRESS
    )
    return url


def signed(body: bytes, message_id: str, at: int, keys: Iterable[str]) -> dict[str, str]:
    """Return the headers that say who sends a body.

    Parameters
    ----------
    message_id : str
        The same for a message that is sent again.
    at : int
        Seconds since 1970.
    keys : iterable of str
        In base64, with or without ``whsec_``; a signature for each.

    Raises
    ------
    InvalidFunctionSetting
        A key is not base64.
    """
    content = f"{message_id}.{at}.".encode() + body
    try:
        decoded = [base64.b64decode(one.removeprefix("whsec_"), validate=True) for one in keys]
    except binascii.Error:
        raise InvalidFunctionSetting("Set the webhooks' keys to base64.") from None
    signatures = (hmac.digest(key, content, hashlib.sha256) for key in decoded)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(s).decode()}" for s in signatures),
    }
