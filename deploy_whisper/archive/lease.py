# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A lease that lets one invocation at a time change an archive: a small object next to it.

crhelper's rule fires every two minutes even if the last poll is still running, and EventBridge may
deliver an event twice. The lease expires when Lambda would end its holder, so a dead invocation
never holds it. S3's conditional writes make sure that two never do.

The invocation lock (`deploy_whisper.invocations`) is a different one: it lets one invocation at a
time work on a custom resource. It consists of tags, which guarantee less than conditional writes,
and the daily renewal does not take it. Two concurrent writers would corrupt an archive, hence this
stricter lock (docs/adr/0017).
"""

import json
import logging
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

log = logging.getLogger(__name__)

NAME = "lease.json"

_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
# If we cannot write there, nobody else of this stack can; a Delete must proceed nevertheless.
_NOT_WRITABLE = frozenset({"NoSuchBucket", "403", "AccessDenied"})
# Without s3:ListBucket for the whole bucket, S3 returns 403 for a missing object.
_GONE = frozenset({"NoSuchKey", "404", "403", "AccessDenied"})


class Lease:
    """The exclusive right to change objects below a stack's prefix.

    Parameters
    ----------
    s3 : boto3 S3 client
    bucket, prefix : str
        The prefix ends in a slash.
    seconds : float
        Seconds until Lambda ends this invocation.
    clock : callable, optional
        Returns seconds since the epoch.
    """

    def __init__(
        self,
        s3: Any,
        bucket: str,
        prefix: str,
        seconds: float,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._s3 = s3
        self._where = {"Bucket": bucket, "Key": prefix + NAME}
        self._holder = uuid.uuid4().hex
        self._clock = clock or time.time
        self._until = self._clock() + seconds
        self._version: dict[str, str] = {}
        self._is_held = False

    def __enter__(self) -> bool:
        """Acquire the lease; return whether that worked. The block's end releases it."""
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        """Release the lease if it is held."""
        self.release()

    def acquire(self) -> bool:
        """Take the lease if it is free or has expired; False if another invocation holds it."""
        if self._write(IfNoneMatch="*"):
            return True
        try:
            answer = self._s3.get_object(**self._where)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:  # just released; the next poll takes it
                return False
            raise
        until = json.loads(answer["Body"].read())["until"]
        if until > self._clock():
            log.info("another invocation works on the archive for %.0f s", until - self._clock())
            return False
        log.info("taking over the lease of an invocation that was ended")
        return self._write(IfMatch=answer["ETag"])

    def release(self) -> None:
        """Release the lease, leaving no version of the object behind."""
        if self._is_held:
            if self._version:
                self._drop_other_versions()
            self._s3.delete_object(**self._where, **self._version)

    def _drop_other_versions(self) -> None:
        """Delete older versions, or one of them would be current again once ours is deleted.

        There may be several, and delete markers of expired ones.
        """
        bucket, key = self._where["Bucket"], self._where["Key"]
        page = self._s3.list_object_versions(Bucket=bucket, Prefix=key)
        for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
            if item["Key"] == key and item["VersionId"] != self._version["VersionId"]:
                self._s3.delete_object(**self._where, VersionId=item["VersionId"])

    def _write(self, **condition: str) -> bool:
        body = json.dumps({"until": self._until, "holder": self._holder})
        try:
            answer = self._s3.put_object(**self._where, Body=body.encode(), **condition)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in _NOT_WRITABLE or code.startswith("KMS."):
                return True
            if code not in _TAKEN:
                raise
            return False
        self._version = {"VersionId": answer["VersionId"]} if "VersionId" in answer else {}
        self._is_held = True
        return True
