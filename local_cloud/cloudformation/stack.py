# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A stack's state: template, resources and history."""

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local_cloud.cloudformation.pseudo_parameters import stack_arn

log = logging.getLogger(__name__)

Template = dict[str, Any]

NESTED = "AWS::CloudFormation::Stack"
"""The type of a nested stack."""


@dataclass(frozen=True)
class Resource:
    """A resource of a stack, as last created or updated."""

    logical_id: str
    resource_type: str
    properties: dict[str, Any]
    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    retained: bool = False

    @property
    def is_custom(self) -> bool:
        """Whether it is a custom resource."""
        return self.resource_type.startswith(("Custom::", "AWS::CloudFormation::CustomResource"))

    @property
    def is_nested(self) -> bool:
        """Whether it is a nested stack."""
        return self.resource_type == NESTED


@dataclass(frozen=True)
class Event:
    """One event in a stack's history; ``timestamp`` in seconds since the epoch."""

    event_id: str
    logical_id: str
    resource_type: str
    physical_id: str
    status: str
    reason: str
    timestamp: float


@dataclass
class AppliedUpdate:
    """An applied update that may still be rolled back."""

    before: "Stack"
    replaced: list[Resource] = field(default_factory=list)


@dataclass
class Stack:
    """A stack; its ARN is generated if not given, and `clock` returns seconds since the epoch.

    `children` maps ``stack_id`` to nested stacks; the provider of nested stacks fills it.
    """

    name: str
    region: str
    template: Template = field(default_factory=lambda: {"Resources": {}})
    parameters: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    own_tags: dict[str, str] = field(default_factory=dict)
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    stack_id: str = ""
    is_cancelled: bool = False
    parent: "Stack | None" = None
    children: dict[str, "Stack"] = field(default_factory=dict)
    applied_update: AppliedUpdate | None = None
    clock: Callable[[], float] = time.time
    created: float = 0.0

    def __post_init__(self) -> None:
        """Set the ARN and creation time."""
        self.stack_id = self.stack_id or stack_arn(self.region, self.name, str(uuid.uuid4()))
        self.created = self.created or self.clock()

    @property
    def root(self) -> "Stack":
        """The outermost stack."""
        return self.parent.root if self.parent else self

    @property
    def tags(self) -> dict[str, str]:
        """The root stack's tags."""
        return self.parent.tags if self.parent else self.own_tags

    @property
    def is_given_up(self) -> bool:
        """Whether it or a parent is to be deleted during creation."""
        return self.is_cancelled or (self.parent is not None and self.parent.is_given_up)

    def status_of(self, logical_id: str) -> str:
        """Return the latest status of a resource in the history."""
        said = (event.status for event in reversed(self.events) if event.logical_id == logical_id)
        return next(said, "CREATE_COMPLETE")

    def enter(self, status: str, reason: str = "") -> None:
        """Set the stack's own status."""
        self.status, self.reason = status, reason
        self.record(Resource(self.name, NESTED, {}, self.stack_id), status, reason)

    def record(self, resource: Resource, status: str, reason: str = "") -> None:
        """Add an event about a resource to the history."""
        event = Event(
            f"{resource.logical_id}-{status}-{len(self.events)}",
            resource.logical_id,
            resource.resource_type,
            resource.physical_id,
            status,
            reason,
            self.clock(),
        )
        self.events.append(event)
        log.debug("%s %s %s", resource.logical_id, status, reason)
