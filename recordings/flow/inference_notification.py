# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Pass each of SageMaker's notifications on to the state that waits for it."""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from recordings.errors import UnknownJob
from recordings.job import RecordingJob
from recordings.table import JobTable

_log = logging.getLogger(__name__)
_INFERENCE_ID = re.compile(r"(?P<job>[0-9a-f]{32})\.(?P<attempt>[0-9]{1,4})")
_LATE = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
_LONGEST_REASON = 2000


@dataclass(frozen=True, kw_only=True)
class InferenceNotification:
    """SageMaker's notification about one attempt.

    Attributes
    ----------
    has_answer : bool
        Whether there is an answer; otherwise a refusal or failure.
    output_uri : str
        Address of the answer; empty for a failure.
    reason : str
        SageMaker's message about a failure.
    """

    job_id: str
    attempt: int
    has_answer: bool
    output_uri: str = ""
    reason: str = ""

    @classmethod
    def from_message(cls, text: str) -> "InferenceNotification | None":
        """Parse a message; None if it is not about a job, for example a smoke test."""
        try:
            message = json.loads(text)
            match = _INFERENCE_ID.fullmatch(message["inferenceId"])
            if match is None:
                return None
            has_answer = message["invocationStatus"] == "Completed"
            answered = message.get("responseParameters") or {}
            return cls(
                job_id=match["job"],
                attempt=int(match["attempt"]),
                has_answer=has_answer,
                output_uri=answered.get("outputLocation", "") if has_answer else "",
                reason=(message.get("failureReason") or "")[:_LONGEST_REASON],
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def notify(event: dict[str, Any], *, states: Any, table: JobTable) -> None:
    """Pass on every notification of an SNS event.

    Parameters
    ----------
    states : Step Functions client

    Raises
    ------
    ClientError
        After all were tried: SNS then redelivers the whole event, and repeated notifications
        are ignored as late.
    """
    failed: ClientError | None = None
    for notification in _notifications(event):
        try:
            _pass_on(notification, states, table)
        except ClientError as error:
            failed = error
    if failed is not None:
        raise failed


def _notifications(event: dict[str, Any]) -> Iterator[InferenceNotification]:
    for record in event["Records"]:
        notification = InferenceNotification.from_message(record["Sns"]["Message"])
        if notification is not None:
            yield notification


def _pass_on(notification: InferenceNotification, states: Any, table: JobTable) -> None:
    try:
        job = table.get(notification.job_id)
    except UnknownJob:
        _log.warning("No job for the notification %s", notification.job_id)
        return
    if not job.token or _is_stale(notification, job):
        return
    try:
        # Failures, too: the next state decides what they mean for the job.
        states.send_task_success(taskToken=job.token, output=json.dumps(asdict(notification)))
    except ClientError as error:
        if error.response["Error"]["Code"] not in _LATE:
            raise


def _is_stale(notification: InferenceNotification, job: RecordingJob) -> bool:
    """Return whether it is a failure of an outdated attempt; an answer is always welcome."""
    return not notification.has_answer and notification.attempt != job.attempt
