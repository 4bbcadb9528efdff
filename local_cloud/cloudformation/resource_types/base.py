# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Base classes of resource types."""

import secrets
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

from botocore import xform_name

from local_cloud.cloudformation.properties import Names, Properties, as_parameter, names_of, split
from local_cloud.cloudformation.provider import PhysicalResource, ResourceProvider
from local_cloud.cloudformation.stack import Resource, Stack

Clients = Callable[[str], Any]
"""Returns a boto3 client by service name."""


class ResourceType(ResourceProvider):
    """The provider of one type; by default an update creates again: overwrites or replaces."""

    takes: Names | None = None
    """Supported properties; None for all."""

    def known(self, properties: Properties) -> tuple[Properties, list[str]]:
        """Return the supported properties, and the paths of the others."""
        return split(properties, self.takes) if self.takes else (properties, [])

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Overwrite it, or create its replacement."""
        return self.create(stack, wanted)


class ServiceResource(ResourceType):
    """A type created through a service's API; ``service`` is boto3's name."""

    service: ClassVar[str]

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    @property
    def client(self) -> Any:
        """The service's client."""
        return self._clients(self.service)


class OperationResource(ServiceResource):
    """A type whose properties are an operation's parameters; `identifier` is the physical id.

    `deletion` is the client's method and parameter; `longest` limits a generated identifier;
    `ignores` are parameters that moto ignores or handles differently; `adds` are properties that
    are not parameters.
    """

    operation: ClassVar[str]
    identifier: ClassVar[str] = ""
    deletion: ClassVar[tuple[str, str]]
    longest: ClassVar[int] = 0
    ignores: ClassVar[tuple[str, ...]] = ()
    adds: ClassVar[tuple[str, ...]] = ()

    @cached_property
    def takes(self) -> Names:  # type: ignore[override]
        """The operation's parameters, adjusted."""
        taken = names_of(self._shape) | {name: {} for name in self.adds}
        return {key: taken[key] for key in taken.keys() - set(self.ignores)}

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create or overwrite it."""
        request = {**wanted.properties}
        if self.longest:
            made_up = wanted.physical_id or generated_name(stack, wanted, self.longest)
            request.setdefault(self.identifier, made_up)
        answer = self.call(request)
        arns = [item for key, item in answer.items() if key.endswith("Arn")]
        return PhysicalResource(request[self.identifier], {"Arn": arns[0]} if arns else {})

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete it."""
        method, parameter = self.deletion
        name = current.physical_id
        getattr(self.client, method)(**{parameter: [name] if parameter.endswith("s") else name})

    def call(self, request: Properties) -> Any:
        """Call the operation."""
        request = as_parameter(request, self._shape)
        return getattr(self.client, xform_name(self.operation))(**request)

    @cached_property
    def _shape(self) -> Any:
        return self.client.meta.service_model.operation_model(self.operation).input_shape


def generated_name(stack: Stack, wanted: Resource, limit: int) -> str:
    """Return a name in CloudFormation's style, of at most ``limit`` characters."""
    suffix = f"-{wanted.logical_id}-{secrets.token_hex(6)}"
    name = stack.name[: max(limit - len(suffix), 0)] + suffix
    return name.lower()[-limit:].strip("-") if limit == 63 else name[-limit:]
