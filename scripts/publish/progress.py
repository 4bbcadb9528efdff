# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One line per step on a terminal; nothing elsewhere."""

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
        What begins now, without a full stop.
    """
    if sys.stderr.isatty():
        print(f"  {step} …", file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[Callable[[str], None]]:
    """Show a step with its running seconds, on a terminal.

    Parameters
    ----------
    name : str
        What is done in the block, without a full stop.

    Yields
    ------
    callable
        Takes what is being worked on within the step.
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
    """A line that is written again and again."""

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
        # Erases what a longer line has left behind.
        print(f"\r\x1b[2K{text}", end=end, file=sys.stderr, flush=True)

    def _seconds(self) -> int:
        return int(time.monotonic() - self._began)
