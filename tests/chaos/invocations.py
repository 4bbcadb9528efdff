# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Run the deployer's function like Lambda: overlapping invocations, killed anywhere.

Overlapping invocations run in threads, but only one at a time: which one continues, and for how
many calls, is drawn, so that lives are reproducible.
"""

import copy
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import ModuleType, SimpleNamespace
from typing import Any

from tests.chaos.answers import Answers
from tests.chaos.aws import FUNCTION, Aws, Killed, TimeIsOver
from tests.chaos.lives import MOST_AT_ONCE, Overlap, Step

LAMBDA_SECONDS = 900

_MOST_CALLS = 300
"""Maximum calls of an invocation, however large the account: a call takes 0.1 to 0.2 s."""

_TO_THE_END = 1_000_000


class Invocation:
    """Work that can be paused before any of its calls.

    Parameters
    ----------
    work : callable
    ends_at : float
        Lambda's time limit, in seconds since the epoch.
    """

    def __init__(self, work: Callable[[], None], ends_at: float) -> None:
        self.ends_at = ends_at
        self._work = work
        self._calls_left = 0
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None
        self.is_done = False

    def go_on(self, calls: int) -> None:
        """Run it for at most a number of calls; raises its error."""
        self._calls_left = calls
        if self._thread.ident is None:
            self._thread.start()
        self._go.release()
        self._back.acquire()
        if self._error:
            raise self._error

    def before_call(self) -> None:
        """Wait if no calls are left; called in the invocation's thread."""
        while self._calls_left == 0:
            self._back.release()
            self._go.acquire()
        self._calls_left -= 1

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._work()
        except BaseException as error:  # re-raised in go_on
            self._error = error
        self.is_done = True
        self._back.release()


class Invocations:
    """Runs the function.

    Parameters
    ----------
    aws : Aws
    answers : Answers
    handlers : list of module
        The deployer's ``handler``, one per concurrent invocation.
    story : list of str
        Log of events.
    """

    def __init__(
        self, aws: Aws, answers: Answers, handlers: list[ModuleType], story: list[str]
    ) -> None:
        self._aws = aws
        self._answers = answers
        self._handlers = handlers
        self._story = story
        self._running: list[Invocation] = []
        self._current: Invocation | None = None
        self._overlap: Overlap | None = None
        self._bursts: Iterator[tuple[tuple[int, int], ...]] = iter(())
        self._number = 0
        self.overlaps = 0
        """Number of overlapping invocations."""

    def begin(self, step: Step) -> None:
        """Reset the count after which the step's overlap begins."""
        self._overlap, self._number = step.overlap, 0

    def invoke(self, event: dict[str, Any]) -> None:
        """Invoke the function while others still run; it may keep running itself."""
        if len(self._running) >= MOST_AT_ONCE:
            self.settle()
        begins = self._overlap is not None and self._number == self._overlap.after
        self._number += 1
        if begins and self._overlap:
            self._bursts = iter(self._overlap.bursts)
        if not self._running and not begins:
            self._run(event)
            return
        new = Invocation(lambda: self._run(event), self._aws.clock.now + LAMBDA_SECONDS)
        self._running.append(new)
        self.overlaps += len(self._running) > 1
        for who, calls in next(self._bursts, ((0, _TO_THE_END),)):
            if self._running:
                self._go_on(self._running[who % len(self._running)], calls)
        if not new.is_done:
            self._story.append(f"{_name(event)} is stopped between two calls")

    def poll(self) -> None:
        """Fire every EventBridge rule."""
        for event in [copy.deepcopy(event) for event in self._aws.rules.values() if event]:
            self.invoke(event)

    def settle(self) -> None:
        """Run every invocation to its end."""
        for burst in self._bursts:
            for who, calls in burst:
                if self._running:
                    self._go_on(self._running[who % len(self._running)], calls)
        while self._running:
            self._go_on(self._running[0], _TO_THE_END)

    def abandon(self) -> None:
        """Kill every invocation at its next call: the life is over."""
        self._aws.is_over = True
        while self._running:
            with suppress(BaseException):
                self._go_on(self._running[0], _TO_THE_END)

    def before_call(self) -> None:
        """Wait, or be killed at the time limit; called in the invocation's thread."""
        if self._current:
            current = self._current
            current.before_call()
            if self._aws.clock.now >= current.ends_at:
                self._aws.kill(TimeIsOver())

    def _go_on(self, invocation: Invocation, calls: int) -> None:
        self._current = invocation
        try:
            invocation.go_on(calls)
        finally:
            self._current = None
            if invocation.is_done:
                self._running.remove(invocation)

    def _run(self, event: dict[str, Any]) -> None:
        ends_at = self._aws.clock.now + LAMBDA_SECONDS
        context = SimpleNamespace(
            aws_request_id="r",
            function_name="whisper",
            invoked_function_arn=FUNCTION + event["StackId"].split("/")[1],
            log_group_name="/aws/lambda/whisper",
            get_remaining_time_in_millis=lambda: 1000 * max(0, ends_at - self._aws.clock.now),
        )
        handler = self._handlers.pop()
        self._aws.made[threading.get_ident()] = 0
        request_id, is_whole = event.get("RequestId", ""), False
        try:
            handler.handler(event, context)
            is_whole = True
        except TimeIsOver:
            self._answers.ended.add(request_id)
            self._story.append(f"{_name(event)} is out of time")
            if request_id:
                with suppress(Killed):  # no time left to note its response
                    handler.helper._timeout()
        except Killed:
            self._answers.ended.add(request_id)
            # Lambda's time limit passes before its lease ends.
            self._story.append(f"{_name(event)} is killed")
        except Exception as error:  # a failed renewal
            self._story.append(f"{_name(event)} fails: {error}")
        finally:
            self._answers.end_invocation(must_be_noted=is_whole)
            if (made := self._aws.made.pop(threading.get_ident())) > _MOST_CALLS:
                self._answers.seen.append(f"{_name(event)} makes {made} calls")
            self._aws.killed.discard(threading.get_ident())
            handler.lock.__init__()  # as in the new process that Lambda would start
            self._handlers.append(handler)


def _name(event: dict[str, Any]) -> str:
    if "RequestType" not in event:
        return "the renewal"
    kind = "a poll of" if "CrHelperPoll" in event else "the event of"
    return f"{kind} {event['RequestType']} {event['LogicalResourceId']}"
