# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A job: one recording on its way to its transcripts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from recordings.errors import RecordingError


class JobStatus(StrEnum):
    """Where a job is; the last three are final."""

    SUBMITTED = "SUBMITTED"
    CONVERTING = "CONVERTING"
    TRANSCRIBING = "TRANSCRIBING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


ACTIVE = (JobStatus.SUBMITTED, JobStatus.CONVERTING, JobStatus.TRANSCRIBING)
_HIDDEN = (
    "token",
    "output_uri",
    "failure_uri",
    "announced",
    "execution",
    "url",
    "asked",
    "deleted",
)
FINAL = (JobStatus.SUCCEEDED, JobStatus.FAILED, JobStatus.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class RecordingJob:
    """A job's record in the table.

    Attributes
    ----------
    id : str
        At most 40 characters; the same for the same upload.
    bucket, key : str
        The recording in S3; `bucket` is empty if a manifest's row names none.
    url : str
        The recording on the web; `bucket` and `key` are then empty.
    name : str
        The caller's name for it, if any.
    version, etag : str
        Of the object when the job was created; `version` is empty in an unversioned bucket.
    size : int
        Bytes.
    execution : str
        ARN of the execution that owns it; other executions leave the record alone.
    parameters : dict
        Transcription parameters, as in the contract.
    formats : tuple of str
        Formats to write, keys of `recordings.transcripts.FORMS`.
    batch : str
        Name of its batch, or empty.
    output_key : str
        Key of the transcript in Amazon Transcribe's format, if the caller chose one; other
        formats are written next to it.
    webhook : dict
        ``url``, ``headers`` and ``form`` of the webhook, see `recordings.webhooks`.
    asked : dict
        Parts of the original API request that its dialect needs for responses.
    status : JobStatus
    progress : float
        Transcribed share of the recording, 0 to 1; during transcription, the endpoint's own
        progress object is more current.
    attempt : int
        Number of times it was sent to the endpoint.
    token : str
        Task token of the waiting state; empty if none waits.
    output_uri, failure_uri : str
        Where SageMaker writes the newest attempt's answer or refusal.
    submitted_at, started_at, updated_at, ended_at : float
        Seconds since 1970, 0 if not reached yet.
    seconds : float
        Duration of the recording.
    language : str
        Whisper's code of the language, given or detected.
    outputs : dict of str to str
        ``s3://`` address of each file written, by format.
    warnings : tuple of str
        Sentences about what the transcript lacks.
    code, error : str
        Error code and sentence; empty unless it failed or was cancelled.
    announced : bool
        Whether its end has been announced.
    deliveries : tuple of dict
        Outcome of each webhook attempt: ``at``, and ``status`` or ``problem``.
    deleted : bool
        Whether its owner has deleted it.
    expires_at : int
        Seconds since 1970 when DynamoDB deletes the record.
    """

    id: str
    bucket: str = ""
    key: str = ""
    url: str = ""
    name: str = ""
    version: str = ""
    etag: str = ""
    size: int = 0
    execution: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    formats: tuple[str, ...] = ()
    batch: str = ""
    output_key: str = ""
    webhook: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, Any] = field(default_factory=dict)
    status: JobStatus = JobStatus.SUBMITTED
    progress: float = 0.0
    attempt: int = 0
    token: str = ""
    output_uri: str = ""
    failure_uri: str = ""
    submitted_at: float = 0.0
    started_at: float = 0.0
    updated_at: float = 0.0
    ended_at: float = 0.0
    seconds: float = 0.0
    language: str = ""
    outputs: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    code: str = ""
    error: str = ""
    announced: bool = False
    deliveries: tuple[dict[str, Any], ...] = ()
    deleted: bool = False
    expires_at: int = 0

    @property
    def has_ended(self) -> bool:
        """Whether its status is final."""
        return self.status in FINAL

    @property
    def source_uri(self) -> str:
        """The recording's address, or the text given as one."""
        if self.url:
            return self.url
        return self.key if not self.bucket else f"s3://{self.bucket}/{self.key}"

    @property
    def source(self) -> str:
        """The address without a URL's query, which may hold a secret."""
        return self.source_uri.partition("?")[0] if self.url else self.source_uri

    @property
    def known_as(self) -> str:
        """Its name, or its id if the caller gave no name."""
        return self.name or self.id

    @classmethod
    def from_fields(cls, given: Mapping[str, Any]) -> "RecordingJob":
        """Create a job from a table item; unknown fields, of newer versions, are ignored."""
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in given.items() if name in known}
        values["status"] = JobStatus(values["status"])
        for name in ("formats", "warnings", "deliveries"):
            values[name] = tuple(values.get(name, ()))
        for name in ("size", "attempt", "expires_at"):
            values[name] = int(values.get(name, 0))
        return cls(**values)

    def to_fields(self) -> dict[str, Any]:
        """Return the table item: every field that is not empty."""
        return {name: value for name, value in asdict(self).items() if value}

    @property
    def told_bytes(self) -> int:
        """Size of its summary in a response, in bytes."""
        return len(json.dumps(self.summary()))

    def summary(self) -> dict[str, Any]:
        """Return the fields that callers may see."""
        told = {name: value for name, value in self.to_fields().items() if name not in _HIDDEN}
        if self.webhook:
            told["webhook"] = {"url": self.webhook["url"].partition("?")[0]}
        return {**told, "source": self.source}


def failed(error: RecordingError) -> dict[str, Any]:
    """Return the result of a failed job, as states pass it on."""
    return {"status": JobStatus.FAILED, "code": error.code, "error": str(error)}
