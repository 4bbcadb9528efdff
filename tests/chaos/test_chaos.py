# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Random lives of stacks: nothing leaks, nothing breaks, and planted bugs are found."""

import json
import random
from collections import Counter
from contextlib import suppress

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.chaos.__main__ import never_hit, table
from tests.chaos.aws import FAULTS, Fault
from tests.chaos.lives import Outcome, find, run, run_beside, step, worlds
from tests.chaos.mutants import NAMES
from tests.chaos.turns import Invocation
from tests.chaos.world import Violation, Wanted

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
    assert outcome.overlaps >= 500


def test_a_cell_that_was_never_hit_is_named_unless_it_cannot_be_hit():
    outcome = Outcome(calls=Counter({"create_model": 3, "head_object": 1}))
    outcome.hits.update({("create_model", kind): 1 for kind in FAULTS if kind != "missing"})
    gaps = never_hit(outcome)
    assert gaps[0] == "create_model missing"
    assert gaps[1:] == [f"head_object {kind}" for kind in FAULTS if kind != "missing"]
    head = table(outcome)[2].split()
    assert head == ["head_object", *"000000", "-"]


def test_several_processes_live_the_same_sequences():
    one, two = run(4, seed=8), run_beside(2, 4, seed=8)
    assert (one.hits, one.operations, one.calls) == (two.hits, two.operations, two.calls)


def test_invocations_take_turns_between_two_calls():
    seen = []

    def work(name):
        for number in range(3):
            made[name].before_call()
            seen.append(f"{name}{number}")

    made = {name: Invocation(lambda name=name: work(name), ends_at=0.0) for name in "ab"}
    made["a"].go_on(2)
    made["b"].go_on(1)
    assert seen == ["a0", "a1", "b0"]
    assert not made["a"].is_done
    made["a"].go_on(5)
    assert made["a"].is_done
    made["b"].go_on(2)
    assert made["b"].is_done
    assert seen == ["a0", "a1", "b0", "a2", "b1", "b2"]


def test_an_invocation_that_was_ended_makes_no_further_call():
    with worlds() as made:
        world = made.new(random.Random(17))  # which sends the first event twice
        world.aws.waiting, world._overlaps = None, 0.0
        stack = world.stacks[0]
        world._faults = iter([Fault("killed after", 0, "put_object"), *[None] * 9])
        world.create(stack, Wanted("calls", "a", "plain", "ml.g5.xlarge", 1, is_scaled=False))
        # It did not give its lease back, nor its turn: both ended with Lambda's limit.
        assert world.aws.calls["put_object"] > 1
        assert stack.status == "CREATE_COMPLETE"
        assert world.aws.clock.now >= 1_700_000_900


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


def test_a_second_answer_is_excused_only_where_the_first_could_not_be_known():
    with worlds() as made:
        world = made.new(random.Random(0))
        function = world.aws.client("lambda")
        world._answers["r"] = []
        answer = json.dumps({"Status": "FAILED", "Reason": "why"}).encode()

        def answer_after(fault=None, *, note=True):
            world.aws.fault = fault
            with suppress(ClientError):
                function.list_tags(Resource="f")
            world.answer("https://box/r", answer)
            if note:
                function.tag_resource(Resource="f", Tags={"whisper-sagemaker:answered:x": "r"})

        answer_after()
        answer_after(Fault("failed", 0, "list_tags"))
        world._noted.clear()  # as where the first could not be noted
        answer_after()
        assert world._seen == []
        answer_after()
        assert "4 answers to one request" in world._seen.pop()
        answer_after(Fault("failed", 0, "list_tags"), note=False)
        function.list_tags(Resource="f")
        assert world._seen == ["list_tags comes before the answer is noted"]


def test_a_request_without_an_answer_is_excused_only_where_lambda_ended_it():
    with worlds() as made:
        world = made.new(random.Random(0))
        world._answers["r"] = []
        with pytest.raises(Violation, match="no answer"):
            world._require_answer("r")
        world._ended.add("r")
        world._require_answer("r")
        world.aws.rules["rule"] = {"RequestId": "r"}
        with pytest.raises(Violation, match="no answer"):
            world._require_answer("r")
