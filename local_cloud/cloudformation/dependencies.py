# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""References between a stack's resources: creation order and resolved values."""

from collections.abc import Iterator
from graphlib import TopologicalSorter
from typing import Any

from local_cloud.cloudformation.intrinsics import Resolver, UnresolvedReference, references_in
from local_cloud.cloudformation.parameters import is_list
from local_cloud.cloudformation.properties import as_strings
from local_cloud.cloudformation.pseudo_parameters import pseudo_parameters
from local_cloud.cloudformation.stack import Stack

Graph = dict[str, set[str]]
"""Logical id to the logical ids it depends on."""


def dependency_graph(stack: Stack) -> Graph:
    """Return the dependencies of each resource in the stack's template."""
    wanted = wanted_resources(stack)
    graph = {}
    for name, declaration in wanted.items():
        depends = declaration.get("DependsOn", [])
        needs = references_in(declaration.get("Properties", {}))
        needs |= {depends} if isinstance(depends, str) else set(depends)
        graph[name] = needs & set(wanted)
    return graph


def in_order(graph: Graph) -> Iterator[str]:
    """Yield dependencies before dependents, otherwise in the template's order."""
    sorter = TopologicalSorter[str](dict.fromkeys(graph, ()))
    for name, needs in graph.items():
        sorter.add(name, *sorted(needs))
    yield from sorter.static_order()


def wanted_resources(stack: Stack) -> dict[str, Any]:
    """Return the declarations whose condition holds, by logical id."""
    evaluator = resolver(stack)
    declarations = stack.template["Resources"].items()
    return {name: item for name, item in declarations if evaluator.exists(item)}


def resolver(stack: Stack) -> Resolver:
    """Return a resolver for the stack's template; it sees each resource once created."""
    return Resolver(stack.template, _References(stack), lambda *path: _attribute(stack, *path))


class _References(dict[str, Any]):
    """Parameters, pseudo parameters and the physical ids known so far."""

    def __init__(self, stack: Stack) -> None:
        declared = stack.template.get("Parameters", {})
        values = {
            name: as_strings(stack.parameters.get(name, p.get("Default", "")))
            for name, p in declared.items()
        }
        for name, declaration in declared.items():
            if is_list(declaration["Type"]):
                values[name] = values[name].split(",") if values[name] else []
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
