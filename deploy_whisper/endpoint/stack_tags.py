# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Copies the stacks' tags, for cost allocation, to their endpoints once a day."""

import boto3

from deploy_whisper.cloudformation import stack_tags
from deploy_whisper.invocations import noted_endpoints
from whisper_sagemaker.endpoints import StackEndpoint


def carry_on(stack_id: str, function_arn: str) -> None:
    """Copy each stack's current tags to its endpoints in service, their configs and models.

    Parameters
    ----------
    stack_id : str
        The function's own stack; an earlier version noted its endpoints without a stack id.
    """
    client = boto3.client("sagemaker")
    for name, noted in sorted(noted_endpoints(function_arn).items()):
        owner = noted or stack_id
        endpoint = StackEndpoint(client, name, owner)
        state = endpoint.describe()
        if state and endpoint.owns(state) and state.status == "InService":
            endpoint.carry_stack_tags(state, stack_tags(owner))
