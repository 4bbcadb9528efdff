# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Child processes that never outlive us: ended with their descendants, even if we are killed."""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_WATCH_SECONDS = 0.5


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ends (Linux; elsewhere nothing happens)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def watch_parent(gone: Callable[[], None]) -> None:
    """Call a function, in a thread, once the process that started us has ended in any way."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_SECONDS)
        gone()

    threading.Thread(target=watch, name="watch parent", daemon=True).start()


def terminate(pid: int, grace: float = 5.0) -> None:
    """End a process, if it is there, and its descendants: killed after the grace, in seconds."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    _end(family, grace)


def terminate_descendants(grace: float = 5.0) -> None:
    """End all our descendants, those included that appear while we are at it."""
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
