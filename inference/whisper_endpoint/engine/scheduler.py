# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A bounded priority queue of the windows of all requests, handed out in batches."""

import bisect
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from whisper_endpoint.engine.jobs import BatchKey, DecodeTask, Job, Superseded
from whisper_endpoint.engine.observer import BatchReport, Observer
from whisper_endpoint.engine.throughput import Throughput
from whisper_endpoint.errors import (
    DeadlineExceeded,
    EngineUnavailable,
    Overloaded,
    TakesTooLong,
)
from whisper_endpoint.messages import Priority
from whisper_endpoint.transcript import WindowResult

# While there are live calls, a batch with files' windows occupies the device for at most this long.
FILE_BATCH_S = 0.3
# Files' maximum share of the queue.
_SHARE_OF_FILES = 0.75
_MIB = 1024 * 1024
# Maximum features in the queue: 244 windows of 30 s with 80 mels, 152 with 128.
_MAX_BYTES = 224 * _MIB
# A live call sends about once a second: no request for this long means there are no calls.
_LIVE_MEMORY_S = 10.0


@dataclass(frozen=True)
class _Entry:
    task: DecodeTask
    queued: float

    @property
    def rank(self) -> tuple[Priority, int, int]:
        return self.task.priority, self.task.job.number, self.task.position


@dataclass(frozen=True)
class Batch:
    """Windows with equal keys, to be decoded together.

    Attributes
    ----------
    tasks : tuple of DecodeTask
        At least one.
    waited_s : tuple of float
        Seconds that each spent in the queue.
    """

    tasks: tuple[DecodeTask, ...]
    waited_s: tuple[float, ...]


class Scheduler:
    """Decides what is decoded next. Thread-safe.

    It never waits for a batch to fill: whatever is queued when a worker becomes free is batched,
    divided among the free workers.

    Parameters
    ----------
    max_windows : int
        Maximum number of queued windows; a quarter of them is reserved for live calls.
    max_bytes : int
        Maximum size of the features of all recordings with a queued window; again, a quarter is
        reserved for live calls.
    throughput : Throughput, optional
        Batch sizes and times, learnt from each batch; by default windows go one at a time.
    clock : callable
        ``time.monotonic``, or a test's.
    observer : Observer, optional
        Notified of each batch and of each superseded or expired job.
    max_file_frames : int, optional
        Maximum frames in a batch of several windows that includes a file's; by default only
        ``throughput`` limits it.
    """

    def __init__(
        self,
        max_windows: int,
        throughput: Throughput | None = None,
        clock: Callable[[], float] = time.monotonic,
        observer: Observer | None = None,
        max_bytes: int = _MAX_BYTES,
        max_file_frames: int | None = None,
    ) -> None:
        self._max_windows = max_windows
        self._max_bytes = max_bytes
        self._max_file_frames = max_file_frames or float("inf")
        self._throughput = throughput or Throughput(1)
        self._clock = clock
        self._observer = observer or Observer()
        self._queue: list[_Entry] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._is_closed = False
        self._idle = 0
        self._live_until = float("-inf")

    def submit(self, tasks: Sequence[DecodeTask], windows_to_come: int | None = 0) -> None:
        """Queue all windows of a job, or none.

        A queued PARTIAL of the same utterance is answered with Superseded, and the new job takes
        over its position, so that a growing utterance does not fall behind. If there is no room for
        live windows, the newest files are dropped and answered with Overloaded.

        Parameters
        ----------
        tasks : sequence of DecodeTask
            First tasks of all windows of one job.
        windows_to_come : int or None
            Number of windows of the same recording that will be submitted later; None if earlier
            ones have been admitted already.

        Raises
        ------
        Overloaded
            503: the queue is full.
        TakesTooLong
            413: a file that would not be finished by its deadline.
        EngineUnavailable
            503: the scheduler is closed.
        """
        if not tasks:
            return
        with self._changed:
            if self._is_closed:
                raise EngineUnavailable
            if windows_to_come is not None:
                self._check_time(tasks, windows_to_come)
            inherited = self._supersede(tasks[0])
            self._make_room(tasks)
            tasks[0].job.number = next(self._numbers) if inherited is None else inherited
            for task in tasks:
                self._insert(task)
            if tasks[0].priority != Priority.FILE:
                self._live_until = self._clock() + _LIVE_MEMORY_S
            self._changed.notify_all()

    def requeue(self, task: DecodeTask) -> None:
        """Queue a window's next task at its old position; the limits do not apply."""
        with self._changed:
            if self._is_closed:
                task.job.resolve(EngineUnavailable())
            elif not task.job.is_over:
                self._insert(task)
            self._changed.notify_all()

    def take(self) -> Batch | None:
        """Wait for the next batch to decode; return None once closed.

        Jobs past their deadline are answered here with 504 instead of being decoded.
        """
        with self._changed, self._counted_idle():
            while not self._is_closed:
                entries = self._gather()
                if entries:
                    now = self._clock()
                    return Batch(
                        tuple(entry.task for entry in entries),
                        tuple(now - entry.queued for entry in entries),
                    )
                self._changed.wait()
            return None

    def note(self, report: BatchReport) -> None:
        """Learn from a decoded batch and notify the observer."""
        self._throughput.learn(report.key, report.size, report.total_s)
        self.wake()
        self._observer.batch_decoded(report)

    def wake(self) -> None:
        """Wake the workers: windows that needed the results of others may be ready now."""
        with self._changed:
            self._changed.notify_all()

    def forget(self, job: Job) -> bool:
        """Cancel a job and drop its queued windows.

        Returns
        -------
        bool
            Whether there were any.
        """
        job.future.cancel()
        with self._changed:
            before = len(self._queue)
            self._drop(job)
            return len(self._queue) < before

    def close(self) -> None:
        """Answer everything in the queue with 503 and accept nothing more."""
        with self._changed:
            self._is_closed = True
            for entry in self._queue:
                entry.task.job.resolve(EngineUnavailable())
            self._queue.clear()
            self._changed.notify_all()

    def _insert(self, task: DecodeTask) -> None:
        bisect.insort(self._queue, _Entry(task, self._clock()), key=lambda one: one.rank)

    def _make_room(self, tasks: Sequence[DecodeTask]) -> None:
        """Drop files in favour of live windows; raise Overloaded if that does not help."""
        is_file = tasks[0].priority == Priority.FILE
        while refusal := self._is_too_much(tasks, _SHARE_OF_FILES if is_file else 1):
            # The queue is sorted: its last entry belongs to the newest file, if there is one.
            newest = self._queue[-1].task if self._queue else tasks[0]
            if is_file or newest.priority != Priority.FILE:
                raise Overloaded(refusal)
            self._drop(newest.job)
            newest.job.resolve(
                Overloaded(
                    "The recording was dropped from the queue to make room for live calls: "
                    "try again later."
                )
            )

    def _is_too_much(self, tasks: Sequence[DecodeTask], share: float) -> str:
        """Return why ``share`` of the queue has no room for the tasks; empty if it has."""
        waiting, most = [entry.task for entry in self._queue], math.ceil(self._max_windows * share)
        if len(waiting) + len(tasks) > most:
            return (
                f"{len(waiting)} windows are waiting, and with {len(tasks)} more the limit "
                f"of {most} would be exceeded: try again later, or send shorter audio."
            )
        held, most_bytes = _bytes_of(waiting), int(self._max_bytes * share)
        if waiting and held + _bytes_of(tasks) > most_bytes:
            return (
                f"{held // _MIB} MiB of audio are waiting, and with this recording the "
                f"limit of {most_bytes // _MIB} MiB would be exceeded: try again later, or "
                "send shorter audio."
            )
        return ""

    def _supersede(self, newer: DecodeTask) -> int | None:
        utterance = newer.job.scheduling.utterance
        for entry in self._queue if utterance else ():
            older = entry.task.job
            if older.scheduling.utterance == utterance and entry.task.priority == Priority.PARTIAL:
                self._drop(older)
                older.resolve(Superseded())
                self._observer.superseded(older)
                return older.number
        return None

    def _drop(self, job: Job) -> None:
        self._queue = [entry for entry in self._queue if entry.task.job is not job]

    def _check_time(self, tasks: Sequence[DecodeTask], windows_to_come: int) -> None:
        first, windows = tasks[0], len(tasks) + windows_to_come
        if first.priority != Priority.FILE:
            return
        waiting = len(self._queue)
        seconds = self._throughput.estimate(first.key, windows + waiting) / self._throughput.workers
        left = first.job.deadline - self._clock()
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
        """Take the most important ready entry, and those that go with it, from the queue."""
        now = self._clock()
        self._queue = [entry for entry in self._queue if not self._is_done(entry.task, now)]
        batch: list[_Entry] = []
        for entry in self._queue:
            if batch and len(batch) >= self._throughput.batch_size_for(batch[0].task.frames):
                break
            if self._belongs(entry.task, batch, now):
                batch.append(entry)
        batch = batch[: math.ceil(len(batch) / self._idle)]
        taken = set(map(id, batch))
        self._queue = [entry for entry in self._queue if id(entry) not in taken]
        return batch

    def _is_done(self, task: DecodeTask, now: float) -> bool:
        is_late = now > task.job.deadline
        # Only an optional attempt was still to come: without it there may be an answer.
        if is_late and not task.job.is_over and isinstance(task.in_context, WindowResult):
            task.job.add(task.position, task.in_context)
        if is_late and not task.job.is_over:
            task.job.resolve(
                DeadlineExceeded(
                    "The request waited longer than its deadline: send fewer requests at once, or "
                    "add instances."
                )
            )
            self._observer.expired(task.job)
        return task.job.is_over

    def _belongs(self, task: DecodeTask, batch: list[_Entry], now: float) -> bool:
        if not task.is_ready:
            return False
        if not batch:
            return True
        key = batch[0].task.key
        if task.key != key:
            return False
        if Priority.FILE not in (task.priority, batch[0].task.priority):
            return True
        return self._is_fit_for_files(key, len(batch) + 1, now)

    def _is_fit_for_files(self, key: BatchKey, size: int, now: float) -> bool:
        """Whether a batch that includes files' windows may have this size."""
        if size * key.frames > self._max_file_frames:
            return False
        return now >= self._live_until or self._throughput.estimate(key, size) <= FILE_BATCH_S


def _bytes_of(tasks: Sequence[DecodeTask]) -> int:
    """Return the size of the features of all recordings that the tasks belong to."""
    jobs = {id(task.job): task.job for task in tasks}
    return sum(window.features.nbytes for job in jobs.values() for window in job.windows)
