# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A recording goes to a process of its own, which ends with whoever waits for it."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from whisper_endpoint.errors import DeadlineExceeded, InternalError, ModelNotLoadable
from whisper_endpoint.messages import SAMPLE_RATE, Parameters
from whisper_endpoint.speakers.processes import SpeakerProcesses, diarizer
from whisper_endpoint.speakers.turns import Diarization, Turn

MINUTES = np.zeros(150 * SAMPLE_RATE, np.float32)
ASKED = Parameters(diarize=True, min_speakers=2)

# What a process does instead, in Python: it has the recording's line and its samples.
ECHO = """
import json, os, sys
asked = json.loads(sys.stdin.buffer.readline())
rest = len(sys.stdin.buffer.read())
turns = [[[0.0, rest / 64000, asked["least"]]], [[0.0, 1.0, asked["most"]]]]
print(json.dumps([*turns, [asked["known"]]]))
"""


# It frees a large block, then blocks of 8 MB between others that stay.
FREES = """
import sys
large = sys.stdin.buffer.read() + b"." * 2**24
del large
blocks, kept = [], []
for number in range(20):
    blocks.append(b"." * 2**23)
    kept.append(b"." * 100_000)
del blocks
pages = int(open("/proc/self/statm").read().split()[1])
print([[[0, pages * 4096 / 1e6, 1]], [], []])
"""


class Instead(SpeakerProcesses):
    """Runs another program in the process's place."""

    def __init__(self, program: str) -> None:
        super().__init__(Path())
        self._program = program

    def _line(self) -> list[str]:
        return [sys.executable, "-c", self._program]


def asked(diarizer: SpeakerProcesses, seconds: float = 60) -> Diarization:
    return asyncio.run(diarizer.diarize(MINUTES, ASKED, seconds))


def test_all_samples_arrive_and_turns_come_back() -> None:
    found = asyncio.run(Instead(ECHO).diarize(MINUTES, ASKED, 60, [MINUTES[:32_000]] * 2))
    assert found == Diarization((Turn(0.0, 154.0, 2),), (Turn(0.0, 1.0, 30),), ((32_000, 32_000),))


@pytest.mark.skipif(sys.platform != "linux", reason="measures glibc's memory")
def test_memory_that_is_freed_is_given_back() -> None:
    (turn,) = asked(Instead(FREES)).turns
    assert turn.end < 100  # MB; 180 if it is kept


def test_it_yields_to_live_calls_from_its_first_line_on() -> None:
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    found = asked(
        Instead("import os, sys; sys.stdin.read(); print([[[0, os.nice(0), 1]], [], []])")
    )
    assert found.turns == (Turn(0, min(19, niceness + 15), 1),)


@pytest.mark.parametrize("program", ["", "import sys; sys.stdin.buffer.read(9); sys.exit(3)"])
def test_a_process_that_fails_is_our_fault(program: str) -> None:
    with pytest.raises((InternalError, json.JSONDecodeError)):
        asked(Instead(program))


def test_without_models_the_real_program_fails_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="could not be identified: try again"):
        asked(SpeakerProcesses(tmp_path))


def test_what_takes_too_long_is_ended() -> None:
    slow = Instead("import time; time.sleep(600)")
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded, match="or fewer at once, or leave diarize out"):
        asked(slow, seconds=0.3)
    # Its thread is free again: the process is gone.
    slow._program = ECHO
    assert len(asked(slow).turns) == 1
    assert time.monotonic() - begin < 300


def test_where_there_are_no_models_nothing_is_offered(tmp_path: Path) -> None:
    assert diarizer(tmp_path) is None
    assert diarizer(tmp_path / "none") is None


def test_other_files_in_the_models_place_end_the_start(tmp_path: Path) -> None:
    for name in ("segmentation.onnx", "embedding.onnx"):
        (tmp_path / name).write_bytes(b"no model")
    with pytest.raises(ModelNotLoadable, match=r"segmentation\.onnx cannot be loaded"):
        diarizer(tmp_path)
