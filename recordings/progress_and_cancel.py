# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Read a job's progress and ask the endpoint to stop it, both through objects in S3."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from recordings.job import RecordingJob
from recordings.settings import PROGRESS
from recordings.sources import read

_STOP = ".stop"
"""Suffix of the stop object, appended to the key in ``progress_s3_uri``."""


def progress_uri(job_id: str, bucket: str) -> str:
    """Return the address where the endpoint writes a job's progress."""
    return f"s3://{bucket}/{PROGRESS}{job_id}.json"


@dataclass(frozen=True)
class JobProgress:
    """Reads the progress of jobs, and stops them.

    Attributes
    ----------
    s3 : S3 client
    bucket : str
    """

    s3: Any
    bucket: str

    def share_done(self, job: RecordingJob) -> float:
        """Return the transcribed share of a recording, 0 to 1."""
        content = read(self.s3, progress_uri(job.id, self.bucket))
        try:
            told = json.loads(content or b"{}")
            return min(1.0, float(told["seconds_done"]) / float(told["seconds_total"]))
        except (ValueError, KeyError, TypeError, ZeroDivisionError):
            return job.progress

    def ask_to_stop(self, job: RecordingJob) -> None:
        """Ask the endpoint to stop a job between two pieces; does nothing if the bucket is gone."""
        key = f"{PROGRESS}{job.id}.json{_STOP}"
        try:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=b"")
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
