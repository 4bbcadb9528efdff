# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""After the wait: write the endpoint's transcript, or work out what its refusal means.

Without a notification, the answer is looked up at its known location, so that a lost notification
only costs time.
"""

import json
import re
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from recordings.errors import JobEnded, NotTranscribed, RecordingError
from recordings.flow.services import FlowServices
from recordings.flow.submit import predicted_uri
from recordings.job import JobStatus, RecordingJob, failed
from recordings.settings import MOST_ATTEMPTS, RecordingSettings
from recordings.sources import read, require_unchanged
from recordings.transcripts import key_of, render
from recordings.transcripts import read as read_answer

_STATUS = re.compile(r"\(([45][0-9]{2})\)")
_BODY = re.compile(r"\{.*\}", re.DOTALL)
_NOT_DECODABLE = "AudioNotDecodable"
_PASSING = (408, 424, 429)
_PAUSE_SECONDS = 60
_MISSING = ("404", "NoSuchKey", "NotFound")


class Refusal(NamedTuple):
    """An error response of the endpoint or SageMaker.

    Attributes
    ----------
    status : int
        HTTP status; 0 if unknown.
    code, sentence : str
        As in ``whisper_contract/schemas/error.schema.json``, or empty.
    """

    status: int
    code: str
    sentence: str

    @property
    def is_final(self) -> bool:
        """Whether a retry would be refused, too."""
        return 400 <= self.status < 500 and self.status not in _PASSING


def collect(
    job_id: str, media: str, answer: dict[str, Any], services: FlowServices
) -> dict[str, Any]:
    """Write a job's transcripts, or decide the next step.

    Parameters
    ----------
    answer : dict
        What `recordings.flow.inference_notification` passed on; empty after a time-out.

    Returns
    -------
    dict
        ``next`` is ``end``, with the final ``status`` and its details; ``again``, with
        ``pause_seconds``; or ``convert``.

    Raises
    ------
    JobEnded
    """
    job = services.table.get(job_id)
    if job.has_ended:  # nothing may be written for an ended job
        raise JobEnded(f"The job {job_id} has already ended as {job.status}.")
    try:
        uri = _answer_uri(job, answer, services)
        if uri:
            return _written(job, uri, services)
        refusal = _refusal(job, answer, services.s3)
        return _next(job, media, refusal, services.settings)
    except JobEnded:
        raise
    except RecordingError as error:
        return {"next": "end", **failed(error)}


def _answer_uri(job: RecordingJob, answer: dict[str, Any], services: FlowServices) -> str:
    """Return the address of the answer, as reported or found by looking; empty if there is none.

    After a time-out no attempt can still answer, so looking is repeatable.
    """
    if answer.get("has_answer"):
        return str(answer["output_uri"])
    places = [job.output_uri] if job.output_uri else []
    places += [
        predicted_uri(job.id, attempt, services.settings.bucket)
        for attempt in range(job.attempt, 0, -1)
    ]
    return next((uri for uri in places if read(services.s3, uri) is not None), "")


def _written(job: RecordingJob, uri: str, services: FlowServices) -> dict[str, Any]:
    s3, bucket = services.s3, services.settings.bucket
    require_unchanged(s3, job, may_be_gone=True)
    content = read(s3, uri)
    if content is None:
        raise NotTranscribed(
            f"The endpoint's answer {uri} was deleted before it was read: submit the "
            "recording again."
        )
    transcript = read_answer(content)
    keys = {form: key_of(job, form, bucket) for form in job.formats}
    conditions = _conditions(job, keys, services)
    for form, key in keys.items():
        body, media_type = render(transcript, job, form)
        given = {"Body": body, "ContentType": media_type, **conditions.get(form, {})}
        s3.put_object(Bucket=bucket, Key=key, **given)
    return {
        "next": "end",
        "status": JobStatus.SUCCEEDED,
        "seconds": transcript.duration,
        "language": transcript.language,
        "outputs": {form: f"s3://{bucket}/{key}" for form, key in keys.items()},
        "warnings": list(transcript.warnings),
    }


def _conditions(
    job: RecordingJob, keys: dict[str, str], services: FlowServices
) -> dict[str, dict[str, str]]:
    """Return the write conditions of each file that another job may write later.

    If the job ends meanwhile, it loses its claim. Either the next owner then finds these files
    unchanged, or the condition fails here and the state retries.

    Raises
    ------
    JobEnded
    """
    if not job.output_key:
        return {}
    bucket = services.settings.bucket
    conditions = {form: _as_it_is(services.s3, bucket, key) for form, key in keys.items()}
    if (now := services.table.get(job.id)).has_ended:
        raise JobEnded(f"The job {job.id} has already ended as {now.status}.")
    return conditions


def _as_it_is(s3: Any, bucket: str, key: str) -> dict[str, str]:
    try:
        return {"IfMatch": s3.head_object(Bucket=bucket, Key=key)["ETag"]}
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise
        return {"IfNoneMatch": "*"}


def _refusal(job: RecordingJob, answer: dict[str, Any], s3: Any) -> Refusal:
    """Return the refusal, read from SageMaker's failure object or from its message."""
    reason = answer.get("reason", "")
    status = _STATUS.search(reason)
    content = read(s3, job.failure_uri) if job.failure_uri else None
    document = _document((content or b"").decode(errors="replace")) or _document(reason)
    return Refusal(
        int(status[1]) if status else 0,
        str(document.get("code", "")),
        str(document.get("error", "")) or reason,
    )


def _document(text: str) -> dict[str, Any]:
    """Return the JSON object in a text, which SageMaker may have escaped; empty if none."""
    match = _BODY.search(text)
    for candidate in (match[0], match[0].replace('\\"', '"')) if match else ():
        try:
            document = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(document, dict) and isinstance(document.get("error"), str):
            return document
    return {}


def _next(
    job: RecordingJob, media: str, refusal: Refusal, settings: RecordingSettings
) -> dict[str, Any]:
    if refusal.code == _NOT_DECODABLE and settings.converts and media == job.source_uri:
        return {"next": "convert", "error": refusal.sentence}
    if not refusal.is_final and refusal.code != _NOT_DECODABLE and job.attempt < MOST_ATTEMPTS:
        return {"next": "again", "pause_seconds": _PAUSE_SECONDS * job.attempt}
    if not refusal.sentence:
        raise NotTranscribed(
            f"The endpoint did not answer in {job.attempt} attempts: check that it is in "
            "service, see its log, then submit the recording again."
        )
    if refusal.code == _NOT_DECODABLE and media != job.source_uri:
        raise NotTranscribed(
            f"Neither the endpoint nor MediaConvert could decode the recording: {refusal.sentence}"
        )
    raise NotTranscribed(refusal.sentence)
