# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""N concurrent callers, each waiting for its answer before the next request, like LCA's client."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.bench.clips import Numbers, RequestTemplate
from benchmarks.bench.variants import Reply, Variant
from benchmarks.processes import PeakMemory, cpu_seconds

# How long a machine is waited for on which no request is decoded in the given time.
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class TimedReply:
    """An answered request, with times of ``time.perf_counter``."""

    arrived: float
    answered: float
    reply: Reply


@dataclass(frozen=True)
class Measurement:
    """Answers in the measured period, with peak memory and CPU time."""

    answers: tuple[TimedReply, ...]
    seconds: float
    peak_bytes: int
    cpu_s: float


@dataclass
class Load:
    """A closed loop of callers, at different utterances; `began`, `ended` mark the period."""

    variant: Variant
    utterances: Sequence[list[RequestTemplate]]
    numbers: Numbers
    began: Callable[[], None] = lambda: None
    ended: Callable[[], None] = lambda: None
    _answers: list[TimedReply] = field(default_factory=list)
    _failures: list[Exception] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self, callers: int, warm_up_s: float, seconds: float, pid: int) -> Measurement:
        """Run the callers; measure a process after the warm-up. Raises the error of a request.

        The period lasts for ``seconds``, or until a request has been decoded if that is longer.
        """
        threads = [
            threading.Thread(target=self._call, args=(place,), daemon=True)
            for place in range(callers)
        ]
        for thread in threads:
            thread.start()
        self._stop.wait(warm_up_s)
        self.began()
        began, used = time.perf_counter(), cpu_seconds(pid)
        with PeakMemory(pid) as memory:
            self._stop.wait(seconds)
            while not self._has_decoded(began) and time.perf_counter() < began + _PATIENCE_S:
                if self._stop.wait(0.05):
                    break
        ended, used = time.perf_counter(), cpu_seconds(pid) - used
        self.ended()
        self._stop.set()
        self.variant.abandon()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]
        within = (answer for answer in self._answers if began <= answer.answered < ended)
        return Measurement(tuple(within), ended - began, memory.bytes, used)

    def _has_decoded(self, since: float) -> bool:
        return any(a.answered >= since and not a.reply.is_superseded for a in self._answers)

    def _call(self, place: int) -> None:
        for body in self._bodies(place):
            arrived = time.perf_counter()
            try:
                reply = self.variant.answer(body)
            except Exception as failure:
                if not self._stop.is_set():
                    self._failures.append(failure)
                    self._stop.set()
                return
            self._answers.append(TimedReply(arrived, time.perf_counter(), reply))

    def _bodies(self, place: int) -> Iterator[bytes]:
        for index in itertools.count(place):
            number = self.numbers.next()
            for clip in self.utterances[index % len(self.utterances)]:
                if self._stop.is_set():
                    return
                yield clip.body(number)
