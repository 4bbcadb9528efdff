# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One bounded queue of the windows of all requests, handed out in batches by importance."""

import bisect
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from whisper_endpoint.engine.jobs import Job, Observer, WorkItem
from whisper_endpoint.engine.throughput import Pace
from whisper_endpoint.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    Overloaded,
    Superseded,
    TakesTooLong,
)
from whisper_endpoint.messages import Priority

# While somebody waits for live results, a file holds the device for no longer than this.
FILE_BATCH_S = 0.3
# A live call sends about once a second: silence for this long means there is none.
_LIVE_MEMORY_S = 10.0


@dataclass(frozen=True)
class _Entry:
    item: WorkItem
    # Order of arrival among equal priorities. A window keeps it from turn to turn.
    number: int
    queued: float

    @property
    def rank(self) -> tuple[Priority, int]:
        return self.item.priority, self.number


@dataclass(frozen=True)
class Batch:
    """Windows whose turn it is, with equal keys.

    Attributes
    ----------
    items : tuple of WorkItem
        At least one.
    waited_s : tuple of float
        Seconds that each was in the queue.
    numbers : tuple of int
        Their places in the order of arrival, for :meth:`Scheduler.again`.
    """

    items: tuple[WorkItem, ...]
    waited_s: tuple[float, ...]
    numbers: tuple[int, ...]


class Scheduler:
    """Decides what is decoded next. Safe for threads.

    It never waits for a batch to fill: what is queued when a worker is free goes together, divided
    among the workers that are free.

    Parameters
    ----------
    max_windows : int
        Windows that may wait at any time.
    pace : Pace, optional
        Batch size and times; by default windows go one at a time.
    clock : callable
        ``time.monotonic``, or a test's.
    observer : Observer, optional
    """

    def __init__(
        self,
        max_windows: int,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
        observer: Observer | None = None,
    ) -> None:
        self._max_windows = max_windows
        self._pace = pace or Pace(1)
        self._clock = clock
        self._observer = observer or Observer()
        self._queue: list[_Entry] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_closed = False
        self._idle = 0
        self._live_until = float("-inf")

    def submit(self, items: Sequence[WorkItem], windows_to_come: int | None = 0) -> None:
        """Queue all windows of a job, or none.

        A PARTIAL of the same utterance that waits is answered with Superseded, and its place in
        the order goes to the newer one: an utterance that grows does not fall behind.

        Parameters
        ----------
        items : sequence of WorkItem
            First turns of all windows of one job.
        windows_to_come : int or None
            Windows of the same recording that will be submitted later; None: some were before,
            so that it has been let in.

        Raises
        ------
        Overloaded
            503: the queue has no room for them.
        TakesTooLong
            413: a file that would not be finished by its deadline.
        EngineUnavailable
            503: closed.
        """
        if not items:
            return
        with self._changed:
            if self._is_closed:
                raise _engine_failed()
            if windows_to_come is not None:
                self._check_time(items, windows_to_come)
            inherited = self._supersede(items[0])
            if len(self._queue) + len(items) > self._max_windows:
                raise Overloaded(
                    f"{len(self._queue)} windows are waiting and {len(items)} more would exceed "
                    f"{self._max_windows}: try again later, or send shorter audio."
                )
            for item in items:
                number = next(self._numbers) if inherited is None else inherited
                self._insert(item, number)
            if items[0].priority != Priority.FILE:
                self._live_until = self._clock() + _LIVE_MEMORY_S
            self._changed.notify_all()

    def again(self, item: WorkItem, number: int) -> None:
        """Queue a window's next turn, in the place that it had; the bound does not apply."""
        with self._changed:
            if self._is_closed:
                item.job.resolve(_engine_failed())
            elif not item.job.is_over:
                self._insert(item, number)
            self._changed.notify_all()

    def take(self) -> Batch | None:
        """Wait for the batch to decode next; None once closed.

        What is past its deadline is answered here with 504, and not decoded.
        """
        with self._changed, self._counted_idle():
            while not self._is_closed:
                entries = self._gather()
                if entries:
                    now = self._clock()
                    return Batch(
                        tuple(entry.item for entry in entries),
                        tuple(now - entry.queued for entry in entries),
                        tuple(entry.number for entry in entries),
                    )
                self._changed.wait()
            return None

    def wake(self) -> None:
        """Look again: a language has become known."""
        with self._changed:
            self._changed.notify_all()

    def forget(self, job: Job) -> bool:
        """Drop the waiting windows of a job that nobody waits for any more.

        Returns
        -------
        bool
            Whether there were any.
        """
        job.future.cancel()
        with self._changed:
            before = len(self._queue)
            self._queue = [entry for entry in self._queue if entry.item.job is not job]
            return len(self._queue) < before

    def close(self) -> None:
        """Answer everything that waits with 503 and take nothing more."""
        with self._changed:
            self._is_closed = True
            for entry in self._queue:
                entry.item.job.resolve(_engine_failed())
            self._queue.clear()
            self._changed.notify_all()

    def _insert(self, item: WorkItem, number: int) -> None:
        entry = _Entry(item, number, self._clock())
        bisect.insort(self._queue, entry, key=lambda one: one.rank)

    def _supersede(self, newer: WorkItem) -> int | None:
        if newer.utterance is None:
            return None
        older = next(
            (
                entry
                for entry in self._queue
                if entry.item.utterance == newer.utterance
                and entry.item.priority == Priority.PARTIAL
            ),
            None,
        )
        if older is None:
            return None
        self._queue = [entry for entry in self._queue if entry.item.job is not older.item.job]
        older.item.job.resolve(
            Superseded("A newer state of the same utterance has taken this one's place.")
        )
        self._observer.superseded(older.item.job)
        return older.number

    def _check_time(self, items: Sequence[WorkItem], windows_to_come: int) -> None:
        first, windows = items[0], len(items) + windows_to_come
        if first.priority != Priority.FILE:
            return
        waiting = len(self._queue)
        seconds = self._pace.estimate(first.key, windows + waiting) / self._pace.workers
        left = first.deadline - self._clock()
        if seconds > left:
            raise TakesTooLong(
                f"The recording has {windows} windows of up to 30 s and would take about "
                f"{seconds:.0f} s, more than the {max(left, 0):.0f} s until its deadline: send it "
                "to an asynchronous endpoint (InvokeEndpointAsync), or in shorter parts."
            )

    @contextmanager
    def _counted_idle(self) -> Iterator[None]:
        self._idle += 1
        try:
            yield
        finally:
            self._idle -= 1

    def _gather(self) -> list[_Entry]:
        """Take the most important entry from the queue and what goes with it."""
        now = self._clock()
        self._queue = [entry for entry in self._queue if not self._is_settled(entry.item, now)]
        batch: list[_Entry] = []
        for entry in self._queue:
            if len(batch) >= self._pace.batch_size:
                break
            if self._belongs(entry.item, batch, now):
                batch.append(entry)
        batch = batch[: math.ceil(len(batch) / self._idle)]
        taken = set(map(id, batch))
        self._queue = [entry for entry in self._queue if id(entry) not in taken]
        return batch

    def _is_settled(self, item: WorkItem, now: float) -> bool:
        if not item.job.is_over and now > item.deadline:
            item.job.resolve(
                DeadlineExceeded(
                    "The request waited longer than its deadline: send fewer requests at once, or "
                    "add instances."
                )
            )
            self._observer.expired(item.job)
        return item.job.is_over

    def _belongs(self, item: WorkItem, batch: list[_Entry], now: float) -> bool:
        if not item.is_ready:
            return False
        if not batch:
            return True
        key = batch[0].item.key
        if item.key != key:
            return False
        has_file = Priority.FILE in (item.priority, batch[0].item.priority)
        if not has_file or now >= self._live_until:
            return True
        return self._pace.estimate(key, len(batch) + 1) <= FILE_BATCH_S


def _engine_failed() -> EngineUnavailable:
    return EngineUnavailable(
        "The speech engine failed and is starting again: try again in a moment."
    )
