# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The interface between the stack engine and whatever creates resources."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from local_cloud.cloudformation.stack import Resource, Stack


class ResourceFailed(Exception):
    """A resource failed; `physical_id` names it if something may exist nevertheless."""

    def __init__(self, message: str, physical_id: str = "") -> None:
        super().__init__(message)
        self.physical_id = physical_id


@dataclass(frozen=True)
class PhysicalResource:
    """Values of ``Ref`` and ``GetAtt`` for a created resource."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


class ResourceProvider(Protocol):
    """Creates resources: of all types for a stack engine, of one type in a registry.

    Properties have all references resolved. Each method returns when the resource is as requested,
    or raises ResourceFailed, which makes the engine roll back. Any other exception is a bug and
    passes through the engine.
    """

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create a resource."""

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update a resource.

        A new physical id means a replacement: the engine deletes the old resource after the whole
        update has succeeded, or the new one if it failed.
        """

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete a resource; no error if it is gone."""
