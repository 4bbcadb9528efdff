# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Stacks as CloudFormation runs them: in order, with replacement, roll-back and clean-up.

moto's own runs resources in any order, knows no roll-back and never passes on what a changed
resource changes in another, which is what a custom resource must be tested with.
"""

import logging
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from typing import Any, Protocol

from local_cloud.cloudformation.intrinsics import Resolver, UnresolvedReference, references_in
from local_cloud.cloudformation.pseudo_parameters import pseudo_parameters, stack_arn

log = logging.getLogger(__name__)

Template = dict[str, Any]

NESTED = "AWS::CloudFormation::Stack"
"""The type of a stack within a stack."""


class ResourceFailed(Exception):
    """A resource could not be created, updated or deleted.

    Parameters
    ----------
    message : str
        The provider's reason.
    physical_id : str
        Set where something may exist in spite of the failure.
    """

    def __init__(self, message: str, physical_id: str = "") -> None:
        super().__init__(message)
        self.physical_id = physical_id


@dataclass(frozen=True)
class Resource:
    """A resource of a stack, as it was last made."""

    logical_id: str
    kind: str
    properties: dict[str, Any]
    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    retained: bool = False

    @property
    def is_custom(self) -> bool:
        """Whether a function of the user's makes it."""
        return self.kind.startswith("Custom::")

    @property
    def is_nested(self) -> bool:
        """Whether it is a stack of its own."""
        return self.kind == NESTED


@dataclass(frozen=True)
class Made:
    """What a provider says of a resource that it has made."""

    physical_id: str
    attributes: dict[str, Any] = field(default_factory=dict)


class Provider(Protocol):
    """Makes resources of all types; raises ResourceFailed."""

    def create(self, stack: "Stack", wanted: Resource) -> Made:
        """Make a resource that does not exist."""

    def update(self, stack: "Stack", current: Resource, wanted: Resource) -> Made:
        """Change a resource; another physical id means that it was replaced."""

    def delete(self, stack: "Stack", current: Resource) -> None:
        """Remove a resource; no error where it is gone."""

    def finish(self, current: Resource) -> None:
        """Clean up in a nested stack: the update of the whole has succeeded."""


@dataclass(frozen=True)
class Event:
    """One line of a stack's history."""

    logical_id: str
    kind: str
    physical_id: str
    status: str
    reason: str
    timestamp: float = field(default_factory=time.time)
    event_id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass
class Change:
    """An update that is applied, and may still be taken back."""

    before: "Stack"
    replaced: list[Resource] = field(default_factory=list)


@dataclass
class Stack:
    """One stack."""

    name: str
    region: str
    template: Template = field(default_factory=lambda: {"Resources": {}})
    parameters: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    created: float = field(default_factory=time.time)
    stack_id: str = ""
    is_cancelled: bool = False
    parent: "Stack | None" = None
    change: Change | None = None

    def __post_init__(self) -> None:
        """Give the stack its ARN."""
        self.stack_id = stack_arn(self.region, self.name, str(uuid.uuid4()))

    @property
    def root(self) -> "Stack":
        """The stack that is nested in none; itself, if it is that."""
        return self.parent.root if self.parent else self

    @property
    def is_given_up(self) -> bool:
        """Whether it, or a stack that it is nested in, is to be deleted while it is created."""
        return self.is_cancelled or (self.parent is not None and self.parent.is_given_up)

    def status_of(self, logical_id: str) -> str:
        """Return what the history says last of a resource."""
        said = (event.status for event in reversed(self.events) if event.logical_id == logical_id)
        return next(said, "CREATE_COMPLETE")

    def tell(self, resource: Resource | None, status: str, reason: str = "") -> None:
        """Write a line of history; without a resource it is about the stack itself."""
        if resource is None:
            self.status, self.reason = status, reason
            resource = Resource(self.name, "AWS::CloudFormation::Stack", {}, self.stack_id)
        self.events.append(
            Event(resource.logical_id, resource.kind, resource.physical_id, status, reason)
        )
        log.debug("%s %s %s", resource.logical_id, status, reason)


class StackEngine:
    """Creates, updates and deletes stacks, each operation in a thread of its own.

    Parameters
    ----------
    provider : Provider
    """

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._threads: list[threading.Thread] = []

    def create(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Begin to create a stack."""
        self._run(stack, self._create, template, parameters)

    def update(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Begin to update a stack."""
        self._run(stack, self._update, template, parameters)

    def delete(self, stack: Stack) -> None:
        """Begin to delete a stack; what is being created is given up first."""
        before = [item for item in self._threads if item.name == stack.stack_id]
        stack.is_cancelled = True
        self._run(stack, self._delete_after, before)

    def join(self, timeout: float | None = None) -> None:
        """Wait for all operations that were begun."""
        for thread in self._threads:
            thread.join(timeout)

    def _run(self, stack: Stack, operation: Any, *arguments: Any) -> None:
        def guarded() -> None:
            try:
                operation(stack, *arguments)
            except Exception as error:
                log.exception("operation on %s", stack.name)
                stack.tell(None, stack.status.removesuffix("_IN_PROGRESS") + "_FAILED", str(error))

        thread = threading.Thread(target=guarded, name=stack.stack_id, daemon=True)
        self._threads.append(thread)
        thread.start()

    def create_nested(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Create a stack as a part of its parent; what it leaves on failure is the parent's.

        Raises
        ------
        ResourceFailed
        """
        stack.template, stack.parameters = template, parameters
        stack.tell(None, "CREATE_IN_PROGRESS")
        try:
            self._apply(stack, replaced=[])
        except ResourceFailed as failure:
            stack.tell(None, "CREATE_FAILED", str(failure))
            raise
        stack.tell(None, "CREATE_COMPLETE")

    def update_nested(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Update a stack as a part of its parent, up to the clean-up, which waits for the whole.

        Raises
        ------
        ResourceFailed
            After the roll-back.
        """
        stack.tell(None, "UPDATE_IN_PROGRESS")
        self._change(stack, template, parameters)

    def delete_nested(self, stack: Stack) -> None:
        """Delete a stack as a part of its parent; its status says whether it is gone."""
        stack.tell(None, "DELETE_IN_PROGRESS")
        self._delete(stack)

    def finish(self, stack: Stack) -> None:
        """Remove what an update has replaced or no longer names."""
        change, stack.change = stack.change, None
        if change is None:
            return
        for resource in stack.resources.values():
            if resource.is_nested:
                self._provider.finish(resource)
        gone = [item for name, item in stack.resources.items() if name not in self._wanted(stack)]
        for resource in gone:
            del stack.resources[resource.logical_id]
        graph = self._graph(change.before)
        self._delete_resources(stack, [*change.replaced, *gone], graph, forget=False)
        stack.tell(None, "UPDATE_COMPLETE")

    def take_back(self, stack: Stack, reason: str) -> None:
        """Bring a stack back to what it was before its update; raises ResourceFailed."""
        change, stack.change = stack.change, None
        assert change is not None
        stack.tell(None, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
        try:
            self._roll_back(stack, change.before)
        except ResourceFailed as failure:
            stack.tell(None, "UPDATE_ROLLBACK_FAILED", str(failure))
            raise
        stack.tell(None, "UPDATE_ROLLBACK_COMPLETE", reason)

    def _create(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        stack.template, stack.parameters = template, parameters
        try:
            self._apply(stack, replaced=[])
        except ResourceFailed as failure:
            if stack.is_given_up:
                return
            stack.tell(None, "ROLLBACK_IN_PROGRESS", str(failure))
            left = self._delete_resources(stack, list(stack.resources.values()), self._graph(stack))
            stack.tell(None, "ROLLBACK_FAILED" if left else "ROLLBACK_COMPLETE", str(failure))
        else:
            stack.tell(None, "CREATE_COMPLETE")

    def _update(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        try:
            self._change(stack, template, parameters)
        except ResourceFailed:
            return
        self.finish(stack)

    def _change(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Apply an update; on failure take it back and raise ResourceFailed."""
        change = stack.change = Change(replace(stack, resources=dict(stack.resources)))
        stack.template, stack.parameters = template, parameters
        try:
            self._apply(stack, change.replaced)
        except ResourceFailed as failure:
            self.take_back(stack, str(failure))
            raise
        stack.tell(None, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    def _roll_back(self, stack: Stack, before: Stack) -> None:
        """Bring back the old template; what the update made beside the old ones is removed."""
        graph = self._graph(stack)
        stack.template, stack.parameters = before.template, before.parameters
        doomed = []
        for logical_id, resource in list(stack.resources.items()):
            old = before.resources.get(logical_id)
            if old is None:
                doomed.append(stack.resources.pop(logical_id))
            elif old.physical_id != resource.physical_id and not resource.is_custom:
                doomed.append(resource)
                stack.resources[logical_id] = old
        # A custom resource is asked by an Update to become what it was; its answer is the old id.
        replaced: list[Resource] = []
        self._apply(stack, replaced)
        self._delete_resources(stack, [*doomed, *replaced], graph, forget=False)

    def _delete_after(self, stack: Stack, before: list[threading.Thread]) -> None:
        for thread in before:
            thread.join()
        stack.is_cancelled = False
        self._delete(stack)

    def _delete(self, stack: Stack) -> None:
        failures = self._delete_resources(stack, list(stack.resources.values()), self._graph(stack))
        if failures:
            stack.tell(None, "DELETE_FAILED", "; ".join(failures))
        else:
            stack.tell(None, "DELETE_COMPLETE")

    def _apply(self, stack: Stack, replaced: list[Resource]) -> None:
        """Make the stack's resources what its template says, in the order of their references."""
        resolver = _resolver(stack)
        for logical_id, declaration in self._in_order(stack):
            current = stack.resources.get(logical_id)
            wanted = Resource(
                logical_id,
                declaration["Type"],
                self._resolved(resolver, logical_id, declaration),
                current.physical_id if current else "",
                retained=declaration.get("DeletionPolicy") == "Retain",
            )
            if stack.is_given_up:
                raise ResourceFailed("Resource creation cancelled")
            # Of a nested stack the template may have changed, though its address has not.
            if current is None or wanted.is_nested or current.properties != wanted.properties:
                self._make(stack, current, wanted, replaced)
        try:
            stack.outputs = {
                name: str(resolver.resolve(output["Value"]))
                for name, output in stack.template.get("Outputs", {}).items()
                if resolver.exists(output)
            }
        except UnresolvedReference as error:
            raise ResourceFailed(f"Outputs: {error}") from error

    def _make(
        self, stack: Stack, current: Resource | None, wanted: Resource, replaced: list[Resource]
    ) -> None:
        verb = "UPDATE" if current else "CREATE"
        stack.tell(wanted, f"{verb}_IN_PROGRESS")
        try:
            if current:
                made = self._provider.update(stack, current, wanted)
            else:
                made = self._provider.create(stack, wanted)
        except ResourceFailed as failure:
            stack.tell(wanted, f"{verb}_FAILED", str(failure))
            if failure.physical_id:
                # What failed may exist in part, or be changed in part: roll-back must see it.
                stack.resources[wanted.logical_id] = replace(
                    wanted, physical_id=failure.physical_id
                )
            raise
        done = replace(wanted, physical_id=made.physical_id, attributes=made.attributes)
        if current and made.physical_id != current.physical_id:
            replaced.append(current)
        stack.resources[wanted.logical_id] = done
        stack.tell(done, f"{verb}_COMPLETE")

    def _resolved(
        self, resolver: Resolver, logical_id: str, declaration: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            resolved: dict[str, Any] = resolver.resolve(declaration.get("Properties", {}))
        except UnresolvedReference as error:
            raise ResourceFailed(f"{logical_id}: {error}") from error
        return resolved

    def _delete_resources(
        self,
        stack: Stack,
        resources: list[Resource],
        graph: dict[str, set[str]],
        *,
        forget: bool = True,
    ) -> list[str]:
        """Delete in the reverse of the order of making; returns what went wrong.

        The graph is that of the template from which they were made.
        """
        failures = []
        order = {name: place for place, name in enumerate(_sorted(graph))}
        needed: set[str] = set()
        for resource in sorted(resources, key=lambda item: -order.get(item.logical_id, len(order))):
            if resource.logical_id in needed:  # by something that could not be deleted
                needed |= graph.get(resource.logical_id, set())
                continue
            stack.tell(resource, "DELETE_IN_PROGRESS")
            try:
                if not resource.retained:
                    self._provider.delete(stack, resource)
            except ResourceFailed as failure:
                stack.tell(resource, "DELETE_FAILED", str(failure))
                failures.append(f"{resource.logical_id}: {failure}")
                needed |= graph.get(resource.logical_id, set())
                continue
            if forget:
                stack.resources.pop(resource.logical_id, None)
            stack.tell(resource, "DELETE_SKIPPED" if resource.retained else "DELETE_COMPLETE")
        return failures

    def _wanted(self, stack: Stack) -> set[str]:
        resolver = _resolver(stack)
        declarations = stack.template["Resources"].items()
        return {name for name, declaration in declarations if resolver.exists(declaration)}

    def _in_order(self, stack: Stack) -> Iterator[tuple[str, dict[str, Any]]]:
        for name in _sorted(self._graph(stack)):
            yield name, stack.template["Resources"][name]

    def _graph(self, stack: Stack) -> dict[str, set[str]]:
        """Return which resources each resource needs."""
        declarations = stack.template["Resources"]
        wanted = self._wanted(stack)
        graph = {}
        for name in filter(wanted.__contains__, declarations):
            needs = references_in(declarations[name].get("Properties", {}))
            depends = declarations[name].get("DependsOn", [])
            needs |= {depends} if isinstance(depends, str) else set(depends)
            graph[name] = needs & wanted
        return graph


def _sorted(graph: dict[str, set[str]]) -> Iterator[str]:
    """Yield what is needed before what needs it, and otherwise keep the template's order."""
    sorter = TopologicalSorter[str](dict.fromkeys(graph, ()))
    for name, needs in graph.items():
        sorter.add(name, *sorted(needs))
    yield from sorter.static_order()


def _resolver(stack: Stack) -> Resolver:
    return Resolver(stack.template, _References(stack), lambda *path: _attribute(stack, *path))


class _References(dict[str, Any]):
    """Parameters, pseudo parameters and, as they come to be, physical ids."""

    def __init__(self, stack: Stack) -> None:
        declared = stack.template.get("Parameters", {})
        values = {
            name: stack.parameters.get(name, p.get("Default")) for name, p in declared.items()
        }
        for name, declaration in declared.items():
            if "List" in declaration["Type"]:
                values[name] = str(values[name]).split(",") if values[name] else []
        pseudo = pseudo_parameters(stack.region, stack.name, stack.stack_id)
        super().__init__({**values, **pseudo})
        self._stack = stack

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._stack.resources

    def __getitem__(self, name: str) -> Any:
        if super().__contains__(name):
            return super().__getitem__(name)
        return self._stack.resources[name].physical_id


def _attribute(stack: Stack, logical_id: str, attribute: str) -> Any:
    resource = stack.resources.get(logical_id)
    if resource is None or attribute not in resource.attributes:
        raise UnresolvedReference(f"{logical_id} has no attribute {attribute}")
    return resource.attributes[attribute]
