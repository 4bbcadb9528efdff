# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What CloudFormation asks of a custom resource, and what it says about the stack."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3


@dataclass(frozen=True)
class CloudFormationEvent:
    """A request of CloudFormation to a custom resource.

    Attributes
    ----------
    request_type : str
        ``Create``, ``Update`` or ``Delete``.
    stack_id : str
        The stack's ARN.
    physical_id : str
        As CloudFormation remembers it; empty on Create.
    properties, old_properties : mapping
        The resource's, and on Update its previous ones.
    function_arn : str
        The function that was invoked.
    rule_arn, permission : str
        Created by crhelper for polling; empty unless this is a poll.
    """

    request_type: str
    stack_id: str
    properties: Mapping[str, Any]
    resource_type: str = ""
    logical_id: str = ""
    request_id: str = ""
    physical_id: str = ""
    old_properties: Mapping[str, Any] = field(default_factory=dict)
    function_arn: str = ""
    rule_arn: str = ""
    permission: str = ""

    @classmethod
    def of(cls, event: Mapping[str, Any], context: Any) -> "CloudFormationEvent":
        """Read an event of Lambda."""
        return cls(
            request_type=event["RequestType"],
            stack_id=event["StackId"],
            properties=event["ResourceProperties"],
            resource_type=event["ResourceType"],
            logical_id=event["LogicalResourceId"],
            request_id=event["RequestId"],
            physical_id=event.get("PhysicalResourceId", ""),
            old_properties=event.get("OldResourceProperties", {}),
            function_arn=context.invoked_function_arn,
            rule_arn=event.get("CrHelperRule", ""),
            permission=event.get("CrHelperPermission", ""),
        )

    @property
    def region(self) -> str:
        """The Region of the stack and the endpoint."""
        return self.stack_id.split(":")[3]

    @property
    def resource(self) -> str:
        """The resource's name among those of all stacks that share the function."""
        return f"{self.stack_id.rsplit('/', 1)[-1]}:{self.logical_id}"

    @property
    def is_poll(self) -> bool:
        """Whether it was sent by crhelper's rule, not by CloudFormation."""
        return bool(self.rule_arn)

    def is_rolling_back(self) -> bool:
        """Return whether the stack is rolling back."""
        return "ROLLBACK" in self.stack_status()

    def stack_status(self) -> str:
        """Return the stack's status, which requests do not contain."""
        return str(described(self.stack_id)["StackStatus"])


def described(stack_id: str) -> dict[str, Any]:
    """Return CloudFormation's description of a stack."""
    client = boto3.client("cloudformation")
    stack: dict[str, Any]
    (stack,) = client.describe_stacks(StackName=stack_id)["Stacks"]
    return stack


def stack_tags(stack_id: str) -> dict[str, str]:
    """Return the stack's own tags, which are used for cost allocation."""
    return {tag["Key"]: tag["Value"] for tag in described(stack_id).get("Tags", [])}
