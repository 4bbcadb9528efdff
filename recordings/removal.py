# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The stack's end: running jobs are cancelled first, and the bucket is empty when it is deleted.

Two custom resources, which do nothing until they are deleted. ``Custom::RunningJobs`` goes before
the endpoint, ``Custom::RecordingFiles`` after it, when nothing writes any more.
"""

import contextlib
import logging
import time
from collections.abc import Callable, Iterable
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
_OURS = (RAW, FAILURES, CONVERTED, PROGRESS, BATCHES, UPLOADS)


@dataclass(frozen=True)
class Removal:
    """What is done when a custom resource is deleted.

    Attributes
    ----------
    s3 : S3 client
    jobs : callable
        Returns the deployment's jobs, given the ARN of the flow of a list of recordings.
    tell : callable, optional
        Tells the webhook of a job, by its id, once; None: there are no webhooks.
    clock : callable
        Seconds of any beginning.
    """

    s3: Any
    jobs: Callable[[str], Jobs]
    tell: Callable[[str], Any] | None = None
    clock: Callable[[], float] = time.monotonic

    def answer(self, event: dict[str, Any], context: Any) -> None:
        """Answer a request of CloudFormation."""
        helper = CfnResource(
            json_logging=True, log_level="INFO", boto_level="CRITICAL", sleep_on_delete=0
        )
        helper.create(lambda given, _: str(given["LogicalResourceId"]))
        helper.update(lambda given, _: str(given["PhysicalResourceId"]))
        helper.delete(lambda given, _: self.delete(given))
        helper(event, context)

    def delete(self, event: dict[str, Any]) -> None:
        """Do what the deleted resource stands for; may be repeated.

        What somebody has deleted by hand before counts as done. In ``Bucket`` all is deleted where
        the stack made it (``IsOwn``), and only what the flow itself needed in one of yours.
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
            log.warning("there are no jobs to cancel: their table is gone")
            return
        self._tell_webhooks(cancelled)

    def _tell_webhooks(self, jobs: Iterable[RecordingJob]) -> None:
        """Tell each webhook once, as far as a minute goes: the stack does not wait for them."""
        until = self.clock() + _TELLING_SECONDS
        for job in jobs:
            if self.tell is not None and job.webhook and self.clock() < until:
                with contextlib.suppress(RecordingError, ClientError):
                    self.tell(job.id)

    def _empty(self, bucket: str, prefix: str) -> None:
        while page := self._first(bucket, prefix):
            answer = self.s3.delete_objects(Bucket=bucket, Delete={"Objects": page, "Quiet": True})
            for failure in answer.get("Errors", ()):
                raise RuntimeError(
                    f"Delete the objects of {bucket} by hand and the stack again: "
                    f"{failure['Key']!r} cannot be deleted ({failure['Code']})."
                )

    def _first(self, bucket: str, prefix: str) -> list[dict[str, str]]:
        """Return up to 1,000 objects; never the next page, whose marker has been deleted by then.

        So what was written meanwhile goes, too.
        """
        try:
            page = self.s3.list_object_versions(Bucket=bucket, Prefix=prefix)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            log.warning("there is nothing to delete: the bucket %s is gone", bucket)
            return []
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        return [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
