# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which request of CloudFormation a custom resource works for now, as a tag of this function.

CloudFormation does not wait for a resource's answer before it asks for something else: a stack may
be deleted, or rolled back because of a sibling, in the middle of a Create. The rule of the older
request goes on firing then, and its polls must not make again what the newer request has removed.
"""

from typing import Any

import boto3

from whisper_sagemaker.errors import Overtaken


def remember(event: dict[str, Any], function_arn: str) -> None:
    """Make the event's request the newest one of its resource."""
    boto3.client("lambda").tag_resource(
        Resource=function_arn, Tags={_key(event): event["RequestId"]}
    )


def require(event: dict[str, Any], function_arn: str) -> None:
    """Go on only for the newest request.

    Raises
    ------
    Overtaken
    """
    tags = boto3.client("lambda").list_tags(Resource=function_arn)["Tags"]
    if tags.get(_key(event), event["RequestId"]) != event["RequestId"]:
        raise Overtaken(
            f"CloudFormation has asked for something else since this {event['RequestType']} of "
            f"{event['LogicalResourceId']}."
        )


def _key(event: dict[str, Any]) -> str:
    return f"whisper-sagemaker:request:{event['LogicalResourceId']}"
