# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Strategies for lives of two stacks: steps, and what goes wrong in them.

A life is plain data drawn by hypothesis, so a failing one shrinks to the necessary steps and
faults. The simplest options come first: no fault, an update, a working container.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

FAULTS = ("throttled", "failed", "denied", "lost", "killed before", "killed after", "missing")
"""Refused once; 500; refused permanently; done, but the response lost; the function killed before
or after the call; not visible yet, as SageMaker reports it.
"""

NOT_VISIBLE_YET = {
    "create_endpoint": "Could not find endpoint configuration",
    "create_endpoint_config": "Could not find model",
    "create_model": "Could not assume role",
    "update_endpoint": "Could not find endpoint configuration",
}
"""Errors of calls that refer to something just created; only these can find it missing."""

RARE = (
    "add_tags",
    "create_endpoint",
    "delete_endpoint",
    "delete_endpoint_config",
    "delete_model",
    "delete_rule",
    "describe_log_streams",
    "describe_stacks",
    "get_resources",
    "invoke_endpoint",
    "put_retention_policy",
    "remove_permission",
    "remove_targets",
    "tag_resource",
    "untag_resource",
)
"""Calls that a fault after N calls would rarely hit."""

RAREST = (
    "deregister_scalable_target",
    "describe_alarms",
    "describe_endpoint_config",
    "describe_scalable_targets",
    "describe_scaling_policies",
    "describe_scheduled_actions",
    "get_object",
    "put_scaling_policy",
    "put_scheduled_action",
    "register_scalable_target",
    "update_endpoint",
)
"""Calls of few requests: a fault for one waits throughout a life."""

BUCKETS = ("versioned", "plain")
STRANGERS = "strangers"
"""A stranger's bucket, open to everybody."""
TYPES = ("ml.g5.xlarge", "ml.g6.xlarge", "ml.c7i.xlarge")
MOST_AT_ONCE = 3
"""Maximum concurrent invocations."""

CONTAINERS = ("works", "fails to start", "transcribes nothing")


@dataclass(frozen=True)
class Fault:
    """A fault of one of the next calls, of any or one operation."""

    kind: str
    after_calls: int = 0
    operation: str = ""


@dataclass(frozen=True)
class StackParameters:
    """The parameters of a stack."""

    name: str = "calls"
    model: str = "a"
    bucket: str = BUCKETS[0]
    instance_type: str = TYPES[0]
    count: int = 1
    is_scaled: bool = False


@dataclass(frozen=True)
class Overlap:
    """An invocation paused between two calls, and those that start before it ends.

    Attributes
    ----------
    after : int
        Number of invocations in the step before it.
    bursts : tuple of tuple of (int, int)
        For it and each next one: (index of the running invocation, number of calls), in turn,
        before the next one starts.
    """

    after: int
    bursts: tuple[tuple[tuple[int, int], ...], ...]


@dataclass(frozen=True)
class Step:
    """An operation on a stack, if possible in its state, and what goes wrong.

    Attributes
    ----------
    keeps_parameters : bool
        Whether an update only changes the instance type.
    refused_answers : int
        Number of 503s from the response URL before it accepts one.
    faults : tuple of Fault or None
        Per request, in order.
    twice : int
        Number of the request that is delivered twice, from 1; 0 for none.
    """

    stack: int
    ask: str = "update"
    parameters: StackParameters = StackParameters()
    keeps_parameters: bool = False
    container: str = CONTAINERS[0]
    polls_to_start: int = 0
    sibling_fails: bool = False
    is_scheduled_by_hand: bool = False
    weeks: int = 1
    refused_answers: int = 0
    faults: tuple[Fault | None, ...] = ()
    twice: int = 0
    overlap: Overlap | None = None


@dataclass(frozen=True)
class Life:
    """Steps, a fault for one of the rarest calls, and whether the account is large."""

    steps: tuple[Step, ...]
    waiting: Fault | None = None
    is_crowded: bool = False


class _Picks:
    """Makes choices from bytes; 0 is the first option."""

    def __init__(self, drawn: bytes) -> None:
        self._bytes = iter(drawn)

    def of(self, options: Sequence[Any]) -> Any:
        return options[next(self._bytes) % len(options)]

    def is_one_in(self, count: int) -> bool:
        return next(self._bytes) % count == count - 1

    def fault(self) -> Fault | None:
        is_there, is_of_rare, number = self.of(_HALF), self.of(_HALF), next(self._bytes)
        kind, becomes_missing = self.of(FAULTS), self.is_one_in(3)
        if not is_there:
            return None
        if not is_of_rare:
            return Fault(kind, number % 31)
        operation = RARE[number % len(RARE)]
        if operation in NOT_VISIBLE_YET and becomes_missing:
            kind = "missing"
        return Fault(kind if can_meet(operation, kind) else "lost", number % 3 // 2, operation)

    def burst(self) -> tuple[tuple[int, int], ...]:
        turns = [self.of(_TURNS) for _ in range(_MOST_TURNS)]
        return tuple(turn for turn in turns if turn[1])

    def step(self) -> Step:
        step = Step(
            stack=self.of((1, 2)),
            ask=self.of(_ASKS),
            parameters=StackParameters(
                name=self.of(("calls", "calls-2", "calls-3", "")),
                model=self.of("ab"),
                bucket=self.of(_BUCKETS),
                instance_type=self.of(TYPES),
                count=self.of((1, 2)),
                is_scaled=self.of(_HALF),
            ),
            keeps_parameters=self.of(_HALF),
            container=self.of(_CONTAINERS),
            polls_to_start=self.of(range(4)),
            sibling_fails=self.is_one_in(7),
            is_scheduled_by_hand=self.is_one_in(3),
            weeks=self.of(range(1, 6)),
            refused_answers=self.of((0,) * 6 + (1, 5)),
            twice=self.of((0,) * 17 + (1, 2, 3)),
            faults=tuple(self.fault() for _ in range(_MOST_FAULTS)),
        )
        has_overlap, after = self.of(_HALF), self.of(range(8))
        bursts = tuple(self.burst() for _ in range(_MOST_BURSTS))
        return replace(step, overlap=Overlap(after, bursts)) if has_overlap else step

    def waiting(self) -> Fault | None:
        is_there = self.of(range(10)) != 0
        fault = Fault(self.of(FAULTS[:-1]), operation=self.of(RAREST))
        return fault if is_there else None


_HALF = (False, True)
_ASKS = (
    *("update",) * 6,
    *("delete",) * 2,
    *("renew", "late poll", "delete the endpoint by hand", "take the bucket"),
)
_BUCKETS = BUCKETS * 6 + (STRANGERS,)
_CONTAINERS = CONTAINERS[:1] * 11 + CONTAINERS[1:2] * 2 + CONTAINERS[2:]
_TURNS = [(who, calls) for calls in (0, 1, 2, 4, 7, 12, 25) for who in range(MOST_AT_ONCE)]
_MOST_FAULTS, _MOST_BURSTS, _MOST_TURNS = 6, 12, 3
_STEP_BYTES = 18 + 5 * _MOST_FAULTS + _MOST_BURSTS * _MOST_TURNS

LIVES = st.builds(
    Life,
    # One hypothesis draw per step: a draw per choice would take longer than running it.
    steps=st.lists(
        st.binary(min_size=_STEP_BYTES, max_size=_STEP_BYTES).map(
            lambda drawn: _Picks(drawn).step()
        ),
        min_size=1,
        max_size=8,
        unique_by=id,  # otherwise 5 of 6 lives would be copies with one step repeated
    ).map(tuple),
    waiting=st.binary(min_size=3, max_size=3).map(lambda drawn: _Picks(drawn).waiting()),
    is_crowded=st.integers(0, 15).map(lambda drawn: drawn == 15),
)
"""Strategy for lives."""


def can_meet(operation: str, kind: str) -> bool:
    """Return whether a call can meet a kind of fault."""
    return kind != "missing" or operation in NOT_VISIBLE_YET
