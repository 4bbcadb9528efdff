# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Streams files to S3 within a time budget, resuming where the last call stopped.

A file is complete once the object has its digest as a tag, which is set last, after its content has
been verified. Memory use is one part, whatever the size of the file.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from deploy_whisper.archive.hub import Hub
from deploy_whisper.archive.source_file import SourceFile
from deploy_whisper.budget import Budget
from whisper_sagemaker.errors import WeightsCorrupt

DIGEST_TAG = "whisper-sagemaker:digest"

PART_BYTES = 32 << 20
"""Size of a part: S3 requires at least 5 MiB, and allows 10,000 parts (here 312 GiB)."""

_READ_BYTES = 1 << 20

# A role that may list only below a prefix gets 403 for a key that does not exist, because a request
# for one object names no prefix. A real refusal shows when the object is written.
_MISSING = frozenset({"NoSuchKey", "404", "403", "AccessDenied"})


@dataclass(frozen=True)
class Destination:
    """An object to write.

    Attributes
    ----------
    s3 : OwnBuckets
    tags : dict of str to str
        Ownership tags; the digest is added to them.
    """

    s3: Any = field(repr=False)
    bucket: str
    key: str
    tags: dict[str, str]

    def tagging(self, digest: str) -> str:
        """Return all tags as S3's query string."""
        return urlencode({**self.tags, DIGEST_TAG: digest})

    def holds(self, digest: str) -> bool:
        """Return whether the object exists, complete and verified."""
        answer = self._ask(self.s3.get_object_tagging)
        return answer is not None and {"Key": DIGEST_TAG, "Value": digest} in answer["TagSet"]

    def size(self) -> int | None:
        """Return the object's size in bytes, or None if it does not exist."""
        answer = self._ask(self.s3.head_object)
        return answer["ContentLength"] if answer else None

    def content(self) -> bytes | None:
        """Return the whole object, or None if it does not exist or is not readable."""
        answer = self._ask(self.s3.get_object)
        return answer["Body"].read() if answer else None

    def _ask(self, operation: Callable[..., Any]) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = operation(Bucket=self.bucket, Key=self.key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        return answer

    def put(self, body: Any, digest: str, **more: str) -> None:
        """Write the object in one request."""
        self.s3.put_object(
            Bucket=self.bucket, Key=self.key, Body=body, Tagging=self.tagging(digest), **more
        )

    def confirm(self, digest: str) -> None:
        """Mark the object as complete and verified."""
        tags = {**self.tags, DIGEST_TAG: digest}
        self.s3.put_object_tagging(
            Bucket=self.bucket,
            Key=self.key,
            Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]},
        )


def upload(hub: Hub, file: SourceFile, destination: Destination, budget: Budget) -> bool:
    """Stream a file from the hub to its destination and verify it.

    Parameters
    ----------
    budget : Budget
        Checked after every part.

    Returns
    -------
    bool
        False if the budget was spent first; the uploaded parts are kept.

    Raises
    ------
    WeightsCorrupt
        If the digest is not the declared one; nothing is kept.
    """
    found, sent_before = None, 0
    if destination.size() != file.size:
        parts = _Parts(destination)
        sent_before = parts.offset
        found = _send(hub, file, parts, budget)
        if found is None:
            return False
    if found is None or sent_before:  # the hash of earlier calls' parts is not known
        found = _read_back(file, destination, budget)
        if found is None:
            return False
    _check(file, found, destination)
    destination.confirm(file.digest)
    return True


def _send(hub: Hub, file: SourceFile, parts: "_Parts", budget: Budget) -> str | None:
    """Send the rest of a file; return the hash of that rest, or None if the budget is spent."""
    digest = file.hasher()
    try:
        for chunk in hub.read(file, parts.offset):
            digest.update(chunk)
            if parts.add(chunk) and budget.spent():
                return None
    except WeightsCorrupt:
        parts.abort()
        raise
    parts.complete()
    return digest.hexdigest()


def _read_back(file: SourceFile, destination: Destination, budget: Budget) -> str | None:
    digest = file.hasher()
    answer = destination.s3.get_object(Bucket=destination.bucket, Key=destination.key)
    for chunk in answer["Body"].iter_chunks(_READ_BYTES):
        digest.update(chunk)
        if budget.spent():
            return None
    return digest.hexdigest()


class _Parts:
    """A multipart upload; resumes an unfinished one of the same key."""

    def __init__(self, destination: Destination) -> None:
        self._to = destination
        self._where = {"Bucket": destination.bucket, "Key": destination.key}
        self._buffer = bytearray()
        self._parts: list[dict[str, Any]] = []
        self.offset = 0
        self._upload_id = self._unfinished() or self._begin()

    def add(self, chunk: bytes) -> bool:
        """Buffer bytes; return True if this filled a part, which was then sent."""
        self._buffer += chunk
        if len(self._buffer) < PART_BYTES:
            return False
        self._send(PART_BYTES)
        return True

    def complete(self) -> None:
        """Send the remaining bytes and complete the upload."""
        if self._buffer or not self._parts:
            self._send(len(self._buffer))
        self._to.s3.complete_multipart_upload(
            **self._where, UploadId=self._upload_id, MultipartUpload={"Parts": self._parts}
        )

    def abort(self) -> None:
        """Discard everything that was sent."""
        self._to.s3.abort_multipart_upload(**self._where, UploadId=self._upload_id)

    def _send(self, size: int) -> None:
        number = len(self._parts) + 1
        # Only the rest is copied, which is less than one read.
        body, self._buffer = self._buffer, self._buffer[size:]
        del body[size:]
        answer = self._to.s3.upload_part(
            **self._where, UploadId=self._upload_id, PartNumber=number, Body=body
        )
        self._parts.append({"PartNumber": number, "ETag": answer["ETag"]})

    def _begin(self) -> str:
        upload_id: str = self._to.s3.create_multipart_upload(**self._where)["UploadId"]
        return upload_id

    def _unfinished(self) -> str | None:
        listed = self._to.s3.list_multipart_uploads(Bucket=self._to.bucket, Prefix=self._to.key)
        ids = [item["UploadId"] for item in listed.get("Uploads", []) if self._is_ours(item)]
        if not ids:
            return None
        pages = self._to.s3.get_paginator("list_parts").paginate(**self._where, UploadId=ids[0])
        for part in (part for page in pages for part in page.get("Parts", [])):
            # Only a contiguous sequence of full parts can be continued.
            if part["PartNumber"] != len(self._parts) + 1 or part["Size"] != PART_BYTES:
                break
            self._parts.append({"PartNumber": part["PartNumber"], "ETag": part["ETag"]})
            self.offset += part["Size"]
        return str(ids[0])

    def _is_ours(self, item: dict[str, Any]) -> bool:
        return bool(item["Key"] == self._to.key)


def _check(file: SourceFile, found: str, destination: Destination) -> None:
    _, _, wanted = file.digest.partition(":")
    if found != wanted:
        destination.s3.delete_object(Bucket=destination.bucket, Key=destination.key)
        raise WeightsCorrupt(
            f"Try again or give ModelS3Uri: {file.path} of the hub has digest {found[:12]}, "
            f"not {wanted[:12]} as announced."
        )
