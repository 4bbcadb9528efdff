# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""End a job: set its final status once, then send the event and, for a failure, the SNS message."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from recordings.errors import JobEnded, NotTranscribed, RecordingError
from recordings.flow.accept import described, recorded
from recordings.job import JobStatus, RecordingJob
from recordings.requests import is_left_alone
from recordings.settings import RecordingSettings
from recordings.table import JobTable

SOURCE = "whisper.recordings"
"""Source of the events; the prefix ``aws.`` is reserved for AWS."""

DETAIL_TYPE = "Transcribe Job State Change"
"""The same as Amazon Transcribe's, so that an existing rule only needs another source."""

_AMAZONS = {
    JobStatus.SUCCEEDED: "COMPLETED",
    JobStatus.FAILED: "FAILED",
    JobStatus.CANCELLED: "FAILED",
}
_LONGEST_SUBJECT = 100
_FLOW_FAILED = "FlowFailed"
_CONVERSION_FAILED = "States.TaskFailed"
"""How a failed MediaConvert job appears; other error names are refusals to start one."""

OWN_ERRORS = {kind.__name__ for kind in RecordingError.__subclasses__()}
"""Error names in the state machine whose message is one of our sentences."""


@dataclass(frozen=True)
class Announcer:
    """Announces the end of jobs.

    Attributes
    ----------
    events : EventBridge client
    sns : SNS client
    states : Step Functions client
    """

    events: Any
    sns: Any
    states: Any
    table: JobTable
    settings: RecordingSettings

    def announce(self, job: RecordingJob) -> None:
        """Announce a job's end, once unless interrupted half-way.

        Raises
        ------
        ClientError
        RuntimeError
            EventBridge did not accept the event.
        """
        if job.announced:
            return
        entry = {
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(detail(job)),
        }
        answer = self.events.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise RuntimeError(
                answer["Entries"][0].get("ErrorMessage", "the event was not accepted")
            )
        if job.status is JobStatus.FAILED:
            subject = f"Recording not transcribed: {job.id}"
            self.sns.publish(
                TopicArn=self.settings.error_topic_arn,
                Subject=subject[:_LONGEST_SUBJECT],
                Message=json.dumps(detail(job)),
            )
        if job.webhook and self.settings.webhook_machine_arn:
            # Execution names outlive job records, so the time distinguishes jobs that reuse an id.
            self.tell_webhook(job, f"{job.id}-{int(job.submitted_at)}")
        self.table.mark_announced(job.id)

    def tell_webhook(self, job: RecordingJob, name: str) -> bool:
        """Start the webhook flow of a job, once per name; return whether it was started."""
        try:
            self.states.start_execution(
                stateMachineArn=self.settings.webhook_machine_arn,
                name=name,
                input=json.dumps({"job": job.id}),
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
            return False
        return True


def detail(job: RecordingJob) -> dict[str, Any]:
    """Return the event's detail: Amazon Transcribe's two fields, and ours."""
    told: dict[str, Any] = {
        "TranscriptionJobName": job.known_as,
        "TranscriptionJobStatus": _AMAZONS[job.status],
        "status": job.status,
        "source": job.source,
        "outputs": job.outputs,
        "seconds": job.seconds,
    }
    if job.error:
        told |= {"FailureReason": job.error, "code": job.code}
    return told


def finish(job_id: str, result: dict[str, Any], *, table: JobTable, announcer: Announcer) -> str:
    """Set a job's final status, or keep the one it has; then announce it.

    Parameters
    ----------
    result : dict
        ``status`` and its details, as `recordings.flow.collect` returns them, or the ``problem``
        of a failed state, for a failed conversion with the endpoint's message as ``undecoded``;
        empty if the flow met an ended job.

    Returns
    -------
    str
        The final status.
    """
    if "undecoded" in result:
        result = {**result, **_of_conversion(result["problem"], result["undecoded"])}
    else:
        result = {**result, **_of_problem(result.get("problem"))}
    fields = ("seconds", "language", "outputs", "warnings", "code", "error")
    given = {name: result[name] for name in fields if name in result}
    try:
        if "status" in result:
            status = JobStatus(result["status"])
            progress = {"progress": 1.0} if status is JobStatus.SUCCEEDED else {}
            job = table.end(job_id, status, **given, **progress)
        else:
            job = table.get(job_id)
    except JobEnded:
        job = table.get(job_id)
    if job.has_ended:
        announcer.announce(job)
    return job.status


def _of_problem(problem: dict[str, Any] | None) -> dict[str, str]:
    """Return the code and sentence of a state's error: our own, if it was one of ours."""
    if problem is None:
        return {}
    code, cause = str(problem.get("Error", "")), str(problem.get("Cause", ""))
    try:
        sentence = str(json.loads(cause)["errorMessage"])
    except (ValueError, KeyError, TypeError):
        sentence = cause
    if code in OWN_ERRORS:
        return {"code": code, "error": sentence}
    return {"code": _FLOW_FAILED, "error": _flow_failed(f"{code}: {sentence}")}


def _of_conversion(problem: dict[str, Any], undecoded: str) -> dict[str, str]:
    """Return the error of a job that neither the endpoint could decode nor MediaConvert convert."""
    code, cause = str(problem.get("Error", "")), str(problem.get("Cause", ""))
    if code == _CONVERSION_FAILED:
        sentence = f"Neither the endpoint nor MediaConvert could decode the recording: {undecoded}"
    else:
        sentence = (
            f"The endpoint cannot decode the recording ({undecoded}), and MediaConvert "
            f"could not be used to convert it ({code}: {cause:.300}): check that it is "
            "available in this Region and permitted, or submit the recording in another "
            "format."
        )
    return {"code": NotTranscribed.__name__, "error": sentence}


def _flow_failed(cause: str) -> str:
    return f"The workflow failed ({cause:.500}): submit the recording again."


def close(
    event: dict[str, Any], *, table: JobTable, announcer: Announcer, settings: RecordingSettings
) -> None:
    """End the job of an execution that stopped without doing so: aborted, failed or timed out.

    Parameters
    ----------
    event : dict
        EventBridge's ``Step Functions Execution Status Change``.
    """
    told = event["detail"]
    execution = told["executionArn"]
    text = told.get("input")
    if text is None:  # an event has no more than 248 KiB of it
        text = announcer.states.describe_execution(executionArn=execution)["input"]
    given = json.loads(text)
    if is_left_alone(given):
        return
    described_job, _ = described(given, execution, settings)
    job, is_mine = recorded(table, described_job)
    if is_mine:
        finish(job.id, _end_of(told), table=table, announcer=announcer)


def close_row(
    event: dict[str, Any], *, table: JobTable, announcer: Announcer, settings: RecordingSettings
) -> dict[str, str]:
    """End the job of a batch row whose flow was not started or did not end it.

    Parameters
    ----------
    event : dict
        ``row``, the flow's intended input plus the batch's ``problem``, and ``execution``, the
        ARN of the row's own execution in the batch.

    Returns
    -------
    dict
        ``execution`` and ``status`` of the row's flow.
    """
    given = {name: value for name, value in event["row"].items() if name != "problem"}
    problem = event["row"]["problem"]
    told = _ended_flow(problem) or {
        "executionArn": event["execution"],
        "input": json.dumps(given),
        "status": JobStatus.FAILED,
        "cause": f"it was not started: {problem['Error']}: {problem.get('Cause', '')}",
    }
    close({"detail": told}, table=table, announcer=announcer, settings=settings)
    return {"execution": told["executionArn"], "status": told["status"]}


def _ended_flow(problem: dict[str, Any]) -> dict[str, Any] | None:
    """Return the ended execution in a problem, in EventBridge's form; None if there is none."""
    try:
        found = json.loads(problem.get("Cause", ""))
        return {
            "executionArn": found["ExecutionArn"],
            "input": found["Input"],
            "status": found["Status"],
            "cause": found.get("Cause"),
            "error": found.get("Error"),
        }
    except (ValueError, KeyError, TypeError):
        return None


def _end_of(told: dict[str, Any]) -> dict[str, Any]:
    if told["status"] == "ABORTED":
        return {
            "status": JobStatus.CANCELLED,
            "code": "Cancelled",
            "error": "The job's execution was stopped.",
        }
    cause = str(told.get("cause") or told.get("error") or "no cause given")
    return {
        "status": JobStatus.FAILED,
        "code": _FLOW_FAILED,
        "error": _flow_failed(cause),
    }
