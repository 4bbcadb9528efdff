# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Measure memory and CPU time of a process tree, and run servers to measure."""

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Self

import psutil

from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError

_PERIOD_S = 0.5
_POLL_S = 0.2
_GRACE_S = 60


def cpu_seconds(pid: int) -> float:
    """Return the CPU time used so far by a process and its living descendants."""

    def used(process: psutil.Process) -> float:
        times = process.cpu_times()
        return times.user + times.system

    return _sum(used, pid)


def bytes_of(pid: int, without: str = "") -> int:
    """Return the memory of a process and its descendants in bytes, shared memory counted once.

    On Linux the proportional set size, elsewhere the resident set size. Processes named `without`
    are excluded.
    """

    def held(process: psutil.Process) -> int:
        if without and process.name() == without:
            return 0
        info = process.memory_full_info()
        return int(getattr(info, "pss", info.rss))

    return int(_sum(held, pid))


def _sum(figure: Callable[[psutil.Process], float], pid: int) -> float:
    parent = psutil.Process(pid)
    total = 0.0
    for process in (parent, *parent.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            total += figure(process)
    return total


class PeakMemory:
    """Samples twice a second within a ``with`` block; `bytes` is the peak."""

    def __init__(self, pid: int) -> None:
        self.bytes = 0
        self._pid = pid
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.bytes = max(self.bytes, bytes_of(self._pid))
            if self._done.wait(_PERIOD_S):
                return


@contextlib.contextmanager
def serving(
    arguments: Sequence[str],
    health_url: str,
    *,
    patience_s: float,
    environment: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``python -m`` with arguments during the block, which starts once it is healthy.

    `arguments`: module name and arguments. `health_url`: returns 200 once the server is ready.
    `patience_s`: seconds to wait for that. `environment`: all its variables; default: this
    process's. Raises CommandError with the end of the log if it exited or did not become healthy.
    """
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *arguments],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            give_up = time.monotonic() + patience_s
            while not _is_healthy(health_url):
                if time.monotonic() > give_up or process.poll() is not None:
                    log.seek(0)
                    said = log.read().decode(errors="replace")[-1000:]
                    raise CommandError(f"{arguments[0]} did not start; its log ends: {said}")
                time.sleep(_POLL_S)
            yield process
        finally:
            process.terminate()
            process.wait(_GRACE_S)


def _is_healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - a local URL
            return True
    except OSError:
        return False
