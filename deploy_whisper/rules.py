# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The EventBridge rule that crhelper polls by, where its request has been answered already.

An event that came twice has two rules, and a removal that failed has left one.
"""

import logging
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

log = logging.getLogger(__name__)


def remove(event: dict[str, Any], function_arn: str) -> None:
    """Remove the rule that has sent this poll, as far as it is still there."""
    rule = event["CrHelperRule"].split("/")[-1]
    events, functions = boto3.client("events"), boto3.client("lambda")
    statement = event["CrHelperPermission"]
    try:
        _forgiving(events.remove_targets, Rule=rule, Ids=["1"])
        _forgiving(functions.remove_permission, FunctionName=function_arn, StatementId=statement)
        _forgiving(events.delete_rule, Name=rule)
    except (BotoCoreError, ClientError):  # an error would be an answer
        log.warning("the rule %s stays", rule, exc_info=True)


def _forgiving(operation: Any, **request: Any) -> None:
    try:
        operation(**request)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
