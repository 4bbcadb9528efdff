# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The state machines: every state is reached, every error caught, every token given."""

import copy
import json
from pathlib import Path

import pytest

from recordings import errors
from tests.template.asl import problems, targets

FOLDER = Path(__file__).parents[2] / "recordings"
MACHINES = {path.name: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.asl.json"))}
FLOW = MACHINES["state_machine.asl.json"]
UNCAUGHT = {"Accept", "Finish"}  # whose failing ends the execution: the rule on those records it


@pytest.mark.parametrize("name", MACHINES)
def test_nothing_is_wrong(name):
    assert problems(MACHINES[name]) == []


def test_every_error_leads_to_the_end_that_the_table_knows():
    for name, state in FLOW["States"].items():
        if state["Type"] == "Task":
            assert ("Catch" in state) == (name not in UNCAUGHT), name


def reached_from(states, name):
    found, waiting = set(), [name]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += targets(states[one])
    return found


def levels(machine):
    """Return the states of a machine and those of each of its maps."""
    maps = [one["ItemProcessor"] for one in machine["States"].values() if "ItemProcessor" in one]
    return [machine["States"], *(states for one in maps for states in levels(one))]


@pytest.mark.parametrize("name", ["batch.asl.json", "state_machine.asl.json"])
def test_what_catches_an_error_has_it_recorded(name):
    caught = [
        (states, rule["Next"])
        for states in levels(MACHINES[name])
        for state in states.values()
        for rule in state.get("Catch", ())
    ]
    assert len(caught) >= 3
    for states, target in caught:
        called = [states[one].get("Parameters", {}) for one in reached_from(states, target)]
        assert any(one.get("FunctionName") == "${FinishFunction}" for one in called), target


def test_errors_are_called_as_the_functions_call_them():
    named = {
        error
        for state in FLOW["States"].values()
        for rule in [*state.get("Retry", []), *state.get("Catch", [])]
        for error in rule["ErrorEquals"]
        if "." not in error
    }
    assert all(issubclass(getattr(errors, name), errors.RecordingError) for name in named)


def change(state, *path):
    machine = copy.deepcopy(FLOW)
    place = machine["States"][state]
    for name in path[:-2]:
        place = place[name]
    if path[-1] is None:
        del place[path[-2]]
    else:
        place[path[-2]] = path[-1]
    return machine


@pytest.mark.parametrize(
    ("change_", "problem"),
    [
        (("Transcribe", "Parameters", "Payload", "token.$", None), "$$.Task.Token is missing"),
        (("Transcribe", "TimeoutSecondsPath", None), "it may wait for ever"),
        (("Finish", "Retry", None), "nothing is tried again"),
        (("Collect", "Next", "Nowhere"), "Nowhere is no state"),
        (("Pause", "Next", None), "it has neither Next nor End"),
        (("WhatNext", "Default", None), "no Default"),
        (("Accept", "Retry", 0, "JitterStrategy", None), "a retry without jitter"),
        (("Collect", "Catch", 1, "ErrorEquals", ["JobEnded"]), "an error that nobody catches"),
        (("Outcome", "Default", "Repeated"), "nothing leads there"),
    ],
)
def test_what_is_wrong_is_found(change_, problem):
    found = problems(change(*change_))
    assert any(problem in one for one in found), found


def test_a_name_is_that_of_one_state_in_the_whole_machine():
    batch = copy.deepcopy(MACHINES["batch.asl.json"])
    states = batch["States"]["RowsOfCsv"]["ItemProcessor"]["States"]
    states["Prefix"] = states.pop("FailedInCsv")
    states["RecordingInCsv"]["Catch"][0]["Next"] = "Prefix"
    assert problems(batch) == ["Prefix: two states have this name"]
