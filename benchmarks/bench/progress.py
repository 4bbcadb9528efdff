# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How far a long measurement is, for a terminal and for a log alike."""

from __future__ import annotations

import sys
import time


class Progress:
    """Counts parts that take about as long as one another.

    Parameters
    ----------
    parts : int
        Of the whole.
    """

    def __init__(self, parts: int) -> None:
        self._parts = parts
        self._done = 0
        self._began = time.monotonic()

    def done(self, what: str) -> None:
        """Write a line to standard error: which part was done, and the minutes that are left."""
        self._done += 1
        each = (time.monotonic() - self._began) / self._done
        left = each * max(0, self._parts - self._done) / 60
        print(
            f"  {self._done} of {self._parts}, {what}; about {left:.0f} min left",
            file=sys.stderr,
            flush=True,
        )
