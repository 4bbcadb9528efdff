# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One line on a terminal that says how far a call has come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TextIO

from live_whisper.sinks.times import clock_time

if TYPE_CHECKING:
    from collections.abc import Callable

REDRAW_S = 0.2
ERASE_LINE = "\r\x1b[K"


class Progress:
    """Draws at once, five times a second at most, and only on a terminal.

    Parameters
    ----------
    stream : TextIO
        Usually standard error.
    total : float
        Seconds of the whole call.
    monotonic : callable
        Source of time, in seconds.
    """

    def __init__(
        self, stream: TextIO, total: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._total, self._monotonic = stream, total, monotonic
        self._next = monotonic()
        self._drawn = False

    def __call__(self, done: float) -> None:
        """Say that `done` seconds of the call have been sent."""
        if not self._stream.isatty() or self._monotonic() < self._next:
            return
        self._next = self._monotonic() + REDRAW_S
        self._drawn = True
        line = f"transcribing {clock_time(done)} of {clock_time(self._total)}"
        self._stream.write(f"{ERASE_LINE}{line}")
        self._stream.flush()

    def erase(self) -> None:
        """Leave the line as it was found."""
        if self._drawn:
            self._stream.write(ERASE_LINE)
            self._stream.flush()
            self._drawn = False
