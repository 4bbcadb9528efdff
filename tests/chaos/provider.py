# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the local cloud's stack engine makes in an account in memory, and how requests go wrong.

A request may come twice; its answer may be lost or come after the hour that CloudFormation waits,
a sibling may fail when everything else is done.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from local_cloud.cloudformation.custom_resources import CustomResources
from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.registry import ResourceRegistry
from local_cloud.cloudformation.stack import Resource, Stack
from local_cloud.template_reader import read_template
from tests.chaos.answers import Answers, Violation
from tests.chaos.aws import Aws
from tests.chaos.invocations import Invocations
from tests.chaos.lives import Step

ARCHIVE, DEPLOYMENT = "WhisperModelArchive", "WhisperModelDeployment"
TARGET, POLICY = "WhisperEndpointScalableTarget", "WhisperEndpointScalingPolicy"
SIBLING = "Sibling"
PLACE = ("ServiceNamespace", "ResourceId", "ScalableDimension")
"""What a scalable target is named by."""

_POLL_SECONDS = 120  # EventBridge's pace, for an hour at most
_POLL = {"Every": "rule"}

TEMPLATE = read_template(Path(__file__).with_name("stack.yaml").read_text())


class Provider:
    """Makes the template's resources in an account, as the local cloud does.

    Parameters
    ----------
    aws : Aws
    answers : Answers
    invocations : Invocations
    story : list of str
        Where what happens is told.
    """

    def __init__(
        self, aws: Aws, answers: Answers, invocations: Invocations, story: list[str]
    ) -> None:
        self._aws = aws
        self._answers = answers
        self._invocations = invocations
        self._story = story
        clock = SimpleNamespace(
            monotonic=aws.clock.time, sleep=lambda _: aws.clock.sleep(_POLL_SECONDS)
        )
        custom = CustomResources(
            SimpleNamespace(invoke=self._invoke),
            answers,
            # Of whatever request they are, late ones included; there may be one by then.
            lambda request_id: _POLL,
            clock,
            lambda: answers.newest,
        )
        self._services = ResourceRegistry(aws.own_client, custom, custom)
        self._step = Step(1)
        self._number = 0
        self.clean_up_failed: set[str] = set()
        """Stacks of which a clean-up has failed: CloudFormation goes on, and never asks again."""

    def begin(self, step: Step) -> None:
        """Have the requests that follow meet what a step says."""
        self._step, self._number = step, 0
        self._answers.refusals_left = step.refused_answers
        self._invocations.begin(step)

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Make a resource."""
        if wanted.logical_id == SIBLING:
            return self._sibling(stack)
        with self._watched(stack, "Create", wanted):
            return self._scheduled(wanted, self._services.create(stack, wanted))

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Change a resource."""
        if wanted.logical_id == SIBLING:
            return self._sibling(stack)
        with self._watched(stack, "Update", wanted):
            return self._scheduled(wanted, self._services.update(stack, current, wanted))

    def delete(self, stack: Stack, current: Resource) -> None:
        """Remove a resource."""
        if current.logical_id == SIBLING:
            return
        try:
            with self._watched(stack, "Delete", current):
                self._services.delete(stack, current)
        except ResourceFailed:
            if stack.status.startswith("UPDATE_"):
                self.clean_up_failed.add(stack.stack_id)
            raise

    def clean_up(self, current: Resource) -> None:
        """Do nothing: no stack is nested."""

    def arm(self) -> None:
        """Have the next request meet its fault; one that waits for an operation goes on waiting."""
        faults = self._step.faults
        drawn = faults[self._number] if self._number < len(faults) else None
        self._number += 1
        if drawn or not self._aws.fault:
            self._aws.arm(drawn)

    def disarm(self) -> None:
        """Forget a fault for any call that none has met."""
        if self._aws.fault and not self._aws.fault.operation:
            self._aws.arm(None)

    @contextmanager
    def _watched(self, stack: Stack, kind: str, resource: Resource) -> Iterator[None]:
        if not resource.is_custom:
            with self._never_refused(kind, resource):
                yield
            return
        self.arm()
        try:
            yield
        except ResourceFailed as failure:
            self._conclude(f"{stack.name} {kind} {resource.logical_id}: FAILED {failure}"[:150])
            raise
        if resource.logical_id == DEPLOYMENT:
            vars(stack)["is_lost"] = False
        self._conclude(f"{stack.name} {kind} {resource.logical_id}: SUCCESS")

    def _conclude(self, told: str) -> None:
        """Look at a request that CloudFormation waits for no longer."""
        self.disarm()
        self._story.append(told)
        if not self._answers.answer(self._answers.newest):
            self._invocations.settle()
        self._answers.require_newest()

    @contextmanager
    def _never_refused(self, kind: str, resource: Resource) -> Iterator[None]:
        """Have a resource made that CloudFormation makes itself, when all is quiet."""
        if kind != "Delete":
            self._invocations.settle()
        try:
            yield
        except ResourceFailed as failure:
            raise Violation(
                f"CloudFormation cannot {kind} {resource.logical_id}: {failure}"
            ) from failure

    def _sibling(self, stack: Stack) -> PhysicalResource:
        """Make another of the template's resources, or fail to; a roll-back does not fail."""
        if self._step.sibling_fails and "ROLLBACK" not in stack.status:
            raise ResourceFailed("a sibling fails")
        return PhysicalResource(SIBLING)

    def _scheduled(self, wanted: Resource, made: PhysicalResource) -> PhysicalResource:
        """Have somebody put a scheduled action by hand, where there is a policy."""
        if wanted.logical_id == POLICY and self._step.is_scheduled_by_hand:
            self._aws.own_client("application-autoscaling").put_scheduled_action(
                **{part: made.attributes["Request"][part] for part in PLACE},
                ScheduledActionName="by hand",
                Schedule="cron(0 6 * * ? *)",
                ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 2},
            )
        return made

    def _invoke(self, function_arn: str, event: dict[str, Any]) -> None:
        """Invoke the function with a request, which may come twice, or have EventBridge do so."""
        if event is _POLL:
            self._invocations.poll()
            return
        for _ in range(2 if self._number == self._step.twice else 1):
            self._invocations.invoke(copy.deepcopy(event))
