# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What Amazon Transcribe tells of a recording, whose clients read it without being asked."""

from typing import Any

from botocore.exceptions import ClientError

from recordings.api.transcribe_model import service_model
from recordings.job import RecordingJob

_HEADER_BYTES = 4096
_FORMAT_CHUNK = b"fmt "
_RATE_OFFSET = 12
"""From the beginning of the chunk: its name, its length, the codec and the channels go before."""


def media_of(job: RecordingJob, s3: Any) -> dict[str, Any]:
    """Return ``MediaFormat``, by the file's name, and a WAV file's ``MediaSampleRateHertz``.

    Either is left out where it is not known; a file that has another content now is not read.
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
    except ClientError:  # it has been deleted or replaced since, and the transcript is there
        return b""
    beginning: bytes = answer["Body"].read()
    return beginning


def _wav_rate(beginning: bytes) -> int | None:
    """Return the samples a second that a WAV file's header says."""
    at = beginning.find(_FORMAT_CHUNK)
    end = at + _RATE_OFFSET + 4
    if not beginning.startswith((b"RIFF", b"RF64")) or at < 0 or len(beginning) < end:
        return None
    return int.from_bytes(beginning[end - 4 : end], "little")
