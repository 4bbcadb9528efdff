# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Invocations of a function that overlap, one step at a time: they take turns between two calls.

Each runs in a thread of its own, but only the one whose turn it is; which one that is and for how
many calls is drawn, so a sequence is the same every time.
"""

import threading
from collections.abc import Callable


class Invocation:
    """Work that can be stopped before any of its calls, and gone on with.

    Parameters
    ----------
    work : callable
    ends_at : float
        When Lambda ends it, in seconds since the epoch.
    """

    def __init__(self, work: Callable[[], None], ends_at: float) -> None:
        self.ends_at = ends_at
        self._work = work
        self._calls_left = 0
        self._go = threading.Semaphore(0)
        self._back = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._error: BaseException | None = None
        self.is_done = False

    def go_on(self, calls: int) -> None:
        """Let it make so many calls at most; raises what it has raised."""
        self._calls_left = calls
        if self._thread.ident is None:
            self._thread.start()
        self._go.release()
        self._back.acquire()
        if self._error:
            raise self._error

    def before_call(self) -> None:
        """Wait for the next turn where this one is over; called in the invocation's thread."""
        while self._calls_left == 0:
            self._back.release()
            self._go.acquire()
        self._calls_left -= 1

    def _run(self) -> None:
        self._go.acquire()
        try:
            self._work()
        except BaseException as error:  # raised where the invocation was let go on
            self._error = error
        self.is_done = True
        self._back.release()
