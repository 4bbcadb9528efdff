# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Child processes that never outlive us: ended with their descendants, even if we are killed."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_WATCH_SECONDS = 0.5
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold back signals that stop the process until the block has ended, then deliver the first.

    Without it, a second Ctrl-C during a slow cleanup leaves processes and folders behind. Only the
    main thread is ever interrupted, so in another thread nothing is held back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []
    previous = [signal.signal(stop, lambda number, _: held.append(number)) for stop in _STOPS]
    try:
        yield
    finally:
        for stop, handler in zip(_STOPS, previous, strict=True):
            signal.signal(stop, signal.SIG_DFL if handler is None else handler)
        if held:
            signal.raise_signal(held[0])


def adopt_orphans() -> None:
    """Adopt descendants whose own parent exits (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def watch_parent(gone: Callable[[], None]) -> None:
    """Call a function, in a thread, once our parent process has exited."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        gone()

    threading.Thread(target=watch, name="watch parent", daemon=True).start()


def terminate(pid: int, grace: float = 5.0) -> None:
    """Terminate a process, if it exists, and its descendants; kill them after `grace` seconds."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    _end(family, grace)


def terminate_descendants(grace: float = 5.0) -> None:
    """Terminate all our descendants, including new ones."""
    me = psutil.Process()
    while family := [child for child in me.children(recursive=True) if _is_alive(child)]:
        _end(family, grace)


def _end(family: list[psutil.Process], grace: float) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in family:
            _signal(process, number)
        _, family = psutil.wait_procs(family, timeout=grace)
        if not family:
            return


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _signal(process: psutil.Process, number: int) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return
