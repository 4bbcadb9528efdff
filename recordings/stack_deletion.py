# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Stack deletion: cancel running jobs, then empty the bucket so that it can be deleted.

Two custom resources that only act on deletion: ``Custom::RunningJobs`` is deleted before the
endpoint, ``Custom::RecordingFiles`` after it, when nothing writes any more.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError
from crhelper import CfnResource

from recordings.errors import RecordingError
from recordings.job import RecordingJob
from recordings.jobs import Jobs
from recordings.settings import BATCHES, CONVERTED, FAILURES, PROGRESS, RAW, UPLOADS

log = logging.getLogger(__name__)

_TELLING_SECONDS = 60.0
_PAUSE_SECONDS = 1.0
# What S3 says of an object in a response that is a success as a whole, and only for a while.
_PASSING = ("InternalError", "ServiceUnavailable", "SlowDown")
_OURS = (RAW, FAILURES, CONVERTED, PROGRESS, BATCHES, UPLOADS)


@dataclass(frozen=True)
class StackDeletion:
    """Handles the deletion of the custom resources.

    Attributes
    ----------
    s3 : S3 client
    jobs : callable
        Returns the deployment's jobs, given the ARN of the batch state machine.
    tell : callable, optional
        Notifies the webhook of a job, by its id, once; None: there are no webhooks.
    clock, sleep : callable
        Returns monotonic seconds; waits for a number of seconds.
    """

    s3: Any
    jobs: Callable[[str], Jobs]
    tell: Callable[[str], Any] | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def answer(self, event: dict[str, Any], context: Any) -> None:
        """Handle a request from CloudFormation."""
        helper = CfnResource(
            json_logging=True, log_level="INFO", boto_level="CRITICAL", sleep_on_delete=0
        )
        helper.create(lambda given, _: str(given["LogicalResourceId"]))
        helper.update(lambda given, _: str(given["PhysicalResourceId"]))
        helper.delete(lambda given, _: self.delete(given))
        helper(event, context)

    def delete(self, event: dict[str, Any]) -> None:
        """Clean up for a deleted resource; idempotent.

        What was deleted by hand counts as done. All of ``Bucket`` is deleted if the stack created
        it (``IsOwn``); in a bucket of yours, only the flow's own files.
        """
        properties = event["ResourceProperties"]
        if event["ResourceType"] == "Custom::RunningJobs":
            self._cancel(properties["BatchMachine"])
            return
        prefixes = ("",) if properties["IsOwn"] == "true" else _OURS
        for prefix in prefixes:
            self._empty(properties["Bucket"], prefix)

    def _cancel(self, batch_machine: str) -> None:
        try:
            cancelled = self.jobs(batch_machine).cancel_all()
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            log.warning("there are no jobs to cancel: the table no longer exists")
            return
        self._tell_webhooks(cancelled)

    def _tell_webhooks(self, jobs: Iterable[RecordingJob]) -> None:
        """Notify each webhook once, for at most a minute: the stack does not wait for them."""
        until = self.clock() + _TELLING_SECONDS
        for job in jobs:
            if self.tell is not None and job.webhook and self.clock() < until:
                with contextlib.suppress(RecordingError, ClientError):
                    self.tell(job.id)

    def _empty(self, bucket: str, prefix: str) -> None:
        while page := self._first(bucket, prefix):
            answer = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": page, "Quiet": True})
            failures = answer.get("Errors", ())
            for failure in failures:
                if failure["Code"] not in _PASSING:
                    raise RuntimeError(
                        f"Delete the objects of {bucket} by hand and then the stack again: "
                        f"{failure['Key']!r} cannot be deleted ({failure['Code']})."
                    )
            if failures:
                self.sleep(_PAUSE_SECONDS)
        self._abort_uploads(bucket, prefix)

    def _abort_uploads(self, bucket: str, prefix: str) -> None:
        """Abort unfinished uploads: their parts cost money, and no list of objects shows them."""
        with _missing_is_gone("NoSuchBucket"):
            pages = self.s3.get_paginator("list_multipart_uploads").paginate(
                Bucket=bucket, Prefix=prefix
            )
            for upload in [one for page in pages for one in page.get("Uploads", ())]:
                given = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
                with _missing_is_gone("NoSuchUpload"):
                    self.s3.abort_multipart_upload(Bucket=bucket, **given)

    def _first(self, bucket: str, prefix: str) -> list[dict[str, str]]:
        """Return the first 1,000 objects: always the first page, so that new objects go, too.

        The marker of a next page would already be deleted.
        """
        try:
            page = self.s3.list_object_versions(Bucket=bucket, Prefix=prefix)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            log.warning("there is nothing to delete: the bucket %s no longer exists", bucket)
            return []
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]


@contextlib.contextmanager
def _missing_is_gone(code: str) -> Iterator[None]:
    """Ignore an error with this code."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
