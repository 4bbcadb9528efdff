# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Random lives of recordings: every job ends once, and planted bugs are found."""

import pytest

from tests.chaos.recordings.__main__ import FOR_A_BUG, found, main
from tests.chaos.recordings.lives import machine
from tests.chaos.recordings.planted_bugs import BUGS

SEQUENCES = 200


def test_two_hundred_lives_without_a_violation():
    machine(SEQUENCES)("runTest").runTest()


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug):
    assert found(bug, FOR_A_BUG)


def test_the_command_says_what_it_has_done(capsys):
    assert main(["--sequences", "3", "--bugs", "0"]) == 0
    assert "3 sequences, 0 violations" in capsys.readouterr().out
