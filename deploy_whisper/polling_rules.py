# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Removes the EventBridge rules with which crhelper polls."""

import json
import logging
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy_whisper.cloudformation import CloudFormationEvent
from whisper_sagemaker.transient import is_transient

log = logging.getLogger(__name__)


def remove_others(event: CloudFormationEvent, newest: str | None) -> None:
    """Remove the rules of a resource's other requests, before its Delete is answered.

    Their own next poll would do so, but after that answer the function may be deleted: a rule would
    then fire every two minutes for ever. `newest`, a request that may have come since, keeps its
    own.

    Raises
    ------
    ClientError, BotoCoreError
        A transient error: to be tried again.
    """
    events, own = boto3.client("events"), event.rule_arn.split("/")[-1]
    try:
        names = events.list_rule_names_by_target(TargetArn=event.function_arn)["RuleNames"]
        for name in names:
            if name.startswith(event.logical_id) and name != own:
                _remove_other(event, name, newest)
    except (BotoCoreError, ClientError) as error:
        if is_transient(error):
            raise  # tried again at the next poll
        log.warning("rules of earlier requests may be left", exc_info=True)


def _remove_other(event: CloudFormationEvent, name: str, newest: str | None) -> None:
    """Remove a rule if it polls for another request of the same resource, and no newer one."""
    resource = event.stack_id, event.logical_id
    try:
        for target in boto3.client("events").list_targets_by_rule(Rule=name)["Targets"]:
            poll = json.loads(target.get("Input", "{}"))
            if not isinstance(poll, dict):
                continue
            is_newer = poll.get("RequestId") == newest != event.request_id
            if (poll.get("StackId"), poll.get("LogicalResourceId")) == resource and not is_newer:
                _delete_rule(event.function_arn, name, poll.get("CrHelperPermission", ""))
    except ClientError as error:
        if is_transient(error):
            raise
        log.warning("the rule %s was not removed", name, exc_info=True)


def remove_own(event: CloudFormationEvent) -> None:
    """Remove the rule that has sent this poll, if it still exists.

    An event delivered twice has two rules, and a failed removal leaves one behind.
    """
    rule = event.rule_arn.split("/")[-1]
    if not rule:
        return
    try:
        _delete_rule(event.function_arn, rule, event.permission)
    except (BotoCoreError, ClientError):  # raising would make crhelper answer
        log.warning("the rule %s was not deleted", rule, exc_info=True)


def _delete_rule(function_arn: str, name: str, permission: str) -> None:
    events, functions = boto3.client("events"), boto3.client("lambda")
    statement = {"FunctionName": function_arn, "StatementId": permission}
    _forgiving(events.remove_targets, Rule=name, Ids=["1"])
    if permission:
        _forgiving(functions.remove_permission, **statement)
    _forgiving(events.delete_rule, Name=name)


def _forgiving(operation: Any, **request: Any) -> None:
    try:
        operation(**request)
    except ClientError as error:
        if not is_gone(error):
            raise


def is_gone(error: Exception) -> bool:
    """Return whether an error says that something does not exist."""
    if not isinstance(error, ClientError):
        return False
    return bool(error.response["Error"]["Code"] == "ResourceNotFoundException")
