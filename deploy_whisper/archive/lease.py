# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One invocation at a time works on an archive: a lease, kept as a small object next to it.

crhelper's rule fires every two minutes whether or not the last poll still runs, and EventBridge may
deliver an event twice. The lease ends when Lambda would end its holder, so nobody holds it who does
not run; S3 writes it only if nobody else has, so two never hold it.

The invocation lock (`deploy_whisper.requests`) is another lock: it lets one invocation at a time
work for a custom resource. It is made of tags, which promise less than S3's conditional writes, and
the daily renewal does not take it. Two writers at once would spoil an archive, so the archive has
this stricter lock as well (docs/adr/0017).
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
# Where we may not write nobody else of this stack can, and a Delete must go on all the same.
_NOT_WRITABLE = frozenset({"NoSuchBucket", "403", "AccessDenied"})
# Without s3:ListBucket for the whole bucket, S3 says 403 of what is not there.
_GONE = frozenset({"NoSuchKey", "404", "403", "AccessDenied"})


class Lease:
    """The right to change what is below a stack's prefix.

    Parameters
    ----------
    s3 : boto3 S3 client
    bucket, prefix : str
        The prefix ends in a slash.
    seconds : float
        Until Lambda ends this invocation.
    clock : callable, optional
        Seconds since the epoch.
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
        """Tell whether the lease could be had; it is given back at the end of the block."""
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        """Give the lease back where it was had."""
        self.release()

    def acquire(self) -> bool:
        """Take the lease where it is free or has ended; False where another invocation has it."""
        if self._write(IfNoneMatch="*"):
            return True
        try:
            answer = self._s3.get_object(**self._where)
        except ClientError as error:
            if error.response["Error"]["Code"] in _GONE:  # given back since; the next poll takes it
                return False
            raise
        until = json.loads(answer["Body"].read())["until"]
        if until > self._clock():
            log.info("another invocation works on the archive for %.0f s", until - self._clock())
            return False
        log.info("taking over the lease of an invocation that was ended")
        return self._write(IfMatch=answer["ETag"])

    def release(self) -> None:
        """Give the lease back, leaving no version of it behind."""
        if self._is_held:
            if self._version:
                self._drop_other_versions()
            self._s3.delete_object(**self._where, **self._version)

    def _drop_other_versions(self) -> None:
        """Delete what was taken over, or it would be the newest again once ours is gone.

        There may be several, and S3's marker of one that has expired.
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
