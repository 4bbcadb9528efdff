# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SAYS = (
    "import sys; from live_whisper.commands import exit_status; "
    "sys.exit(exit_status(lambda: print('words ' * 90_000) or 0))"
)

FULL = (
    "The output cannot be written (No space left on device); free some space, or send it "
    "elsewhere.\n"
)


@pytest.mark.parametrize(
    ("where", "status", "sentence"),
    [
        (">/dev/null", 0, ""),
        (
            ">/dev/full",
            2,
            FULL,
        ),
        (">&-", 2, "Standard output is closed; send it somewhere, such as to a file.\n"),
        ("| head -c 1 >/dev/null; exit ${PIPESTATUS[0]}", 1, ""),
    ],
)
def test_output_that_goes_nowhere_ends_without_a_traceback(
    where: str, status: int, sentence: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" {where}', sys.executable, SAYS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, sentence)


@pytest.mark.parametrize("where", ["2>&-", "2>/dev/full"])
def test_a_refusal_that_nobody_can_read_is_one_all_the_same(where: str) -> None:
    command = f'"$0" -m live_whisper transcribe absent.wav --url http://127.0.0.1:1 {where}'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
