# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Provider for the local cloud's stack engine in an in-memory account, with faulty requests.

Requests may be delivered twice, responses may be lost or come after CloudFormation's hour, and a
sibling may fail when everything else is done.
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
"""Key of a scalable target."""

_POLL_SECONDS = 120  # EventBridge's interval, for up to an hour
_POLL = {"Every": "rule"}

TEMPLATE = read_template(Path(__file__).with_name("stack.yaml").read_text())


class Provider:
    """Creates the template's resources in an account, like the local cloud.

    Parameters
    ----------
    aws : Aws
    answers : Answers
    invocations : Invocations
    story : list of str
        Log of events.
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
            # For any request, including late ones; there may be one by then.
            lambda request_id: _POLL,
            clock,
            lambda: answers.newest,
        )
        self._services = ResourceRegistry(aws.own_client, custom, custom)
        self._step = Step(1)
        self._number = 0
        self.clean_up_failed: set[str] = set()
        """Stacks with a failed clean-up, which CloudFormation never retries."""

    def begin(self, step: Step) -> None:
        """Apply a step's faults to the following requests."""
        self._step, self._number = step, 0
        self._answers.refusals_left = step.refused_answers
        self._invocations.begin(step)

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create a resource."""
        if wanted.logical_id == SIBLING:
            return self._sibling(stack)
        with self._watched(stack, "Create", wanted):
            return self._scheduled(wanted, self._services.create(stack, wanted))

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update a resource."""
        if wanted.logical_id == SIBLING:
            return self._sibling(stack)
        with self._watched(stack, "Update", wanted):
            return self._scheduled(wanted, self._services.update(stack, current, wanted))

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete a resource."""
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
        """Do nothing: there are no nested stacks."""

    def arm(self) -> None:
        """Arm the next request's fault; a fault for a certain operation keeps waiting."""
        faults = self._step.faults
        drawn = faults[self._number] if self._number < len(faults) else None
        self._number += 1
        if drawn or not self._aws.fault:
            self._aws.arm(drawn)

    def disarm(self) -> None:
        """Drop an unmet fault that is for any call."""
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
        """Check a request that CloudFormation no longer waits for."""
        self.disarm()
        self._story.append(told)
        if not self._answers.answer(self._answers.newest):
            self._invocations.settle()
        self._answers.require_newest()

    @contextmanager
    def _never_refused(self, kind: str, resource: Resource) -> Iterator[None]:
        """Create a resource of CloudFormation's own, when no invocation runs."""
        if kind != "Delete":
            self._invocations.settle()
        try:
            yield
        except ResourceFailed as failure:
            raise Violation(
                f"CloudFormation cannot {kind} {resource.logical_id}: {failure}"
            ) from failure

    def _sibling(self, stack: Stack) -> PhysicalResource:
        """Create a sibling resource, or fail to, except in a rollback."""
        if self._step.sibling_fails and "ROLLBACK" not in stack.status:
            raise ResourceFailed("a sibling fails")
        return PhysicalResource(SIBLING)

    def _scheduled(self, wanted: Resource, made: PhysicalResource) -> PhysicalResource:
        """Add a scheduled action by hand if there is a policy."""
        if wanted.logical_id == POLICY and self._step.is_scheduled_by_hand:
            self._aws.own_client("application-autoscaling").put_scheduled_action(
                **{part: made.attributes["Request"][part] for part in PLACE},
                ScheduledActionName="by hand",
                Schedule="cron(0 6 * * ? *)",
                ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 2},
            )
        return made

    def _invoke(self, function_arn: str, event: dict[str, Any]) -> None:
        """Invoke the function with a request, possibly twice, or by EventBridge."""
        if event is _POLL:
            self._invocations.poll()
            return
        for _ in range(2 if self._number == self._step.twice else 1):
            self._invocations.invoke(copy.deepcopy(event))
