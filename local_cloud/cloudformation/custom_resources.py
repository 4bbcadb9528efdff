# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Custom resources: request, polling by the function, and response."""

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_cloud.cloudformation.properties import as_strings, number
from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.resource_types.base import Clients, ResourceType
from local_cloud.cloudformation.stack import Resource, Stack

MAX_RESPONSE_BYTES = 4096
"""CloudFormation's limit for a custom resource's response."""

_POLL_SECONDS = 1.0
"""Our polling interval for rules that EventBridge fires every two minutes."""

Event = dict[str, Any]


def random_id() -> str:
    """Return a request id in CloudFormation's format."""
    return str(uuid.uuid4())


class ResponseBox:
    """Collects responses, one box per request; crhelper only accepts an ``https://…`` `url`."""

    def __init__(self, url: str, new_id: Callable[[], str] = random_id) -> None:
        self._url = url
        self._new_id = new_id
        self._lock = threading.Lock()
        self._answers: dict[str, list[dict[str, Any]]] = {}

    def open(self) -> tuple[str, str]:
        """Create a box; return its token and its response URL."""
        token = self._new_id()
        with self._lock:
            self._answers[token] = []
        return token, f"{self._url}/_local/responses/{token}"

    def put(self, token: str, body: bytes) -> bool:
        """Store a response; return False if it is too large or not expected."""
        if len(body) > MAX_RESPONSE_BYTES:
            return False
        with self._lock:
            if token not in self._answers:
                return False
            self._answers[token].append(json.loads(body))
        return True

    def answer(self, token: str) -> dict[str, Any] | None:
        """Return the first response, if any."""
        with self._lock:
            return next(iter(self._answers[token]), None)


class EventBridgePolls:
    """Finds the EventBridge rules with which crhelper re-invokes its function."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def __call__(self, request_id: str) -> Event | None:
        """Return the input of the rule that continues a request, or None."""
        events = self._clients("events")
        for rule in events.list_rules()["Rules"]:
            for target in events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                poll: Event = json.loads(target.get("Input", "{}"))  # unrelated rules have none
                if poll.get("RequestId") == request_id:
                    return poll
        return None


@dataclass
class CustomResources(ResourceType):
    """The provider of every ``Custom::…`` type.

    `runner.invoke(function_arn, event)` is called with the request, then with each poll, and may
    raise ResourceFailed. `polls` returns the next event for a request id, or None if no response
    will come. `clock` is like the `time` module, for the time between polls and the limit of
    ``ServiceTimeout``.
    """

    runner: Any
    box: ResponseBox
    polls: Callable[[str], Event | None]
    clock: Any = time
    new_id: Callable[[], str] = random_id

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Send Create."""
        return self._request("Create", stack, wanted)

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Send Update with the old properties."""
        more = {
            "PhysicalResourceId": current.physical_id,
            "OldResourceProperties": as_strings(current.properties),
        }
        return self._request("Update", stack, wanted, more)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Send Delete with the latest properties."""
        self._request("Delete", stack, current, {"PhysicalResourceId": current.physical_id})

    def _request(
        self, kind: str, stack: Stack, resource: Resource, more: Event | None = None
    ) -> PhysicalResource:
        token, url = self.box.open()
        event = {
            "RequestType": kind,
            "ResponseURL": url,
            "StackId": stack.stack_id,
            "RequestId": self.new_id(),
            "LogicalResourceId": resource.logical_id,
            "ResourceType": resource.resource_type,
            "ResourceProperties": as_strings(resource.properties),
            **(more or {}),
        }
        answer = self._wait(stack, token, resource.properties["ServiceToken"], event)
        if answer["Status"] != "SUCCESS":
            raise ResourceFailed(answer["Reason"], answer["PhysicalResourceId"])
        return PhysicalResource(answer["PhysicalResourceId"], answer.get("Data", {}))

    def _wait(self, stack: Stack, token: str, function_arn: str, event: Event) -> Event:
        """Invoke, then re-invoke as EventBridge would, until there is a response."""
        timeout = event["ResourceProperties"].get("ServiceTimeout", 3600)
        seconds = number(timeout, "#/ServiceTimeout")
        end = self.clock.monotonic() + seconds
        self.runner.invoke(function_arn, event)
        while (answer := self.box.answer(token)) is None:
            if stack.is_given_up and event["RequestType"] == "Create":
                raise ResourceFailed("Resource creation cancelled", _made_up(stack, event))
            poll = self.polls(event["RequestId"])
            if poll is None or self.clock.monotonic() > end:
                raise ResourceFailed(
                    f"{event['LogicalResourceId']} did not answer: see the function's log",
                    event.get("PhysicalResourceId") or _made_up(stack, event),
                )
            self.clock.sleep(_POLL_SECONDS)
            self.runner.invoke(function_arn, poll)
        return answer


def _made_up(stack: Stack, event: Event) -> str:
    """Return CloudFormation's default id for a resource that did not choose one."""
    unique = event["RequestId"].replace("-", "")[:12].upper()
    return f"{stack.name}-{event['LogicalResourceId']}-{unique}"
