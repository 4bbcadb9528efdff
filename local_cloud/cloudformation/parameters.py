# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CloudFormation's checks before creating anything: parameters, rules and capabilities.

moto has no such checks, so the local cloud runs them before every create and update. See the
CloudFormation User Guide, "Parameters", "Rules" and "Acknowledging IAM resources".
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from local_cloud.cloudformation.intrinsics import Resolver
from local_cloud.cloudformation.properties import as_strings
from local_cloud.cloudformation.pseudo_parameters import pseudo_parameters, stack_arn

_STACK_NAME = "whisper"
_STORED = "AWS::SSM::Parameter::Value<"
_TYPES = re.compile(
    r"String|Number|CommaDelimitedList|List<Number>|AWS::SSM::Parameter::(Name|Value<.+>)"
    r"|(List<)?AWS::(EC2|Route53)::[\w:]+(?(2)>)"
)

_NAMED = frozenset(
    {"GroupName", "InstanceProfileName", "ManagedPolicyName", "RoleName", "UserName"}
)
"""Properties with a custom name for an IAM resource."""

_NAMEABLE = frozenset(
    f"AWS::IAM::{kind}" for kind in ("Group", "InstanceProfile", "ManagedPolicy", "Role", "User")
)


def is_list(parameter_type: str) -> bool:
    """Return whether a parameter type is a list, written with commas."""
    return parameter_type == "CommaDelimitedList" or parameter_type.startswith("List<")


def check(
    template: dict[str, Any],
    parameters: Mapping[str, str],
    region: str,
    capabilities: Collection[str] = (),
) -> list[str]:
    """Return CloudFormation's objections to creating or updating a stack, a sentence each.

    As in CloudFormation, rules are only checked once every parameter is valid.
    """
    objections = list(_about_parameters(template.get("Parameters", {}), parameters))
    if not objections:
        objections += _about_rules(template, parameters, region)
    return objections + list(_about_capabilities(template, capabilities))


def resolver(
    template: dict[str, Any],
    parameters: Mapping[str, str],
    region: str = "us-east-1",
) -> Resolver:
    """Return a resolver before any resource exists: references resolve to ``<name>``."""
    return Resolver(
        template,
        _References(template, parameters, region),
        lambda logical_id, attribute: f"<{logical_id}.{attribute}>",
    )


def conditions(
    template: dict[str, Any], parameters: Mapping[str, str], region: str = "us-east-1"
) -> dict[str, bool]:
    """Evaluate all Conditions of a template, by name."""
    evaluator = resolver(template, parameters, region)
    return {name: evaluator.condition(name) for name in template.get("Conditions", {})}


class _References(dict[str, Any]):
    """Parameters and pseudo parameters; a resource resolves to its own name."""

    def __init__(
        self, template: dict[str, Any], parameters: Mapping[str, str], region: str
    ) -> None:
        stack_id = stack_arn(region, _STACK_NAME, "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d")
        super().__init__(pseudo_parameters(region, _STACK_NAME, stack_id))
        for name, declaration in template.get("Parameters", {}).items():
            text = as_strings(parameters.get(name, declaration.get("Default", "")))
            self[name] = _items(text) if is_list(declaration["Type"]) else text
        self.update({name: f"<{name}>" for name in template.get("Resources", {})})


def _about_parameters(
    declarations: Mapping[str, Any], parameters: Mapping[str, str]
) -> Iterator[str]:
    for name in parameters:
        if name not in declarations:
            known = ", ".join(sorted(declarations))
            yield f"There is no parameter {name}: remove it or use one of {known}."
    for name, declaration in declarations.items():
        value = parameters.get(name, declaration.get("Default"))
        if value is None:
            yield f"The parameter {name} has no default: give it a value."
            continue
        text = as_strings(value)
        try:
            reason = _violation(declaration, text)
        except (TypeError, ValueError, re.error) as error:
            yield f"Template format error: the declaration of the parameter {name}: {error}"
            continue
        if reason:
            remedy = str(declaration.get("ConstraintDescription", reason))
            yield f"The parameter {name} cannot be {text!r}: {remedy.strip()}"


def _violation(declaration: Mapping[str, Any], text: str) -> str:
    """Return the violated constraint, or an empty string."""
    kind = declaration["Type"]
    if not _TYPES.fullmatch(kind):
        raise ValueError(f"Unrecognized parameter type: {kind}")
    if kind.startswith(_STORED):
        return "the local cloud does not read the Parameter Store: take a type without it."
    checks = {
        "String": (_of_values, _of_pattern, _of_length),
        "Number": (_of_number, _of_values),
        "List<Number>": (_of_number, _of_values),
    }.get(kind, (_of_values, _of_pattern))
    items = _items(text) if is_list(kind) else [text]
    reasons = (check(declaration, item) for item in items for check in checks)
    return next((reason for reason in reasons if reason), "")


def _of_values(declaration: Mapping[str, Any], text: str) -> str:
    allowed = as_strings(declaration.get("AllowedValues", [text]))
    return "" if text in allowed else f"it must be one of {', '.join(allowed)}."


def _of_pattern(declaration: Mapping[str, Any], text: str) -> str:
    pattern = declaration.get("AllowedPattern", ".*")
    return "" if re.fullmatch(pattern, text, re.DOTALL) else f"it must match {pattern}."


def _of_length(declaration: Mapping[str, Any], text: str) -> str:
    least = int(declaration.get("MinLength", 0))
    most = int(declaration.get("MaxLength", len(text)))
    return "" if least <= len(text) <= most else f"it must have {least} to {most} characters."


def _of_number(declaration: Mapping[str, Any], text: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return "it must be a number."
    least = float(declaration.get("MinValue", number))
    most = float(declaration.get("MaxValue", number))
    return "" if least <= number <= most else f"it must be from {least:g} to {most:g}."


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")]


def _about_rules(
    template: dict[str, Any], parameters: Mapping[str, str], region: str
) -> Iterator[str]:
    evaluator = resolver(template, parameters, region)
    for name, rule in template.get("Rules", {}).items():
        if "RuleCondition" in rule and not evaluator.resolve(rule["RuleCondition"]):
            continue
        for assertion in rule["Assertions"]:
            if not evaluator.resolve(assertion["Assert"]):
                yield assertion.get("AssertDescription", f"The rule {name} does not hold.").strip()


def required_capabilities(template: Mapping[str, Any]) -> dict[str, str]:
    """Return the required capabilities, and why."""
    resources = template.get("Resources", {}).values()
    iam = [resource for resource in resources if resource["Type"].startswith("AWS::IAM::")]
    required = {}
    if any(
        resource["Type"] in _NAMEABLE and _NAMED & set(resource.get("Properties", {}))
        for resource in iam
    ):
        required["CAPABILITY_NAMED_IAM"] = "The template names IAM resources"
    elif iam:
        required["CAPABILITY_IAM"] = "The template makes IAM resources"
    if "Transform" in template:
        required["CAPABILITY_AUTO_EXPAND"] = "The template uses a transform"
    return required


def _about_capabilities(template: dict[str, Any], capabilities: Collection[str]) -> Iterator[str]:
    given = set(capabilities)
    if "CAPABILITY_NAMED_IAM" in given:
        given.add("CAPABILITY_IAM")
    for capability, reason in required_capabilities(template).items():
        if capability not in given:
            yield f"{reason}: acknowledge it with {capability}."
