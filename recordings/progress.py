# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How far the endpoint is with a job, and how it is told to stop: both by objects in S3."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from recordings.job import RecordingJob
from recordings.settings import PROGRESS
from recordings.sources import read

_STOP = ".stop"
"""What the endpoint looks for after the progress' own key, see ``progress_s3_uri``."""


def progress_uri(job_id: str, bucket: str) -> str:
    """Return where the endpoint writes a job's progress."""
    return f"s3://{bucket}/{PROGRESS}{job_id}.json"


@dataclass(frozen=True)
class JobProgress:
    """The progress of jobs.

    Attributes
    ----------
    s3 : S3 client
    bucket : str
    """

    s3: Any
    bucket: str

    def share_done(self, job: RecordingJob) -> float:
        """Return the share of a recording that has its text, 0 to 1."""
        content = read(self.s3, progress_uri(job.id, self.bucket))
        try:
            told = json.loads(content or b"{}")
            return min(1.0, float(told["seconds_done"]) / float(told["seconds_total"]))
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            return job.progress

    def ask_to_stop(self, job: RecordingJob) -> None:
        """Have the endpoint stop a job between two pieces; without a bucket it has stopped."""
        key = f"{PROGRESS}{job.id}.json{_STOP}"
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"")
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
