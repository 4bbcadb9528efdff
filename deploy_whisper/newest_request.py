# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which request of CloudFormation a custom resource works for now, as a tag of this function.

CloudFormation does not wait for a resource's answer before it asks for something else: a stack may
be deleted, or rolled back because of a sibling, in the middle of a Create. The rule of the older
request goes on firing then, and its polls must not make again what the newer request has removed.
The last few answers are kept: a newer request can have its answer before the older one's rule ends.
"""

import logging
from typing import Any

import boto3

log = logging.getLogger(__name__)

_BUCKET = "whisper-sagemaker:bucket:"
_REQUEST = "whisper-sagemaker:request:"
_ANSWERED = "whisper-sagemaker:answered:"
_MOST_ANSWERED = 6  # ids of 36 characters in a tag of 256


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
    return request not in _ids(tags, event)


def answered(event: dict[str, Any], function_arn: str) -> list[str]:
    """Return the ids of the last requests of the event's resource that have their answer."""
    return _ids(boto3.client("lambda").list_tags(Resource=function_arn)["Tags"], event)


def note_answer(event: dict[str, Any], function_arn: str, earlier: list[str]) -> None:
    """Remember that the request has its answer, beside those that `answered` has returned."""
    ids = [event["RequestId"], *earlier][:_MOST_ANSWERED]
    tags = {_ANSWERED + event["LogicalResourceId"]: " ".join(ids)}
    boto3.client("lambda").tag_resource(Resource=function_arn, Tags=tags)


def _ids(tags: dict[str, str], event: dict[str, Any]) -> list[str]:
    return tags.get(_ANSWERED + event["LogicalResourceId"], "").split()
