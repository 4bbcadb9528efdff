# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whether IAM statements allow a request: Allow only, and the condition operators used here.

What it means: IAM User Guide, "Policy evaluation logic" and "Condition operators".
"""

from fnmatch import fnmatchcase
from typing import Any

from local_cloud.cloudformation.parameters import resolver

_APART = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")


def statements(template, role, parameters, region="us-east-1"):
    """Return a role's statements, those of policies apart from it included."""
    evaluator = resolver(template, parameters, region)
    policies = evaluator.resolve(template["Resources"][role]["Properties"])["Policies"]
    for resource in template["Resources"].values():
        if resource["Type"] in _APART and evaluator.exists(resource):
            apart = evaluator.resolve(resource["Properties"])
            policies += [apart] if f"<{role}>" in apart["Roles"] else []
    return [item for policy in policies for item in policy["PolicyDocument"]["Statement"]]


def granted(template, role, parameters):
    """Return the actions that a role is allowed, of whatever resource."""
    policy = statements(template, role, parameters)
    return {action for statement in policy for action in listed(statement["Action"])}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allows(policy, action, resource, context=None):
    """Tell whether any statement allows an action on a resource."""
    return any(
        action in listed(statement["Action"])
        and any(fnmatchcase(resource, pattern) for pattern in listed(statement["Resource"]))
        and _holds(statement.get("Condition", {}), context or {})
        for statement in policy
    )


def _holds(condition, context):
    operators = {
        "StringEquals": lambda value, wanted: value in wanted,
        "StringLike": lambda value, wanted: any(
            value is not None and fnmatchcase(value, pattern) for pattern in wanted
        ),
        "Null": lambda value, wanted: wanted == [str(value is None).lower()],
    }
    return all(
        operators[operator](context.get(key), listed(wanted))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )
