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

_BUCKET = "whisper-sagemaker:bucket:"


def remember(event: dict[str, Any], function_arn: str) -> None:
    """Make the event's request the newest one of its resource, and note its bucket."""
    tags = {_key(event): event["RequestId"]}
    bucket = event["ResourceProperties"].get("Bucket")
    if bucket and event["RequestType"] != "Delete":
        tags[f"{_BUCKET}{bucket}"] = ""
    boto3.client("lambda").tag_resource(Resource=function_arn, Tags=tags)


def buckets(function_arn: str) -> set[str]:
    """Return every bucket in which an archive was ever begun.

    A roll-back that fails too leaves an archive in a bucket that no later event names.
    """
    tags = boto3.client("lambda").list_tags(Resource=function_arn)["Tags"]
    return {key.removeprefix(_BUCKET) for key in tags if key.startswith(_BUCKET)}


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
