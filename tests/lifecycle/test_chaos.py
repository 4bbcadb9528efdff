# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Random lives of stacks: nothing leaks, nothing breaks, and planted bugs are found."""

import random

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from scripts.chaos.aws import FAULTS
from scripts.chaos.lives import find, run, step, worlds
from scripts.chaos.mutants import NAMES
from scripts.chaos.world import Violation

SEQUENCES = 1000


@pytest.fixture(scope="module")
def outcome():
    return run(SEQUENCES)


def test_a_thousand_lives_without_a_violation(outcome):
    assert outcome.violations == []
    assert outcome.sequences == SEQUENCES


def test_most_lives_met_a_fault_and_every_fault_was_met_often(outcome):
    assert outcome.with_fault >= 0.8 * outcome.sequences
    met = {kind: sum(n for (_, k), n in outcome.hits.items() if k == kind) for kind in FAULTS}
    assert min(met.values()) >= 10, met
    assert len({call for call, _ in outcome.hits}) >= 30
    assert min(outcome.operations.values()) >= 50, outcome.operations


@pytest.mark.parametrize("name", NAMES)
def test_a_planted_bug_is_found(name):
    assert find(name, most=SEQUENCES), name


def test_a_life_is_the_same_every_time():
    first, second = run(5, seed=3), run(5, seed=3)
    assert (first.hits, first.operations) == (second.hits, second.operations)


class Lives(RuleBasedStateMachine):
    """Two stacks; what is asked of which, and all that goes wrong, is hypothesis's to draw."""

    def __init__(self):
        super().__init__()
        self._made = worlds()
        self._world = self._made.__enter__().new(random.Random(0))

    @rule(number=st.integers(0, 1), seed=st.integers(0, 2**32))
    def ask(self, number, seed):
        self._world.random.seed(seed)
        step(self._world, self._world.stacks[number])

    def teardown(self):
        try:
            for stack in self._world.stacks:
                self._world.delete_surely(stack)
        finally:
            self._made.__exit__(None, None, None)


Lives.TestCase.settings = settings(
    max_examples=40,
    stateful_step_count=8,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
TestLives = Lives.TestCase


def test_what_is_wrong_in_the_middle_of_a_call_is_not_taken_for_a_failure():
    with worlds() as made:
        world = made.new(random.Random(1))
        world._seen.append("it serves nothing")
        with pytest.raises(Violation, match="it serves nothing"):
            world.create(world.stacks[0], world.any_wanted())
