# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Entry point of the Lambda function: crhelper's hooks for the two custom resources."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy_whisper import invocations, metrics, polling_rules
from deploy_whisper.archive.own_buckets import OwnBuckets, account_of
from deploy_whisper.archive.renewal import Renewal
from deploy_whisper.archive.resource import ModelArchive
from deploy_whisper.budget import Budget
from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.endpoint.resource import Deployment
from deploy_whisper.endpoint.stack_tags import carry_on
from deploy_whisper.invocations import AnsweringHelper, InvocationLock
from deploy_whisper.settings import Environment, service_timeout
from whisper_sagemaker.errors import NotDoneInTime
from whisper_sagemaker.transient import require_transient

ENVIRONMENT = Environment.from_environ()
RESOURCES: dict[str, type[ModelArchive] | type[Deployment]] = {
    "Custom::WhisperModelArchive": ModelArchive,
    "Custom::WhisperModelDeployment": Deployment,
}

SLICE_SECONDS = 95
"""Work per invocation: crhelper's rule fires every 120 s, and two polls must not overlap."""

MARGIN_SECONDS = 240
"""Time before CloudFormation's limit at which we give up: two polls, so that one can report it."""

lock = InvocationLock()
helper = AnsweringHelper(
    json_logging=True, log_level="INFO", boto_level="CRITICAL", sleep_on_delete=0
)


def handler(event: dict[str, Any], context: Any) -> None:
    """Handle a CloudFormation request, a poll for one, or the daily renewal."""
    if "RenewArchive" in event:
        daily(event, context)
        return
    try:
        helper(event, context)
    finally:
        lock.release()  # only now: the next poll must not interfere with this one's answer


def daily(event: dict[str, Any], context: Any) -> None:
    """Renew the archive named by the schedule, and copy the stack's tags.

    If only the stack's tags change, the custom resource gets no request.
    """
    try:
        renew(event, context)
    finally:
        carry_on(event["StackId"], context.invoked_function_arn)


def renew(event: dict[str, Any], context: Any) -> None:
    """Renew the archive, and publish how much of its lifetime is left."""
    s3 = OwnBuckets(boto3.client("s3"), account_of(event["StackId"]))
    try:
        left = Renewal(s3, event["RenewArchive"], _seconds_left(context)).run()
    except Exception:
        metrics.put(event["StackId"], metrics.FAILURES, 1, "Count")
        metrics.put(event["StackId"], metrics.LIFE_LEFT, 0, "Percent")
        raise
    metrics.put(event["StackId"], metrics.LIFE_LEFT, left, "Percent")


@helper.create
@helper.update
@helper.delete
def begin(event: dict[str, Any], context: Any) -> str:
    """Start working on a request."""
    with _opened(event, context) as (request, resource):
        left = service_timeout(request) - MARGIN_SECONDS
        helper.Data["Deadline"] = int(time.time()) + max(left, 60)
        if invocations.may_begin(request, lock, _seconds_left(context)):
            _step(request, resource, context)
        return resource.physical_id


@helper.poll_create
@helper.poll_update
@helper.poll_delete
def poll(event: dict[str, Any], context: Any) -> str | None:
    """Continue a request until the deadline; returning an id makes crhelper answer."""
    with _opened(event, context) as (request, resource):
        if not invocations.may_go_on(request, lock, _seconds_left(context)):
            return None
        if _step(request, resource, context):
            helper.Data.pop("Deadline", None)
            if request.request_type != "Delete":
                helper.Data.update(resource.attributes)
            return resource.physical_id
        if time.time() > helper.Data["Deadline"]:
            raise NotDoneInTime(
                f"Try again, and if it stays so look into {context.log_group_name}: after "
                f"{service_timeout(request) // 60} minutes {request.logical_id} was not done."
            )
        return None


def _step(request: CloudFormationEvent, resource: ModelArchive | Deployment, context: Any) -> bool:
    """Take a step; after a transient error the next poll tries again."""
    left = _seconds_left(context)
    budget = Budget(min(SLICE_SECONDS, left - 15), life=left)
    step = resource.poll_delete if request.request_type == "Delete" else resource.poll
    try:
        is_done = step(budget)
        if is_done and request.is_poll and request.request_type == "Delete":
            polling_rules.remove_others(request, invocations.newest_request(request))
    except (BotoCoreError, ClientError) as error:
        require_transient(error, is_first=not request.is_poll)
        return False
    return is_done


@contextmanager
def _opened(
    event: dict[str, Any], context: Any
) -> Iterator[tuple[CloudFormationEvent, ModelArchive | Deployment]]:
    """Open the event's resource; make a failure report the same id as a success."""
    request = CloudFormationEvent.of(event, context)
    resource = RESOURCES[request.resource_type](request, ENVIRONMENT)
    try:
        helper.PhysicalResourceId = resource.physical_id  # in case Lambda's limit ends it
        yield request, resource
    except Exception:
        metrics.put(request.stack_id, metrics.FAILURES, 1, "Count")
        raise
    finally:
        helper.PhysicalResourceId = resource.physical_id


def _seconds_left(context: Any) -> float:
    return float(context.get_remaining_time_in_millis() / 1000)
