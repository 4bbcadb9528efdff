# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Custom resources: CloudFormation's request, the function's polls, and its answer."""

import json
import threading
import time
import uuid
from typing import Any, Protocol

from local_cloud.cloudformation.resources import Clients
from local_cloud.cloudformation.stacks import Made, Resource, ResourceFailed, Stack

MAX_RESPONSE_BYTES = 4096
"""CloudFormation's limit for the answer of a custom resource."""

_POLL_SECONDS = 1.0
"""Our pace for rules that EventBridge fires every two minutes."""


class FunctionRunner(Protocol):
    """Invokes Lambda functions."""

    def invoke(self, function_arn: str, event: dict[str, Any]) -> None:
        """Run the function on the event and wait for its end; raises ResourceFailed."""


class ResponseBox:
    """Where custom resources put their answers, one box for each request.

    Parameters
    ----------
    url : str
        Address of the local cloud, ``https://…`` because crhelper takes nothing else.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._answers: dict[str, list[dict[str, Any]]] = {}

    def open(self) -> tuple[str, str]:
        """Return the token of a new box and the URL to put the answer to."""
        token = uuid.uuid4().hex
        with self._lock:
            self._answers[token] = []
        return token, f"{self._url}/_local/responses/{token}"

    def put(self, token: str, body: bytes) -> bool:
        """Take an answer; False where it is too large or nobody waits for it."""
        if len(body) > MAX_RESPONSE_BYTES:
            return False
        with self._lock:
            if token not in self._answers:
                return False
            self._answers[token].append(json.loads(body))
        return True

    def answer(self, token: str) -> dict[str, Any] | None:
        """Return the first answer, if there is one."""
        with self._lock:
            return next(iter(self._answers[token]), None)


class CustomResourceType:
    """Every ``Custom::…`` type.

    Parameters
    ----------
    runner : FunctionRunner
    box : ResponseBox
    clients : callable
    """

    def __init__(self, runner: FunctionRunner, box: ResponseBox, clients: Clients) -> None:
        self._runner = runner
        self._box = box
        self._clients = clients
        self._stacks: dict[tuple[str, str], Stack] = {}

    def create(self, clients: Clients, stack: Stack, wanted: Resource) -> Made:  # noqa: ARG002
        """Send Create."""
        return self._made(self._request("Create", stack, wanted))

    def update(self, clients: Clients, stack: Stack, current: Resource, wanted: Resource) -> Made:  # noqa: ARG002
        """Send Update with the old properties."""
        more = {
            "PhysicalResourceId": current.physical_id,
            "OldResourceProperties": as_strings(current.properties),
        }
        return self._made(self._request("Update", stack, wanted, more))

    def delete(self, clients: Clients, current: Resource) -> None:  # noqa: ARG002
        """Send Delete with the properties that it was last given."""
        more = {"PhysicalResourceId": current.physical_id}
        stack = self._stacks[current.properties["ServiceToken"], current.physical_id]
        self._made(self._request("Delete", stack, current, more))

    def _request(
        self, kind: str, stack: Stack, resource: Resource, more: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        token, url = self._box.open()
        event = {
            "RequestType": kind,
            "ResponseURL": url,
            "StackId": stack.stack_id,
            "RequestId": str(uuid.uuid4()),
            "LogicalResourceId": resource.logical_id,
            "ResourceType": resource.kind,
            "ResourceProperties": as_strings(resource.properties),
            **(more or {}),
        }
        service_token = resource.properties["ServiceToken"]
        # Two stacks may have given the same id, when one of them failed on the other's name.
        self._stacks[service_token, _made_up(stack, event)] = stack
        answer = self._wait(stack, token, service_token, event)
        self._stacks[service_token, answer["PhysicalResourceId"]] = stack
        return answer

    def _wait(
        self, stack: Stack, token: str, function_arn: str, event: dict[str, Any]
    ) -> dict[str, Any]:
        """Invoke, then fire the function's own EventBridge rule until there is an answer."""
        seconds = int(event["ResourceProperties"].get("ServiceTimeout", 3600))
        end = time.monotonic() + seconds
        self._runner.invoke(function_arn, event)
        while (answer := self._box.answer(token)) is None:
            if stack.is_given_up and event["RequestType"] == "Create":
                raise ResourceFailed("Resource creation cancelled", _made_up(stack, event))
            poll = self._scheduled(event["RequestId"])
            if poll is None or time.monotonic() > end:
                raise ResourceFailed(
                    f"{event['LogicalResourceId']} did not answer: see the function's log",
                    event.get("PhysicalResourceId", ""),
                )
            time.sleep(_POLL_SECONDS)
            self._runner.invoke(function_arn, poll)
        return answer

    def _scheduled(self, request_id: str) -> dict[str, Any] | None:
        """Return the input of the rule that goes on with a request."""
        events = self._clients("events")
        for rule in events.list_rules()["Rules"]:
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                poll: dict[str, Any] = json.loads(target["Input"])
                if poll.get("RequestId") == request_id:
                    return poll
        return None

    def _made(self, answer: dict[str, Any]) -> Made:
        if answer["Status"] != "SUCCESS":
            raise ResourceFailed(answer["Reason"], answer["PhysicalResourceId"])
        return Made(answer["PhysicalResourceId"], answer.get("Data", {}))


def _made_up(stack: Stack, event: dict[str, Any]) -> str:
    """Return the id that CloudFormation gives to what has not told its own."""
    unique = event["RequestId"].replace("-", "")[:12].upper()
    return f"{stack.name}-{event['LogicalResourceId']}-{unique}"


def as_strings(value: Any) -> Any:
    """Return properties as CloudFormation passes them on: every scalar as a string.

    Parameters
    ----------
    value : Any
        Plain dictionaries, lists and scalars.

    Returns
    -------
    Any
    """
    if isinstance(value, dict):
        return {key: as_strings(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_strings(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
