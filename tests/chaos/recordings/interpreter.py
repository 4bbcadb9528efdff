# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Interpret the flow's subset of the Amazon States Language, in simulated time."""

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

FOLDER = Path(__file__).parents[3] / "recordings"
STATE_MACHINE = FOLDER / "state_machine.asl.json"
_MOST_OF_AN_EVENT = 248 * 1024
_FORMAT = re.compile(r"States\.Format\('(.*)', (\$\S+)\)")


class TaskFailed(Exception):
    """A task ended with an error that a state may retry or catch."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.error = error
        self.cause = cause


class Surroundings(Protocol):
    """The environment of an execution."""

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Schedule an action."""

    def run_task(self, resource: str, parameters: dict[str, Any]) -> Any:
        """Run a task; raises TaskFailed, or returns its result or a `PendingTask`."""

    def ended(self, execution: "Execution") -> None:
        """Handle the end of an execution."""


class PendingTask:
    """A task that ends later."""

    def __init__(self) -> None:
        self.settle: Callable[[Any, TaskFailed | None], None] = lambda result, failure: None


def definition(substitutions: dict[str, str], path: Path = STATE_MACHINE) -> dict[str, Any]:
    """Return a state machine with substitutions, as CloudFormation does."""
    text = path.read_text(encoding="utf-8")
    for name, value in substitutions.items():
        text = text.replace(f"${{{name}}}", value)
    machine: dict[str, Any] = json.loads(text)
    return machine


class Execution:
    """One execution of the state machine."""

    def __init__(
        self, arn: str, machine: dict[str, Any], given: dict[str, Any], world: Surroundings
    ) -> None:
        self.arn = arn
        self.given = given
        self.status = "RUNNING"
        self.cause = ""
        self.states: list[str] = []
        self.machine = machine
        self._world = world
        self._data: Any = copy.deepcopy(given)
        self._tries: dict[int, int] = {}
        self._token = ""
        self._visit = 0
        self._is_settled = False
        world.after(0, lambda: self._enter(machine["StartAt"]))

    def stop(self) -> None:
        """Stop it like StopExecution."""
        if self.status == "RUNNING":
            self._end("ABORTED")

    def settle(self, token: str, result: Any) -> bool:
        """Complete the waiting state; return False if none waits with this token."""
        if self.status != "RUNNING" or not token or token != self._token:
            return False
        self._token = ""
        self._is_settled = True  # regardless of the function that started it
        self._world.after(0, lambda: self._leave_task(result))
        return True

    @property
    def input_in_events(self) -> str | None:
        """Its input as EventBridge tells it: None, if it is too long."""
        text = json.dumps(self.given, ensure_ascii=False)
        size = len(json.dumps(text, ensure_ascii=False).encode())
        return text if size <= _MOST_OF_AN_EVENT else None

    @property
    def waits_with(self) -> str:
        """The token of the waiting state, or ""."""
        return self._token if self.status == "RUNNING" else ""

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.machine["States"][self.states[-1]]
        return state

    def _enter(self, name: str) -> None:
        if self.status != "RUNNING":
            return
        self.states.append(name)
        self._tries = {}
        kinds: dict[str, Callable[[], None]] = {
            "Task": self._task,
            "Choice": self._choice,
            "Pass": self._pass,
            "Wait": self._wait,
            "Succeed": lambda: self._end("SUCCEEDED"),
            "Fail": lambda: self._end("FAILED"),
        }
        kinds[self._state()["Type"]]()

    def _next(self) -> None:
        state = self._state()
        if state.get("End"):
            self._end("SUCCEEDED")
        else:
            self._enter(state["Next"])

    def _choice(self) -> None:
        for choice in self._state()["Choices"]:
            if self._at(choice["Variable"]) == choice["StringEquals"]:
                self._enter(choice["Next"])
                return
        self._enter(self._state()["Default"])

    def _pass(self) -> None:
        state = self._state()
        result = state["Result"] if "Result" in state else self._filled(state["Parameters"])
        self._put(state.get("ResultPath", "$"), copy.deepcopy(result))
        self._next()

    def _wait(self) -> None:
        self._world.after(self._at(self._state()["SecondsPath"]), self._next)

    def _task(self) -> None:
        if self.status != "RUNNING":
            return
        state = self._state()
        self._visit += 1
        self._token, self._is_settled = "", False
        waits = state["Resource"].endswith(".waitForTaskToken")
        if waits:
            self._token = f"{self.arn}#{self._visit}"
            self._time_out_after(self._at(state["TimeoutSecondsPath"]))
        try:
            result = self._world.run_task(state["Resource"], self._filled(state["Parameters"]))
        except TaskFailed as failure:
            if not self._is_settled:
                self._token = ""
                self._fail(failure)
            return
        if waits:
            return
        if isinstance(result, PendingTask):
            result.settle = self._once(self._visit)
            return
        self._leave_task(result)

    def _once(self, visit: int) -> Callable[[Any, TaskFailed | None], None]:
        def settle(result: Any, failure: TaskFailed | None) -> None:
            if self.status == "RUNNING" and self._visit == visit:
                if failure is not None:
                    self._fail(failure)
                else:
                    self._leave_task(result)

        return settle

    def _time_out_after(self, seconds: float) -> None:
        token = self._token

        def time_out() -> None:
            if self.status == "RUNNING" and self._token == token:
                self._token = ""
                self._fail(TaskFailed("States.Timeout"))

        self._world.after(seconds, time_out)

    def _leave_task(self, result: Any) -> None:
        if self.status != "RUNNING":
            return
        state = self._state()
        if "ResultSelector" in state:
            result = self._filled(state["ResultSelector"], result)
        self._put(state.get("ResultPath", "$"), copy.deepcopy(result))
        if "OutputPath" in state:
            self._data = _at(self._data, state["OutputPath"])
        self._next()

    def _fail(self, failure: TaskFailed) -> None:
        state = self._state()
        for place, retrier in enumerate(state.get("Retry", ())):
            if _matches(retrier, failure):
                tried = self._tries.get(place, 0)
                if tried < retrier["MaxAttempts"]:
                    self._tries[place] = tried + 1
                    pause = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** tried
                    self._world.after(min(pause, retrier["MaxDelaySeconds"]), self._task)
                    return
                break
        for catcher in state.get("Catch", ()):
            if _matches(catcher, failure):
                problem = {"Error": failure.error, "Cause": failure.cause}
                self._put(catcher["ResultPath"], problem)
                self._enter(catcher["Next"])
                return
        self.cause = failure.cause or failure.error
        self._end("FAILED")

    def _end(self, status: str) -> None:
        self.status = status
        self._world.ended(self)

    def _at(self, path: str) -> Any:
        return self.arn if path == "$$.Execution.Id" else _at(self._data, path)

    def _filled(self, template: Any, data: Any = None) -> Any:
        data = self._data if data is None else data
        if isinstance(template, dict):
            return {
                name.removesuffix(".$"): self._evaluated(value, data)
                if name.endswith(".$")
                else self._filled(value, data)
                for name, value in template.items()
            }
        if isinstance(template, list):
            return [self._filled(one, data) for one in template]
        return template

    def _evaluated(self, text: str, data: Any) -> Any:
        if text == "$$.Task.Token":
            return self._token
        if text == "$$.Execution.Id":
            return self.arn
        if match := _FORMAT.fullmatch(text):
            return match[1].replace("{}", str(_at(data, match[2])))
        return copy.deepcopy(_at(data, text))

    def _put(self, path: str | None, value: Any) -> None:
        if path is None:
            return
        if path == "$":
            self._data = value
        else:
            self._data = {**self._data, path.removeprefix("$."): value}


def _at(data: Any, path: str) -> Any:
    for name in path.removeprefix("$").split(".")[1:]:
        if name not in data:
            raise KeyError(f"{path} is not in {json.dumps(data)[:500]}")
        data = data[name]
    return data


def _matches(rule: dict[str, Any], failure: TaskFailed) -> bool:
    return bool({"States.ALL", failure.error} & set(rule["ErrorEquals"]))
