# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Entry point of the Lambda: crhelper's hooks, wired to the two custom resources."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from crhelper import CfnResource

from deploy_whisper import metrics, newest_request, rules
from deploy_whisper.archive.renewal import Renewal
from deploy_whisper.archive.resource import ModelArchive
from deploy_whisper.archive.upload import Budget
from deploy_whisper.endpoint.resource import Deployment
from deploy_whisper.settings import Environment, service_timeout
from deploy_whisper.turn import Turn
from whisper_sagemaker.errors import DeadlineExceeded
from whisper_sagemaker.transient import is_transient

log = logging.getLogger(__name__)

ENVIRONMENT = Environment.from_environ()
RESOURCES: dict[str, type[ModelArchive] | type[Deployment]] = {
    "Custom::WhisperModelArchive": ModelArchive,
    "Custom::WhisperModelDeployment": Deployment,
}

SLICE_SECONDS = 95
"""Work per invocation: crhelper's rule fires every 120 s, and two polls must not overlap."""

MARGIN_SECONDS = 240
"""Time before CloudFormation's limit at which we give up: two polls, so that one can say why."""


class Helper(CfnResource):
    """crhelper, where polls overlap and calls fail; its stubs leave these methods out."""

    _event: dict[str, Any]
    _context: Any

    def _send(self, status: str | None = None, reason: str = "", **_: Any) -> None:
        """Answer, unless the function's tags say that the request has its answer.

        Where they cannot be read it answers: CloudFormation ignores an answer too many, and waits
        an hour for one too few.
        """
        earlier: list[str] = []
        try:
            earlier = newest_request.answered(self._event, self._function)
        except (BotoCoreError, ClientError):
            log.warning("this may be a second answer, which nobody reads", exc_info=True)
        if self._event["RequestId"] in earlier:
            log.info("the request has its answer")
        else:
            self._answer(status, reason, earlier)

    def _answer(self, status: str | None, reason: str, earlier: list[str]) -> None:
        """Answer, and only then say so: an invocation may end between the two."""
        super()._send(status, reason)  # type: ignore[misc]
        try:
            newest_request.note_answer(self._event, self._function, earlier)
        except (BotoCoreError, ClientError):
            log.warning("another poll may answer again, which nobody reads", exc_info=True)

    @property
    def _function(self) -> str:
        return str(self._context.invoked_function_arn)

    def _remove_polling(self) -> None:
        """Remove the rule; a request that is done has not failed because of that."""
        try:
            super()._remove_polling()  # type: ignore[misc]
        except (BotoCoreError, ClientError):
            log.warning("the next poll removes the rule", exc_info=True)

    def _timeout(self) -> None:
        """Say that Lambda's limit ends this invocation, unless another poll comes."""
        if "CrHelperPoll" not in self._event:
            log.error("Lambda's limit ends this invocation")
            self._answer("FAILED", "Execution timed out", [])  # at once: there is half a second


turn = Turn()
helper = Helper(json_logging=True, log_level="INFO", boto_level="CRITICAL", sleep_on_delete=0)


def handler(event: dict[str, Any], context: Any) -> None:
    """Answer a request of CloudFormation or go on with one, or do the daily renewal."""
    if "RenewArchive" in event:
        renew(event, context)
        return
    try:
        helper(event, context)
    finally:
        turn.end()  # only now: the next poll must not disturb the answer of this one


def renew(event: dict[str, Any], context: Any) -> None:
    """Renew the archive that the schedule names, and say how much of its life is left."""
    try:
        left = Renewal(boto3.client("s3"), event["RenewArchive"], _seconds_left(context)).run()
    except Exception:
        metrics.put(event["StackId"], metrics.FAILURES, 1, "Count")
        metrics.put(event["StackId"], metrics.LIFE_LEFT, 0, "Percent")
        raise
    metrics.put(event["StackId"], metrics.LIFE_LEFT, left, "Percent")


@helper.create
@helper.update
def begin(event: dict[str, Any], context: Any) -> str:
    """Start a Create or Update."""
    with _resource(event) as resource:
        if _start(event, context):
            _taken(resource.begin, context)
        return resource.physical_id


@helper.poll_create
@helper.poll_update
def poll(event: dict[str, Any], context: Any) -> str | None:
    """Go on with a Create or Update."""
    with _resource(event) as resource:
        if not _is_next(event, context) or not _attempt(resource.poll, event, context):
            return None
        helper.Data.update(resource.attributes)
        return resource.physical_id


@helper.delete
def begin_delete(event: dict[str, Any], context: Any) -> str:
    """Start a Delete."""
    with _resource(event) as resource:
        if _start(event, context):
            _taken(_deleting(resource, context), context)
        return resource.physical_id


@helper.poll_delete
def poll_delete(event: dict[str, Any], context: Any) -> str | None:
    """Go on with a Delete."""
    with _resource(event) as resource:
        if not _is_next(event, context):
            return None
        done = _attempt(_deleting(resource, context), event, context)
        return resource.physical_id if done else None


def _deleting(resource: ModelArchive | Deployment, context: Any) -> Callable[[Budget], bool]:
    def step(budget: Budget) -> bool:
        if isinstance(resource, ModelArchive):
            resource.buckets = newest_request.buckets(context.invoked_function_arn)
        return resource.poll_delete(budget)

    return step


def _start(event: dict[str, Any], context: Any) -> bool:
    """Make the request the newest one; True where its first step may be taken at once."""
    helper.Data["Deadline"] = int(time.time()) + max(service_timeout(event) - MARGIN_SECONDS, 60)
    if event["RequestId"] in newest_request.answered(event, context.invoked_function_arn):
        return False  # it came again, maybe after a newer request, which must stay the newest
    newest_request.remember(event, context.invoked_function_arn)
    has_turn = turn.take(event, context.invoked_function_arn, _seconds_left(context))
    # Asked with the turn in hand: what an older invocation has done, and what is newer, shows now.
    return has_turn and newest_request.is_waited_for(event, context.invoked_function_arn)


def _is_next(event: dict[str, Any], context: Any) -> bool:
    """Tell whether this poll may take a step; where nobody waits for it, its rule is removed."""
    function = context.invoked_function_arn
    try:
        if not turn.take(event, function, _seconds_left(context)):
            return False
        if newest_request.is_waited_for(event, function):
            return True
    except (BotoCoreError, ClientError) as error:
        _require_transient(error)
        return False
    rules.remove(event, function)
    return False


def _attempt(step: Callable[[Budget], bool], event: dict[str, Any], context: Any) -> bool:
    """Take a step, until the deadline."""
    done = _taken(step, context)
    if done:
        helper.Data.pop("Deadline", None)
    elif time.time() > helper.Data["Deadline"]:
        raise DeadlineExceeded(
            f"Try again, and if it stays so look into {context.log_group_name}: after "
            f"{service_timeout(event) // 60} minutes {event['LogicalResourceId']} was not done."
        )
    return done


def _taken(step: Callable[[Budget], bool | None], context: Any) -> bool:
    """Take a step; what passes by itself is tried again at the next poll."""
    try:
        return bool(step(_budget(context)))
    except (BotoCoreError, ClientError) as error:
        _require_transient(error)
        return False


def _require_transient(error: Exception) -> None:
    """Raise an error again unless it passes by itself."""
    if not is_transient(error):
        raise error
    log.warning("trying again at the next poll: %s", error)


@contextmanager
def _resource(event: dict[str, Any]) -> Iterator[ModelArchive | Deployment]:
    """Open the event's resource, and have a failure report the same id as a success."""
    resource = RESOURCES[event["ResourceType"]](event, ENVIRONMENT)
    try:
        helper.PhysicalResourceId = resource.physical_id  # also where Lambda's limit ends it
        yield resource
    except Exception:
        metrics.put(event["StackId"], metrics.FAILURES, 1, "Count")
        raise
    finally:
        helper.PhysicalResourceId = resource.physical_id


def _seconds_left(context: Any) -> float:
    return float(context.get_remaining_time_in_millis() / 1000)


def _budget(context: Any) -> Budget:
    left = _seconds_left(context)
    return Budget(min(SLICE_SECONDS, left - 15), life=left)
