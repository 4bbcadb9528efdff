# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""In-memory AWS behind boto3-like clients, with its own clock and faults for any call."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from types import SimpleNamespace
from typing import Any, NoReturn

from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.session import get_session

from local_cloud import ACCOUNT_ID
from local_cloud.sagemaker.control_plane import SageMaker, ValidationException
from local_cloud.sagemaker.hosting import Container, Health
from local_cloud.sagemaker.quotas import ServiceQuotas
from local_cloud.sagemaker.scaling import ApplicationAutoScaling
from local_cloud.sagemaker.tagging import TaggingApi
from local_cloud.service import Service, ServiceError
from tests.chaos.lives import NOT_VISIBLE_YET, Fault
from tests.fakes.object_store import Client, ObjectStore, refusal

REGION = "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:whisper-"
"""ARN of a stack's function, without the stack's name."""

_MOST_TAGS = 50  # per function
_TAGGING_LAG = 300.0  # seconds: longer than two polls

_THROTTLED = {
    "lambda": "TooManyRequestsException",
    "resourcegroupstaggingapi": "ThrottledException",
    "s3": "SlowDown",
}
"""Throttling error codes; other services say ThrottlingException."""


class Killed(BaseException):
    """The function was killed, as by Lambda's time limit; nothing catches it."""


class TimeIsOver(Killed):
    """It reached Lambda's time limit; crhelper responded half a second before."""


class Clock:
    """The simulated time."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def time(self) -> float:
        """Seconds since the epoch."""
        return self.now

    monotonic = time

    def sleep(self, seconds: float) -> None:
        """Advance the time."""
        self.now += seconds


class Containers:
    """Containers without processes; the outcome of later starts can be set."""

    def __init__(self, may_read: Callable[[str], bool]) -> None:
        self._may_read = may_read
        self.outcome: tuple[Health, str] = (Health.READY, "")
        self.polls_to_start = 1
        self.transcribes = True
        self._state: dict[str, tuple[Health, str, int, bool]] = {}

    def start(self, container: Container) -> None:
        """Start a container; it cannot read archives in other accounts' buckets."""
        health, reason = self.outcome
        if not self._may_read(container.model_data_uri):
            health, reason = Health.FAILED, "Access denied to the model's data"
        self._state[container.name] = (health, reason, self.polls_to_start, self.transcribes)

    def health(self, container: Container) -> tuple[Health, str]:
        """Return its health; each call advances its start."""
        health, reason, steps, good = self._state[container.name]
        if steps > 0:
            self._state[container.name] = (health, reason, steps - 1, good)
            return Health.STARTING, ""
        return health, reason

    def is_good(self, container: Container) -> bool:
        """Return whether it transcribes."""
        return self._state[container.name][3]

    def address(self, container: Container) -> str:
        """Return its name: nothing connects to it."""
        return container.name

    def stop(self, container: Container) -> None:
        """Nothing runs."""

    def is_stopped(self, container: Container) -> bool:
        """Nothing runs."""
        return True

    def close(self) -> None:
        """Nothing runs."""


@dataclass
class Aws:
    """One account; `client` stands in for ``boto3.client``."""

    clock: Clock = field(default_factory=Clock)
    calls: Counter[str] = field(default_factory=Counter)
    fault: Fault | None = None
    """Set by `arm`, and not yet met by a call."""
    waiting: Fault | None = None
    """A fault waiting for one of the `RAREST` calls."""
    before_call: Callable[[str, dict[str, Any]], None] = lambda operation, request: None
    on_call: Callable[[str, dict[str, Any]], None] = lambda operation, request: None
    on_fault: Callable[[str, str], None] = lambda operation, kind: None

    def __post_init__(self) -> None:
        """Create the services."""
        self.containers = Containers(self._may_read)
        self.scaling = ApplicationAutoScaling(REGION)
        self.tagging, quotas = TaggingApi(self.clock.time, _TAGGING_LAG), ServiceQuotas()
        self.sagemaker = SageMaker(
            self.containers, REGION, self.clock.time, self.scaling, self.tagging, quotas
        )
        services = (self.sagemaker, self.scaling, self.tagging, quotas)
        self._planes: dict[str, Service] = {plane.service: plane for plane in services}
        self.s3 = ObjectStore(self.clock.time)
        self.rules: dict[str, dict[str, Any] | None] = {}
        self.permissions: set[str] = set()
        self.is_over = False
        """Whether running invocations end at their next call."""
        self.killed: set[int] = set()
        """Threads of killed invocations."""
        self.last_call: dict[int, tuple[str, bool]] = {}
        """By thread: the operation, and whether its response arrived."""
        self.made: Counter[int] = Counter()
        """By thread: number of calls of its invocation."""
        self.function_tags: dict[str, dict[str, str]] = {}
        self.status_of: Callable[[str], str] = lambda stack_id: "CREATE_IN_PROGRESS"

    def _may_read(self, uri: str) -> bool:
        bucket = uri.removeprefix("s3://").partition("/")[0]
        return bucket not in self.s3.buckets or self.s3.buckets[bucket].owner == ACCOUNT_ID

    def client(self, service: str, **_: Any) -> Any:
        """Return a client of a service."""
        return Client(partial(self.call, service))

    def own_client(self, service: str) -> Any:
        """Return CloudFormation's own client of a service: its calls never fail."""
        client: Any = Client(partial(self._carry_out, service))
        client.meta = SimpleNamespace(service_model=_model(service))
        return client

    def arm(self, fault: Fault | None) -> None:
        """Set a fault for one of the next calls."""
        self.fault, self._calls_left = fault, fault.after_calls if fault else 0

    def call(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        """Execute a call, or raise the fault that is due."""
        if threading.get_ident() in self.killed:
            raise Killed  # clean-up code makes no calls
        self.before_call(operation, request)
        if self.is_over:
            raise Killed
        self.last_call[threading.get_ident()] = operation, False
        self.calls[operation] += 1
        self.made[threading.get_ident()] += 1
        kind = self._due(operation)
        if kind == "killed before":
            self.kill(Killed())
        if kind in {"throttled", "failed", "denied", "missing"}:
            raise _error(kind, service, operation)
        answer = self._carry_out(service, operation, request)
        self.on_call(operation, request)
        if kind == "killed after":
            self.kill(Killed())
        if kind == "lost":
            raise refusal("InternalFailure", operation, 500)
        self.last_call[threading.get_ident()] = operation, True
        return answer

    def kill(self, how: Killed) -> NoReturn:
        """Kill the calling invocation; it makes no further calls."""
        self.killed.add(threading.get_ident())
        raise how

    def _due(self, operation: str) -> str:
        """Return the kind of fault for a call; empty for none."""
        if self.waiting and self.waiting.operation == operation:
            kind, self.waiting = self.waiting.kind, None
            self.on_fault(operation, kind)
            return kind
        if self.fault is None or self.fault.operation not in {"", operation}:
            return ""
        self._calls_left -= 1
        if self._calls_left >= 0:
            return ""
        kind = self.fault.kind
        if kind == "missing" and operation not in NOT_VISIBLE_YET:
            return ""  # only some calls can meet it
        self.fault = None
        self.on_fault(operation, kind)
        return kind

    def _carry_out(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        if service == "s3":
            return self.s3.call(operation, request)
        if service in self._planes:
            return self._control(service, operation, request)
        method: Callable[..., Any] = getattr(self, f"_{operation}")
        return method(**request)

    def _control(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        try:
            return self._planes[service].handle(
                _api_name(service, operation), json.loads(json.dumps(request))
            )
        except ValidationException as error:
            raise _refused("ValidationException", str(error), operation) from error
        except ServiceError as error:
            raise _refused(error.code, str(error), operation) from error

    def _tag_resource(self, Resource: str, Tags: dict[str, str]) -> Any:  # noqa: N803
        tags = {**self.function_tags.get(Resource, {}), **Tags}
        if len(tags) > _MOST_TAGS:
            raise _refused("InvalidParameterValueException", "too many tags", "TagResource")
        self.function_tags[Resource] = tags

    def _untag_resource(self, Resource: str, TagKeys: list[str]) -> Any:  # noqa: N803
        for key in TagKeys:
            self.function_tags.get(Resource, {}).pop(key, None)

    def _list_tags(self, Resource: str) -> Any:  # noqa: N803
        return {"Tags": dict(self.function_tags.get(Resource, {}))}

    def _add_permission(self, StatementId: str, **_: Any) -> Any:  # noqa: N803
        self.permissions.add(StatementId)
        return {}

    def _remove_permission(self, StatementId: str, **_: Any) -> Any:  # noqa: N803
        if StatementId not in self.permissions:
            raise _refused("ResourceNotFoundException", "no statement", "RemovePermission")
        self.permissions.remove(StatementId)
        return {}

    def _put_rule(self, Name: str, **_: Any) -> Any:  # noqa: N803
        self.rules.setdefault(Name, None)
        return {"RuleArn": f"arn:aws:events:{REGION}:123456789012:rule/{Name}"}

    def _put_targets(self, Rule: str, Targets: list[dict[str, Any]]) -> Any:  # noqa: N803
        self._require_rule(Rule, "PutTargets")
        self.rules[Rule] = json.loads(Targets[0]["Input"])

    def _list_rule_names_by_target(self, TargetArn: str) -> Any:  # noqa: N803
        theirs = {name: event for name, event in self.rules.items() if event}
        arns = {name: FUNCTION + event["StackId"].split("/")[1] for name, event in theirs.items()}
        return {"RuleNames": [name for name in theirs if arns[name] == TargetArn]}

    def _list_targets_by_rule(self, Rule: str) -> Any:  # noqa: N803
        self._require_rule(Rule, "ListTargetsByRule")
        event = self.rules[Rule]
        return {"Targets": [{"Id": "1", "Input": json.dumps(event)}] if event else []}

    def _remove_targets(self, Rule: str, Ids: list[str]) -> Any:  # noqa: N803
        self._require_rule(Rule, "RemoveTargets")
        self.rules[Rule] = None

    def _require_rule(self, name: str, operation: str) -> None:
        if name not in self.rules:
            raise _refused("ResourceNotFoundException", f"Rule {name} does not exist", operation)

    def _delete_rule(self, Name: str) -> Any:  # noqa: N803
        if self.rules.get(Name):
            raise _refused("ValidationException", "Rule has targets", "DeleteRule")
        self.rules.pop(Name, None)

    def _describe_log_streams(self, **_: Any) -> Any:
        raise _refused("ResourceNotFoundException", "no group", "DescribeLogStreams")

    _put_retention_policy = _describe_log_streams

    def _describe_alarms(self, AlarmNames: list[str]) -> Any:  # noqa: N803
        return {"MetricAlarms": [{"AlarmName": n, "StateValue": "OK"} for n in AlarmNames[:1]]}

    def _describe_stacks(self, StackName: str) -> Any:  # noqa: N803
        tags = [{"Key": "team", "Value": StackName.split("/")[1]}]
        return {"Stacks": [{"StackStatus": self.status_of(StackName), "Tags": tags}]}

    def _invoke_endpoint(self, EndpointName: str, **_: Any) -> Any:  # noqa: N803
        endpoint = self.sagemaker.endpoints.get(EndpointName)
        if endpoint is None or endpoint.serving is None:
            raise _refused("ValidationError", "no such endpoint", "InvokeEndpoint")
        good = self.containers.is_good(endpoint.serving)
        text: dict[str, Any] = {"text": "hello" if good else "", "language": "en", "segments": []}
        return {"Body": SimpleNamespace(read=lambda: json.dumps(text))}


@cache
def _model(service: str) -> Any:
    return get_session().get_service_model(service)


@cache
def _api_name(service: str, operation: str) -> str:
    names = _model(service).operation_names
    return str(next(api for api in names if xform_name(api) == operation))


def _refused(code: str, message: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def _error(kind: str, service: str, operation: str) -> ClientError:
    if kind == "throttled":
        code = _THROTTLED.get(service, "ThrottlingException")
        return refusal(code, operation, 503 if service == "s3" else 400)
    if kind == "failed":
        return refusal("InternalFailure", operation, 500)
    if kind == "missing":
        return _refused("ValidationException", NOT_VISIBLE_YET[operation], operation)
    return refusal("AccessDeniedException", operation)
