# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The stack's tags, by which costs are told apart, once a day on what is in service."""

import boto3

from deploy_whisper.requests import noted_endpoints, stack_tags
from whisper_sagemaker.endpoints import StackEndpoint


def carry_on(stack_id: str, function_arn: str) -> None:
    """Give the stack's tags, as they are now, to its endpoints in service and what they serve."""
    client, tags = boto3.client("sagemaker"), stack_tags(stack_id)
    for name in sorted(noted_endpoints(function_arn)):
        endpoint = StackEndpoint(client, name, stack_id)
        state = endpoint.describe()
        if state and endpoint.owns(state) and state.status == "InService":
            endpoint.carry_stack_tags(state, tags)
