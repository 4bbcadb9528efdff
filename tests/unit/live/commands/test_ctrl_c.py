# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.unit.live.conftest import CALLS

if TYPE_CHECKING:
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
