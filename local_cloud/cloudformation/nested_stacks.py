# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Stacks within stacks: each operation of a child is a part of its parent's.

A child cleans up only when its parent's whole update has succeeded, and goes back with it when it
has not: CloudFormation User Guide, "Nested stacks" and "Update behaviors".
"""

from collections.abc import Callable
from typing import Any

from local_cloud.cloudformation.api import CloudFormation, CloudFormationError
from local_cloud.cloudformation.custom_resources import as_strings
from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.resources import generated_name
from local_cloud.cloudformation.stack import Resource, Stack

_MAX_NAME = 128


class NestedStacks:
    """``AWS::CloudFormation::Stack``; ``Ref`` gives its id, ``GetAtt`` its ``Outputs.…``.

    Parameters
    ----------
    formation : callable
        Returns the CloudFormation that the stacks live in.
    """

    def __init__(self, formation: Callable[[], CloudFormation]) -> None:
        self._formation = formation

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create a child and wait for its end."""
        name = generated_name(stack, wanted, _MAX_NAME)
        url, values = _place(wanted), _values(wanted)
        try:
            child = self._formation().create_nested(stack, name, url, values)
        except CloudFormationError as error:
            raise ResourceFailed(str(error)) from error
        if child.status != "CREATE_COMPLETE":
            raise ResourceFailed(
                f"Embedded stack {child.stack_id} was not successfully created: {child.reason}",
                child.stack_id,
            )
        return _made(child)

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:  # noqa: ARG002
        """Update a child, or roll its update back when its parent goes back."""
        child = self._child(current)
        if child.status == "UPDATE_ROLLBACK_FAILED":
            raise ResourceFailed(f"{child.stack_id} is in {child.status} state", child.stack_id)
        try:
            self._formation().update_nested(child, _place(wanted), _values(wanted))
        except CloudFormationError as error:
            raise ResourceFailed(str(error), child.stack_id) from error
        except ResourceFailed as failure:
            raise ResourceFailed(
                f"Embedded stack {child.stack_id} was not successfully updated. Currently in "
                f"{child.status} with reason: {failure}",
                child.stack_id,
            ) from failure
        return _made(child)

    def delete(self, stack: Stack, current: Resource) -> None:  # noqa: ARG002
        """Delete a child and wait for its end."""
        child = self._child(current)
        self._formation().delete_nested(child)
        if child.status != "DELETE_COMPLETE":
            raise ResourceFailed(
                f"Embedded stack {child.stack_id} was not successfully deleted: {child.reason}",
                child.stack_id,
            )

    def clean_up(self, current: Resource) -> None:
        """Clean up in a child."""
        self._formation().clean_up_nested(self._child(current))

    def _child(self, current: Resource) -> Stack:
        return self._formation().stack(current.physical_id)


def _place(wanted: Resource) -> str:
    if "TemplateURL" not in wanted.properties:
        raise ResourceFailed(f"{wanted.logical_id}: give the stack a TemplateURL.")
    return str(wanted.properties["TemplateURL"])


def _values(wanted: Resource) -> dict[str, str]:
    values: dict[str, Any] = wanted.properties.get("Parameters", {})
    for name, value in values.items():
        if isinstance(value, dict | list):
            raise ResourceFailed(
                f"{wanted.logical_id}: parameters of a stack are strings: join the items of {name}."
            )
    return dict(as_strings(values))


def _made(child: Stack) -> PhysicalResource:
    return PhysicalResource(
        child.stack_id, {f"Outputs.{key}": item for key, item in child.outputs.items()}
    )
