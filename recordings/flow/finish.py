# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The end of a job: its final status, once, then the event and, for a failure, the topic."""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from recordings.errors import JobEnded, NotTranscribed, RecordingError
from recordings.flow.accept import described, recorded
from recordings.job import JobStatus, RecordingJob
from recordings.settings import RecordingSettings
from recordings.table import JobTable

SOURCE = "whisper.recordings"
"""Of the events; sources that begin with ``aws.`` are AWS's."""

DETAIL_TYPE = "Transcribe Job State Change"
"""As Amazon Transcribe's, so that a rule for those needs another source and nothing else."""

_AMAZONS = {
    JobStatus.SUCCEEDED: "COMPLETED",
    JobStatus.FAILED: "FAILED",
    JobStatus.CANCELLED: "FAILED",
}
_LONGEST_SUBJECT = 100
_FLOW_FAILED = "FlowFailed"
_CONVERSION_FAILED = "States.TaskFailed"
"""As which a job of MediaConvert that has ended in an error is met; the rest are refusals."""

OWN_ERRORS = {kind.__name__ for kind in RecordingError.__subclasses__()}
"""Names under which the state machine meets an error whose message is a sentence of ours."""


@dataclass(frozen=True)
class Announcer:
    """Tells of ended jobs.

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
        """Tell of a job's end, once unless this is ended half-way.

        Raises
        ------
        ClientError
        RuntimeError
            EventBridge has not taken the event.
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
            raise RuntimeError(answer["Entries"][0].get("ErrorMessage", "the event is not taken"))
        if job.status is JobStatus.FAILED:
            subject = f"Recording not transcribed: {job.id}"
            self.sns.publish(
                TopicArn=self.settings.error_topic_arn,
                Subject=subject[:_LONGEST_SUBJECT],
                Message=json.dumps(detail(job)),
            )
        if job.webhook and self.settings.webhook_machine_arn:
            # A name is reserved for longer than a record may be: each job of an id has its own.
            self.tell_webhook(job, f"{job.id}-{int(job.submitted_at)}")
        self.table.mark_announced(job.id)

    def tell_webhook(self, job: RecordingJob, name: str) -> bool:
        """Start the flow that tells a job's webhook, once for a name; return whether it was."""
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
    """Return what an event says of a job: Amazon Transcribe's two fields, and ours."""
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
    """End a job as its flow has found, or keep the end that it has; then tell of it.

    Parameters
    ----------
    result : dict
        ``status`` and what goes with it, as `recordings.flow.collect` returns it, or the
        ``problem`` that a state was left with, the conversion's with what the endpoint said as
        ``undecoded``; empty where the flow met a job that had ended.

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
    """Return the code and the sentence of what a state failed with: our own, if it was one."""
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
    """Return what ends a job that the endpoint cannot decode and MediaConvert has not converted."""
    code, cause = str(problem.get("Error", "")), str(problem.get("Cause", ""))
    if code == _CONVERSION_FAILED:
        sentence = f"Neither the endpoint nor MediaConvert could decode the recording: {undecoded}"
    else:
        sentence = (
            f"The endpoint cannot decode the recording ({undecoded}), and MediaConvert has not "
            f"come to convert it ({code}: {cause:.300}): check that it is offered in this Region "
            "and may be used, or submit the recording in another form."
        )
    return {"code": NotTranscribed.__name__, "error": sentence}


def _flow_failed(cause: str) -> str:
    return f"The flow itself has failed ({cause:.500}): submit the recording again."


def close(
    event: dict[str, Any], *, table: JobTable, announcer: Announcer, settings: RecordingSettings
) -> None:
    """End the job of an execution that has not ended it: stopped by hand, failed, out of time.

    Parameters
    ----------
    event : dict
        EventBridge's ``Step Functions Execution Status Change``.
    """
    told = event["detail"]
    execution = told["executionArn"]
    described_job, _ = described(json.loads(told["input"]), execution, settings)
    if described_job.is_folder:
        return
    job, is_mine = recorded(table, described_job)
    if is_mine:
        finish(job.id, _end_of(told), table=table, announcer=announcer)


def close_row(
    event: dict[str, Any], *, table: JobTable, announcer: Announcer, settings: RecordingSettings
) -> dict[str, str]:
    """End the job of a batch's row whose flow was not started, or has not ended it.

    Parameters
    ----------
    event : dict
        ``row``, what the flow was to be given, with the ``problem`` that the batch was left with,
        and ``execution``, the ARN of the row's own execution in the batch.

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
    """Return what EventBridge says of the execution that a problem is about; None without one."""
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
    cause = str(told.get("cause") or told.get("error") or "no cause is given")
    return {
        "status": JobStatus.FAILED,
        "code": _FLOW_FAILED,
        "error": _flow_failed(cause),
    }
