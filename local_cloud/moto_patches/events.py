# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Events of topics, queues, buckets, executions and rules."""

import copy
import datetime
import itertools
import json
import logging
import re
import time
import uuid
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree

import moto.awslambda.models
import moto.backends
import moto.events.models
import moto.s3.notifications
import moto.s3.responses
import moto.sns.models
import moto.sqs.models
import moto.stepfunctions.parser.backend.execution
import moto.stepfunctions.parser.models
import moto.stepfunctions.responses

from local_cloud import ACCOUNT_ID
from local_cloud.moto_patches.parts import Cloud

log = logging.getLogger(__name__)

_MOST_OF_AN_EVENT = 248 * 1024  # bytes of an execution's input and output


def topics_call_functions_with_the_message(cloud: Cloud) -> Any:
    """Invoke functions as SNS does: moto waits for them, and sends a made-up topic."""
    kind = moto.sns.models.Subscription
    publish = kind.publish

    def publish_or_queue(subscription: Any, message: str, message_id: str, **more: Any) -> None:
        if subscription.protocol != "lambda":
            publish(subscription, message, message_id, **more)
        elif _passes(subscription, message, more.get("message_attributes")):
            if more.get("message_structure") == "json":
                message = subscription._parse_message_structure(message, "lambda")
            event = _sns_event(subscription, message, message_id, **more)
            _queue(cloud, subscription.endpoint, event)

    return patch.object(kind, "publish", publish_or_queue)


def queues_are_left_to_the_poller(_: Cloud) -> Any:
    """Keep queues from invoking functions on send: moto never repeats that call."""
    kind = moto.sqs.models.Queue
    add_message = kind.add_message

    def add_only(queue: Any, message: Any) -> None:
        queue.lambda_event_source_mappings = {}
        add_message(queue, message)

    return patch.object(kind, "add_message", add_only)


def uploads_are_told_as_s3_tells_them(_: Cloud) -> Any:
    """Send EventBridge S3's events: moto's differ in time, reason and order."""
    numbers = itertools.count(1)

    def send(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        event = _s3_event(account_id, bucket, event_name, key, next(numbers))
        backend = moto.backends.get_backend("events")[account_id][bucket.region_name]
        for rule in backend.event_buses["default"].rules.values():
            rule.send_to_targets(event)

    return patch.object(moto.s3.notifications, "_send_event_bridge_message", send)


def buckets_say_that_they_tell_eventbridge(_: Cloud) -> Any:
    """Return a bucket's EventBridge configuration: moto omits it."""
    kind = moto.s3.responses.S3Response
    get_bucket_notification = kind.get_bucket_notification

    def get_with_eventbridge(response: Any) -> Any:
        status, headers, body = get_bucket_notification(response)
        known = response.backend.get_bucket_notification_configuration(response.bucket_name)
        if known and known.event_bridge is not None:
            document = ElementTree.fromstring(body)  # noqa: S314 - moto wrote it
            namespace = document.tag.partition("}")[0] + "}"
            ElementTree.SubElement(document, f"{namespace}EventBridgeConfiguration")
            body = ElementTree.tostring(document, encoding="unicode")
        return status, headers, body

    return patch.object(kind, "get_bucket_notification", get_with_eventbridge)


def executions_that_end_are_told(_: Cloud) -> Any:
    """Send EventBridge the status of ended executions: moto does not."""
    kind = moto.stepfunctions.parser.backend.execution.BaseExecutionWorkerCommunication
    terminated = kind.terminated

    def end_and_tell(communication: Any) -> None:
        terminated(communication)
        execution = communication.execution
        backend = moto.backends.get_backend("events")[execution.account_id][execution.region_name]
        event = _execution_event(execution)
        for rule in list(backend.event_buses["default"].rules.values()):
            rule.send_to_targets(event)

    return patch.object(kind, "terminated", end_and_tell)


def rules_call_functions_and_state_machines(cloud: Cloud) -> Any:
    """Send events to the targets that moto omits."""
    kind = moto.events.models.Rule
    send_to_targets = kind.send_to_targets

    def send(rule: Any, event: Any, transform_input: bool = True) -> None:
        # A rule without a pattern is a schedule.
        pattern = rule.event_pattern
        if rule.state != "ENABLED" or not pattern.get_pattern() or not pattern.matches_event(event):
            return
        rest = copy.copy(rule)
        rest.targets = []
        for target in rule.targets:
            try:
                if not _send_to_target(cloud, target, event):
                    rest.targets.append(target)
            except Exception:  # the sender of an event never sees failures
                log.exception("%s was not told of an event", target["Arn"])
        send_to_targets(rest, event, transform_input)

    return patch.object(kind, "send_to_targets", send)


_PLACEHOLDER = re.compile(r"<([A-Za-z0-9_.-]+)>")


_STRING_OR_PLACEHOLDER = re.compile(r'(?P<string>"(?:[^"\\]|\\.)*")|<(?P<name>[A-Za-z0-9_.-]+)>')


_REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete": "DeleteObject",
}


def _execution_event(execution: Any) -> dict[str, Any]:
    texts = {
        name: value if isinstance(value, str) or value is None else json.dumps(value)
        for name, value in (("input", execution.input_data), ("output", execution.output))
    }
    # Both together, escaped; the input is left out first.
    for name in texts:
        if len("".join(json.dumps(one or "") for one in texts.values())) > _MOST_OF_AN_EVENT:
            texts[name] = None
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": execution.account_id,
        "time": time.time(),
        "ingestion-time": time.time(),
        "region": execution.region_name,
        "resources": [execution.exec_arn],
        "detail": {
            "executionArn": execution.exec_arn,
            "stateMachineArn": execution.state_machine.arn,
            "name": execution.name,
            "status": str(execution.exec_status.value),
            "startDate": int(execution.start_date.timestamp() * 1000),
            "stopDate": int(execution.stop_date.timestamp() * 1000),
            "error": execution.error,
            "cause": execution.cause,
            **texts,
            **{f"{name}Details": {"included": value is not None} for name, value in texts.items()},
        },
    }


def _send_to_target(cloud: Cloud, target: dict[str, Any], event: dict[str, Any]) -> bool:
    """Send an event to a function, state machine or topic; return False for other targets."""
    arn, service = target["Arn"], target["Arn"].split(":")[2]
    if service not in {"lambda", "sns", "states"}:
        return False
    told = {key: item for key, item in event.items() if key != "ingestion-time"}
    given = _input(target, {**told, "time": _iso(event["time"])})
    if service == "lambda":
        _queue(cloud, arn, given)
    elif service == "sns":
        cloud.clients("sns").publish(TopicArn=arn, Message=json.dumps(given))
    else:
        cloud.clients("stepfunctions").start_execution(stateMachineArn=arn, input=json.dumps(given))
    return True


def _queue(cloud: Cloud, arn: str, event: Any) -> None:
    """Queue a function; only log if it does not exist."""
    try:
        function = _function(arn)
    except moto.awslambda.models.UnknownFunctionException:
        log.warning("there is no function %s for an event", arn)
        return
    cloud.queue(function, event)


def _function(arn: str) -> Any:
    region, name = arn.split(":")[3], arn.split(":")[6]
    return moto.backends.get_backend("lambda")[ACCOUNT_ID][region].get_function(name)


def _passes(subscription: Any, message: str, attributes: Any) -> bool:
    matcher = subscription._filter_policy_matcher
    return matcher is None or bool(matcher.matches(attributes, message))


def _sns_event(
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
    **_: Any,
) -> dict[str, Any]:
    topic = subscription.topic.arn
    attributes = {
        name: {"Type": item["Type"], "Value": item["Value"]}
        for name, item in (message_attributes or {}).items()
    }
    record = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": topic,
        "Subject": subject,
        "Message": message,
        "Timestamp": _iso(time.time()),
        "MessageAttributes": attributes,
    }
    source = {"EventSource": "aws:sns", "EventVersion": "1.0"}
    return {"Records": [{**source, "EventSubscriptionArn": subscription.arn, "Sns": record}]}


def _s3_event(
    account_id: str, bucket: Any, event_name: Any, key: Any, number: int
) -> dict[str, Any]:
    kind = moto.s3.notifications._detail_type(event_name)
    described = {"key": key.name, "sequencer": f"{number:016X}"}
    if kind == "Object Created":
        described |= {"size": key.size, "etag": key.etag.replace('"', "")}
    if key.version_id and key.version_id != "null":
        described["version-id"] = key.version_id
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": "aws.s3",
        "account": account_id,
        "time": time.time(),
        "ingestion-time": time.time(),
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": described,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account_id,
            "source-ip-address": "127.0.0.1",
            "reason": _REASONS.get(event_name.value, event_name.value.rpartition(":")[2]),
        },
    }


def _input(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """Return a target's input: the event, a constant, a part, or a filled template."""
    if "Input" in target:
        return json.loads(target["Input"])
    if "InputPath" in target:
        return _part(event, target["InputPath"])
    if "InputTransformer" not in target:
        return event
    transformer = target["InputTransformer"]
    paths = transformer.get("InputPathsMap", {})
    values = {name: _part(event, path) for name, path in paths.items()}

    def fill(found: re.Match[str]) -> str:
        if found["string"]:  # values inside a string are inserted as text
            return _PLACEHOLDER.sub(lambda name: _inner(values, name), found["string"])
        return json.dumps(values[found["name"]]) if found["name"] in values else found[0]

    return json.loads(_STRING_OR_PLACEHOLDER.sub(fill, transformer["InputTemplate"]))


def _inner(values: dict[str, Any], found: re.Match[str]) -> str:
    if found[1] not in values:
        return found[0]
    value = values[found[1]]
    return json.dumps(value if isinstance(value, str) else json.dumps(value))[1:-1]


def _part(event: Any, path: str) -> Any:
    for name in path.removeprefix("$").strip(".").split("."):
        event = event.get(name) if name else event
    return event


def _iso(seconds: float) -> str:
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")
