# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measure what HTTP and Ray add to a request of a single caller.

They add a few milliseconds to a request that takes many times as long, less than a machine's speed
varies between two measurements. So the same live requests go to both, alternately.
"""

import itertools
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import clips
from benchmarks.bench.variants import Variant, parameters, start
from benchmarks.reporting import percentile, target
from scripts.publish.progress import step

WANTED_MS = 25.0

_WARM_UP = 20
"""Number of warm-up pairs."""


@dataclass(frozen=True)
class Overhead:
    """Median latency in ms of the same requests by one caller, in process and over HTTP."""

    pairs: int
    engine_ms: float
    http_ms: float

    @property
    def added_ms(self) -> float:
        """The added latency, in ms."""
        return self.http_ms - self.engine_ms


def measure(weights: Path, pairs: int) -> Overhead:
    """Send the same live requests to both; raises RequestFailed if one is refused."""
    with step(f"HTTP and Ray next to the engine alone, {pairs} requests each"):
        engine, _ = start("engine", weights, "live")
        with closing(engine):
            http, _ = start("http", weights, "live")
            with closing(http):
                return compare(engine, http, pairs)


def compare(engine: Variant, http: Variant, pairs: int) -> Overhead:
    """Send the same requests to both, alternating which goes first."""
    times: dict[Variant, list[float]] = {engine: [], http: []}
    for index, body in enumerate(itertools.islice(_bodies(), _WARM_UP + pairs)):
        for variant in (engine, http) if index % 2 else (http, engine):
            began = time.perf_counter()
            variant.answer(body)
            times[variant].append(1000 * (time.perf_counter() - began))
    engine_ms, http_ms = (percentile(times[one][_WARM_UP:], 50) for one in (engine, http))
    return Overhead(pairs, engine_ms, http_ms)


def line(found: Overhead) -> str:
    """Format the result with its target."""
    return target(
        f"HTTP and Ray at p50, demo live, 1 caller, {found.pairs} requests in turns",
        f"{found.added_ms:.1f} ms on {found.engine_ms:.1f}",
        f"at most {WANTED_MS:g} ms",
        found.added_ms <= WANTED_MS,
    )


def _bodies() -> Iterator[bytes]:
    numbers = clips.Numbers()
    for said in itertools.cycle(clips.utterances("live", parameters("demo"))):
        number = numbers.next()
        yield from (clip.body(number) for clip in said)
