# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decides which invocation may act on which CloudFormation request; state is in function tags.

Lambda may deliver an event twice; crhelper's rule fires even if the last poll is still running; and
CloudFormation does not wait for an answer before its next request: a stack may be deleted, or
rolled back because of another resource, in the middle of a Create. So an invocation acts only while
it holds the invocation lock of its resource, and only on that resource's newest request while it is
unanswered. docs/adr/0017 explains why reserved concurrency is no substitute.

The invocation lock protects a custom resource. Objects below the stack's S3 prefix have a stricter
lock as well, `deploy_whisper.archive.lease`, which the daily renewal also takes.
"""

import http.client
import json
import logging
import ssl
import time
import urllib.parse
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from crhelper import CfnResource, utils

from deploy_whisper import polling_rules
from whisper_sagemaker import reasons
from whisper_sagemaker.transient import require_transient

log = logging.getLogger(__name__)

_RUNS = "whisper-sagemaker:runs:"
_BUCKET = "whisper-sagemaker:bucket:"
_ENDPOINT = "whisper-sagemaker:endpoint:"
_NEWEST = "whisper-sagemaker:request:"
_ANSWERED = "whisper-sagemaker:answered:"
_LAST_SECONDS = 15.0  # reserved for one more attempt to answer and what follows it
_MOST_PAUSE = 16.0
_PUT_SECONDS = 10.0
_MOST_ANSWERED = 6  # ids of 36 characters in a tag of 256


@dataclass(frozen=True)
class CloudFormationEvent:
    """A request of CloudFormation to a custom resource.

    Attributes
    ----------
    request_type : str
        ``Create``, ``Update`` or ``Delete``.
    stack_id : str
        The stack's ARN.
    physical_id : str
        As CloudFormation remembers it; empty on Create.
    properties, old_properties : mapping
        The resource's, and on Update its previous ones.
    function_arn : str
        The function that was invoked.
    rule_arn, permission : str
        Created by crhelper for polling; empty unless this is a poll.
    """

    request_type: str
    stack_id: str
    properties: Mapping[str, Any]
    resource_type: str = ""
    logical_id: str = ""
    request_id: str = ""
    physical_id: str = ""
    old_properties: Mapping[str, Any] = field(default_factory=dict)
    function_arn: str = ""
    rule_arn: str = ""
    permission: str = ""

    @classmethod
    def of(cls, event: Mapping[str, Any], context: Any) -> "CloudFormationEvent":
        """Read an event of Lambda."""
        return cls(
            request_type=event["RequestType"],
            stack_id=event["StackId"],
            properties=event["ResourceProperties"],
            resource_type=event["ResourceType"],
            logical_id=event["LogicalResourceId"],
            request_id=event["RequestId"],
            physical_id=event.get("PhysicalResourceId", ""),
            old_properties=event.get("OldResourceProperties", {}),
            function_arn=context.invoked_function_arn,
            rule_arn=event.get("CrHelperRule", ""),
            permission=event.get("CrHelperPermission", ""),
        )

    @property
    def region(self) -> str:
        """The Region of the stack and the endpoint."""
        return self.stack_id.split(":")[3]

    @property
    def is_poll(self) -> bool:
        """Whether it was sent by crhelper's rule, not by CloudFormation."""
        return bool(self.rule_arn)

    def is_rolling_back(self) -> bool:
        """Return whether the stack is rolling back."""
        return "ROLLBACK" in self.stack_status()

    def stack_status(self) -> str:
        """Return the stack's status, which requests do not contain."""
        return str(described(self.stack_id)["StackStatus"])


def described(stack_id: str) -> dict[str, Any]:
    """Return CloudFormation's description of a stack."""
    client = boto3.client("cloudformation")
    stack: dict[str, Any]
    (stack,) = client.describe_stacks(StackName=stack_id)["Stacks"]
    return stack


def stack_tags(stack_id: str) -> dict[str, str]:
    """Return the stack's own tags, which are used for cost allocation."""
    return {tag["Key"]: tag["Value"] for tag in described(stack_id).get("Tags", [])}


class InvocationLock:
    """A lock on a custom resource, made of one function tag per running invocation.

    Each invocation writes its own tag and then looks for others: of two, at least the later one
    sees the other. A tag expires when Lambda would end its invocation, so that nobody waits for a
    dead one.
    """

    def __init__(self) -> None:
        self._function = ""
        self._own = ""

    def claim(self, event: CloudFormationEvent, seconds: float) -> dict[str, str]:
        """Claim the lock, and return all tags of the function afterwards.

        Parameters
        ----------
        seconds : float
            Seconds until Lambda ends this invocation.
        """
        client = boto3.client("lambda")
        # Set before the call: its response may be lost, and `release` must still find the tag.
        self._function, self._own = event.function_arn, _of_resource(event) + uuid.uuid4().hex
        now = time.time()
        own = {self._own: str(int(now + seconds) + 1)}
        client.tag_resource(Resource=self._function, Tags=own)
        tags = read_tags(self._function)
        ended = [key for key, end in tags.items() if key.startswith(_RUNS) and float(end) <= now]
        if ended:
            client.untag_resource(Resource=self._function, TagKeys=ended)
        return {key: value for key, value in tags.items() if key not in ended}

    def is_held(self, event: CloudFormationEvent, tags: Mapping[str, str]) -> bool:
        """Return whether no other invocation is working on the event's resource."""
        is_held = not any(key.startswith(_of_resource(event)) for key in tags if key != self._own)
        if not is_held:
            log.info("another invocation works for %s", event.logical_id)
        return is_held

    def release(self) -> None:
        """Release the lock; if that fails, the next invocation has to wait for Lambda's limit."""
        if not self._own:
            return
        own, self._own = self._own, ""
        try:
            boto3.client("lambda").untag_resource(Resource=self._function, TagKeys=[own])
        except (BotoCoreError, ClientError):
            log.warning("the tag %s stays until it expires", own, exc_info=True)


def may_begin(event: CloudFormationEvent, lock: InvocationLock, seconds: float) -> bool:
    """Record the request as the newest one; return whether its first step may be taken now."""
    tags = lock.claim(event, seconds)
    if event.request_id in answered(event, tags):
        return False  # delivered twice, maybe after a newer request, which must stay the newest
    remember(event)
    return lock.is_held(event, tags)


def may_go_on(event: CloudFormationEvent, lock: InvocationLock, seconds: float) -> bool:
    """Return whether this poll may take a step; if its request is obsolete, remove its rule."""
    try:
        tags = lock.claim(event, seconds)
        if not lock.is_held(event, tags):
            return False
        if is_waited_for(event, tags):
            return True
    except (BotoCoreError, ClientError) as error:
        require_transient(error)
        return False
    polling_rules.remove_own(event)
    return False


def read_tags(function_arn: str) -> dict[str, str]:
    """Return all tags of the function."""
    tags: dict[str, str] = boto3.client("lambda").list_tags(Resource=function_arn)["Tags"]
    return tags


def remember(event: CloudFormationEvent) -> None:
    """Record the event's request as the newest one of its resource, and its bucket."""
    tags = {_NEWEST + event.logical_id: event.request_id}
    bucket = event.properties.get("Bucket")
    if bucket and event.request_type != "Delete":
        tags[f"{_BUCKET}{bucket}"] = ""
    boto3.client("lambda").tag_resource(Resource=event.function_arn, Tags=tags)


def buckets(event: CloudFormationEvent) -> set[str]:
    """Return every bucket in which an archive was ever begun.

    A failed rollback may leave an archive in a bucket that no later event names.
    """
    tags = read_tags(event.function_arn)
    return {key.removeprefix(_BUCKET) for key in tags if key.startswith(_BUCKET)}


def note_endpoint(event: CloudFormationEvent, name: str) -> None:
    """Record an endpoint's name before it is created, since any invocation may be killed."""
    tags = {_ENDPOINT + name: event.stack_id}
    boto3.client("lambda").tag_resource(Resource=event.function_arn, Tags=tags)


def noted_endpoints(function_arn: str) -> dict[str, str]:
    """Return the recorded endpoints, of which something may exist, with their stacks' ids.

    The function also creates endpoints for recordings stacks. Endpoints recorded by an earlier
    version have an empty stack id.
    """
    tags = read_tags(function_arn)
    return {
        key.removeprefix(_ENDPOINT): stack_id
        for key, stack_id in tags.items()
        if key.startswith(_ENDPOINT)
    }


def forget_endpoints(event: CloudFormationEvent, names: set[str]) -> None:
    """Delete the records of endpoints of which nothing is left."""
    if keys := [_ENDPOINT + name for name in sorted(names)]:
        boto3.client("lambda").untag_resource(Resource=event.function_arn, TagKeys=keys)


def newest_request(event: CloudFormationEvent) -> str | None:
    """Return the id of the newest request of the event's resource, if one is recorded."""
    return read_tags(event.function_arn).get(_NEWEST + event.logical_id)


def is_waited_for(event: CloudFormationEvent, tags: Mapping[str, str]) -> bool:
    """Return whether the request is unanswered and the newest one of its resource.

    The tags must have been read while holding the lock, so that they show what older invocations
    have done.
    """
    if tags.get(_NEWEST + event.logical_id, event.request_id) != event.request_id:
        log.info("CloudFormation has asked for something else of %s", event.logical_id)
        return False
    return event.request_id not in answered(event, tags)


def answered(event: CloudFormationEvent, tags: Mapping[str, str]) -> list[str]:
    """Return the ids of the last answered requests of the event's resource.

    Several are kept, since a newer request may be answered before the older one's rule ends.
    """
    return tags.get(_ANSWERED + event.logical_id, "").split()


def note_answer(event: CloudFormationEvent, earlier: list[str]) -> None:
    """Record the request as answered, in addition to those returned by `answered`."""
    ids = [event.request_id, *earlier][:_MOST_ANSWERED]
    tags = {_ANSWERED + event.logical_id: " ".join(ids)}
    boto3.client("lambda").tag_resource(Resource=event.function_arn, Tags=tags)


class AnsweringHelper(CfnResource):
    """crhelper, hardened against overlapping polls and failing calls."""

    _event: dict[str, Any]
    _context: Any
    Reason: str
    _is_delivered = False

    def _send(self, status: str | None = None, reason: str = "", **_: Any) -> None:
        """Answer, unless the function's tags show that the request was answered.

        If they cannot be read, answer anyway: CloudFormation ignores a second answer, but waits an
        hour for a missing one.
        """
        event = CloudFormationEvent.of(self._event, self._context)
        earlier: list[str] = []
        try:
            # Read again: a failing invocation answers without holding the lock.
            earlier = answered(event, read_tags(event.function_arn))
        except (BotoCoreError, ClientError):
            log.warning("this answer may be a duplicate, which is ignored", exc_info=True)
        if event.request_id in earlier:
            log.info("the request has its answer")
        else:
            self._answer(status, reason, earlier)

    def _answer(self, status: str | None, reason: str, earlier: list[str]) -> None:
        """Answer, and only then record it: the invocation may be killed in between."""
        self.Reason = reasons.reason(str(self.Reason))
        super()._send(status, reasons.reason(str(reason)), self._deliver)  # type: ignore[misc]
        if not self._is_delivered:
            return
        try:
            note_answer(CloudFormationEvent.of(self._event, self._context), earlier)
        except (BotoCoreError, ClientError):
            log.warning("another poll may answer again, which is ignored", exc_info=True)

    def _deliver(self, url: str, answer: dict[str, Any], _: Any = None) -> None:
        """PUT the answer to S3, with retries as long as the invocation lives.

        crhelper treats a 503 as delivered; CloudFormation would then wait for an hour.
        """
        pause = 1.0
        while not (is_taken := _is_taken(url, answer)):
            left = self._context.get_remaining_time_in_millis() / 1000
            if left < pause + _LAST_SECONDS:
                log.error("the answer could not be delivered")
                break
            time.sleep(pause)
            pause = min(pause * 2, _MOST_PAUSE)
        self._is_delivered = is_taken

    def _setup_polling(self) -> None:
        """Make the rule, and none that nobody would remove: half a rule, or a deleted function's.

        Whether the request has been overtaken, its first poll decides: tags may lag.
        """
        try:
            super()._setup_polling()  # type: ignore[misc]
            _require_function(self._context.invoked_function_arn)
        except Exception:
            polling_rules.remove_own(CloudFormationEvent.of(self._event, self._context))
            raise

    def _remove_polling(self) -> None:
        """Remove the rule; failing to do so must not fail a finished request."""
        try:
            super()._remove_polling()  # type: ignore[misc]
        except (BotoCoreError, ClientError):
            log.warning("the rule was not removed; the next poll removes it", exc_info=True)
            event = CloudFormationEvent.of(self._event, self._context)
            if event.request_type == "Delete":  # after which there may be no function to poll
                polling_rules.remove_own(event)

    def _timeout(self) -> None:
        """Report that Lambda's limit ends this invocation, unless another poll follows."""
        if "CrHelperPoll" not in self._event:
            log.error("Lambda's limit ends this invocation")
            self._answer("FAILED", "Execution timed out", [])  # only half a second is left


def _is_taken(url: str, answer: dict[str, Any]) -> bool:
    """PUT an answer; return True if it was delivered, or refused permanently."""
    place = urllib.parse.urlsplit(url)
    body = json.dumps(answer)  # ASCII
    path = urllib.parse.urlunsplit(("", "", *place[2:]))
    try:
        connection = utils.HTTPSConnection(place.netloc, context=ssl.create_default_context())  # type: ignore[attr-defined]
        connection.timeout = _PUT_SECONDS
        connection.request("PUT", path, body, {"content-type": ""})
        taken = connection.getresponse()
    except (OSError, http.client.HTTPException):
        log.warning("the answer could not be sent", exc_info=True)
        return False
    log.info("the answer's place says %d %s", taken.status, taken.reason)
    return bool(taken.status < 500 and taken.status != http.client.TOO_MANY_REQUESTS)


def _require_function(arn: str) -> None:
    """Raise an error if the function is gone, as it may be with its stack."""
    try:
        read_tags(arn)
    except (BotoCoreError, ClientError) as error:
        if polling_rules.is_gone(error):
            raise


def _of_resource(event: CloudFormationEvent) -> str:
    return f"{_RUNS}{event.logical_id}:"
