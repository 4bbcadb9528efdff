# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which request of CloudFormation a custom resource works for now, as a tag of this function.

CloudFormation does not wait for a resource's answer before it asks for something else: a stack may
be deleted, or rolled back because of a sibling, in the middle of a Create. The rule of the older
request goes on firing then, and its polls must not make again what the newer request has removed.
"""

import logging
from typing import Any

import boto3

log = logging.getLogger(__name__)

_BUCKET = "whisper-sagemaker:bucket:"
_REQUEST = "whisper-sagemaker:request:"
_ANSWERED = "whisper-sagemaker:answered:"


def remember(event: dict[str, Any], function_arn: str) -> None:
    """Make the event's request the newest one of its resource, and note its bucket."""
    tags = {_REQUEST + event["LogicalResourceId"]: event["RequestId"]}
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


def is_waited_for(event: dict[str, Any], function_arn: str) -> bool:
    """Tell whether CloudFormation waits for an answer: it has none, and no newer request is made.

    Parameters
    ----------
    event : dict
        CloudFormation's request.
    function_arn : str

    Returns
    -------
    bool
    """
    tags = boto3.client("lambda").list_tags(Resource=function_arn)["Tags"]
    resource, request = event["LogicalResourceId"], event["RequestId"]
    if tags.get(_REQUEST + resource, request) != request:
        log.info("CloudFormation has asked for something else of %s", resource)
        return False
    return bool(tags.get(_ANSWERED + resource) != request)


def answered(event: dict[str, Any], function_arn: str) -> None:
    """Remember that the request has its answer."""
    tags = {_ANSWERED + event["LogicalResourceId"]: event["RequestId"]}
    boto3.client("lambda").tag_resource(Resource=function_arn, Tags=tags)
