# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What CloudFormation is doing with the stack: it does not say so in its requests."""

import boto3


def status(stack_id: str) -> str:
    """Return the stack's status, such as ``UPDATE_IN_PROGRESS``."""
    client = boto3.client("cloudformation")
    (stack,) = client.describe_stacks(StackName=stack_id)["Stacks"]
    return str(stack["StackStatus"])


def is_rolling_back(stack_id: str) -> bool:
    """Tell whether a request takes back what an earlier one of the same change has made."""
    return "ROLLBACK" in status(stack_id)
