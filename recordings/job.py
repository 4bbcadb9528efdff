# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A job: one recording on its way to its transcripts."""

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
        At most 40 characters; the same for whatever is the same upload.
    bucket, key : str
        The recording; `bucket` is empty where a row of a manifest names none.
    url : str
        The recording where it is on the web; `bucket` and `key` are empty then.
    name : str
        By which its caller knows it, if not by its id.
    version, etag : str
        Of the object that the job was made for; `version` is empty in a bucket without versions.
    size : int
        Bytes.
    execution : str
        ARN of the execution that works on it; another one that meets the record leaves it alone.
    parameters : dict
        How to transcribe, of the contract.
    formats : tuple of str
        What is written, keys of `recordings.transcripts.FORMS`.
    batch : str
        Name of the batch that it is of, or empty.
    output_key : str
        Of Amazon Transcribe's file, where the caller has chosen it; other forms are beside it.
    webhook : dict
        ``url``, ``headers`` and ``form`` of who is told of its end, see `recordings.webhooks`.
    asked : dict
        What a dialect of the API has been asked, for its answers.
    status : JobStatus
    progress : float
        Share of the recording that has its text, 0 to 1; while it is transcribed, the endpoint's
        own object says more.
    attempt : int
        How often it was sent to the endpoint.
    token : str
        With which the waiting state goes on; empty while none waits.
    output_uri, failure_uri : str
        Where SageMaker said that it puts the newest attempt's answer or refusal.
    submitted_at, started_at, updated_at, ended_at : float
        Seconds since 1970, 0 where it has not come to that.
    seconds : float
        Length of the recording.
    language : str
        Whisper's code of the language, as it was given or heard.
    outputs : dict of str to str
        Format to the ``s3://`` address of what was written.
    warnings : tuple of str
        What the transcript lacks, a sentence each.
    code, error : str
        Kind and sentence of what ended it, empty unless it failed or was cancelled.
    announced : bool
        Whether its end has been told.
    deliveries : tuple of dict
        What became of each attempt to tell the webhook: ``at``, and ``status`` or ``problem``.
    deleted : bool
        Whether its owner does not want to see it any more.
    expires_at : int
        Seconds since 1970 after which the table drops the record.
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
    def is_folder(self) -> bool:
        """Whether it is no recording but what S3's console marks a folder with."""
        return bool(self.bucket) and self.key.endswith("/")

    @property
    def source_uri(self) -> str:
        """The recording's address, or what was given as one."""
        if self.url:
            return self.url
        return self.key if not self.bucket else f"s3://{self.bucket}/{self.key}"

    @property
    def source(self) -> str:
        """The same as it may be told: what follows a URL's path may be a secret."""
        return self.source_uri.partition("?")[0] if self.url else self.source_uri

    @property
    def known_as(self) -> str:
        """Its name, or its id where its caller has given it none."""
        return self.name or self.id

    @classmethod
    def from_fields(cls, given: Mapping[str, Any]) -> "RecordingJob":
        """Make a job of what the table holds; fields that are newer than this program are left."""
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in given.items() if name in known}
        values["status"] = JobStatus(values["status"])
        for name in ("formats", "warnings", "deliveries"):
            values[name] = tuple(values.get(name, ()))
        for name in ("size", "attempt", "expires_at"):
            values[name] = int(values.get(name, 0))
        return cls(**values)

    def to_fields(self) -> dict[str, Any]:
        """Return what the table holds: every field that is not empty."""
        return {name: value for name, value in asdict(self).items() if value}

    def summary(self) -> dict[str, Any]:
        """Return what a caller is told of it."""
        told = {name: value for name, value in self.to_fields().items() if name not in _HIDDEN}
        if self.webhook:
            told["webhook"] = {"url": self.webhook["url"].partition("?")[0]}
        return {**told, "source": self.source}


def failed(error: RecordingError) -> dict[str, Any]:
    """Return the end of a job that has failed, as a state hands it on."""
    return {"status": JobStatus.FAILED, "code": error.code, "error": str(error)}
