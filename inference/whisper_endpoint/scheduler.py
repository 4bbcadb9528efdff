# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One bounded queue of the windows of all requests, in order of importance."""

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from whisper_endpoint.errors import (
    DeadlineExceeded,
    EndpointError,
    EngineUnavailable,
    Overloaded,
)
from whisper_endpoint.transcript import Transcript, WindowResult, assemble

if TYPE_CHECKING:
    from whisper_endpoint.preparation import PreparedWindow
    from whisper_endpoint.request import Parameters


class Priority(IntEnum):
    """Which windows go first."""

    LIVE = 0
    FILE = 1


class Job:
    """A request inside the engine: its windows, and where their results are put together.

    Parameters
    ----------
    windows : tuple of PreparedWindow
        In order of time.
    parameters : Parameters
    deadline : float
        Time of ``time.monotonic`` after which no window of it is decoded.

    Attributes
    ----------
    priority : Priority
        Recordings of one window are taken for live: somebody waits for each of them.
    language : str or None
        Given, or that of the first window decoded: one recording has one language.
    future : Future
        Resolves to the Transcript, or to the EndpointError that took its place.
    """

    def __init__(
        self,
        windows: "tuple[PreparedWindow, ...]",
        parameters: "Parameters",
        deadline: float,
    ) -> None:
        self.windows = windows
        self.parameters = parameters
        self.deadline = deadline
        self.priority = Priority.LIVE if len(windows) <= 1 else Priority.FILE
        self.language = parameters.language
        self.future: Future[Transcript | EndpointError] = Future()
        self._results: dict[int, WindowResult] = {}
        if not windows:
            self.resolve(assemble(self.language or "", ()))

    @property
    def is_over(self) -> bool:
        """Whether it has its answer, or nobody waits for one."""
        return self.future.done()

    def add(self, position: int, result: WindowResult) -> None:
        """Take a window's result; the last one resolves the future."""
        self._results[position] = result
        self.language = self.language or result.language
        if len(self._results) == len(self.windows):
            ordered = (self._results[number] for number in range(len(self.windows)))
            self.resolve(assemble(self.language, ordered))

    def resolve(self, answer: Transcript | EndpointError) -> None:
        """Answer, unless there is an answer already."""
        try:
            self.future.set_result(answer)
        except InvalidStateError:
            return


class Work(NamedTuple):
    """A window whose turn it is."""

    job: Job
    position: int


class _Entry(NamedTuple):
    priority: Priority
    # Equal priorities go in order of arrival; being unique, it also keeps work from comparing.
    number: int
    work: Work


class Scheduler:
    """Decides which window is decoded next. Safe for threads.

    Parameters
    ----------
    max_windows : int
        Windows that may wait at any time.
    clock : callable
        ``time.monotonic``, or a test's.
    """

    def __init__(self, max_windows: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_windows = max_windows
        self._clock = clock
        self._heap: list[_Entry] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_closed = False

    def submit(self, job: Job) -> None:
        """Queue all windows of a job, or none.

        Raises
        ------
        Overloaded
            503: the queue has no room for them.
        EngineUnavailable
            503: closed.
        """
        with self._changed:
            if self._is_closed:
                raise _engine_failed()
            if len(self._heap) + len(job.windows) > self._max_windows:
                raise Overloaded(
                    f"{len(self._heap)} windows are waiting and {len(job.windows)} more would "
                    f"exceed {self._max_windows}: try again later, or send shorter audio."
                )
            for position in range(len(job.windows)):
                entry = _Entry(job.priority, next(self._numbers), Work(job, position))
                heapq.heappush(self._heap, entry)
            self._changed.notify()

    def take(self) -> Work | None:
        """Wait for the window to decode next; None once closed.

        What is past its deadline is answered here with 504, and not decoded.
        """
        with self._changed:
            while not self._is_closed:
                work = self._pop()
                if work is not None:
                    return work
                self._changed.wait()
            return None

    def forget(self, job: Job) -> None:
        """Drop the waiting windows of a job that nobody waits for any more."""
        job.future.cancel()
        with self._changed:
            self._heap = [entry for entry in self._heap if entry.work.job is not job]
            heapq.heapify(self._heap)

    def close(self) -> None:
        """Answer everything that waits with 503 and take nothing more."""
        with self._changed:
            self._is_closed = True
            for entry in self._heap:
                entry.work.job.resolve(_engine_failed())
            self._heap.clear()
            self._changed.notify_all()

    def _pop(self) -> Work | None:
        while self._heap:
            work = heapq.heappop(self._heap).work
            if work.job.is_over:
                continue
            if self._clock() > work.job.deadline:
                work.job.resolve(
                    DeadlineExceeded(
                        "The request waited longer than its deadline: send fewer requests at "
                        "once, or add instances."
                    )
                )
                continue
            return work
        return None


def _engine_failed() -> EngineUnavailable:
    return EngineUnavailable(
        "The speech engine failed and is starting again: try again in a moment."
    )
