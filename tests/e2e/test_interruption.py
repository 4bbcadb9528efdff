# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Ctrl-C in the middle: the command ends by itself, and no process of its family outlives it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from scripts.publish.build import ROOT, build

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 600

SESSIONS = Path("/tmp")
"""Where containers keep Ray's sockets, whatever TMPDIR says; a folder's name has its container."""


def container_runs(family: set[psutil.Process], output: str) -> bool:
    return any(
        "local_cloud.sagemaker.container" in " ".join(cmdline(process)) for process in family
    )


def ray_runs(family: set[psutil.Process], output: str) -> bool:
    return any("raylet" in " ".join(cmdline(process)[:1]) for process in family)


def call_is_sent(family: set[psutil.Process], output: str) -> bool:
    return "is in service" in output


@pytest.mark.parametrize("moment", [container_runs, ray_runs, call_is_sent])
def test_ctrl_c_leaves_no_process_behind(
    moment: Callable[[set[psutil.Process], str], bool], tmp_path: Path
) -> None:
    build()
    log = tmp_path / "output"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "scripts.demo", "--model", "demo"],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, "TMPDIR": str(tmp_path)},
        )
        family = _watch(process, lambda seen: moment(seen, log.read_text()))
        os.killpg(process.pid, signal.SIGINT)
        family |= _watch(process, lambda _: process.poll() is not None)

    assert process.returncode == 130, log.read_text()
    assert "nothing is left running" in log.read_text()
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output"]
    assert [one for process in family for one in SESSIONS.glob(f"wls-{process.pid}-*")] == []


def _watch(
    process: "subprocess.Popen[bytes]", until: Callable[[set[psutil.Process]], bool]
) -> set[psutil.Process]:
    """Collect all descendants that are ever seen, until a moment has come."""
    family: set[psutil.Process] = set()
    end = time.monotonic() + PATIENCE_SECONDS
    while not until(family):
        assert time.monotonic() < end, "the moment never came"
        with contextlib.suppress(psutil.NoSuchProcess):
            family.update(psutil.Process(process.pid).children(recursive=True))
        time.sleep(0.4)  # a look takes 30 ms of CPU
    return family


def cmdline(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
