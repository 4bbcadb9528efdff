# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Entry point of the Lambda: crhelper's hooks, wired to the two custom resources."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from crhelper import CfnResource

from deploy_whisper.deployment import Deployment
from deploy_whisper.model_archive import ModelArchive
from deploy_whisper.settings import Environment, service_timeout
from deploy_whisper.staging import Budget
from whisper_sagemaker.errors import DeadlineExceeded

ENVIRONMENT = Environment.from_environ()
RESOURCES: dict[str, type[ModelArchive] | type[Deployment]] = {
    "Custom::WhisperModelArchive": ModelArchive,
    "Custom::WhisperModelDeployment": Deployment,
}

SLICE_SECONDS = 95
"""Work per invocation: crhelper's rule fires every 120 s, and two polls must not overlap."""

MARGIN_SECONDS = 240
"""Time before CloudFormation's limit at which we give up: two polls, so that one can say why."""

helper = CfnResource(json_logging=True, log_level="INFO", boto_level="CRITICAL", sleep_on_delete=0)


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer a request of CloudFormation, or go on with one."""
    helper(event, context)


@helper.create
@helper.update
def begin(event: dict[str, Any], context: Any) -> str:
    """Start a Create or Update."""
    with _resource(event) as resource:
        _set_deadline(event)
        resource.begin(_budget(context))
        return resource.physical_id


@helper.poll_create
@helper.poll_update
def poll(event: dict[str, Any], context: Any) -> str | None:
    """Go on with a Create or Update."""
    with _resource(event) as resource:
        if not resource.poll(_budget(context)):
            _wait(event)
            return None
        helper.Data.pop("Deadline", None)
        helper.Data.update(resource.attributes)
        return resource.physical_id


@helper.delete
def begin_delete(event: dict[str, Any], context: Any) -> str:
    """Start a Delete."""
    with _resource(event) as resource:
        _set_deadline(event)
        resource.poll_delete(_budget(context))
        return resource.physical_id


@helper.poll_delete
def poll_delete(event: dict[str, Any], context: Any) -> str | None:
    """Go on with a Delete."""
    with _resource(event) as resource:
        if not resource.poll_delete(_budget(context)):
            _wait(event)
            return None
        helper.Data.pop("Deadline", None)
        return resource.physical_id


@contextmanager
def _resource(event: dict[str, Any]) -> Iterator[ModelArchive | Deployment]:
    """Open the event's resource, and have a failure report the same id as a success."""
    resource = RESOURCES[event["ResourceType"]](event, ENVIRONMENT)
    try:
        yield resource
    finally:
        helper.PhysicalResourceId = resource.physical_id


def _budget(context: Any) -> Budget:
    left = context.get_remaining_time_in_millis() / 1000 - 15
    return Budget(min(SLICE_SECONDS, left))


def _set_deadline(event: dict[str, Any]) -> None:
    helper.Data["Deadline"] = int(time.time()) + max(service_timeout(event) - MARGIN_SECONDS, 60)


def _wait(event: dict[str, Any]) -> None:
    if time.time() > helper.Data["Deadline"]:
        raise DeadlineExceeded(
            "Try again, and if it stays so look into the function's log: after "
            f"{service_timeout(event) // 60} minutes {event['LogicalResourceId']} was not done."
        )
