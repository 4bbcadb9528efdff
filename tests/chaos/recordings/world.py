# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A deployment in simulated time: real functions and state machine, in-memory services.

A Lambda function may be killed before any call and before it returns; DynamoDB may throttle.
"""

import heapq
import itertools
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from recordings.errors import RecordingError
from recordings.flow.accept import accept
from recordings.flow.collect import collect
from recordings.flow.finish import Announcer, close, close_row, finish
from recordings.flow.inference_notification import notify
from recordings.flow.services import FlowServices
from recordings.flow.submit import submit
from recordings.jobs import Jobs
from recordings.settings import RecordingSettings
from recordings.table import JobTable
from recordings.webhooks.sender import WebhookSender
from tests.chaos.recordings.dynamo import FakeDynamo, Item, throttled
from tests.chaos.recordings.endpoint import FakeAsyncEndpoint, convert
from tests.chaos.recordings.interpreter import (
    FOLDER,
    Execution,
    PendingTask,
    TaskFailed,
    definition,
)
from tests.fakes.object_store import Bucket, Client, ObjectStore, refusal

BUCKET = "recordings"
# Step Functions' limit, in bytes of UTF-8.
_LARGEST_INPUT = 262_144
SETTINGS = RecordingSettings(
    table="jobs",
    bucket=BUCKET,
    endpoint_name="whisper-recordings",
    state_machine_arn="arn:aws:states:eu-west-1:111122223333:stateMachine:recording",
    batch_machine_arn="arn:aws:states:eu-west-1:111122223333:stateMachine:batch",
    webhook_machine_arn="arn:aws:states:eu-west-1:111122223333:stateMachine:webhook",
    error_topic_arn="arn:aws:sns:eu-west-1:111122223333:failed",
    formats=("json", "srt"),
    converts=True,
)
_FUNCTIONS = ("AcceptFunction", "SubmitFunction", "CollectFunction", "FinishFunction")
_WEBHOOK_MACHINE = definition(
    {"Partition": "aws", "WebhookFunction": "WebhookFunction"}, FOLDER / "webhook.asl.json"
)
_BATCH_MACHINE = definition(
    {
        "Partition": "aws",
        "StateMachine": SETTINGS.state_machine_arn,
        "FinishFunction": "FinishFunction",
    },
    FOLDER / "batch.asl.json",
)
_READS, _CANNOT_READ = (
    {"StartAt": "Read", "States": {"Read": {"Type": kind}}} for kind in ("Succeed", "Fail")
)
WEBHOOK_KEY = "c2lnbmVkIHdpdGggdGhpcyBvbmUsIGFuZCBubyBvdGhlcg=="
_MACHINE = definition(
    {name: name for name in _FUNCTIONS}
    | {
        "Partition": "aws",
        "JobTable": SETTINGS.table,
        "RecordingsBucket": BUCKET,
        "MediaConvertRole": "arn:aws:iam::111122223333:role/convert",
    }
)
_CONVERSION_SECONDS = 30.0
_MOST_EVENTS = 20_000


class FunctionEnded(BaseException):
    """The Lambda function is killed; it must not catch this."""


class RecordingsWorld:
    """A simulated deployment.

    Attributes
    ----------
    statuses : dict of str to list of str
        Every status written, in order, by job.
    written : dict of str to list of bytes
        Contents written below ``transcripts/``, by key.
    on_status : callable
        Called with a job's id whenever its status changes.
    events, failures : lists of dict
        Details of events, and messages to the error topic.
    ended_at_call : int or None
        Number of Lambda calls from now after which the function is killed.
    throttles : int
        Number of DynamoDB's next calls to throttle.
    calls : set of tuple of str
        (function, call) pairs made.
    is_start_denied, is_conversion_denied : bool
        Whether batches are denied to start flows, and flows MediaConvert jobs.
    is_manifest_broken : bool
        Whether batches fail before their last row. They start no rows: see `batch` and `row`.
    told : list of tuple
        Webhook requests: time, URL, body and headers.
    dynamo : FakeDynamo
        The job table.
    receiver : callable
        Answers webhooks with a status, or raises a connection error.
    """

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.statuses: dict[str, list[str]] = {}
        self.written: dict[str, list[bytes]] = {}
        self.on_status: Callable[[str], None] = lambda job_id: None
        self.events: list[dict[str, Any]] = []
        self.failures: list[dict[str, Any]] = []
        self.executions: dict[str, Execution] = {}
        self.ended_at_call: int | None = None
        self.throttles = 0
        self.hits: Counter[str] = Counter()
        self.calls: set[tuple[str, str]] = set()
        self.told: list[tuple[float, str, bytes, dict[str, str]]] = []
        self.receiver: Callable[[], int] = lambda: 200
        self.is_start_denied = self.is_conversion_denied = self.is_manifest_broken = False
        self._followed: dict[str, PendingTask] = {}
        self._running = ""
        self.store = ObjectStore(lambda: self.now)
        self.store.buckets[BUCKET] = Bucket()
        self.endpoint = FakeAsyncEndpoint(BUCKET, self.store, self.after, self._topic)
        self._numbers = itertools.count(1)
        self._waiting: list[tuple[float, int, Callable[[], None]]] = []
        self.dynamo = FakeDynamo(self._wrote)
        self._in_function = False
        services = {
            "dynamodb": self.dynamo.call,
            "s3": self._s3,
            "sagemaker-runtime": self.endpoint.call,
            "stepfunctions": self._states,
            "events": self._eventbridge,
            "sns": self._sns,
        }
        clients = {name: Client(self._call_of(name, call)) for name, call in services.items()}
        table = JobTable(clients["dynamodb"], SETTINGS.table, clock=lambda: self.now)
        self.table = table
        self.clients = clients
        self._announcer = Announcer(
            clients["events"], clients["sns"], clients["stepfunctions"], table, SETTINGS
        )
        self.services = FlowServices(clients["s3"], clients["sagemaker-runtime"], table, SETTINGS)
        self._sender = WebhookSender(
            clients["s3"], table, lambda: (WEBHOOK_KEY,), self._post, lambda: self.now
        )
        self.jobs = Jobs(
            clients["s3"],
            clients["stepfunctions"],
            table,
            self._announcer,
            SETTINGS,
            clock=lambda: self.now,
            sleep=self.pass_time,
        )

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Schedule an action."""
        heapq.heappush(self._waiting, (self.now + seconds, next(self._numbers), action))

    def pass_time(self, seconds: float) -> None:
        """Advance time, and run what is due."""
        until = self.now + seconds
        for _ in range(_MOST_EVENTS):
            if not self._waiting or self._waiting[0][0] > until:
                break
            self.now, _, action = heapq.heappop(self._waiting)
            action()
        else:
            raise AssertionError("it goes on for ever")
        self.now = max(self.now, until)

    def quiesce(self) -> None:
        """Let everything end."""
        self.pass_time(40 * 86_400.0)
        assert not self._waiting

    def upload(self, key: str, content: str, copies: tuple[float, ...] = (0.0,)) -> str:
        """Upload a recording, reported after each delay in `copies`; return the event's id."""
        answer = self._s3("put_object", {"Bucket": BUCKET, "Key": key, "Body": content.encode()})
        stored: dict[str, Any] = {
            "key": key,
            "size": len(content),
            "etag": answer["ETag"].strip('"'),
            "sequencer": f"{next(self._numbers):016X}",
        }
        event = {
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {"bucket": {"name": BUCKET}, "object": stored},
        }
        for seconds in copies:
            self.after(seconds, lambda: self._tell_of(event))
        return str(stored["sequencer"])

    def batch(self, kind: str, **given: Any) -> Execution:
        """Start a batch row; `kind` is the state that lists the rows."""
        row = _BATCH_MACHINE["States"][kind]["ItemProcessor"]
        arn = f"{SETTINGS.batch_machine_arn.replace('stateMachine', 'execution')}/{kind}"
        return Execution(f"{arn}:{next(self._numbers)}", row, given, self)

    def row(self, batch: str, given: dict[str, Any]) -> None:
        """Start the flow of a manifest's row, like a batch."""
        self._start("", {"batch": batch, "row": given})

    def _tell_of(self, event: dict[str, Any]) -> None:
        self._start("", event)

    def delete(self, key: str) -> None:
        """Delete an object."""
        self._s3("delete_object", {"Bucket": BUCKET, "Key": key})

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Call the jobs' function; None if it was killed or an AWS call failed."""
        try:
            answer = self.run("JobsFunction", lambda: self.jobs.answer(dict(request)))
        except TaskFailed:
            return None
        return dict(answer)

    def run_task(self, resource: str, parameters: dict[str, Any]) -> Any:
        """Run a state's task."""
        kind = resource.removeprefix("arn:aws:states:::")
        if kind == "dynamodb:updateItem":
            return self._dynamo_task(parameters)
        if kind == "mediaconvert:createJob.sync":
            return self._conversion(parameters)
        if kind == "states:startExecution.sync":
            return self._followed_flow(parameters)
        name, payload = parameters["FunctionName"], parameters["Payload"]
        result = self.run(name, lambda: self._function(name, payload))
        return {"Payload": json.loads(json.dumps(result))}

    def ended(self, execution: Execution) -> None:
        """Report an execution's end, like Step Functions."""
        self._tell_batch(execution)
        if execution.status == "SUCCEEDED" or execution.machine is not _MACHINE:
            return
        detail = {
            "executionArn": execution.arn,
            "status": execution.status,
            "input": execution.input_in_events,
            "cause": execution.cause,
        }
        event = {"detail-type": "Step Functions Execution Status Change", "detail": detail}
        self.invoke(
            "FinishFunction",
            lambda: close(event, table=self.table, announcer=self._announcer, settings=SETTINGS),
            tries=8,
        )

    def _followed_flow(self, parameters: dict[str, Any]) -> PendingTask:
        if self.is_start_denied:
            raise TaskFailed("StepFunctions.AccessDeniedException", "It is not authorized.")
        arn = self._start("", parameters["Input"], parameters["StateMachineArn"])
        return self._followed.setdefault(arn, PendingTask())

    def _tell_batch(self, execution: Execution) -> None:
        """Report a flow's end to the waiting row, in the format of DescribeExecution."""
        if execution.arn not in self._followed:
            return
        pending = self._followed.pop(execution.arn)
        told = {
            "ExecutionArn": execution.arn,
            "Input": json.dumps(execution.given),
            "Status": execution.status,
            "Cause": execution.cause,
        }
        if execution.status == "SUCCEEDED":
            pending.settle(told, None)
        else:
            pending.settle(None, TaskFailed("States.TaskFailed", json.dumps(told)))

    def _function(self, name: str, payload: dict[str, Any]) -> Any:
        if name == "AcceptFunction":
            return accept(payload["request"], payload["execution"], self.services)
        if name == "SubmitFunction":
            return submit(payload["job"], payload["media"], payload["token"], self.services)
        if name == "CollectFunction":
            return collect(payload["job"], payload["media"], payload["answer"], self.services)
        if name == "WebhookFunction":
            return {"job": payload["job"], "status": self._sender.tell(payload["job"])}
        if "row" in payload:
            return close_row(
                payload, table=self.table, announcer=self._announcer, settings=SETTINGS
            )
        given = payload["job"], payload["result"]
        status = finish(*given, table=self.table, announcer=self._announcer)
        return {"job": payload["job"], "status": status}

    def run(self, name: str, function: Callable[[], Any]) -> Any:
        """Run a function like Lambda, with errors as the state machine sees them."""
        was_in, self._in_function = self._in_function, True
        was_running, self._running = self._running, name
        try:
            result = function()
            self._may_end()
        except FunctionEnded:
            self.hits["function ended"] += 1
            raise TaskFailed("Lambda.Unknown", "The function was ended.") from None
        except RecordingError as error:
            cause = json.dumps({"errorType": error.code, "errorMessage": str(error)})
            raise TaskFailed(error.code, cause) from error
        except ClientError as error:
            raise TaskFailed(error.response["Error"]["Code"], str(error)) from error
        else:
            return result
        finally:
            self._in_function, self._running = was_in, was_running

    def _call_of(self, service: str, call: Callable[[str, dict[str, Any]], Any]) -> Any:
        def carried_out(operation: str, request: dict[str, Any]) -> Any:
            self._may_end()
            self.calls.add((self._running, operation))
            if service == "dynamodb" and self._in_function and self.throttles:
                self.throttles -= 1
                self.hits["throttled"] += 1
                raise throttled(operation)
            return call(operation, request)

        return carried_out

    def _may_end(self) -> None:
        if self.ended_at_call is None or not self._in_function:
            return
        self.ended_at_call -= 1
        if self.ended_at_call < 0:
            self.ended_at_call = None
            raise FunctionEnded

    def _dynamo_task(self, parameters: dict[str, Any]) -> Any:
        try:
            return self.dynamo.call("update_item", parameters)
        except ClientError as error:
            raise TaskFailed(f"DynamoDB.{error.response['Error']['Code']}") from error

    def _conversion(self, parameters: dict[str, Any]) -> PendingTask:
        if self.is_conversion_denied:
            raise TaskFailed("MediaConvert.ForbiddenException", "It is not authorized.")
        pending = PendingTask()

        def end() -> None:
            if convert(self.store, parameters):
                pending.settle({}, None)
            else:
                pending.settle(None, TaskFailed("States.TaskFailed", "unsupported"))

        self.after(_CONVERSION_SECONDS, end)
        return pending

    def _post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        self.told.append((self.now, url, body, dict(headers)))
        return self.receiver()

    def _start(
        self, name: str, given: dict[str, Any], machine: str = SETTINGS.state_machine_arn
    ) -> str:
        name = name or f"event-{next(self._numbers)}"
        arn = f"{machine.replace('stateMachine', 'execution')}:{name}"
        if arn in self.executions:
            raise refusal("ExecutionAlreadyExists", "StartExecution")
        machines = {
            SETTINGS.state_machine_arn: _MACHINE,
            SETTINGS.webhook_machine_arn: _WEBHOOK_MACHINE,
            SETTINGS.batch_machine_arn: _READS if not self.is_manifest_broken else _CANNOT_READ,
        }
        self.executions[arn] = Execution(arn, machines[machine], given, self)
        return arn

    def _states(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation == "start_execution":
            if len(request["input"].encode()) > _LARGEST_INPUT:
                raise refusal("InvalidExecutionInput", "StartExecution")
            given, machine = json.loads(request["input"]), request["stateMachineArn"]
            return {"executionArn": self._start(request["name"], given, machine)}
        if operation == "describe_execution":
            return {"input": json.dumps(self.executions[request["executionArn"]].given)}
        if operation == "stop_execution":
            self.executions[request["executionArn"]].stop()
            return {}
        if operation == "list_executions":
            return {"executions": self._listed(**request)}
        assert operation == "send_task_success", operation
        token, output = request["taskToken"], json.loads(request["output"])
        execution = self.executions[token.partition("#")[0]]
        if not execution.settle(token, output):
            raise refusal("TaskDoesNotExist", "SendTaskSuccess")
        return {}

    def _listed(self, stateMachineArn: str, statusFilter: str = "") -> list[dict[str, str]]:  # noqa: N803
        of_machine = f"{stateMachineArn.replace('stateMachine', 'execution')}:"
        return [
            {"name": arn.removeprefix(of_machine), "executionArn": arn, "status": one.status}
            for arn, one in reversed(self.executions.items())
            if arn.startswith(of_machine) and statusFilter in ("", one.status)
        ]

    def _s3(self, operation: str, request: dict[str, Any]) -> Any:
        answer = self.store.call(operation, request)
        if operation == "put_object" and request["Key"].startswith("transcripts/"):
            self.written.setdefault(request["Key"], []).append(request["Body"])
        return answer

    def _eventbridge(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.events += [json.loads(entry["Detail"]) for entry in request["Entries"]]
        return {"FailedEntryCount": 0}

    def _sns(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self.failures.append(json.loads(request["Message"]))
        return {}

    def _topic(self, message: str) -> None:
        event = {"Records": [{"Sns": {"Message": message}}]}
        states = self.clients["stepfunctions"]
        self.invoke("NotifyFunction", lambda: notify(event, states=states, table=self.table))

    def invoke(self, name: str, function: Callable[[], Any], tries: int = 3) -> None:
        """Invoke like SNS and EventBridge: asynchronously, with retries."""
        try:
            self.run(name, function)
        except TaskFailed:
            if tries > 1:
                self.after(60.0, lambda: self.invoke(name, function, tries - 1))
            else:
                self.hits["not heard"] += 1

    def _wrote(self, before: Item, after: Item) -> None:
        if before.get("status") != after.get("status"):
            job_id = after["id"]["S"]
            self.statuses.setdefault(job_id, []).append(after["status"]["S"])
            self.on_status(job_id)
