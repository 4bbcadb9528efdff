# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Nested stacks: operations on a child are part of its parent's.

A child cleans up only after its parent's whole update has succeeded, and rolls back with it
otherwise: CloudFormation User Guide, "Nested stacks" and "Update behaviors".
"""

from collections.abc import Callable
from typing import Any

from local_cloud.cloudformation.properties import as_strings, names
from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.resource_types.base import ResourceType, generated_name
from local_cloud.cloudformation.stack import NESTED, Resource, Stack, Template
from local_cloud.cloudformation.stack_engine import StackEngine
from local_cloud.cloudformation.templates import CloudFormationError, Templates

_MAX_NAME = 128


class NestedStacks(ResourceType):
    """``AWS::CloudFormation::Stack``; ``Ref`` returns its id, ``GetAtt`` its ``Outputs.…``."""

    takes = names("TemplateURL", "Parameters")

    def __init__(self, templates: Templates, engine: Callable[[], StackEngine]) -> None:
        self._templates = templates
        self._engine = engine

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create a child and wait; it inherits its parent's capabilities."""
        template, values = self._asked(stack, wanted)
        name = generated_name(stack, wanted, _MAX_NAME)
        child = Stack(name, stack.region, capabilities=stack.capabilities, parent=stack)
        stack.children[child.stack_id] = child
        try:
            self._engine().create_nested(child, template, values)
        except ResourceFailed as failure:
            raise ResourceFailed(
                f"Embedded stack {child.stack_id} was not successfully created: {failure}",
                child.stack_id,
            ) from failure
        return _physical(child)

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update a child, or roll its update back with its parent."""
        child = stack.children[current.physical_id]
        if child.status == "UPDATE_ROLLBACK_FAILED":
            raise ResourceFailed(f"{child.stack_id} is in {child.status} state", child.stack_id)
        # Roll back to the previous template, whatever its URL serves by now.
        goes_back = "ROLLBACK" in stack.status
        wish = (child.template, child.parameters) if goes_back else self._asked(stack, wanted)
        child.capabilities = stack.capabilities
        try:
            if goes_back and child.applied_update:
                self._engine().roll_back(child, stack.reason)
            elif not goes_back and has_changed(child, *wish):
                self._engine().update_nested(child, *wish)
        except ResourceFailed as failure:
            raise ResourceFailed(
                f"Embedded stack {child.stack_id} was not successfully updated. Currently in "
                f"{child.status} with reason: {failure}",
                child.stack_id,
            ) from failure
        return _physical(child)

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete a child and wait."""
        child = stack.children[current.physical_id]
        if child.status != "DELETE_COMPLETE":
            self._engine().delete_nested(child)
        if child.status != "DELETE_COMPLETE":
            raise ResourceFailed(
                f"Embedded stack {child.stack_id} was not successfully deleted: {child.reason}",
                child.stack_id,
            )

    def _asked(self, stack: Stack, wanted: Resource) -> tuple[Template, dict[str, str]]:
        """Return the requested template and parameters of a child."""
        if "TemplateURL" not in wanted.properties:
            raise ResourceFailed(f"{wanted.logical_id}: give the stack a TemplateURL.")
        given: dict[str, Any] = wanted.properties.get("Parameters", {})
        for name, value in given.items():
            if isinstance(value, dict | list):
                raise ResourceFailed(
                    f"{wanted.logical_id}: parameters of a stack are strings: "
                    f"join the items of {name}."
                )
        values = as_strings(given)
        try:
            template = self._templates.read(wanted.properties)
            self._templates.check(template, values, stack.capabilities)
        except CloudFormationError as error:
            raise ResourceFailed(str(error), wanted.physical_id) from error
        return template, values


def has_changed(stack: Stack, template: Template, values: dict[str, str]) -> bool:
    """Return whether an update may change anything; nested stacks always may."""
    is_parent = any(item["Type"] == NESTED for item in template["Resources"].values())
    return is_parent or (template, values) != (stack.template, stack.parameters)


def _physical(child: Stack) -> PhysicalResource:
    outputs = {f"Outputs.{key}": item for key, item in child.outputs.items()}
    return PhysicalResource(child.stack_id, outputs)
