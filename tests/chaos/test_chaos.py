# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Random stack lifecycles: nothing leaks or breaks, and planted bugs are found."""

import json
import re
import threading
from collections import Counter
from contextlib import suppress
from functools import partial

import pytest
from botocore.exceptions import ClientError

from tests.chaos.__main__ import main, never_hit, table
from tests.chaos.answers import Violation
from tests.chaos.invocations import Invocation
from tests.chaos.lives import FAULTS, Fault, StackParameters, Step
from tests.chaos.patched_environment import replaced
from tests.chaos.planted_bugs import BUGS
from tests.chaos.runs import PART, Statistics, find, run, seek

SEQUENCES = 1000
SOONER = {
    "a Delete leaves the rules of other requests": (12, 76),
    "a bucket may be of any account": (12, 1),
    "a poll of an older request goes on": (12, 407),
    "an endpoint deleted by hand gets no scaling": (12, 2),
    "an update deletes the old config at once": (12, 2),
    "deleting an archive deletes those in use": (12, 1),
    "every endpoint of that name is ours": (12, 2),
    "invocations work side by side": (12, 13),
    "the archive is never renewed": (12, 0),
}
"""Number of lives, and a seed that meets the bug early; the default may need hundreds."""


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
    outcome = Statistics(calls=Counter({"create_model": 3, "head_object": 1}))
    outcome.hits.update({("create_model", kind): 1 for kind in FAULTS if kind != "missing"})
    gaps = never_hit(outcome)
    assert gaps[0] == ("create_model", "missing")
    assert gaps[1:] == [("head_object", kind) for kind in FAULTS if kind != "missing"]
    head = table(outcome)[2].split()
    assert head == ["head_object", *"000000", "-"]


def test_a_fault_that_no_life_met_is_sought():
    fault = Fault("lost", operation="create_model")
    found = seek(fault, most=PART)
    assert found.hits["create_model", "lost"] >= 0.5 * PART
    assert found.violations == []


def test_several_processes_live_the_same_sequences():
    one, two = run(4, seed=8, size=2), run(4, seed=8, size=2, processes=2)
    assert (one.hits, one.operations, one.calls) == (two.hits, two.operations, two.calls)


def test_invocations_take_turns_between_two_calls():
    seen: list[str] = []

    def work(name):
        for number in range(3):
            made[name].before_call()
            seen.append(f"{name}{number}")

    made = {name: Invocation(partial(work, name), ends_at=0.0) for name in "ab"}
    made["a"].go_on(2)
    made["b"].go_on(1)
    assert seen == ["a0", "a1", "b0"]
    assert not made["a"].is_done
    made["a"].go_on(5)
    assert made["a"].is_done
    made["b"].go_on(2)
    assert made["b"].is_done
    assert seen == ["a0", "a1", "b0", "a2", "b1", "b2"]


@pytest.fixture
def account():
    with replaced() as stage:
        yield stage.new()


def test_an_invocation_that_was_ended_makes_no_further_call(account):
    faults = (Fault("killed after", operation="put_object"),)
    account.take(Step(1, parameters=StackParameters(bucket="plain"), faults=faults, twice=1))
    # It released neither lease nor lock: both ended with Lambda's limit.
    assert account.aws.calls["put_object"] > 1
    assert account.stacks[0].status == "CREATE_COMPLETE"
    assert account.aws.clock.now >= 1_700_000_900


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name):
    tries = [SOONER[name]] if name in SOONER else []
    assert any(find(name, *lives).violations for lives in (*tries, (SEQUENCES, 0))), name


def test_a_violation_shrinks_to_a_short_story_that_can_be_lived_again(capsys):
    name = "scaling is not brought back"
    (violation,) = find(name, most=SEQUENCES, shrink=True).violations
    said, *story, again = violation.splitlines()
    assert "scaling" in said.lower()
    asked = [line for line in story if re.match(r" +(create|update|delete) ", line)]
    assert [line.split()[0] for line in asked] == ["create", "update"]
    assert not any(f": {fault}" in line for line in story for fault in FAULTS)
    found = re.fullmatch(r'  again: make chaos ARGS="--replay ([^ "]+)"', again)
    assert found
    code = found[1]
    assert main(["--replay", code, "--planted", name]) == 1
    assert capsys.readouterr().out.splitlines()[:-1] == [said, *story]
    assert main(["--replay", code]) == 0  # without the bug
    assert capsys.readouterr().out == "no violation\n"


def test_a_life_is_the_same_every_time():
    first, second = run(5, seed=3), run(5, seed=3)
    assert (first.hits, first.operations) == (second.hits, second.operations)


def test_what_is_wrong_in_the_middle_of_a_call_is_not_taken_for_a_failure(account):
    account.answers.seen.append("it serves nothing")
    with pytest.raises(Violation, match="it serves nothing"):
        account.take(Step(1))


def test_a_second_answer_is_excused_only_where_the_first_could_not_be_known(account):
    answers, function = account.answers, account.aws.client("lambda")
    request, _ = answers.open()
    body = json.dumps({"Status": "FAILED", "Reason": "why"}).encode()

    def answer_after(fault=None, *, note=True):
        account.aws.arm(fault)
        with suppress(ClientError):
            function.list_tags(Resource="f")
        answers.put(request, body)
        if note:
            tags = {"whisper-sagemaker:answered:x": request}
            function.tag_resource(Resource="f", Tags=tags)

    answer_after()
    answer_after(Fault("failed", operation="list_tags"))
    answers._noted.clear()  # as if the first could not be noted
    answer_after()
    assert answers.seen == []
    answer_after()
    assert "4 answers to one request" in answers.seen.pop()
    answer_after(Fault("failed", operation="list_tags"), note=False)
    function.list_tags(Resource="f")
    assert answers.seen == ["list_tags comes before the answer is noted"]


@pytest.mark.parametrize(("first", "is_excused"), [("FAILED", True), ("SUCCESS", False)])
def test_an_answer_is_unknown_while_an_invocation_that_failed_is_stopped_before_it_notes_it(
    account, first, is_excused
):
    answers = account.answers
    request, _ = answers.open()
    bodies = [
        json.dumps({"Status": status, "Reason": ""}).encode() for status in (first, "SUCCESS")
    ]
    other = threading.Thread(target=answers.put, args=(request, bodies[0]))
    other.start()
    other.join()
    account.aws.client("lambda").list_tags(Resource="f")
    answers.put(request, bodies[1])
    assert (answers.seen == []) is is_excused


def test_a_request_without_an_answer_is_excused_only_where_lambda_ended_it(account):
    answers = account.answers
    request, _ = answers.open()
    with pytest.raises(Violation, match="no answer"):
        answers.require_newest()
    answers.ended.add(request)
    answers.require_newest()
    account.aws.rules["rule"] = {"RequestId": request}
    with pytest.raises(Violation, match="no answer"):
        answers.require_newest()
