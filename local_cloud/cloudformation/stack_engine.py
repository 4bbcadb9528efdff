# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Run stacks as CloudFormation does: in order, with replacement, rollback and clean-up.

moto's own engine ignores the order, cannot roll back, and does not propagate changes from one
resource to another, all of which custom resources must be tested with.

The engine knows neither HTTP nor moto nor threads. All side effects go through its provider, so a
simulation only needs its own provider and a stack with a clock:

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

Each method returns when its operation has ended; the stack's ``status``, ``reason``, ``resources``,
``outputs`` and ``events`` tell the outcome. ResourceFailed from a provider causes a rollback; other
exceptions pass through. Whether a stack may be updated in its current status is checked by the API
(`local_cloud.cloudformation.api`), not here.

For custom resources with CloudFormation's own requests, responses and time limit, the provider
delegates to `local_cloud.cloudformation.custom_resources.CustomResources`, which takes the function
invoker, the source of polls, the clock and the request ids.
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
    """Creates, updates and deletes stacks; `run` executes operations, synchronously by default."""

    def __init__(self, provider: ResourceProvider, run: Runner = run_at_once) -> None:
        self._provider = provider
        self._run = run

    def create(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Create a stack; roll back on failure."""
        stack.enter("CREATE_IN_PROGRESS", _BY_USER)
        self._run(stack, partial(self._create, stack, template, parameters))

    def update(
        self,
        stack: Stack,
        template: Template,
        parameters: dict[str, str],
        tags: dict[str, str] | None = None,
    ) -> None:
        """Update a stack, and its tags if given; roll back on failure."""
        stack.enter("UPDATE_IN_PROGRESS", _BY_USER)
        self._run(stack, partial(self._update, stack, template, parameters, tags))

    def delete(self, stack: Stack) -> None:
        """Delete a stack; a creation in progress is cancelled first."""
        stack.enter("DELETE_IN_PROGRESS", _BY_USER)
        stack.is_cancelled = True
        self._run(stack, partial(self._delete, stack))

    def create_nested(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Create a nested stack; on failure, raises ResourceFailed and the parent cleans up."""
        stack.template, stack.parameters = template, parameters
        stack.enter("CREATE_IN_PROGRESS")
        try:
            self._apply(stack, replaced=[])
        except ResourceFailed as failure:
            stack.enter("CREATE_FAILED", str(failure))
            raise
        stack.enter("CREATE_COMPLETE")

    def update_nested(self, stack: Stack, template: Template, parameters: dict[str, str]) -> None:
        """Update a nested stack, without clean-up; on failure, roll back and raise an error."""
        stack.enter("UPDATE_IN_PROGRESS")
        self._change(stack, template, parameters)

    def delete_nested(self, stack: Stack) -> None:
        """Delete a nested stack; its status tells whether it is gone."""
        stack.enter("DELETE_IN_PROGRESS")
        self._delete(stack)

    def clean_up(self, stack: Stack) -> None:
        """Delete what an update replaced or dropped."""
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
        """Restore a stack to its state before the update; raises ResourceFailed."""
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
        """Apply an update; on failure, roll back and raise ResourceFailed."""
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
        """Restore the old template, and delete what the update added."""
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
        # A custom resource gets another Update with the old properties; it returns the old id.
        replaced: list[Resource] = []
        self._apply(stack, replaced)
        self._delete_resources(stack, [*doomed, *replaced], graph, forget=False)

    def _delete(self, stack: Stack) -> None:
        stack.is_cancelled = False  # the creation has ended
        failures = self._delete_all(stack)
        stack.enter("DELETE_FAILED" if failures else "DELETE_COMPLETE", "; ".join(failures))

    def _delete_all(self, stack: Stack) -> list[str]:
        resources = list(stack.resources.values())
        return self._delete_resources(stack, resources, dependency_graph(stack))

    def _apply(self, stack: Stack, replaced: list[Resource]) -> None:
        """Create and update the stack's resources as in its template, in dependency order."""
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
            # A nested stack's template may have changed behind the same URL.
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
                # A failed resource may partly exist: the rollback must see it.
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
        """Delete in reverse creation order; return the failures."""
        failures = []
        order = {name: place for place, name in enumerate(in_order(graph))}
        needed: set[str] = set()
        for resource in sorted(resources, key=lambda item: -order.get(item.logical_id, len(order))):
            if resource.logical_id in needed:  # by something that failed to delete
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
    """Return the logical id of another resource with the same physical id, or ""."""
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
