# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Media properties that Amazon Transcribe reports and its clients expect in every response."""

from typing import Any

from botocore.exceptions import ClientError

from recordings.api.transcribe_model import service_model
from recordings.job import RecordingJob

_HEADER_BYTES = 4096
_FORMAT_CHUNK = b"fmt "
_RATE_OFFSET = 12
"""Bytes from the start of the chunk, after its name, length, codec and channel count."""


def media_of(job: RecordingJob, s3: Any) -> dict[str, Any]:
    """Return ``MediaFormat``, from the file's name, and a WAV file's ``MediaSampleRateHertz``.

    Either is left out if unknown; a file that has changed since is not read.
    """
    suffix = job.key.rpartition(".")[2].lower()
    if suffix not in service_model().shape_for("MediaFormat").enum:
        return {}
    told: dict[str, Any] = {"MediaFormat": suffix}
    is_read = suffix == "wav" and "MediaSampleRateHertz" not in job.asked
    rate = _wav_rate(_beginning(s3, job)) if is_read else None
    return told | ({"MediaSampleRateHertz": rate} if rate else {})


def _beginning(s3: Any, job: RecordingJob) -> bytes:
    try:
        answer = s3.get_object(
            Bucket=job.bucket,
            Key=job.key,
            Range=f"bytes=0-{_HEADER_BYTES - 1}",
            IfMatch=f'"{job.etag}"',
        )
    except ClientError:  # deleted or replaced since: the transcript remains
        return b""
    beginning: bytes = answer["Body"].read()
    return beginning


def _wav_rate(beginning: bytes) -> int | None:
    """Return the sample rate in a WAV file's header, in Hz; None if there is none."""
    at = beginning.find(_FORMAT_CHUNK)
    end = at + _RATE_OFFSET + 4
    if not beginning.startswith((b"RIFF", b"RF64")) or at < 0 or len(beginning) < end:
        return None
    return int.from_bytes(beginning[end - 4 : end], "little")
