# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CloudFormation's format checks of a template, before parameters, in its own words."""

from collections.abc import Callable, Iterator
from functools import cache, partial
from graphlib import CycleError, TopologicalSorter
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from local_cloud.cloudformation.intrinsics import references_in
from local_cloud.cloudformation.pseudo_parameters import pseudo_parameters

_OBJECTS = ("Parameters", "Mappings", "Conditions", "Rules", "Resources", "Outputs")
_TYPED = ("Parameters", "Resources")
_MEMBERS: dict[str, tuple[type, ...]] = {
    "Properties": (dict,),
    "DependsOn": (list, str),
    "Condition": (str,),
}
_LISTS = {"Fn::And": 0, "Fn::Equals": 2, "Fn::If": 3, "Fn::Join": 2, "Fn::Not": 1, "Fn::Or": 0}
_LISTS |= {"Fn::Select": 2, "Fn::Split": 2}
_LISTS |= {"Fn::Contains": 2, "Fn::EachMemberEquals": 2, "Fn::EachMemberIn": 2, "Fn::FindInMap": 0}
"""Functions with a list argument, and its length; 0 for any."""


def objections(template: dict[str, Any], region: str) -> Iterator[str]:
    """Yield a template's format errors; later checks assume that earlier ones passed."""
    yield from _of_sections(template)
    yield from _of_functions(template)
    types = [item["Type"] for item in template["Resources"].values()]
    known = _resource_types(region)
    unknown = [kind for kind in dict.fromkeys(types) if not _is_known(kind, known, template)]
    if unknown:
        yield f"Template format error: Unrecognized resource types: [{', '.join(unknown)}]"
    yield from _of_references(template, {"AWS::NoValue", *pseudo_parameters(region, "", "")})


def _of_sections(template: dict[str, Any]) -> Iterator[str]:
    for section in _OBJECTS:
        items = template.get(section, {})
        if not isinstance(items, dict):
            yield f"Template format error: {section} must be an object."
        elif section != "Conditions":
            for name, item in items.items():
                yield from _of_member(section, name, item)
    if not template.get("Resources"):
        yield "Template format error: At least one Resources member must be defined."


def _of_member(section: str, name: str, item: Any) -> Iterator[str]:
    path = f"[/{section}/{name}]"
    if not isinstance(item, dict):
        yield f"Template format error: {path} must be an object."
    elif section in _TYPED and not isinstance(item.get("Type"), str):
        yield f"Template format error: {path} Every {section} object must contain a Type member."
    elif section == "Outputs" and item.get("Value") is None:
        yield f"Template format error: {path} Every Outputs member must contain a Value object."
    elif section == "Rules" and not _is_rule(item):
        yield f"Template format error: {path} must have a list of Assertions."
    elif section in {"Resources", "Outputs"}:
        for member, kinds in _MEMBERS.items():
            if not isinstance(item.get(member, kinds[0]()), kinds):
                yield f"Template format error: {path} {member} has not the form that it takes."


def _is_rule(rule: dict[str, Any]) -> bool:
    assertions = rule.get("Assertions")
    return isinstance(assertions, list) and all(
        isinstance(item, dict) and "Assert" in item for item in assertions
    )


def _of_functions(value: Any) -> Iterator[str]:
    """Yield an error for each function with a malformed argument."""
    if isinstance(value, list):
        for item in value:
            yield from _of_functions(item)
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        if len(value) == 1 and name in _FORMS and not _FORMS[name](argument):
            yield f"Template error: the argument of {name} has not the form that it takes."
        else:
            yield from _of_functions(argument)


def _is_list_of(count: int, argument: Any) -> bool:
    return isinstance(argument, list) and count in {0, len(argument)}


def _is_text(argument: Any) -> bool:
    return isinstance(argument, str)


def _is_path(argument: Any) -> bool:
    if _is_text(argument):
        return "." in argument
    return isinstance(argument, list) and len(argument) > 1 and all(map(_is_text, argument))


def _is_substitution(argument: Any) -> bool:
    if _is_text(argument):
        return True
    return _is_list_of(2, argument) and _is_text(argument[0]) and isinstance(argument[1], dict)


_FORMS: dict[str, Callable[[Any], bool]] = {
    "Ref": _is_text,
    "Fn::GetAtt": _is_path,
    "Fn::Sub": _is_substitution,
    **{name: partial(_is_list_of, count) for name, count in _LISTS.items()},
}


@cache
def _resource_types(region: str) -> frozenset[str]:
    return frozenset(PROVIDER_SCHEMA_MANAGER.get_resource_types(region))


def _is_known(kind: str, known: frozenset[str], template: dict[str, Any]) -> bool:
    if kind.startswith("AWS::Serverless::") and "Transform" not in template:
        return False
    return kind.startswith("Custom::") or kind in known


def _of_references(template: dict[str, Any], pseudo: set[str]) -> Iterator[str]:
    resources = template["Resources"]
    there = {*resources, *template.get("Parameters", {}), *pseudo}
    graph: dict[str, set[str]] = {}
    missing: list[str] = []
    for name, item in resources.items():
        depends = item.get("DependsOn", [])
        needs = references_in(item.get("Properties", {}))
        needs |= {depends} if isinstance(depends, str) else set(map(str, depends))
        missing += sorted(needs - there)
        graph[name] = needs & set(resources)
    if missing:
        block = f"[{', '.join(dict.fromkeys(missing))}] in the Resources block of the template"
        yield f"Template format error: Unresolved resource dependencies {block}"
    outputs = sorted(references_in(template.get("Outputs", {})) - there)
    if outputs:
        block = f"[{', '.join(outputs)}] in the Outputs block of the template"
        yield f"Template format error: Unresolved resource dependencies {block}"
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield f"Circular dependency between resources: [{', '.join(dict.fromkeys(error.args[1]))}]"
    for item in (*resources.values(), *template.get("Outputs", {}).values()):
        condition = item.get("Condition")
        if condition is not None and condition not in template.get("Conditions", {}):
            yield f"Template format error: Unresolved condition {condition}"
