# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What makes the resources of a stack: the seam between the stack engine and everything else."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from local_cloud.cloudformation.stack import Resource, Stack


class ResourceFailed(Exception):
    """A resource failed; where something may exist in spite of that, `physical_id` names it."""

    def __init__(self, message: str, physical_id: str = "") -> None:
        super().__init__(message)
        self.physical_id = physical_id


@dataclass(frozen=True)
class PhysicalResource:
    """What ``Ref`` and ``GetAtt`` give of a resource that was made."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


class ResourceProvider(Protocol):
    """Makes resources: of all types for a stack engine, of one type within a registry.

    Properties come with every reference resolved. Each method returns when the resource is as
    wanted, or raises ResourceFailed, which the engine answers with a roll-back. Any other exception
    is a fault of the program and passes through the engine.
    """

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make a resource that does not exist."""

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Change a resource.

        Another physical id means that it was replaced: the engine deletes the old one when the
        whole update has succeeded, or the new one when it has not.
        """

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove a resource; no error where it is gone."""
