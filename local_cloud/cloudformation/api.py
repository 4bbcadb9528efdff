# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CloudFormation's API on our stack engine, as far as the AWS CLI and SDKs need it to deploy."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from local_cloud.cloudformation.nested_stacks import has_changed
from local_cloud.cloudformation.parameters import required_capabilities
from local_cloud.cloudformation.properties import as_strings
from local_cloud.cloudformation.stack import Event, Resource, Stack, Template
from local_cloud.cloudformation.stack_engine import StackEngine
from local_cloud.cloudformation.templates import CloudFormationError, Templates
from local_cloud.service import ApiAnswer, ApiRequest, Service


@dataclass(frozen=True)
class _ChangeSet:
    identifier: str
    name: str
    stack: Stack
    template: Template
    values: dict[str, str]
    capabilities: list[str]
    tags: dict[str, str] | None
    kind: str
    empty: bool


class CloudFormation(Service):
    """The API of one account and Region."""

    title = "CloudFormation"
    service = "cloudformation"
    refusal = CloudFormationError

    def __init__(self, engine: StackEngine, templates: Templates, region: str) -> None:
        super().__init__()
        self._engine = engine
        self._templates = templates
        self._region = region
        self._roots: dict[str, Stack] = {}
        self._change_sets: dict[str, _ChangeSet] = {}

    def stacks(self) -> list[Stack]:
        """Return the existing stacks, including nested ones."""
        every = _with_children(self._roots.values())
        return [stack for stack in every if stack.status != "DELETE_COMPLETE"]

    def stack(self, name: str) -> Stack:
        """Return a stack by id, or an existing one by name."""
        if (stack := self._find(name)) is None:
            raise CloudFormationError(f"Stack with id {name} does not exist")
        return stack

    def _create_stack(self, request: ApiRequest) -> ApiAnswer:
        stack, template, values = self._new(request)
        self._engine.create(stack, template, values)
        return {"StackId": stack.stack_id}

    def _update_stack(self, request: ApiRequest) -> ApiAnswer:
        stack, template, values = self._changed(request)
        tags = _tags(request)
        if not _has_work(stack, template, values, tags):
            raise CloudFormationError("No updates are to be performed.")
        stack.capabilities = request.get("Capabilities", [])
        self._engine.update(stack, template, values, tags)
        return {"StackId": stack.stack_id}

    def _delete_stack(self, request: ApiRequest) -> ApiAnswer:
        stack = self._find(request["StackName"])
        if stack and stack.status != "DELETE_COMPLETE":
            if stack.status in {"UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS"}:
                raise CloudFormationError(f"Stack {stack.name} is in {stack.status} state.")
            self._engine.delete(stack)
        return {}

    def _describe_stacks(self, request: ApiRequest) -> ApiAnswer:
        name = request.get("StackName")
        found = [self.stack(request["StackName"])] if name else self.stacks()
        return {"Stacks": [_stack_fields(stack) for stack in found]}

    def _describe_stack_events(self, request: ApiRequest) -> ApiAnswer:
        stack = self.stack(request["StackName"])
        return {"StackEvents": [_event_fields(stack, event) for event in reversed(stack.events)]}

    def _describe_stack_resources(self, request: ApiRequest) -> ApiAnswer:
        stack = self.stack(request["StackName"])
        resources = [
            _resource_fields(stack, item, stack.created, stack.status_of(item.logical_id))
            for item in stack.resources.values()
        ]
        return {"StackResources": resources}

    def _create_change_set(self, request: ApiRequest) -> ApiAnswer:
        kind = request.get("ChangeSetType", "UPDATE")
        creates = kind == "CREATE"
        stack, template, values = self._new(request) if creates else self._changed(request)
        name = request["ChangeSetName"]
        identifier = stack.stack_id.replace(":stack/", ":changeSet/").replace(stack.name, name, 1)
        tags = _tags(request)
        empty = not creates and not _has_work(stack, template, values, tags)
        given = request.get("Capabilities", [])
        self._change_sets[identifier] = _ChangeSet(
            identifier, name, stack, template, values, given, tags, kind, empty
        )
        return {"Id": identifier, "StackId": stack.stack_id}

    def _describe_change_set(self, request: ApiRequest) -> ApiAnswer:
        found = self._change_set(request)
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

    def _execute_change_set(self, request: ApiRequest) -> ApiAnswer:
        found = self._change_set(request)
        found.stack.capabilities = found.capabilities
        if found.kind == "CREATE":
            self._engine.create(found.stack, found.template, found.values)
        else:
            self._engine.update(found.stack, found.template, found.values, found.tags)
        return {}

    def _delete_change_set(self, request: ApiRequest) -> ApiAnswer:
        del self._change_sets[self._change_set(request).identifier]
        return {}

    def _get_template_summary(self, request: ApiRequest) -> ApiAnswer:
        name = request.get("StackName")
        template = self.stack(name).template if name else self._templates.read(request)
        required = required_capabilities(template)
        return {
            "Description": str(template.get("Description", "")),
            "Parameters": [
                _declaration_fields(name, item)
                for name, item in template.get("Parameters", {}).items()
            ],
            "Capabilities": list(required),
            "CapabilitiesReason": "; ".join(required.values()),
            "ResourceTypes": sorted({item["Type"] for item in template["Resources"].values()}),
            "Version": str(template.get("AWSTemplateFormatVersion", "2010-09-09")),
        }

    _validate_template = _get_template_summary

    def _new(self, request: ApiRequest) -> tuple[Stack, Template, dict[str, str]]:
        name = request["StackName"]
        existing = self._find(name)
        if existing and existing.status == "REVIEW_IN_PROGRESS":
            del self._roots[existing.stack_id]
        elif existing:
            raise CloudFormationError(f"Stack [{name}] already exists", "AlreadyExistsException")
        template, values = self._templates.read(request), _values(request, {})
        given = request.get("Capabilities", [])
        self._templates.check(template, values, given)
        stack = Stack(name, self._region, capabilities=given, own_tags=_tags(request) or {})
        self._roots[stack.stack_id] = stack
        return stack, template, values

    def _changed(self, request: ApiRequest) -> tuple[Stack, Template, dict[str, str]]:
        stack = self.stack(request["StackName"])
        if not stack.status.endswith("_COMPLETE") or stack.status == "ROLLBACK_COMPLETE":
            message = f"Stack:{stack.stack_id} is in {stack.status} state and can not be updated."
            raise CloudFormationError(message)
        kept = request.get("UsePreviousTemplate")
        template = stack.template if kept else self._templates.read(request)
        values = _values(request, stack.parameters)
        self._templates.check(template, values, request.get("Capabilities", []))
        return stack, template, values

    def _find(self, name: str) -> Stack | None:
        by_id = {stack.stack_id: stack for stack in _with_children(self._roots.values())}
        by_name = {stack.name: stack for stack in self.stacks()}
        return by_id.get(name) or by_name.get(name)

    def _change_set(self, request: ApiRequest) -> _ChangeSet:
        wanted = request["ChangeSetName"]
        for found in self._change_sets.values():
            if wanted in {found.identifier, found.name}:
                return found
        raise CloudFormationError(f"ChangeSet [{wanted}] does not exist", "ChangeSetNotFound")


def _with_children(stacks: Iterable[Stack]) -> Iterator[Stack]:
    for stack in list(stacks):
        yield stack
        yield from _with_children(stack.children.values())


def _values(request: ApiRequest, previous: dict[str, str]) -> dict[str, str]:
    values = {}
    for item in request.get("Parameters", []):
        name = item["ParameterKey"]
        if not item.get("UsePreviousValue"):
            values[name] = item.get("ParameterValue", "")
        elif name in previous:
            values[name] = previous[name]
    return values


def _declaration_fields(name: str, declaration: dict[str, Any]) -> ApiAnswer:
    fields = {
        "ParameterKey": name,
        "ParameterType": declaration["Type"],
        "Description": str(declaration.get("Description", "")),
        "NoEcho": as_strings(declaration.get("NoEcho", False)) == "true",
    }
    if "AllowedValues" in declaration:
        allowed = as_strings(declaration["AllowedValues"])
        fields["ParameterConstraints"] = {"AllowedValues": allowed}
    # Clients ask for a value if there is no DefaultValue.
    if "Default" in declaration:
        fields["DefaultValue"] = as_strings(declaration["Default"])
    return fields


def _tags(request: ApiRequest) -> dict[str, str] | None:
    """Return the stack tags in a request; None to keep the current ones."""
    if "Tags" not in request:
        return None
    return {tag["Key"]: tag["Value"] for tag in request["Tags"]}


def _has_work(
    stack: Stack, template: Template, values: dict[str, str], tags: dict[str, str] | None
) -> bool:
    """Return whether an update changes anything; tags count."""
    has_other_tags = tags is not None and tags != stack.own_tags
    return has_other_tags or has_changed(stack, template, values)


def _stack_fields(stack: Stack) -> ApiAnswer:
    family = {}
    if stack.parent:
        family = {"ParentId": stack.parent.stack_id, "RootId": stack.root.stack_id}
    return {
        **family,
        "StackId": stack.stack_id,
        "StackName": stack.name,
        "Description": stack.template.get("Description", ""),
        "CreationTime": stack.created,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "Capabilities": stack.capabilities,
        "Parameters": _pairs("Parameter", stack.parameters),
        "Outputs": _pairs("Output", stack.outputs),
        "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
    }


def _pairs(kind: str, values: dict[str, str]) -> list[ApiAnswer]:
    return [{f"{kind}Key": key, f"{kind}Value": value} for key, value in values.items()]


def _event_fields(stack: Stack, event: Event) -> ApiAnswer:
    of_resource = _resource_fields(stack, event, event.timestamp, event.status)
    return {**of_resource, "EventId": event.event_id, "ResourceStatusReason": event.reason}


def _resource_fields(stack: Stack, item: Resource | Event, at: float, status: str) -> ApiAnswer:
    return {
        "StackName": stack.name,
        "StackId": stack.stack_id,
        "LogicalResourceId": item.logical_id,
        "PhysicalResourceId": item.physical_id,
        "ResourceType": item.resource_type,
        "Timestamp": at,
        "ResourceStatus": status,
    }
