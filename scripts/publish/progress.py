# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Progress lines, one per step, only on a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_TICK_SECONDS = 0.5


def say(step: str) -> None:
    """Write a line to standard error if it is a terminal.

    Parameters
    ----------
    step : str
        The step that begins, without a full stop.
    """
    if sys.stderr.isatty():
        print(f"  {step} …", file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Show a step with its elapsed seconds, on a terminal.

    Parameters
    ----------
    name : str
        Description of the block, without a full stop.

    Yields
    ------
    callable
        Shows a detail of the step.
    """
    if not sys.stderr.isatty():
        yield lambda _detail: None
        return
    line = _Line(name)
    thread = threading.Thread(target=line.run, daemon=True)
    thread.start()
    try:
        yield line.tell
    finally:
        line.done.set()
        thread.join()


class _Line:
    """A line that is rewritten repeatedly."""

    def __init__(self, name: str) -> None:
        self.done = threading.Event()
        self._name = name
        self._detail = ""
        self._began = time.monotonic()

    def tell(self, detail: str) -> None:
        self._detail = f" ({detail})" if detail else ""

    def run(self) -> None:
        while not self.done.wait(_TICK_SECONDS):
            self._write(f"  {self._name} … {self._seconds()} s{self._detail}", end="")
        self._write(f"  {self._name}: {self._seconds()} s", end="\n")

    def _write(self, text: str, end: str) -> None:
        # Erases the rest of a longer line.
        print(f"\r\x1b[2K{text}", end=end, file=sys.stderr, flush=True)

    def _seconds(self) -> int:
        return int(time.monotonic() - self._began)
