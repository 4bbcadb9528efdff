# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The stacks' tags, by which costs are told apart, once a day on what is in service."""

import boto3

from deploy_whisper.requests import noted_endpoints, stack_tags
from whisper_sagemaker.endpoints import StackEndpoint


def carry_on(stack_id: str, function_arn: str) -> None:
    """Give each stack's tags, as they are now, to its endpoints in service and what they serve.

    Parameters
    ----------
    stack_id : str
        Of the function's own stack, whose endpoints are noted without one by an earlier version.
    """
    client = boto3.client("sagemaker")
    for name, noted in sorted(noted_endpoints(function_arn).items()):
        owner = noted or stack_id
        endpoint = StackEndpoint(client, name, owner)
        state = endpoint.describe()
        if state and endpoint.owns(state) and state.status == "InService":
            endpoint.carry_stack_tags(state, stack_tags(owner))
