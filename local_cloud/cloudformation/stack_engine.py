# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Stacks as CloudFormation runs them: in order, with replacement, roll-back and clean-up.

moto's own runs resources in any order, knows no roll-back and never passes on what a changed
resource changes in another, which is what a custom resource must be tested with.

The engine knows no HTTP, no moto and no threads. Everything that it does to the world goes through
its provider, so that a simulation is a provider of its own and a stack with a clock:

>>> from local_cloud.cloudformation.provider import PhysicalResource, ResourceProvider
>>> class InMemory(ResourceProvider):
...     def create(self, stack, wanted):
...         return PhysicalResource(f"{wanted.logical_id}-1", {"Arn": "arn:…"})
...     def update(self, stack, current, wanted):
...         return PhysicalResource(current.physical_id, current.attributes)
...     def delete(self, stack, current):
...         pass
>>> engine = StackEngine(InMemory())
>>> stack = Stack("calls", "us-east-1", stack_id="arn:…", clock=lambda: 0.0)
>>> engine.create(stack, {"Resources": {"Thing": {"Type": "Custom::Thing"}}}, parameters={})
>>> stack.status, stack.resources["Thing"].physical_id
('CREATE_COMPLETE', 'Thing-1')

Each operation has come to its end when its method returns; ``status``, ``reason``, ``resources``,
``outputs`` and ``events`` of the stack say which. A provider that raises ResourceFailed causes a
roll-back; what else it raises passes through. Whether a stack may be updated in its present status
is the API's question (`local_cloud.cloudformation.api`), not the engine's.

For custom resources with CloudFormation's own requests, answers and time limit, the provider
passes them on to `local_cloud.cloudformation.custom_resources.CustomResources`, which is given the
invoker of functions, what their polls are, the clock and the request ids.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from local_cloud.cloudformation.dependencies import (
    Graph,
    dependency_graph,
    in_order,
    resolver,
    wanted_resources,
)
from local_cloud.cloudformation.intrinsics import Resolver, UnresolvedReference
from local_cloud.cloudformation.operations import Runner, run_at_once
from local_cloud.cloudformation.provider import ResourceFailed, ResourceProvider
from local_cloud.cloudformation.stack import AppliedUpdate, Resource, Stack, Template

_BY_USER = "User Initiated"


class StackEngine:
    """Creates, updates and deletes stacks; `run` runs each operation, at once by default."""

    def __init__(self, provider: ResourceProvider, run: Runner = run_at_once) -> None:
        self._provider = provider
        self._run = run

    def create(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Create a stack; on failure roll it back."""
        stack.enter("CREATE_IN_PROGRESS", _BY_USER)
        self._run(stack, partial(self._create, stack, template, parameters))

    def update(
        self,
        stack: Stack,
        template: Template,
        parameters: dict[str, str],
        tags: dict[str, str] | None = None,
    ) -> None:
        """Update a stack, with its tags where some are given; on failure bring all of it back."""
        stack.enter("UPDATE_IN_PROGRESS", _BY_USER)
        self._run(stack, partial(self._update, stack, template, parameters, tags))

    def delete(self, stack: Stack) -> None:
        """Delete a stack; what is being created is given up first."""
        stack.enter("DELETE_IN_PROGRESS", _BY_USER)
        stack.is_cancelled = True
        self._run(stack, partial(self._delete, stack))

    def create_nested(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Create a part of its parent, which cleans up on failure; raises ResourceFailed."""
        stack.template, stack.parameters = template, parameters
        stack.enter("CREATE_IN_PROGRESS")
        try:
            self._apply(stack, replaced=[])
        except ResourceFailed as failure:
            stack.enter("CREATE_FAILED", str(failure))
            raise
        stack.enter("CREATE_COMPLETE")

    def update_nested(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Update a part of its parent, but the clean-up; raises ResourceFailed, rolled back."""
        stack.enter("UPDATE_IN_PROGRESS")
        self._change(stack, template, parameters)

    def delete_nested(self, stack: Stack) -> None:
        """Delete a stack as a part of its parent; its status says whether it is gone."""
        stack.enter("DELETE_IN_PROGRESS")
        self._delete(stack)

    def clean_up(self, stack: Stack) -> None:
        """Remove what an update has replaced or no longer names."""
        update, stack.applied_update = stack.applied_update, None
        if update is None:
            return
        for resource in stack.resources.values():
            if resource.is_nested:
                self.clean_up(stack.children[resource.physical_id])
        wanted = wanted_resources(stack)
        gone = [item for name, item in stack.resources.items() if name not in wanted]
        for resource in gone:
            del stack.resources[resource.logical_id]
        graph = dependency_graph(update.before)
        self._delete_resources(stack, [*update.replaced, *gone], graph, forget=False)
        stack.enter("UPDATE_COMPLETE")

    def roll_back(self, stack: Stack, reason: str) -> None:
        """Bring a stack back to what it was before its update; raises ResourceFailed."""
        update, stack.applied_update = stack.applied_update, None
        assert update is not None
        stack.enter("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        try:
            self._restore(stack, update.before)
        except ResourceFailed as failure:
            stack.enter("UPDATE_ROLLBACK_FAILED", str(failure))
            raise
        stack.enter("UPDATE_ROLLBACK_COMPLETE", reason)

    def _create(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        stack.template, stack.parameters = template, parameters
        try:
            self._apply(stack, replaced=[])
        except ResourceFailed as failure:
            if stack.is_given_up:
                return
            stack.enter("ROLLBACK_IN_PROGRESS", str(failure))
            failures = self._delete_all(stack)
            stack.enter("ROLLBACK_FAILED" if failures else "ROLLBACK_COMPLETE", str(failure))
        else:
            stack.enter("CREATE_COMPLETE")

    def _update(
        self,
        stack: Stack,
        template: Template,
        parameters: dict[str, str],
        tags: dict[str, str] | None,
    ) -> None:
        try:
            self._change(stack, template, parameters, tags)
        except ResourceFailed:
            return
        self.clean_up(stack)

    def _change(
        self,
        stack: Stack,
        template: Template,
        parameters: dict[str, str],
        tags: dict[str, str] | None = None,
    ) -> None:
        """Apply an update; on failure roll it back and raise ResourceFailed."""
        before = replace(stack, resources=dict(stack.resources))
        update = stack.applied_update = AppliedUpdate(before)
        stack.template, stack.parameters = template, parameters
        stack.own_tags = stack.own_tags if tags is None else tags
        try:
            self._apply(stack, update.replaced)
        except ResourceFailed as failure:
            self.roll_back(stack, str(failure))
            raise
        stack.enter("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")

    def _restore(self, stack: Stack, before: Stack) -> None:
        """Bring back the old template; what the update made next to the old ones is removed."""
        graph = dependency_graph(stack)
        stack.template, stack.parameters = before.template, before.parameters
        stack.own_tags = before.own_tags
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

    def _delete(self, stack: Stack) -> None:
        stack.is_cancelled = False  # what was being created has come to its end
        failures = self._delete_all(stack)
        stack.enter("DELETE_FAILED" if failures else "DELETE_COMPLETE", "; ".join(failures))

    def _delete_all(self, stack: Stack) -> list[str]:
        resources = list(stack.resources.values())
        return self._delete_resources(stack, resources, dependency_graph(stack))

    def _apply(self, stack: Stack, replaced: list[Resource]) -> None:
        """Make the stack's resources what its template says, in the order of their references."""
        evaluator = resolver(stack)
        for logical_id in in_order(dependency_graph(stack)):
            declaration = stack.template["Resources"][logical_id]
            current = stack.resources.get(logical_id)
            wanted = Resource(
                logical_id,
                declaration["Type"],
                _resolved(evaluator, logical_id, declaration),
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
                name: str(evaluator.resolve(output["Value"]))
                for name, output in stack.template.get("Outputs", {}).items()
                if evaluator.exists(output)
            }
        except UnresolvedReference as error:
            raise ResourceFailed(f"Outputs: {error}") from error

    def _make(
        self, stack: Stack, current: Resource | None, wanted: Resource, replaced: list[Resource]
    ) -> None:
        verb = "UPDATE" if current else "CREATE"
        stack.record(wanted, f"{verb}_IN_PROGRESS")
        try:
            if current:
                made = self._provider.update(stack, current, wanted)
            else:
                made = self._provider.create(stack, wanted)
        except ResourceFailed as failure:
            stack.record(wanted, f"{verb}_FAILED", str(failure))
            if failure.physical_id:
                # What failed may exist in part, or be changed in part: roll-back must see it.
                stack.resources[wanted.logical_id] = replace(
                    wanted, physical_id=failure.physical_id
                )
            raise
        done = replace(wanted, physical_id=made.physical_id, attributes=made.attributes)
        if owner := _owner(stack, done):
            reason = f"{made.physical_id} already exists in stack {stack.stack_id} as {owner}"
            stack.record(wanted, f"{verb}_FAILED", reason)
            raise ResourceFailed(reason)
        if current and made.physical_id != current.physical_id:
            replaced.append(current)
        stack.resources[wanted.logical_id] = done
        stack.record(done, f"{verb}_COMPLETE")

    def _delete_resources(
        self, stack: Stack, resources: list[Resource], graph: Graph, *, forget: bool = True
    ) -> list[str]:
        """Delete in the reverse of the order of making, by its graph; return failures."""
        failures = []
        order = {name: place for place, name in enumerate(in_order(graph))}
        needed: set[str] = set()
        for resource in sorted(resources, key=lambda item: -order.get(item.logical_id, len(order))):
            if resource.logical_id in needed:  # by something that could not be deleted
                needed |= graph.get(resource.logical_id, set())
                continue
            stack.record(resource, "DELETE_IN_PROGRESS")
            try:
                if not resource.retained:
                    self._provider.delete(stack, resource)
            except ResourceFailed as failure:
                stack.record(resource, "DELETE_FAILED", str(failure))
                failures.append(f"{resource.logical_id}: {failure}")
                needed |= graph.get(resource.logical_id, set())
                continue
            if forget:
                stack.resources.pop(resource.logical_id, None)
            stack.record(resource, "DELETE_SKIPPED" if resource.retained else "DELETE_COMPLETE")
        return failures


def _owner(stack: Stack, made: Resource) -> str:
    """Return the logical id of another resource of the stack that is the same; empty for none."""
    same = made.resource_type, made.physical_id
    return next(
        (
            other.logical_id
            for other in stack.resources.values()
            if other.logical_id != made.logical_id
            and (other.resource_type, other.physical_id) == same
            and not other.is_custom
        ),
        "",
    )


def _resolved(evaluator: Resolver, logical_id: str, declaration: dict[str, Any]) -> dict[str, Any]:
    try:
        resolved: dict[str, Any] = evaluator.resolve(declaration.get("Properties", {}))
    except UnresolvedReference as error:
        raise ResourceFailed(f"{logical_id}: {error}") from error
    return resolved
