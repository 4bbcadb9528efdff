# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The ``AWS::…`` pseudo parameters of every template."""

from local_cloud import ACCOUNT_ID


def stack_arn(region: str, name: str, uuid: str) -> str:
    """Return ``arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<uuid>``."""
    return f"arn:{_partition(region)}:cloudformation:{region}:{ACCOUNT_ID}:stack/{name}/{uuid}"


def pseudo_parameters(region: str, stack_name: str, stack_id: str) -> dict[str, str]:
    """Return the values for a stack, except ``AWS::NoValue``."""
    china = region.startswith("cn-")
    return {
        "AWS::AccountId": ACCOUNT_ID,
        "AWS::NotificationARNs": "",
        "AWS::Partition": _partition(region),
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
