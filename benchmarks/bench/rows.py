# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Results: rows of ``build/bench.json``, and the printed table."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.bench.load import Measurement
from benchmarks.reporting import columns, percentile
from scripts.publish.errors import CommandError


@dataclass(frozen=True, kw_only=True)
class BenchRow:
    """A variant under one load; superseded partials are counted separately.

    Percentiles are nearest-rank; `tokens` is per decoded request, including timestamps; `peak_mb`
    and `cpu_ms` (per decoded request) cover the variant's processes, for `http` without the
    callers. On a busy machine CPU time is more reliable than elapsed time; it is printed but not
    saved.
    """

    variant: str
    model: str
    policy: str
    concurrency: int
    requests_per_s: float
    p50_ms: float
    p95_ms: float
    superseded: int
    tokens: float
    peak_mb: float
    cpu_ms: float

    @property
    def load(self) -> tuple[str, str, int]:
        """Key for comparing variants."""
        return self.model, self.policy, self.concurrency


COLUMNS = tuple(name for name in BenchRow.__annotations__ if name != "cpu_ms")
"""Fields saved to ``build/bench.json``."""


def row(measured: Measurement, variant: str, model: str, policy: str, concurrency: int) -> BenchRow:
    """Summarise a measurement; raises CommandError if nothing was decoded."""
    decoded = [answer for answer in measured.answers if not answer.reply.is_superseded]
    if not decoded:
        raise CommandError(
            f"{variant} decoded nothing in {measured.seconds:.0f} s with {concurrency} callers: "
            "give more --seconds."
        )
    times = [1000 * (answer.answered - answer.arrived) for answer in decoded]
    return BenchRow(
        variant=variant,
        model=model,
        policy=policy,
        concurrency=concurrency,
        requests_per_s=round(len(decoded) / measured.seconds, 3),
        p50_ms=round(percentile(times, 50), 1),
        p95_ms=round(percentile(times, 95), 1),
        superseded=len(measured.answers) - len(decoded),
        tokens=round(statistics.mean(answer.reply.tokens for answer in decoded), 2),
        peak_mb=round(measured.peak_bytes / 1e6, 1),
        cpu_ms=round(1000 * measured.cpu_s / len(decoded), 1),
    )


def saved(row: BenchRow) -> dict[str, object]:
    """Return a row as saved in ``build/bench.json``."""
    return {column: getattr(row, column) for column in COLUMNS}


def median(rows: Sequence[BenchRow]) -> BenchRow:
    """Return the row with the median throughput of several rounds."""
    return sorted(rows, key=lambda row: row.requests_per_s)[(len(rows) - 1) // 2]


def ratio(
    rows: Iterable[BenchRow], over: str, under: str, load: tuple[str, str, int]
) -> float | None:
    """Return the ratio of two variants' throughput at a load; None if either is missing."""
    found = {row.variant: row.requests_per_s for row in rows if row.load == load}
    if over not in found or under not in found:
        return None
    return found[over] / found[under]


def cpu_ratio(
    rows: Iterable[BenchRow], over: str, under: str, load: tuple[str, str, int]
) -> float | None:
    """Return the inverse ratio of CPU time per request; None if either is missing."""
    found = {row.variant: row.cpu_ms for row in rows if row.load == load}
    return found[under] / found[over] if {over, under} <= found.keys() and found[over] else None


def table(rows: Iterable[BenchRow]) -> list[str]:
    """Format rows as aligned columns, with throughput relative to `lock`."""
    rows = list(rows)
    shown = (*COLUMNS, "cpu_ms")
    cells = [(*shown, "x_lock")]
    for one in rows:
        relative = ratio(rows, one.variant, "lock", one.load)
        values = (_shown(getattr(one, column)) for column in shown)
        cells.append((*values, "" if relative is None else f"{relative:.2f}"))
    return columns(cells)


def _shown(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, float) else str(value)
