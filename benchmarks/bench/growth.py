# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measure whether the endpoint's memory grows with the number of requests."""

import statistics
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import processes
from benchmarks.bench import clips
from benchmarks.bench.clips import RequestTemplate
from benchmarks.bench.variants import Variant, start
from benchmarks.reporting import Countdown, target

CALLERS = 16
WANTED = 0.02

_SAMPLES = 40
_CLIP_SECONDS = 2.0
"""Longest utterance: only the number of requests matters."""

_SPARE = "ray::IDLE"
"""Idle Ray workers are excluded: they may exit at any time, which would hide growth."""


def measure(weights: Path, requests: int, variant_name: str = "engine") -> list[int]:
    """Send live requests; return the memory in bytes at equal intervals.

    The first sample comes after a tenth, when everything has been used once.

    Raises RequestFailed if a request is refused: it would not have used its memory.
    """
    variant, pid = start(variant_name, weights, "live")
    numbers = clips.Numbers()
    said = [one for one in clips.utterances("live", {}) if one[-1].seconds < _CLIP_SECONDS + 1]
    held = []
    # The same threads throughout: each has a connection, which takes memory too.
    callers = ThreadPoolExecutor(CALLERS)
    try:
        _send(callers, variant, said, numbers, requests // 10)
        held.append(processes.bytes_of(pid, _SPARE))
        progress = Countdown(_SAMPLES)
        for _ in range(_SAMPLES):
            _send(callers, variant, said, numbers, requests * 9 // (10 * _SAMPLES))
            held.append(processes.bytes_of(pid, _SPARE))
            progress.done(f"{variant_name}: {held[-1] / 1e6:.1f} MB")
    finally:
        callers.shutdown()
        variant.close()
    return held


def growth(held: list[int]) -> float:
    """Return the ratio of the last quarter's median to the first quarter's, minus one."""
    quarter = max(1, len(held) // 4)
    return statistics.median(held[-quarter:]) / statistics.median(held[:quarter]) - 1


def line(held: list[int], requests: int) -> str:
    """Format the result."""
    grown = growth(held)
    found = (
        f"{held[0] / 1e6:.1f} MB after a tenth, {held[-1] / 1e6:.1f} MB at the end, "
        f"{grown:+.2%} between the first and the last quarter"
    )
    name = f"memory over {requests:,} requests"
    return target(name, found, f"below {WANTED:.0%}", grown < WANTED)


def _send(
    callers: ThreadPoolExecutor,
    variant: Variant,
    said: list[list[RequestTemplate]],
    numbers: clips.Numbers,
    requests: int,
) -> None:
    left = threading.Semaphore(requests)

    def call(place: int) -> None:
        while True:
            number = numbers.next()
            for clip in said[(place + number) % len(said)]:
                if not left.acquire(blocking=False):
                    return
                variant.answer(clip.body(number))

    for caller in [callers.submit(call, place) for place in range(CALLERS)]:
        caller.result()
