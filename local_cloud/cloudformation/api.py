# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CloudFormation's API over our stack engine, as far as the AWS CLI's deploy and SDKs use it."""

import datetime
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from local_cloud.cloudformation import parameters
from local_cloud.cloudformation.provider import ResourceFailed
from local_cloud.cloudformation.resources import Clients
from local_cloud.cloudformation.stack import NESTED, Event, Stack
from local_cloud.cloudformation.stack_engine import StackEngine
from local_cloud.template_reader import read_template

_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
_MAX_INLINE_BYTES = 51_200
_MAX_S3_BYTES = 1_000_000

Query = Mapping[str, str]


class CloudFormationError(Exception):
    """A refusal (HTTP 400).

    Parameters
    ----------
    code, message : str
        As the service gives them.
    """

    def __init__(self, message: str, code: str = "ValidationError") -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class _ChangeSet:
    identifier: str
    name: str
    stack: Stack
    template: dict[str, Any]
    values: dict[str, str]
    capabilities: list[str]
    kind: str
    empty: bool


class CloudFormation:
    """The API of one account and Region.

    Parameters
    ----------
    engine : StackEngine
    clients : callable
        For templates that are given by URL.
    region : str
    """

    def __init__(self, engine: StackEngine, clients: Clients, region: str) -> None:
        self._engine = engine
        self._clients = clients
        self._region = region
        self._lock = threading.RLock()
        self._stacks: dict[str, Stack] = {}
        self._change_sets: dict[str, _ChangeSet] = {}
        self._actions: dict[str, Callable[[Query], dict[str, Any]]] = {
            "CreateStack": self._create_stack,
            "UpdateStack": self._update_stack,
            "DeleteStack": self._delete_stack,
            "DescribeStacks": self._describe_stacks,
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackResources": self._describe_stack_resources,
            "CreateChangeSet": self._create_change_set,
            "DescribeChangeSet": self._describe_change_set,
            "ExecuteChangeSet": self._execute_change_set,
            "DeleteChangeSet": self._delete_change_set,
            "GetTemplateSummary": self._summarise,
            "ValidateTemplate": self._summarise,
        }

    def handle(self, query: Query) -> str:
        """Carry out one API call and return the answer as XML.

        Raises
        ------
        CloudFormationError
        """
        action = query.get("Action", "")
        if action not in self._actions:
            raise CloudFormationError(f"The local cloud has no CloudFormation {action}")
        with self._lock:
            result = self._actions[action](query)
        return (
            f'<{action}Response xmlns="{_NAMESPACE}"><{action}Result>{_xml(result)}'
            f"</{action}Result><ResponseMetadata><RequestId>local</RequestId></ResponseMetadata>"
            f"</{action}Response>"
        )

    def stacks(self) -> list[Stack]:
        """Return the stacks that are not deleted."""
        return [stack for stack in self._stacks.values() if stack.status != "DELETE_COMPLETE"]

    def create_nested(
        self, parent: Stack, name: str, template_url: str, values: dict[str, str]
    ) -> Stack:
        """Make a stack that is a resource of another; it has its parent's capabilities.

        Parameters
        ----------
        parent : Stack
        name, template_url : str
        values : dict of str to str
            Its parameters.

        Returns
        -------
        Stack
            Its status says whether it was created.

        Raises
        ------
        CloudFormationError
            If nothing was begun.
        """
        with self._lock:
            template = self._template({"TemplateURL": template_url})
            self._check(template, values, parent.capabilities)
            child = Stack(name, self._region, capabilities=parent.capabilities, parent=parent)
            self._stacks[child.stack_id] = child
        with suppress(ResourceFailed):
            self._engine.create_nested(child, template, values)
        return child

    def update_nested(self, child: Stack, template_url: str, values: dict[str, str]) -> None:
        """Make a nested stack what its address and parameters say now.

        Raises
        ------
        CloudFormationError
            If nothing was begun.
        ResourceFailed
            After the roll-back.
        """
        assert child.parent is not None
        if "ROLLBACK" in child.parent.status:
            # To what it was, whatever its template's address holds by now.
            if child.applied_update:
                self._engine.roll_back(child, child.parent.reason)
            return
        with self._lock:
            template = self._template({"TemplateURL": template_url})
            self._check(template, values, child.parent.capabilities)
            child.capabilities = child.parent.capabilities
        has_changed = (template, values) != (child.template, child.parameters)
        if has_changed or _has_nested(template):
            self._engine.update_nested(child, template, values)

    def clean_up_nested(self, child: Stack) -> None:
        """Clean up in a nested stack, whose parent's update has succeeded."""
        self._engine.clean_up(child)

    def delete_nested(self, child: Stack) -> None:
        """Delete a nested stack, unless it is gone; its status says whether it was."""
        if child.status != "DELETE_COMPLETE":
            self._engine.delete_nested(child)

    def stack(self, name: str) -> Stack:
        """Return a stack by its name or id; raises CloudFormationError."""
        return self._found(name)

    def _create_stack(self, query: Query) -> dict[str, Any]:
        stack, template, values = self._new(query)
        self._stacks[stack.stack_id] = stack
        self._engine.create(stack, template, values)
        return {"StackId": stack.stack_id}

    def _update_stack(self, query: Query) -> dict[str, Any]:
        stack, template, values = self._changed(query)
        if not _has_changed(stack, template, values):
            raise CloudFormationError("No updates are to be performed.")
        stack.capabilities = _members(query, "Capabilities")
        self._engine.update(stack, template, values)
        return {"StackId": stack.stack_id}

    def _delete_stack(self, query: Query) -> dict[str, Any]:
        stack = self._find(query["StackName"], missing_ok=True)
        if stack and stack.status != "DELETE_COMPLETE":
            if stack.status in {"UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"}:
                raise CloudFormationError(f"Stack {stack.name} is in {stack.status} state.")
            self._engine.delete(stack)
        return {}

    def _describe_stacks(self, query: Query) -> dict[str, Any]:
        name = query.get("StackName")
        found = [self._found(name)] if name else self.stacks()
        return {"Stacks": [_stack_fields(stack) for stack in found]}

    def _describe_stack_events(self, query: Query) -> dict[str, Any]:
        stack = self._found(query["StackName"])
        events = [_event_fields(stack, event) for event in reversed(stack.events)]
        return {"StackEvents": events}

    def _describe_stack_resources(self, query: Query) -> dict[str, Any]:
        stack = self._found(query["StackName"])
        return {
            "StackResources": [
                {
                    "StackName": stack.name,
                    "StackId": stack.stack_id,
                    "LogicalResourceId": item.logical_id,
                    "PhysicalResourceId": item.physical_id,
                    "ResourceType": item.resource_type,
                    "Timestamp": _time(stack.created),
                    "ResourceStatus": stack.status_of(item.logical_id),
                }
                for item in stack.resources.values()
            ]
        }

    def _create_change_set(self, query: Query) -> dict[str, Any]:
        kind = query.get("ChangeSetType", "UPDATE")
        if kind == "CREATE":
            stack, template, values = self._new(query)
            self._stacks[stack.stack_id] = stack
        else:
            stack, template, values = self._changed(query)
        name = query["ChangeSetName"]
        identifier = stack.stack_id.replace(":stack/", ":changeSet/").replace(stack.name, name, 1)
        empty = kind == "UPDATE" and not _has_changed(stack, template, values)
        given = _members(query, "Capabilities")
        self._change_sets[identifier] = _ChangeSet(
            identifier, name, stack, template, values, given, kind, empty
        )
        return {"Id": identifier, "StackId": stack.stack_id}

    def _describe_change_set(self, query: Query) -> dict[str, Any]:
        found = self._change_set(query)
        status = {"Status": "CREATE_COMPLETE", "ExecutionStatus": "AVAILABLE"}
        if found.empty:
            status = {
                "Status": "FAILED",
                "ExecutionStatus": "UNAVAILABLE",
                "StatusReason": "The submitted information didn't contain changes. "
                "Submit different information to create a change set.",
            }
        return {
            "ChangeSetName": found.name,
            "ChangeSetId": found.identifier,
            "StackId": found.stack.stack_id,
            "StackName": found.stack.name,
            **status,
        }

    def _execute_change_set(self, query: Query) -> dict[str, Any]:
        found = self._change_set(query)
        begin = self._engine.create if found.kind == "CREATE" else self._engine.update
        found.stack.capabilities = found.capabilities
        begin(found.stack, found.template, found.values)
        return {}

    def _delete_change_set(self, query: Query) -> dict[str, Any]:
        found = self._change_set(query)
        del self._change_sets[found.identifier]
        return {}

    def _summarise(self, query: Query) -> dict[str, Any]:
        template = self._template(query)
        declared = [
            {
                "ParameterKey": name,
                "DefaultValue": str(item.get("Default", "")),
                "ParameterType": item["Type"],
                "Description": item.get("Description", ""),
            }
            for name, item in template.get("Parameters", {}).items()
        ]
        has_role = any(r["Type"] == "AWS::IAM::Role" for r in template["Resources"].values())
        return {
            "Description": template.get("Description", ""),
            "Parameters": declared,
            "Capabilities": ["CAPABILITY_IAM"] if has_role else [],
        }

    def _new(self, query: Query) -> tuple[Stack, dict[str, Any], dict[str, str]]:
        name = query["StackName"]
        existing = self._find(name, missing_ok=True)
        if existing and existing.status == "REVIEW_IN_PROGRESS":
            del self._stacks[existing.stack_id]
        elif existing:
            raise CloudFormationError(f"Stack [{name}] already exists", "AlreadyExistsException")
        template, values = self._template(query), _parameters(query, {})
        given = _members(query, "Capabilities")
        self._check(template, values, given)
        return Stack(name, self._region, capabilities=given), template, values

    def _changed(self, query: Query) -> tuple[Stack, dict[str, Any], dict[str, str]]:
        stack = self._found(query["StackName"])
        if not stack.status.endswith("_COMPLETE") or stack.status == "ROLLBACK_COMPLETE":
            message = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise CloudFormationError(message)
        template = stack.template
        if query.get("UsePreviousTemplate", "false") != "true":
            template = self._template(query)
        values = _parameters(query, stack.parameters)
        self._check(template, values, _members(query, "Capabilities"))
        return stack, template, values

    def _check(
        self, template: dict[str, Any], values: dict[str, str], capabilities: list[str]
    ) -> None:
        objections = parameters.check(template, values, self._region, capabilities)
        if objections:
            insufficient = all("CAPABILITY" in sentence for sentence in objections)
            code = "InsufficientCapabilitiesException" if insufficient else "ValidationError"
            raise CloudFormationError(" ".join(objections), code)

    def _template(self, query: Query) -> dict[str, Any]:
        text, limit = query.get("TemplateBody", ""), _MAX_INLINE_BYTES
        if "TemplateURL" in query:
            text, limit = self._fetched(query["TemplateURL"]), _MAX_S3_BYTES
        if len(text.encode()) > limit:
            raise CloudFormationError(f"Template may not exceed {limit} bytes in size.")
        try:
            return read_template(text)
        except ValueError as error:
            raise CloudFormationError(str(error)) from error

    def _fetched(self, url: str) -> str:
        """Read ``https://<S3 host>/<bucket>/<key>`` or ``https://<bucket>.s3….com/<key>``."""
        parts = urllib.parse.urlsplit(url)
        host, path = parts.hostname or "", urllib.parse.unquote(parts.path).lstrip("/")
        if ".s3." in host:
            bucket, key = host.split(".s3.")[0], path
        else:
            bucket, _, key = path.partition("/")
        try:
            body: bytes = self._clients("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except Exception as error:
            raise CloudFormationError(f"S3 error: cannot read {url}: {error}") from error
        return body.decode()

    def _find(self, name: str, *, missing_ok: bool = False) -> Stack | None:
        if name in self._stacks:
            return self._stacks[name]
        for stack in self.stacks():
            if stack.name == name:
                return stack
        if missing_ok:
            return None
        raise CloudFormationError(f"Stack with id {name} does not exist")

    def _found(self, name: str) -> Stack:
        stack = self._find(name)
        assert stack is not None
        return stack

    def _change_set(self, query: Query) -> _ChangeSet:
        wanted = query["ChangeSetName"]
        for found in self._change_sets.values():
            if wanted in {found.identifier, found.name}:
                return found
        raise CloudFormationError(f"ChangeSet [{wanted}] does not exist", "ChangeSetNotFound")


def _parameters(query: Query, previous: Mapping[str, str]) -> dict[str, str]:
    values = {}
    number = 1
    while (name := query.get(f"Parameters.member.{number}.ParameterKey")) is not None:
        if query.get(f"Parameters.member.{number}.UsePreviousValue", "false") == "true":
            if name in previous:
                values[name] = previous[name]
        else:
            values[name] = query.get(f"Parameters.member.{number}.ParameterValue", "")
        number += 1
    return values


def _members(query: Query, name: str) -> list[str]:
    return [value for key, value in query.items() if key.startswith(f"{name}.member.")]


def _has_nested(template: dict[str, Any]) -> bool:
    return any(item["Type"] == NESTED for item in template["Resources"].values())


def _has_changed(stack: Stack, template: dict[str, Any], values: dict[str, str]) -> bool:
    """Tell whether an update has anything to do; what is in nested stacks is not known before."""
    return (template, values) != (stack.template, stack.parameters) or _has_nested(template)


def _stack_fields(stack: Stack) -> dict[str, Any]:
    family = {}
    if stack.parent:
        family = {"ParentId": stack.parent.stack_id, "RootId": stack.root.stack_id}
    return {
        **family,
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "Description": stack.template.get("Description", ""),
        "CreationTime": _time(stack.created),
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "Capabilities": stack.capabilities,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value}
            for key, value in stack.parameters.items()
        ],
        "Outputs": [
            {"OutputKey": key, "OutputValue": value} for key, value in stack.outputs.items()
        ],
    }


def _event_fields(stack: Stack, event: Event) -> dict[str, Any]:
    return {
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "EventId": event.event_id,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.resource_type,
        "Timestamp": _time(event.timestamp),
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
    }


def _time(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat()


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(f"<{key}>{_xml(item)}</{key}>" for key, item in value.items())
    if isinstance(value, list):
        return "".join(f"<member>{_xml(item)}</member>" for item in value)
    # XML has no way to write most control characters.
    return escape("".join(c for c in str(value) if c.isprintable() or c in "\t\n"))
