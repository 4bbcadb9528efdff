# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is wrong with a definition in the Amazon States Language, where no linter says so."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

_ENDS = ("Succeed", "Fail")
_WAITS = ".waitForTaskToken"
_TOKEN = "$$.Task.Token"


def problems(machine: dict[str, Any]) -> list[str]:
    """Return what is wrong with a state machine."""
    names = Counter(_names(machine))
    twice = [f"{name}: two states have this name" for name, count in names.items() if count > 1]
    return twice + _problems_of_states(machine, "")


def _names(machine: dict[str, Any]) -> Iterator[str]:
    for name, state in machine["States"].items():
        yield name
        if "ItemProcessor" in state:
            yield from _names(state["ItemProcessor"])


def _problems_of_states(machine: dict[str, Any], name: str) -> list[str]:
    states = machine["States"]
    found = [
        f"{name}{state}: nothing leads there" for state in states if state not in _reached(machine)
    ]
    for state_name, state in states.items():
        where = f"{name}{state_name}"
        found += [
            f"{where}: {target} is no state" for target in targets(state) if target not in states
        ]
        found += [f"{where}: {problem}" for problem in _problems_of(state)]
        if "ItemProcessor" in state:
            found += _problems_of_states(state["ItemProcessor"], f"{where}/")
    return found


def _reached(machine: dict[str, Any]) -> set[str]:
    reached: set[str] = set()
    waiting = [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        if name not in reached and name in machine["States"]:
            reached.add(name)
            waiting += targets(machine["States"][name])
    return reached


def targets(state: dict[str, Any]) -> Iterator[str]:
    """Return the names of the states that may come next."""
    for rule in (state, *state.get("Choices", ()), *state.get("Catch", ())):
        if "Next" in rule:
            yield rule["Next"]
    if "Default" in state:
        yield state["Default"]


def _problems_of(state: dict[str, Any]) -> Iterator[str]:
    kind = state["Type"]
    leaves = "Next" in state or state.get("End") is True
    if kind not in (*_ENDS, "Choice") and not leaves:
        yield "it has neither Next nor End"
    if kind == "Choice" and "Default" not in state:
        yield "no Default: an unforeseen value would end the execution"
    if kind != "Task":
        return
    waits = state["Resource"].endswith(_WAITS)
    if waits != (_TOKEN in json.dumps(state["Parameters"])):
        yield f"{_TOKEN} is missing" if waits else f"{_TOKEN} is given away and nobody waits"
    if waits and not {"TimeoutSeconds", "TimeoutSecondsPath"} & set(state):
        yield "it may wait for ever"
    yield from _problems_of_rules(state)


def _problems_of_rules(state: dict[str, Any]) -> Iterator[str]:
    if not any(rule.get("MaxAttempts", 3) for rule in state.get("Retry", ())):
        yield "nothing is tried again"
    for rule in state.get("Retry", ()):
        if rule.get("MaxAttempts", 3) and rule.get("JitterStrategy") != "FULL":
            yield "a retry without jitter"
    for rules in (state.get("Retry", ()), state.get("Catch", ())):
        for place, rule in enumerate(rules):
            is_last = place == len(rules) - 1
            if "States.ALL" in rule["ErrorEquals"] and (
                not is_last or len(rule["ErrorEquals"]) > 1
            ):
                yield "States.ALL must stand alone and last"
    if "Catch" in state and "States.ALL" not in state["Catch"][-1]["ErrorEquals"]:
        yield "an error that nobody catches"
