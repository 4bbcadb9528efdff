# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.live.conftest import CALLS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.live.conftest import RuntimeServer

CALL = str(CALLS / "agent-and-caller-overlap.wav")


@pytest.mark.parametrize(
    "way",
    [
        ["benchmarks.lca_client", "--pace"],
        ["live_whisper", "live", "--json"],
        ["live_whisper", "transcribe"],
    ],
)
def test_ctrl_c_ends_it_in_one_line(runtime: RuntimeServer, way: list[str]) -> None:
    runtime.hanging = int("transcribe" in way)
    command = [sys.executable, "-m", *way, CALL, "--endpoint-name", "whisper"]
    with subprocess.Popen(
        [*command, "--endpoint-url", runtime.url], cwd=CALLS.parents[1], stderr=subprocess.PIPE
    ) as process:
        assert runtime.asked.wait(60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.decode() == "Stopped; nothing is left running.\n"


def test_ctrl_c_while_it_starts_is_no_traceback(tmp_path: Path) -> None:
    # Its packages take a second to be imported; this one stands for any of them.
    (tmp_path / "boto3.py").write_text("raise KeyboardInterrupt")
    done = subprocess.run(
        [sys.executable, "-m", "live_whisper", "--help"],
        cwd=CALLS.parents[1],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "Stopped; nothing is left running.\n")
