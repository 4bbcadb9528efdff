# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Check that a recording in S3 may be read, exists, and has not changed."""

from dataclasses import replace
from typing import Any

from botocore.exceptions import ClientError

from recordings.errors import SourceChanged, SourceUnusable
from recordings.job import RecordingJob
from recordings.settings import INCOMING, UPLOADS, RecordingSettings

_MISSING = ("404", "NoSuchKey", "NotFound", "NoSuchBucket")
_DELETED = ("405", "MethodNotAllowed")
"""The version is a delete marker."""

_LOCKED = ("400", "BadRequest", "InvalidRequest")
"""A HEAD response has no body to explain; with SSE-C, only the key's owner can read."""

_REFUSED = ("403", "AccessDenied", "Forbidden")

_OWN_FAULTS = 500
"""From this status on, the fault is S3's."""


def is_dotted(key: str) -> bool:
    """Return whether a key has . or .. segments, which a client may resolve to another key."""
    return not {".", ".."}.isdisjoint(key.split("/"))


def require_allowed(bucket: str, key: str, settings: RecordingSettings) -> None:
    """Refuse a recording that this deployment may not read.

    Raises
    ------
    SourceUnusable
    """
    own = tuple(f"s3://{settings.bucket}/{prefix}" for prefix in (INCOMING, UPLOADS))
    uri = f"s3://{bucket}/{key}"
    if is_dotted(key) or not uri.startswith((*own, *settings.input_prefixes)):
        raise SourceUnusable(
            f"{uri:.300} lies outside what this deployment may read: put it "
            f"below {own[0]}, or add its prefix to the stack's InputS3Prefixes "
            "(RecordingsInputS3Prefixes if recordings are part of the endpoint's stack)."
        )


def require_allowed_source(job: RecordingJob, settings: RecordingSettings) -> None:
    """Refuse a job whose recording this deployment may not read, in S3 or on the web.

    Raises
    ------
    SourceUnusable
    """
    if not job.url:
        require_allowed(job.bucket, job.key, settings)
    elif not settings.url_sources:
        raise SourceUnusable(
            "This deployment does not fetch recordings from the web: upload the "
            "recording, or set the stack's parameter AllowUrlSources to true."
        )


def found(s3: Any, job: RecordingJob) -> RecordingJob:
    """Return a job with its object's current ETag and size.

    Raises
    ------
    SourceUnusable
        It is missing, empty or unreadable.
    SourceChanged
        It is no longer the object that the event or batch named.
    """
    if job.url:  # the endpoint fetches it, and only once
        return job
    head = _head(s3, job.bucket, job.key, job.version)
    etag = _etag(head)
    if job.etag and etag != job.etag:
        raise SourceChanged(_overwritten(job))
    if not head["ContentLength"]:
        raise SourceUnusable(f"{job.source_uri} is empty: upload the recording again.")
    return replace(job, etag=etag, size=head["ContentLength"])


def require_unchanged(s3: Any, job: RecordingJob, *, may_be_gone: bool = False) -> None:
    """Refuse a job whose object has changed.

    Parameters
    ----------
    may_be_gone : bool
        Whether it may have been deleted: it is not needed after the endpoint has read it.

    Raises
    ------
    SourceChanged, SourceUnusable
    """
    if job.url:
        return
    try:
        head = _head(s3, job.bucket, job.key)
    except SourceUnusable:
        if may_be_gone:
            return
        raise
    if _etag(head) != job.etag:
        raise SourceChanged(_overwritten(job))


def read(s3: Any, uri: str) -> bytes | None:
    """Return an object's content; None if it does not exist."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    try:
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return None
        raise
    return content


def beginning(s3: Any, bucket: str, key: str, size: int) -> bytes:
    """Return an object's first bytes.

    Raises
    ------
    SourceUnusable
        It is missing or unreadable.
    """
    _head(s3, bucket, key)
    try:
        content: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read(size)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _OWN_FAULTS:
            raise
        raise SourceUnusable(
            f"s3://{bucket}/{key} cannot be read ({error.response['Error']['Code']}): restore it "
            "if it is archived, or add the key that encrypts it to RecordingsKmsKeyArns."
        ) from None
    return content


def _head(s3: Any, bucket: str, key: str, version: str = "") -> dict[str, Any]:
    of_version = {"VersionId": version} if version else {}
    try:
        head: dict[str, Any] = s3.head_object(Bucket=bucket, Key=key, **of_version)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in (*_MISSING, *_DELETED):
            raise SourceUnusable(
                f"s3://{bucket}/{key} does not exist, or no longer exists: upload it again."
            ) from None
        if code in _REFUSED:
            raise SourceUnusable(
                f"s3://{bucket}/{key} does not exist or may not be read: check its name, "
                "and that the key that encrypts it is one of RecordingsKmsKeyArns."
            ) from None
        if code in _LOCKED:
            raise SourceUnusable(
                f"s3://{bucket}/{key} cannot be read without a key that came with its upload "
                "(SSE-C): upload it again with SSE-S3 or SSE-KMS."
            ) from None
        raise
    return head


def _etag(head: dict[str, Any]) -> str:
    return str(head["ETag"]).strip('"')


def _overwritten(job: RecordingJob) -> str:
    return (
        f"{job.source_uri} was overwritten while this job was in progress, so the "
        "transcript would not be that of the submitted recording: submit it again."
    )
