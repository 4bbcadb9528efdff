# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CloudFormation as the deployer meets it: two stacks side by side, and what must hold of them."""

import copy
import datetime
import importlib.util
import json
import logging
import random
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import boto3
import crhelper.utils
import jsonschema

import whisper_contract
from local_cloud.sagemaker.hosting import Container, Health
from local_cloud.sagemaker.scaling import ScalingError
from tests.chaos.aws import Aws, Killed, TimeIsOver, faults, waiting
from tests.chaos.turns import Invocation
from tests.fakes.object_store import Bucket

ARCHIVE, DEPLOYMENT = "WhisperModelArchive", "WhisperModelDeployment"
MODELS = "models"
BUCKETS = ("versioned", "plain")
NAMES = ("calls", "calls-2", "calls-3", "")
TYPES = ("ml.g5.xlarge", "ml.g6.xlarge", "ml.c7i.xlarge")
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:whisper"
LAMBDA_SECONDS = 900

_MOST_POLLS = 35  # an hour of polls, after which CloudFormation waits no longer
_POLL_SECONDS = 120
_MOST_AT_ONCE = 3
_OVERLAPS = 0.06  # of the invocations
_STACK_TAG = "whisper-sagemaker:stack"
_ANSWERED_TAG = "whisper-sagemaker:answered:"

Properties = dict[str, Any]


class Violation(AssertionError):
    """Something that must always hold does not."""


@dataclass
class Resource:
    """A custom resource as CloudFormation remembers it."""

    physical_id: str
    properties: Properties


@dataclass
class Wanted:
    """The parameters of a stack."""

    name: str
    model: str
    bucket: str
    instance_type: str
    count: int
    is_scaled: bool


@dataclass
class Stack:
    """A stack as CloudFormation remembers it."""

    number: int
    identity: str
    status: str = ""
    wanted: Wanted | None = None
    archive: Resource | None = None
    deployment: Resource | None = None
    policy: str = ""
    is_whole: bool = False
    clean_up_failed: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """The stack's own prefix in any bucket."""
        _, name, unique = self.identity.split("/")
        return f"whisper-sagemaker/{name}-{unique}/"

    @property
    def function(self) -> str:
        """ARN of the stack's function."""
        return _function(self.identity)


class World:
    """One account with two stacks, driven by a random generator.

    Parameters
    ----------
    generator : random.Random
    handlers : list of module
        The deployer's ``handler``, set up by `installed`: one for each invocation at a time.
    tree : Path
        The endpoint's program.
    """

    def __init__(self, generator: random.Random, handlers: list[ModuleType], tree: Path) -> None:
        self.random = generator
        self.aws = Aws()
        self._handlers = handlers
        self._running: list[Invocation] = []
        self._turn: Invocation | None = None
        self._overlaps = _OVERLAPS
        self.overlaps = 0
        self._faults = faults(generator)
        self._answers: dict[str, list[dict[str, Any]]] = {}
        self._noted: set[str] = set()  # requests whose answer the function's tags have held
        self._in_vain: set[str] = set()  # those where noting it failed, or Lambda ended it before
        self._to_note: dict[int, str] = {}  # by thread: the request that it has just answered
        self._ended: set[str] = set()  # requests of which Lambda has ended an invocation
        self.story: list[str] = []
        self._protected: dict[str, str] = {}
        self._broken: list[Container] = []  # containers with which a roll-back had to go on
        self._seen: list[str] = []
        for handler in handlers:
            environment = handler.Environment(endpoint_tree=tree, hub_url="http://nowhere")
            vars(handler)["ENVIRONMENT"] = environment
            for name in ("lambda", "events", "logs"):
                setattr(handler.helper, f"_{name}_client", self.aws.client(name))
        self._fill()
        self.stacks = [Stack(n, _identity(generator, n)) for n in (1, 2)]
        self.aws.status_of = self._status_of
        self.aws.before_call = self._before_call
        self.aws.on_call = self._on_call
        self._foreign = self._foreign_state()
        self.aws.waiting = waiting(generator)

    def _fill(self) -> None:
        """Make buckets, models, and what belongs to others."""
        s3 = self.aws.s3
        for bucket in (*BUCKETS, MODELS):
            s3.buckets[bucket] = Bucket(is_versioned=bucket == BUCKETS[0])
        s3.buckets[BUCKETS[0]].expires_after_days = 90
        for model in ("a", "b"):
            for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
                body = f"{name} of {model}".encode()
                request = {"Bucket": MODELS, "Key": f"{model}/{name}", "Body": body}
                s3.call("put_object", request)
        for bucket in BUCKETS:
            for key in ("recording.wav", "whisper-sagemaker/theirs/lease.json"):
                s3.call("put_object", {"Bucket": bucket, "Key": key, "Body": b"theirs"})
            s3.call("create_multipart_upload", {"Bucket": bucket, "Key": "video.mp4"})
        sagemaker = self.aws.sagemaker
        source = {"S3Uri": "s3://theirs/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}
        container = {"Image": "theirs", "ModelDataSource": {"S3DataSource": source}}
        owners: dict[str, list[dict[str, str]]] = {
            "calls-2-0123456789ab": [],
            "theirs": _tags("theirs"),
        }
        for name, tags in owners.items():
            model_request = {"ModelName": name, "PrimaryContainer": container, "Tags": tags}
            sagemaker.handle("CreateModel", model_request)
            variant: dict[str, Any] = {
                "VariantName": "AllTraffic",
                "ModelName": name,
                "InstanceType": TYPES[0],
                "InitialInstanceCount": 1,
            }
            config: dict[str, Any] = {
                "EndpointConfigName": name,
                "ProductionVariants": [variant],
                "Tags": tags,
            }
            sagemaker.handle("CreateEndpointConfig", config)
        self.aws.containers.polls_to_start = 0
        request = {"EndpointName": "theirs", "EndpointConfigName": "theirs"}
        sagemaker.handle("CreateEndpoint", {**request, "Tags": _tags("theirs")})
        sagemaker.handle("DescribeEndpoint", {"EndpointName": "theirs"})
        place = _place("theirs")
        limits = {"MinCapacity": 1, "MaxCapacity": 9}
        self.aws.scaling.handle("RegisterScalableTarget", {**place, **limits})

    # What CloudFormation is asked to do.

    def create(self, stack: Stack, wanted: Wanted, *, sibling_fails: bool = False) -> None:
        """Create a stack, and roll it back where anything fails."""
        self._tell(stack, "CREATE_IN_PROGRESS", wanted)
        stack.wanted = wanted
        done = self._apply(stack, wanted)
        if done and not sibling_fails:
            self._complete(stack, wanted, "CREATE_COMPLETE")
            return
        self._tell(stack, "ROLLBACK_IN_PROGRESS")
        self._remove(stack, "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")

    def update(self, stack: Stack, wanted: Wanted, *, sibling_fails: bool = False) -> None:
        """Update a stack; where anything fails, roll back to what it was."""
        old = copy.deepcopy((stack.wanted, stack.archive, stack.deployment, stack.policy))
        self._tell(stack, "UPDATE_IN_PROGRESS", wanted)
        served = self._served(stack)
        self._protect(stack, old[2])
        done = self._apply(stack, wanted)
        if done and not sibling_fails:
            self._protected.clear()
            self._tell(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._make_policy(stack, wanted)
            self._clean_up(stack, old[1], old[2])
            self._complete(stack, wanted, "UPDATE_COMPLETE")
            return
        self._tell(stack, "UPDATE_ROLLBACK_IN_PROGRESS")
        self._roll_back(stack, old)
        self._protected.clear()
        if stack.is_whole and served and self._served(stack) != served:
            raise Violation(f"after the roll-back {stack.number} serves another model")

    def delete(self, stack: Stack) -> None:
        """Delete a stack."""
        self._tell(stack, "DELETE_IN_PROGRESS")
        self._remove(stack, "DELETE_COMPLETE", "DELETE_FAILED")

    def delete_surely(self, stack: Stack) -> None:
        """Delete a stack as an operator does who tries until it works; no call fails now."""
        self.aws.containers.outcome, self.aws.containers.transcribes = (Health.READY, ""), True
        self.settle()
        for _ in range(3):
            if stack.status in {"", "DELETE_COMPLETE", "ROLLBACK_COMPLETE"} and not stack.archive:
                break
            self._faults = iter(lambda: None, 0)
            self.aws.fault = self.aws.waiting = None
            self._overlaps = 0.0
            self.delete(stack)
        else:
            raise Violation(f"stack {stack.number} cannot be deleted: {self.story[-6:]}")
        self.require_nothing_left(stack)

    def renew(self) -> None:
        """Let weeks pass and the daily renewal run."""
        whole = [stack for stack in self.stacks if stack.archive and stack.is_whole]
        for _ in range(self.random.randint(1, 5)):
            self.settle()
            self.aws.clock.sleep(20 * 86400)
            self._arm()
            for _ in range(3):  # on the days that follow
                for stack in whole:
                    assert stack.archive
                    uri = stack.archive.physical_id
                    self._invoke({"RenewArchive": uri, "StackId": stack.identity})
                self._disarm()
                self.settle()
                self.aws.clock.sleep(86400)
        self.settle()
        for stack in whole:
            self._require_archive(stack)
        self._require_foreign()

    def late_poll(self) -> None:
        """Fire every rule that an invocation has left behind."""
        for event in [copy.deepcopy(event) for event in self.aws.rules.values() if event]:
            self._invoke(event)
        self.settle()
        self._require_foreign()

    # How CloudFormation does it.

    def _apply(self, stack: Stack, wanted: Wanted) -> bool:
        properties = self._archive_properties(stack, wanted)
        if not self._make(stack, ARCHIVE, properties):
            return False
        assert stack.archive
        uri = stack.attributes.get("S3Uri", stack.archive.physical_id)
        return self._make(stack, DEPLOYMENT, self._deployment_properties(stack, wanted, uri))

    def _make(self, stack: Stack, logical_id: str, properties: Properties) -> bool:
        """Create or update one resource; what failed is remembered as far as it may exist."""
        current = self._current(stack, logical_id)
        if current and current.properties == properties:
            return True
        more = {}
        if current:
            more = {
                "PhysicalResourceId": current.physical_id,
                "OldResourceProperties": current.properties,
            }
        answer = self._request(
            stack, "Update" if current else "Create", logical_id, properties, more
        )
        made_up = current.physical_id if current else self._made_up(stack, logical_id)
        identity = answer["PhysicalResourceId"] if answer else made_up
        self._remember(stack, logical_id, Resource(identity, properties))
        if answer and answer["Status"] == "SUCCESS":
            if logical_id == ARCHIVE:
                stack.attributes = answer["Data"]
            return True
        return False

    def _roll_back(self, stack: Stack, old: Any) -> None:
        wanted, archive, deployment, policy = old
        failed_archive, failed_deployment = stack.archive, stack.deployment
        done = True
        for logical_id, before in ((ARCHIVE, archive), (DEPLOYMENT, deployment)):
            if before is None:
                continue
            done = done and self._make(stack, logical_id, before.properties)
        stack.wanted, stack.policy = wanted, policy
        if not done:
            stack.is_whole = False
            stack.status = "UPDATE_ROLLBACK_FAILED"
            self.settle()
            return
        self._clean_up(stack, failed_archive, failed_deployment)
        self._excuse_what_transcribes_nothing(stack)
        self._complete(stack, wanted, "UPDATE_ROLLBACK_COMPLETE")

    def _excuse_what_transcribes_nothing(self, stack: Stack) -> None:
        """Take note of a container with which a roll-back goes on, for want of a better one."""
        assert stack.deployment
        endpoint = self.aws.sagemaker.endpoints.get(stack.deployment.physical_id)
        if endpoint and endpoint.serving and not self.aws.containers.is_good(endpoint.serving):
            self._broken.append(endpoint.serving)

    def _clean_up(
        self, stack: Stack, archive: Resource | None, deployment: Resource | None
    ) -> None:
        for logical_id, old in ((DEPLOYMENT, deployment), (ARCHIVE, archive)):
            now = self._current(stack, logical_id)
            if old and now and old.physical_id != now.physical_id:
                ok = self._delete_one(stack, logical_id, old)
                stack.clean_up_failed |= not ok

    def _remove(self, stack: Stack, done: str, failed: str) -> None:
        stack.is_whole = False
        self._drop_scaling(stack)
        for logical_id in (DEPLOYMENT, ARCHIVE):
            current = self._current(stack, logical_id)
            if current and not self._delete_one(stack, logical_id, current):
                stack.status = failed
                self.settle()
                return
            self._remember(stack, logical_id, None)
        stack.status, stack.wanted, stack.attributes = done, None, {}
        self.settle()
        self.require_nothing_left(stack)
        self._require_foreign()

    def _delete_one(self, stack: Stack, logical_id: str, resource: Resource) -> bool:
        more = {"PhysicalResourceId": resource.physical_id}
        answer = self._request(stack, "Delete", logical_id, resource.properties, more)
        return answer is not None and answer["Status"] == "SUCCESS"

    def _complete(self, stack: Stack, wanted: Wanted, status: str) -> None:
        self.settle()
        self._make_policy(stack, wanted)
        stack.wanted, stack.is_whole = wanted, True
        self._tell(stack, status)
        self._require_foreign()

    def _make_policy(self, stack: Stack, wanted: Wanted) -> None:
        """Make target and policy as CloudFormation does: only what it believes has changed."""
        assert stack.deployment
        name = stack.deployment.physical_id
        policy = f"{name}/whisper-gpu-{wanted.instance_type}" if wanted.is_scaled else ""
        if stack.policy == policy:
            return
        if stack.policy and not policy:
            self._drop_scaling(stack)
            return
        scaling, place = self.aws.scaling, _place(name)
        if stack.policy.split("/")[0] != name:
            limits = {"MinCapacity": 1, "MaxCapacity": 3}
            scaling.handle("RegisterScalableTarget", {**place, **limits})
        request = {
            **place,
            "PolicyName": policy.split("/")[1],
            "PolicyType": "TargetTrackingScaling",
        }
        try:
            scaling.handle("PutScalingPolicy", request)
        except ScalingError as error:
            raise Violation(f"CloudFormation cannot make its policy: {error}") from error
        if self.random.random() < 0.3:
            when = {"ScheduledActionName": "by hand", "Schedule": "cron(0 6 * * ? *)"}
            action = {"MinCapacity": 1, "MaxCapacity": 2}
            scaling.handle("PutScheduledAction", {**place, **when, "ScalableTargetAction": action})
        if stack.policy:
            before, old = stack.policy.split("/")
            if before == name:
                scaling.policies.get(_key(place), {}).pop(old, None)
            else:
                self._deregister(before)
        stack.policy = policy

    def _drop_scaling(self, stack: Stack) -> None:
        if stack.policy:
            self._deregister(stack.policy.split("/")[0])
        stack.policy = ""

    def _deregister(self, endpoint_name: str) -> None:
        place = _place(endpoint_name)
        if _key(place) in self.aws.scaling.targets:
            self.aws.scaling.handle("DeregisterScalableTarget", place)

    # One request, its invocations and its answer.

    def _request(
        self,
        stack: Stack,
        kind: str,
        logical_id: str,
        properties: Properties,
        more: dict[str, Any],
    ) -> dict[str, Any] | None:
        """Send a request and wait for its answer; None where there is none within the hour."""
        # Numbered too: whoever seeds the draws anew would draw an id again.
        number = len(self._answers) + 1
        request_id = str(uuid.UUID(int=self.random.getrandbits(128) ^ number))
        event = {
            "RequestType": kind,
            "ResponseURL": f"https://box/{request_id}",
            "StackId": stack.identity,
            "RequestId": request_id,
            "LogicalResourceId": logical_id,
            "ResourceType": f"Custom::{logical_id}",
            "ResourceProperties": properties,
            **more,
        }
        self._answers[request_id] = []
        self._arm()
        is_twice = self.random.random() < 0.05
        for _ in range(2 if is_twice else 1):
            self._invoke(copy.deepcopy(event))
        for _ in range(_MOST_POLLS):
            if self._answers[request_id]:
                break
            self.aws.clock.sleep(_POLL_SECONDS)
            for poll in [copy.deepcopy(event) for event in self.aws.rules.values() if event]:
                self._invoke(poll)
        if not self._answers[request_id]:
            self.settle()
        self._disarm()
        self._require_nothing_seen()
        self._require_answer(request_id)
        answer = next(iter(self._answers[request_id]), None)
        said = f"{answer['Status']} {answer['Reason'][:90]}" if answer else "no answer"
        self.story.append(f"{stack.number} {kind} {logical_id}: {said}")
        return answer

    def _arm(self) -> None:
        """Draw what is to happen; what waits for a rare call goes on waiting."""
        drawn = next(self._faults)
        if drawn or not self.aws.fault:
            self.aws.fault = drawn

    def _disarm(self) -> None:
        if self.aws.fault and not self.aws.fault.operation:
            self.aws.fault = None

    def _invoke(self, event: dict[str, Any]) -> None:
        """Invoke the function, beside invocations that still run; it may go on running itself."""
        if len(self._running) >= _MOST_AT_ONCE:
            self.settle()
        if not self._running and self.random.random() >= self._overlaps:
            self._run(event)
            return
        ends_at = self.aws.clock.now + LAMBDA_SECONDS
        new = Invocation(lambda: self._run(event), ends_at)
        self._running.append(new)
        self.overlaps += len(self._running) > 1
        while not new.is_done and self.random.random() < 0.8:
            self._take_turn()

    def settle(self) -> None:
        """Let every invocation come to its end."""
        while self._running:
            self._take_turn()

    def _take_turn(self) -> None:
        self._turn = self.random.choice(self._running)
        try:
            self._turn.go_on(1 + int(self.random.expovariate(1 / 8)))
        finally:
            if self._turn.is_done:
                self._running.remove(self._turn)
            self._turn = None

    def _before_call(self, operation: str, request: dict[str, Any]) -> None:
        if self._turn:
            turn = self._turn
            turn.before_call()
            if self.aws.clock.now >= turn.ends_at:
                self.aws.kill(TimeIsOver())
        request_id = self._to_note.pop(threading.get_ident(), "")
        if request_id in _noted_by(operation, request):
            self._in_vain.add(request_id)  # unless it is carried out
        elif request_id:
            self._seen.append(f"{operation} comes before the answer is noted")

    def _on_call(self, operation: str, request: dict[str, Any]) -> None:
        self._noted |= _noted_by(operation, request)
        self._look_at_protected()

    def _run(self, event: dict[str, Any]) -> None:
        ends_at = self.aws.clock.now + LAMBDA_SECONDS
        context = SimpleNamespace(
            aws_request_id="r",
            function_name="whisper",
            invoked_function_arn=_function(event["StackId"]),
            log_group_name="/aws/lambda/whisper",
            get_remaining_time_in_millis=lambda: 1000 * max(0, ends_at - self.aws.clock.now),
        )
        before = self.aws.fault
        handler = self._handlers.pop()
        try:
            handler.handler(event, context)
        except TimeIsOver:
            self._ended.add(event.get("RequestId", ""))
            self.story.append(f"out of time in {event.get('RequestType', 'renewal')}")
            if "RequestType" in event:
                with suppress(Killed):  # it is not granted the time to note its answer
                    handler.helper._timeout()
        except Killed:
            self._ended.add(event.get("RequestId", ""))
            # As long as Lambda would have let it run, before its lease ends.
            self.story.append(f"killed in {event.get('RequestType', 'renewal')} ({before})")
        except Exception as error:  # a failed renewal, which Lambda shows
            self.story.append(f"renewal: {error}")
        else:
            if threading.get_ident() in self._to_note:
                self._seen.append("an answer is never noted")
        finally:
            if request_id := self._to_note.pop(threading.get_ident(), ""):
                self._in_vain.add(request_id)
            self.aws.killed.discard(threading.get_ident())
            handler.lock.__init__()  # Lambda would start a new process after this
            self._handlers.append(handler)

    def answer(self, url: str, body: bytes) -> None:
        """Take what the function answers."""
        if len(body) > 4096:
            self._seen.append(f"an answer of {len(body)} bytes")
        request_id, thread = url.rsplit("/", 1)[-1], threading.get_ident()
        answers = self._answers[request_id]
        answers.append(json.loads(body))
        is_timer = thread in self.aws.killed
        if len(answers) > 1 and not is_timer and not self._is_blind(request_id):
            told = "; ".join(f"{a['Status']} {a['Reason'][:90]}" for a in answers)
            self._seen.append(f"{len(answers)} answers to one request: {told}")
        self._to_note[thread] = request_id

    def _is_blind(self, request_id: str) -> bool:
        """Tell whether the invocation that answers has asked for an earlier answer, and seen none.

        It was not told, or the earlier answer's invocation could not note it, or was ended before.
        """
        operation, was_told = self.aws.last_call.get(threading.get_ident(), ("", False))
        is_unknown = request_id in self._in_vain - self._noted
        return operation == "list_tags" and (not was_told or is_unknown)

    # What must hold.

    def _require_nothing_seen(self) -> None:
        """Raise what was seen where the deployer would have taken it for a failure of a call."""
        if self._seen:
            raise Violation(self._seen[0])

    def _require_answer(self, request_id: str) -> None:
        """Find a request without an answer, unless Lambda ended it where no rule goes on."""
        rules = [event for event in self.aws.rules.values() if event]
        goes_on = any(event["RequestId"] == request_id for event in rules)
        if not self._answers[request_id] and (goes_on or request_id not in self._ended):
            raise Violation("a request has no answer")

    def _require_whole(self, stack: Stack) -> None:
        """Find a stack that is called complete and does not serve what it was asked for."""
        assert stack.deployment
        assert stack.archive
        assert stack.wanted
        name = stack.deployment.physical_id
        endpoint = self.aws.sagemaker.endpoints.get(name)
        if endpoint is None or endpoint.serving is None or endpoint.status != "InService":
            raise Violation(f"{stack.status}, and {name} is not in service")
        if self._tag_of(endpoint.arn) != stack.identity:
            raise Violation(f"{stack.status}, and {name} was taken away from it")
        if endpoint.serving.model_data_uri != stack.archive.physical_id:
            raise Violation(f"{stack.status}, and {name} serves another archive")
        is_excused = any(endpoint.serving is container for container in self._broken)
        if not is_excused and not self.aws.containers.is_good(endpoint.serving):
            raise Violation(f"{stack.status}, and {name} does not transcribe")
        self._require_archive(stack)
        self._require_scaling(stack, name)
        if not stack.clean_up_failed:
            for kind in ("Model", "EndpointConfig"):
                owned = self._owned(stack, kind)
                if len(owned) != 1:
                    raise Violation(f"{stack.status}, and {len(owned)} {kind}s are there: {owned}")

    def _require_scaling(self, stack: Stack, name: str) -> None:
        assert stack.wanted
        place = _key(_place(name))
        policies = set(self.aws.scaling.policies.get(place, {}))
        wanted = {stack.policy.split("/")[1]} if stack.policy else set()
        if bool(stack.policy) != (place in self.aws.scaling.targets) or policies != wanted:
            raise Violation(f"{stack.status}, and scaling of {name} is {policies}, not {wanted}")

    def _require_archive(self, stack: Stack) -> None:
        assert stack.archive
        bucket, _, prefix = stack.archive.physical_id.removeprefix("s3://").partition("/")
        request = {"Bucket": bucket, "Prefix": prefix}
        listed = self.aws.s3.call("list_objects_v2", request)["Contents"]
        found = {item["Key"].removeprefix(prefix): item["Size"] for item in listed}
        if "manifest.json" not in found:
            raise Violation(f"{stack.status}, and the archive's manifest is not there")
        key = {"Bucket": bucket, "Key": f"{prefix}manifest.json"}
        manifest = json.loads(self.aws.s3.call("get_object", key)["Body"].read())
        lost = [f["path"] for f in manifest["files"] if found.get(f["path"]) != f["size"]]
        if lost:
            raise Violation(f"{stack.status}, and the archive lacks {lost}")

    def require_nothing_left(self, stack: Stack) -> None:
        """Raise Violation where anything of a deleted stack is there."""
        for kind in ("Model", "EndpointConfig"):
            if owned := self._owned(stack, kind):
                raise Violation(f"{stack.status}, and {kind}s are left: {owned}")
        for endpoint in self.aws.sagemaker.endpoints.values():
            if self._tag_of(endpoint.arn) == stack.identity:
                raise Violation(f"{stack.status}, and the endpoint {endpoint.name} is left")
        if stack.status not in {"DELETE_COMPLETE", "ROLLBACK_COMPLETE"} or stack.clean_up_failed:
            return
        for bucket in BUCKETS:
            kept = self.aws.s3.buckets[bucket]
            keys = [key for key in (*kept.keys, *kept.uploads.values()) if self._is_of(stack, key)]
            if keys:
                raise Violation(f"{stack.status}, and objects are left: {keys}")

    def _require_foreign(self) -> None:
        self._require_nothing_seen()
        if self._foreign_state() != self._foreign:
            raise Violation("what belongs to others was touched")
        for stack in self.stacks:
            if stack.is_whole:
                self._require_whole(stack)

    def _foreign_state(self) -> Any:
        sagemaker = self.aws.sagemaker
        tagged = {
            arn: dict(tags)
            for arn, tags in sagemaker._tags.items()
            if not tags.get(_STACK_TAG, "").startswith("arn:")
        }
        endpoint = sagemaker.endpoints["theirs"]
        objects = {
            (name, key): [(v.version_id, v.data) for v in versions if v.data is not None]
            for name, bucket in self.aws.s3.buckets.items()
            for key, versions in bucket.keys.items()
            if not bucket.expires_after_days
            and not any(self._is_of(stack, key) for stack in self.stacks)
        }
        uploads = {name: dict(bucket.uploads) for name, bucket in self.aws.s3.buckets.items()}
        uploads = {
            name: {i: key for i, key in items.items() if key == "video.mp4"}
            for name, items in uploads.items()
        }
        targets = [place for place in self.aws.scaling.targets if "/theirs/" in place[1]]
        return copy.deepcopy((tagged, endpoint.config, endpoint.status, objects, uploads, targets))

    def _protect(self, stack: Stack, deployment: Resource | None) -> None:
        """From now on the endpoint has to serve, whatever the update does."""
        if stack.is_whole and deployment:
            assert stack.archive
            self._protected = {deployment.physical_id: stack.archive.physical_id}

    def _look_at_protected(self) -> None:
        for name, archive in self._protected.items():
            if not self._has_manifest(archive):
                self._seen.append(f"a roll-back of {name} would not find its archive")
            endpoint = self.aws.sagemaker.endpoints.get(name)
            if endpoint is None or endpoint.serving is None or endpoint.status == "Deleting":
                self._seen.append(f"{name} serves nothing during an update")
                return
            if not self._has_manifest(endpoint.serving.model_data_uri):
                self._seen.append(f"{name} serves an archive that is not there")
            configs = self.aws.sagemaker._kinds["EndpointConfig"].items
            models = self.aws.sagemaker._kinds["Model"].items
            config = configs.get(endpoint.config)
            if not config or config["ProductionVariants"][0]["ModelName"] not in models:
                self._seen.append(f"{name} serves a config or a model that was deleted")

    def _has_manifest(self, uri: str) -> bool:
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        versions = self.aws.s3.buckets[bucket].keys.get(f"{prefix}manifest.json", [])
        return bool(versions) and versions[-1].data is not None

    # What the requests are made of.

    def any_wanted(self) -> Wanted:
        """Draw parameters."""
        draw = self.random
        return Wanted(
            draw.choice(NAMES),
            draw.choice("ab"),
            draw.choice(BUCKETS),
            draw.choice(TYPES),
            draw.randint(1, 2),
            draw.random() < 0.7,
        )

    def other_type(self, wanted: Wanted) -> Wanted:
        """Draw the same on another instance type, for which scaling is taken away and back."""
        types = [kind for kind in TYPES if kind != wanted.instance_type]
        return replace(wanted, instance_type=self.random.choice(types))

    def _archive_properties(self, stack: Stack, wanted: Wanted) -> Properties:
        return {
            "ServiceToken": stack.function,
            "Bucket": wanted.bucket,
            "Prefix": stack.prefix,
            "ModelSize": "tiny",
            "ModelS3Uri": f"s3://{MODELS}/{wanted.model}/",
        }

    def _deployment_properties(self, stack: Stack, wanted: Wanted, uri: str) -> Properties:
        name = stack.identity.split("/")[1]
        return {
            "ServiceToken": stack.function,
            "EndpointName": wanted.name,
            "ModelDataUri": uri,
            "ImageUri": "image",
            "ExecutionRoleArn": "role",
            "InstanceType": wanted.instance_type,
            "InstanceCount": str(wanted.count),
            "RollbackAlarms": f"{name}-errors,{name}-latency",
            "LogRetentionDays": "90",
        }

    def _current(self, stack: Stack, logical_id: str) -> Resource | None:
        return stack.archive if logical_id == ARCHIVE else stack.deployment

    def _remember(self, stack: Stack, logical_id: str, resource: Resource | None) -> None:
        if logical_id == ARCHIVE:
            stack.archive = resource
        else:
            stack.deployment = resource

    def _made_up(self, stack: Stack, logical_id: str) -> str:
        return f"stack-{stack.number}-{logical_id}-1K2J3H4G5F6D"

    def _served(self, stack: Stack) -> str:
        if not stack.deployment or not stack.is_whole:
            return ""
        endpoint = self.aws.sagemaker.endpoints.get(stack.deployment.physical_id)
        return endpoint.serving.model_data_uri if endpoint and endpoint.serving else ""

    def _owned(self, stack: Stack, kind: str) -> list[str]:
        items = self.aws.sagemaker._kinds[kind].items
        return [n for n, i in items.items() if self._tag_of(i[f"{kind}Arn"]) == stack.identity]

    def _tag_of(self, arn: str) -> str:
        return self.aws.sagemaker._tags.get(arn, {}).get(_STACK_TAG, "")

    def _is_of(self, stack: Stack, key: str) -> bool:
        return key.startswith(stack.prefix)

    def _status_of(self, stack_id: str) -> str:
        return next(stack.status for stack in self.stacks if stack.identity == stack_id)

    def _tell(self, stack: Stack, status: str, wanted: Wanted | None = None) -> None:
        stack.status = status
        self.story.append(f"{stack.number} {status} {wanted or ''}")


@contextmanager
def installed() -> Iterator[tuple[list[ModuleType], Path, dict[str, World]]]:
    """Put the world in the place of AWS, the network and the time, for the deployer.

    Yields
    ------
    tuple
        The deployer's handlers, the endpoint's program, and the place for the world of the moment.
    """
    place: dict[str, World] = {}

    def client(service: str, **_: Any) -> Any:
        return place["world"].aws.client(service) if "world" in place else mock.MagicMock()

    class Connection:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        def request(self, method: str, url: str, body: str, headers: Any) -> None:
            place["world"].answer(url, body.encode())

        def getresponse(self) -> Any:
            return SimpleNamespace(reason="OK")

    def now() -> Any:
        return SimpleNamespace(
            time=lambda: place["world"].aws.clock.time(),  # noqa: PLW0108
            monotonic=lambda: place["world"].aws.clock.monotonic(),  # noqa: PLW0108 - of the moment
            sleep=lambda seconds: place["world"].aws.clock.sleep(seconds),  # noqa: PLW0108
        )

    with tempfile.TemporaryDirectory() as folder, mock.patch.object(boto3, "client", client):
        tree = Path(folder)
        (tree / "config.yaml").write_text("applications: []")
        (tree / "whisper_endpoint/engine").mkdir(parents=True)
        (tree / "whisper_endpoint/selftest.wav").write_bytes(b"RIFF")
        # Now: the handler makes clients as it is imported.
        from deploy_whisper import budget, handler, metrics, requests
        from deploy_whisper.archive import archive, lease, renewal
        from deploy_whisper.endpoint import smoke
        from whisper_sagemaker import endpoints

        handlers = [handler, *(_again(handler) for _ in range(_MOST_AT_ONCE))]
        patches = [
            mock.patch.object(m, "time", now())
            for m in (*handlers, lease, budget, requests, endpoints)
        ]
        patches += [
            mock.patch.object(renewal, "_now", _now_in(place)),
            mock.patch.object(renewal.Renewal.__init__, "__defaults__", (_now_in(place),)),
            mock.patch.object(metrics, "put"),
            mock.patch.object(smoke, "jsonschema", _quick_validation()),
            mock.patch.object(crhelper.utils, "HTTPSConnection", Connection),
            *(mock.patch.object(item, "lock", nullcontext()) for item in _locked(archive.Archive)),
            mock.patch("crhelper.utils.ssl.create_default_context"),
            *(mock.patch.object(h.helper, "_set_timeout") for h in handlers),
        ]
        before = logging.root.manager.disable
        logging.disable(logging.CRITICAL)
        for patch in patches:
            patch.start()
        try:
            yield handlers, tree, place
        finally:
            for patch in patches:
                patch.stop()
            logging.disable(before)


def _again(module: ModuleType) -> ModuleType:
    """Import a module once more: what Lambda does for every invocation beside another."""
    assert module.__spec__
    assert module.__spec__.loader
    again = importlib.util.module_from_spec(module.__spec__)
    module.__spec__.loader.exec_module(again)
    return again


def _quick_validation() -> SimpleNamespace:
    """Return what the deployer uses of jsonschema, with the schema itself checked only once."""
    schema = whisper_contract.response_schema()
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    made = kind(schema)
    return SimpleNamespace(
        validate=lambda instance, schema: made.validate(instance),
        ValidationError=jsonschema.ValidationError,
    )


def _locked(kind: type) -> list[Any]:
    """Return its cached properties as far as threads lock each other out of them (Python 3.11).

    Invocations share no memory.
    """
    return [item for item in vars(kind).values() if hasattr(item, "lock")]


def _now_in(place: dict[str, World]) -> Any:
    return lambda: datetime.datetime.fromtimestamp(place["world"].aws.clock.time(), datetime.UTC)


def _identity(generator: random.Random, number: int) -> str:
    unique = uuid.UUID(int=generator.getrandbits(128))
    return f"arn:aws:cloudformation:us-east-1:123456789012:stack/stack-{number}/{unique}"


def _noted_by(operation: str, request: dict[str, Any]) -> set[str]:
    """Return the requests of which a call notes that they have their answer."""
    tags = request["Tags"] if operation == "tag_resource" else {}
    return {i for key, ids in tags.items() if key.startswith(_ANSWERED_TAG) for i in ids.split()}


def _function(stack_id: str) -> str:
    return f"{FUNCTION}-{stack_id.split('/')[1]}"


def _tags(owner: str) -> list[dict[str, str]]:
    return [{"Key": _STACK_TAG, "Value": owner}]


def _place(endpoint_name: str) -> dict[str, str]:
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint_name}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def _key(place: dict[str, str]) -> tuple[str, str, str]:
    return place["ServiceNamespace"], place["ResourceId"], place["ScalableDimension"]
