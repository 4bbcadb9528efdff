# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Shared reporting: percentiles, tables, targets, progress."""

import sys
import time
from collections.abc import Iterable, Sequence

import numpy as np


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: a measured value, without interpolation."""
    return float(np.percentile(values, percent, method="inverted_cdf"))


def columns(rows: Iterable[Sequence[str]], align: str = "<") -> list[str]:
    """Format rows as aligned columns, ``<`` left- or ``>`` right-aligned."""
    rows = list(rows)
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:{align}{width}}" for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def target(name: str, found: str, wanted: str, is_met: bool) -> str:
    """Format a result with its target. Reported, not enforced: machines differ."""
    return f"{name}: {found} (wanted: {wanted}; {'met' if is_met else 'NOT met'})"


class Countdown:
    """Shows the progress of a measurement with parts of about equal duration."""

    def __init__(self, parts: int) -> None:
        self._parts = parts
        self._done = 0
        self._began = time.monotonic()

    def done(self, what: str) -> None:
        """Report a finished part on standard error, with the estimated minutes left."""
        self._done += 1
        each = (time.monotonic() - self._began) / self._done
        left = each * max(0, self._parts - self._done) / 60
        line = f"  {self._done} of {self._parts}, {what}; about {left:.0f} min left"
        print(line, file=sys.stderr, flush=True)
