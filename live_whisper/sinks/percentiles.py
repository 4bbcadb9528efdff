# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Percentiles of a handful of latencies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest-rank percentile: the smallest value that `percent` % of all do not exceed.

    It always is a value that was measured, never one interpolated between two; of fewer than
    twenty values the 95th percentile is thus the largest.

    Parameters
    ----------
    values : sequence of float
        At least one, in any order.
    percent : float
        Above 0, up to 100.

    Raises
    ------
    ValueError
        If there are no values or `percent` is out of range.
    """
    if not values or not 0 < percent <= 100:
        raise ValueError(f"no percentile {percent} of {len(values)} values")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]
