# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the rows are wanted to show, beside what they show. Told, not enforced: machines differ."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import orjson

from scripts.bench import clips
from scripts.bench.rows import cpu_ratio, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from scripts.bench.rows import Row

RATIOS = (
    ("engine", "lock", ("tiny-shape", "equal", 16), 1.15),
    ("engine", "lock", ("demo", "live", 16), 4.0),
    ("http", "engine", ("tiny-shape", "equal", 16), 0.8),
)
OVERHEAD_MS = 25.0
PARSE_RATIO = 2.5

_PARSES = 20


def lines(rows: Iterable[Row]) -> Iterator[str]:
    """Yield a line for each target that the rows say something about."""
    rows = list(rows)
    for over, under, load, wanted in RATIOS:
        found = ratio(rows, over, under, load)
        if found is not None:
            model, policy, callers = load
            name = f"{over}/{under}, {model} {policy}, {callers} callers"
            by_cpu = cpu_ratio(rows, over, under, load)
            shown = f"{found:.2f}" + (f", by CPU time {by_cpu:.2f}" if by_cpu else "")
            yield _line(name, shown, f"at least {wanted:g}", found >= wanted)
    added = overhead_ms(rows)
    if added is not None:
        name = "HTTP and Ray at p50, tiny-shape equal, 1 caller"
        yield _line(name, f"{added:.1f} ms", f"at most {OVERHEAD_MS:g} ms", added <= OVERHEAD_MS)
    counts = {row.tokens for row in rows if (row.model, row.policy) == ("tiny-shape", "equal")}
    if counts:
        shown = " and ".join(f"{count:g}" for count in sorted(counts))
        yield _line("tokens a request, tiny-shape equal", shown, "one number", len(counts) == 1)


def overhead_ms(rows: Iterable[Row]) -> float | None:
    """Return what HTTP and Ray add to the median of a single caller; None without both rows."""
    load = ("tiny-shape", "equal", 1)
    p50 = {row.variant: row.p50_ms for row in rows if row.load == load}
    return p50["http"] - p50["engine"] if {"http", "engine"} <= p50.keys() else None


def parse_line() -> str:
    """Measure how many times faster the endpoint reads a byte array than ``json`` does."""
    body = clips.utterances("equal", {})[0][0].body(0)
    slow = _fastest(lambda: bytes(json.loads(body)["audio_input"]))
    fast = _fastest(lambda: bytes(orjson.loads(body)["audio_input"]))
    found = slow / fast
    name = f"byte array of {len(body) / 1e6:.1f} MB, json/orjson"
    return _line(name, f"{found:.2f}", f"at least {PARSE_RATIO:g}", found >= PARSE_RATIO)


def _fastest(work: Callable[[], object]) -> float:
    """Return the seconds of the run that was disturbed least."""
    times = []
    for _ in range(_PARSES):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def _line(name: str, found: str, wanted: str, is_met: bool) -> str:
    return f"{name}: {found} (wanted: {wanted}; {'met' if is_met else 'NOT met'})"
