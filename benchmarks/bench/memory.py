# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Memory and CPU time of a process and its descendants."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from types import TracebackType

_PERIOD_S = 0.5


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process and its living descendants have used so far."""
    parent = psutil.Process(pid)
    total = 0.0
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            used = process.cpu_times()
            total += used.user + used.system
    return total


def bytes_of(pid: int, without: str = "") -> int:
    """Return the bytes that a process and its descendants hold, what they share counted once.

    On Linux that is the proportional set size; elsewhere the resident one. Processes of the name
    `without` do not count.
    """
    parent = psutil.Process(pid)
    total = 0
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if without and process.name() == without:
                continue
            held = process.memory_full_info()
            total += getattr(held, "pss", held.rss)
    return total


class PeakMemory:
    """Looks twice a second, within a ``with`` block.

    Parameters
    ----------
    pid : int

    Attributes
    ----------
    bytes : int
        The most that was seen.
    """

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, bytes_of(self._pid))
            if self._done.wait(_PERIOD_S):
                return
