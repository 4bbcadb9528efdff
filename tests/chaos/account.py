# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One account with two stacks, and the operations on them in a life."""

import uuid
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

from local_cloud.cloudformation.pseudo_parameters import stack_arn
from local_cloud.cloudformation.stack_engine import StackEngine
from local_cloud.sagemaker.hosting import Health
from tests.chaos.answers import Answers, Violation
from tests.chaos.aws import REGION, Aws
from tests.chaos.invariants import STACK_TAG, Invariants, WatchedStack, place_of
from tests.chaos.invocations import Invocations
from tests.chaos.lives import BUCKETS, CONTAINERS, STRANGERS, TYPES, Life, Step
from tests.chaos.provider import ARCHIVE, DEPLOYMENT, TEMPLATE, Provider
from tests.fakes.object_store import Bucket

_DAY = 86400
_CROWD = 1500
_STRANGER = "210987654321"
_GONE = {"", "DELETE_COMPLETE", "ROLLBACK_COMPLETE"}
_WHOLE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
_REMOVING_RULES = {"list_rule_names_by_target", "list_targets_by_rule", "remove_targets"}
_OUTCOMES = {
    CONTAINERS[0]: ((Health.READY, ""), True),
    CONTAINERS[1]: ((Health.FAILED, "no capacity"), True),
    CONTAINERS[2]: ((Health.READY, ""), False),
}


class Account:
    """An account, driven by a life.

    Parameters
    ----------
    handlers : list of module
        The deployer's ``handler``, set up by `replaced`: one per concurrent invocation.
    tree : Path
        The endpoint's code.
    """

    def __init__(self, handlers: list[ModuleType], tree: Path) -> None:
        self.aws = Aws()
        self.story: list[str] = []
        self.hits: list[tuple[str, str]] = []
        self.asked: list[str] = []
        for handler in handlers:
            environment = handler.Environment(endpoint_tree=tree, hub_url="http://nowhere")
            vars(handler)["ENVIRONMENT"] = environment
            for name in ("lambda", "events", "logs"):
                setattr(handler.helper, f"_{name}_client", self.aws.client(name))
        self._fill()
        self.stacks = [
            WatchedStack(
                name,
                REGION,
                status="",
                stack_id=stack_arn(REGION, name, str(uuid.UUID(int=number))),
                clock=self.aws.clock.time,
                story=self.story,
            )
            for number, name in enumerate(("stack-1", "stack-2"), 1)
        ]
        self.answers = Answers(self.aws)
        self.invocations = Invocations(self.aws, self.answers, handlers, self.story)
        self.provider = Provider(self.aws, self.answers, self.invocations, self.story)
        self.invariants = Invariants(self.aws, self.answers, self.provider, self.stacks)
        self._engine = StackEngine(self.provider)
        self.aws.status_of = lambda stack_id: next(
            stack.status for stack in self.stacks if stack.stack_id == stack_id
        )
        self.aws.before_call = self._before_call
        self.aws.on_call = self._on_call
        self.aws.on_fault = self._on_fault

    def live(self, life: Life) -> None:
        """Run a life, ending with the deletion of both stacks; raises Violation."""
        self.aws.waiting = life.waiting
        if life.is_crowded:
            self.crowd(_CROWD, "calls")
        for step in life.steps:
            self.asked.append(self.take(step))
        for stack in self.stacks:
            self.delete_surely(stack)
        self._poll_late()
        for stack in self.stacks:
            self.invariants.require_nothing_left(stack)

    def close(self) -> None:
        """Stop running invocations."""
        self.invocations.abandon()

    def take(self, step: Step) -> str:
        """Run a step on a stack, or the operation possible in its state; return which."""
        stack, containers = self.stacks[step.stack - 1], self.aws.containers
        containers.outcome, containers.transcribes = _OUTCOMES[step.container]
        containers.polls_to_start = step.polls_to_start
        self.provider.begin(step)
        if stack.status in _GONE:
            self._create(stack, step)
            return "create"
        if stack.status in {"DELETE_FAILED", "ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED"}:
            self._delete(stack)
            return "delete again"
        if step.ask == "update":
            self._update(stack, step)
        elif step.ask == "delete":
            self._delete(stack)
        elif step.ask == "delete the endpoint by hand":
            self._delete_endpoint_by_hand(stack)
        elif step.ask == "take the bucket":
            self._take_the_bucket()
        elif step.ask == "renew":
            self._renew(step.weeks)
        else:
            self._poll_late()
        return step.ask

    def crowd(self, count: int, name: str = "m") -> None:
        """Add so many foreign models and configs that listing them all takes too long."""
        sagemaker = self.aws.own_client("sagemaker")
        tags = [{"Key": STACK_TAG, "Value": "theirs"}]
        for number in range(count):
            self._make_theirs(sagemaker, f"{name}-{number}", tags)
        self.invariants.expect_foreign()

    def delete_surely(self, stack: WatchedStack) -> None:
        """Delete a stack like a persistent operator; no call fails now."""
        containers = self.aws.containers
        containers.outcome, containers.transcribes = _OUTCOMES[CONTAINERS[0]]
        self.invocations.settle()
        for _ in range(3):
            if stack.status in _GONE and not stack.resources:
                break
            self.aws.waiting = None
            self.aws.arm(None)
            self.provider.begin(Step(0))
            self._delete(stack)
        else:
            raise Violation(f"{stack.name} cannot be deleted")
        self.invariants.require_nothing_left(stack)

    def _create(self, stack: WatchedStack, step: Step) -> None:
        given = self._given(asdict(step.parameters))
        self._tell(f"create {stack.name}", given, step)
        self._engine.create(stack, TEMPLATE, given)
        self._conclude(stack)

    def _update(self, stack: WatchedStack, step: Step) -> None:
        given = self._given(asdict(step.parameters))
        if step.keeps_parameters:
            before = stack.parameters["instance_type"]
            others = [kind for kind in (given["instance_type"], *TYPES) if kind != before]
            given = self._given({**stack.parameters, "instance_type": others[0]})
        served = self.invariants.served(stack)
        self.invariants.protect(stack)
        self._tell(f"update {stack.name}", given, step)
        self._engine.update(stack, TEMPLATE, given)
        self.invariants.release()
        self.invocations.settle()
        if stack.status == "UPDATE_ROLLBACK_COMPLETE":
            self.invariants.excuse_what_transcribes_nothing(stack)
            if served and self.invariants.served(stack) != served:
                raise Violation(f"after the roll-back {stack.name} serves another model")
        self._conclude(stack)

    def _given(self, parameters: dict[str, Any]) -> dict[str, str]:
        """Return parameters for CloudFormation, including one that always changes."""
        return {key: str(item) for key, item in parameters.items()} | {
            "number": str(len(self.asked))
        }

    def _tell(self, asked: str, given: dict[str, str], step: Step) -> None:
        told = ", ".join(f"{key} {item}" for key, item in given.items() if key != "number")
        told += f"; the container {step.container}" if step.container != CONTAINERS[0] else ""
        self.story.append(f"{asked}: {told}{'; a sibling fails' if step.sibling_fails else ''}")

    def _delete(self, stack: WatchedStack) -> None:
        stack.is_whole = False
        self.story.append(f"delete {stack.name}")
        self._engine.delete(stack)
        self._conclude(stack)

    def _delete_endpoint_by_hand(self, stack: WatchedStack) -> None:
        """Delete a stack's endpoint by hand; the next update must recreate it."""
        self.invocations.settle()
        endpoint = self.aws.sagemaker.endpoints.get(stack.id_of(DEPLOYMENT))
        if endpoint and endpoint.status == "InService" and stack.is_whole:
            stack.is_whole, stack.is_lost = False, True
            self.story.append(f"somebody deletes the endpoint {endpoint.name} of {stack.name}")
            sagemaker = self.aws.own_client("sagemaker")
            sagemaker.delete_endpoint(EndpointName=endpoint.name)
            sagemaker.list_endpoints()  # advances states
        self.invariants.require_all()

    def _take_the_bucket(self) -> None:
        """Replace a bucket by a stranger's of the same name and content."""
        self.invocations.settle()
        self.invariants.require_all()
        bucket = self.aws.s3.buckets[BUCKETS[1]]
        if bucket.owner != _STRANGER:
            bucket.owner = _STRANGER
            bucket.uploads.clear()
            self.story.append(f"a stranger takes the bucket {BUCKETS[1]}")
        self.invariants.expect_foreign()

    def _conclude(self, stack: WatchedStack) -> None:
        """Check everything after a CloudFormation operation."""
        self.invocations.settle()
        stack.is_whole = stack.status in _WHOLE and not stack.is_lost
        if stack.status in _GONE:
            self.invariants.require_nothing_left(stack)
        self.invariants.require_all()

    def _renew(self, periods: int) -> None:
        """Let weeks pass, with the daily renewal."""
        whole = [stack for stack in self.stacks if stack.is_whole]
        for _ in range(periods):
            self.invocations.settle()
            self.aws.clock.sleep(20 * _DAY)
            self.provider.arm()
            for _ in range(3):  # on the following days
                for stack in whole:
                    uri = stack.id_of(ARCHIVE)
                    self.invocations.invoke({"RenewArchive": uri, "StackId": stack.stack_id})
                self.provider.disarm()
                self.invocations.settle()
                self.aws.clock.sleep(_DAY)
        self.invocations.settle()
        for stack in whole:
            self.invariants.require_archive(stack)
        self.invariants.require_all()

    def _poll_late(self) -> None:
        """Fire every rule left behind by an invocation."""
        self.invocations.poll()
        self.invocations.settle()
        self.invariants.require_all()

    def _before_call(self, operation: str, request: dict[str, Any]) -> None:
        self.invocations.before_call()
        self.answers.before_call(operation, request)

    def _on_call(self, operation: str, request: dict[str, Any]) -> None:
        self.answers.on_call(operation, request)
        self.invariants.look_at_protected()

    def _on_fault(self, operation: str, kind: str) -> None:
        self.hits.append((operation, kind))
        self.story.append(f"{operation}: {kind}")
        if operation in _REMOVING_RULES:
            self.invariants.excuse_rules()

    def _fill(self) -> None:
        """Create buckets, models, and foreign resources."""
        s3, sagemaker = self.aws.own_client("s3"), self.aws.own_client("sagemaker")
        for bucket in (*BUCKETS, "models"):
            self.aws.s3.buckets[bucket] = Bucket(is_versioned=bucket == BUCKETS[0])
        self.aws.s3.buckets[BUCKETS[0]].expires_after_days = 90
        self.aws.s3.buckets[STRANGERS] = Bucket(owner=_STRANGER)
        for model in ("a", "b"):
            for name in ("model.bin", "config.json", "tokenizer.json", "vocabulary.json"):
                body = f"{name} of {model}".encode()
                s3.put_object(Bucket="models", Key=f"{model}/{name}", Body=body)
        for bucket in BUCKETS:
            for key in ("recording.wav", "whisper-sagemaker/theirs/lease.json"):
                s3.put_object(Bucket=bucket, Key=key, Body=b"theirs")
            s3.create_multipart_upload(Bucket=bucket, Key="video.mp4")
        theirs: list[dict[str, str]] = [{"Key": STACK_TAG, "Value": "theirs"}]
        for name, tags in (("calls-2-0123456789ab", []), ("theirs", theirs)):
            self._make_theirs(sagemaker, name, tags)
        self.aws.containers.polls_to_start = 0
        sagemaker.create_endpoint(EndpointName="theirs", EndpointConfigName="theirs", Tags=theirs)
        sagemaker.describe_endpoint(EndpointName="theirs")
        self.aws.own_client("application-autoscaling").register_scalable_target(
            **place_of("theirs"), MinCapacity=1, MaxCapacity=9
        )

    def _make_theirs(self, sagemaker: Any, name: str, tags: list[dict[str, str]]) -> None:
        """Create a foreign model and config."""
        source = {"S3Uri": "s3://theirs/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}
        container = {"Image": "theirs", "ModelDataSource": {"S3DataSource": source}}
        sagemaker.create_model(ModelName=name, PrimaryContainer=container, Tags=tags)
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": name,
            "InstanceType": TYPES[0],
            "InitialInstanceCount": 1,
        }
        sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=[variant], Tags=tags
        )
