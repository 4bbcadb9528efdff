# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decides which invocation may act on which CloudFormation request; state is in function tags.

Recordings stacks use the function too, so the tags are kept per resource of a stack.

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
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from crhelper import CfnResource, utils

from deploy_whisper import polling_rules
from deploy_whisper.cloudformation import CloudFormationEvent
from whisper_sagemaker import reasons
from whisper_sagemaker.transient import require_transient

log = logging.getLogger(__name__)

_RUNS = "whisper-sagemaker:runs:"
_BUCKET = "whisper-sagemaker:bucket:"
_ENDPOINT = "whisper-sagemaker:endpoint:"
_NEWEST = "whisper-sagemaker:request:"
_ANSWERED = "whisper-sagemaker:answered:"
_EXPIRES = "@"
"""Begins the last word of a tag that is kept for a while: seconds since 1970."""

_LAST_SECONDS = 15.0  # reserved for one more attempt to answer and what follows it
_MOST_PAUSE = 16.0
_PUT_SECONDS = 10.0
_MOST_IDS = 6  # of 36 characters in a tag of 256
_DAY = 86_400  # longer than Lambda keeps an event: six hours


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
        self._function, self._own = event.function_arn, _lock_of(event) + uuid.uuid4().hex
        own = {self._own: str(int(time.time() + seconds) + 1)}
        try:
            client.tag_resource(Resource=self._function, Tags=own)
        except ClientError:  # a function has room for 50 tags
            if not _forget_expired(self._function, read_tags(self._function)):
                raise
            client.tag_resource(Resource=self._function, Tags=own)
        tags = read_tags(self._function)
        expired = _forget_expired(self._function, tags)
        return {key: value for key, value in tags.items() if key not in expired}

    def is_held(self, event: CloudFormationEvent, tags: Mapping[str, str]) -> bool:
        """Return whether no other invocation is working on the event's resource."""
        is_held = not any(key.startswith(_lock_of(event)) for key in tags if key != self._own)
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
    if event.request_id in {*answered(event, tags), *_begun(event, tags)[1:]}:
        return False  # delivered twice, maybe after a newer request, which must stay the newest
    remember(event, tags)
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


def remember(event: CloudFormationEvent, tags: Mapping[str, str]) -> None:
    """Record the event's request as the newest one of its resource, and its bucket."""
    own = {_NEWEST + event.resource: _ids(event.request_id, _begun(event, tags))}
    bucket = event.properties.get("Bucket")
    if bucket and event.request_type != "Delete":
        own[f"{_BUCKET}{bucket}"] = ""
    boto3.client("lambda").tag_resource(Resource=event.function_arn, Tags=own)


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
    return next(iter(_begun(event, read_tags(event.function_arn))), None)


def is_waited_for(event: CloudFormationEvent, tags: Mapping[str, str]) -> bool:
    """Return whether the request is unanswered and the newest one of its resource.

    The tags must have been read while holding the lock, so that they show what older invocations
    have done.
    """
    if event.request_id not in (_begun(event, tags) or [event.request_id])[:1]:
        log.info("CloudFormation has asked for something else of %s", event.logical_id)
        return False
    return event.request_id not in answered(event, tags)


def answered(event: CloudFormationEvent, tags: Mapping[str, str]) -> list[str]:
    """Return the ids of the last answered requests of the event's resource.

    Several are kept, since a newer request may be answered before the older one's rule ends.
    """
    words = tags.get(_ANSWERED + event.resource, "").split()
    return [word for word in words if not word.startswith(_EXPIRES)]


def note_answer(event: CloudFormationEvent, tags: Mapping[str, str]) -> None:
    """Record the request as answered, in addition to those in the tags read before the answer.

    A function has room for 50 tags: after a Delete one is left, for a day. It has the requests that
    were overtaken as well, since these may be delivered again, too.
    """
    client, key = boto3.client("lambda"), _ANSWERED + event.resource
    begun, earlier = _begun(event, tags), answered(event, tags)
    if event.request_type != "Delete":
        note = _ids(event.request_id, earlier)
        client.tag_resource(Resource=event.function_arn, Tags={key: note})
        return
    newer = begun.index(event.request_id) if event.request_id in begun else len(begun)
    note = f"{_ids(event.request_id, begun[newer:] + earlier)} {_EXPIRES}{time.time() + _DAY:.0f}"
    client.tag_resource(Resource=event.function_arn, Tags={key: note})
    if newer == 0:
        client.untag_resource(Resource=event.function_arn, TagKeys=[_NEWEST + event.resource])


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
        tags: dict[str, str] = {}
        try:
            # Read again: a failing invocation answers without holding the lock.
            tags = read_tags(event.function_arn)
        except (BotoCoreError, ClientError):
            log.warning("this answer may be a duplicate, which is ignored", exc_info=True)
        if event.request_id in answered(event, tags):
            log.info("the request has its answer")
        else:
            self._answer(status, reason, tags)

    def _answer(self, status: str | None, reason: str, tags: Mapping[str, str]) -> None:
        """Answer, and only then record it: the invocation may be killed in between."""
        self.Reason = reasons.reason(str(self.Reason))
        super()._send(status, reasons.reason(str(reason)), self._deliver)  # type: ignore[misc]
        if not self._is_delivered:
            return
        try:
            note_answer(CloudFormationEvent.of(self._event, self._context), tags)
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
            self._answer("FAILED", "Execution timed out", {})  # only half a second is left


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


def _lock_of(event: CloudFormationEvent) -> str:
    return f"{_RUNS}{event.resource}:"


def _begun(event: CloudFormationEvent, tags: Mapping[str, str]) -> list[str]:
    """Return the ids of the last requests of the event's resource, the newest one first."""
    return tags.get(_NEWEST + event.resource, "").split()


def _ids(newest: str, earlier: list[str]) -> str:
    return " ".join(list(dict.fromkeys([newest, *earlier]))[:_MOST_IDS])


def _forget_expired(function_arn: str, tags: Mapping[str, str]) -> list[str]:
    """Remove the tags whose time is over, and those of versions that did not know their stack."""
    now = time.time()
    expired = [key for key, value in tags.items() if _is_expired(key, value, now)]
    if expired:
        boto3.client("lambda").untag_resource(Resource=function_arn, TagKeys=expired)
    return expired


def _is_expired(key: str, value: str, now: float) -> bool:
    if key.startswith(_RUNS):
        return float(value) <= now
    if key.startswith(_NEWEST) and ":" not in key.removeprefix(_NEWEST):
        return True
    if not key.startswith(_ANSWERED):
        return False
    _, mark, end = value.rpartition(_EXPIRES)
    return ":" not in key.removeprefix(_ANSWERED) or (bool(mark) and float(end) <= now)
