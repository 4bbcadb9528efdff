# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whether windows that hear the same say the same of who it is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from whisper_endpoint.speakers.agreement import agreement
from whisper_endpoint.speakers.clustering import Pieces, Tracks
from whisper_endpoint.speakers.extraction import HeardVoices

PEOPLE = np.eye(2, dtype=np.float32)
FRAMES, STEP = 10, 4


def heard(active: NDArray[np.bool_], like: list[list[int]]) -> HeardVoices:
    """Windows of 10 frames every 4; of each voice of each window, whom it is like."""
    windows = len(active)
    rows = [(window, voice) for window, voices in enumerate(like) for voice in range(len(voices))]
    numbers, voices = np.array(rows, np.intp).T
    vectors = PEOPLE[[like[window][voice] for window, voice in rows]]
    seconds = np.ones(len(rows), np.float32)
    return HeardVoices(
        1.0,
        np.arange(windows, dtype=np.intp) * STEP,
        active,
        np.zeros(0, np.intp),
        Tracks(numbers, voices, vectors, seconds, seconds),
        Pieces(np.zeros(0), np.zeros(0), np.zeros((0, 2), np.float32)),
    )


def all_the_time(windows: int) -> NDArray[np.bool_]:
    active = np.zeros((windows, FRAMES, 3), bool)
    active[:, :, 0] = True
    return active


def test_windows_that_say_the_same_agree() -> None:
    found = agreement(heard(all_the_time(5), [[1]] * 5), PEOPLE)
    np.testing.assert_array_equal(found, [1, 1])


def test_windows_that_are_apart_say_nothing() -> None:
    # The first and the last have no frame in common, and between them nobody is heard.
    active = all_the_time(4)
    active[1:3] = False
    np.testing.assert_array_equal(agreement(heard(active, [[0], [0], [0], [1]]), PEOPLE), [1, 1])


def test_a_window_that_takes_somebody_for_another_is_alone_with_it() -> None:
    found = agreement(heard(all_the_time(3), [[0], [1], [0]]), PEOPLE)
    # The second shares 6 frames with each of the others, which share 2 with one another.
    np.testing.assert_allclose(found, [2 * 2 / (2 * 2 + 12), 0])


@pytest.mark.parametrize("alone", [True, False])
def test_only_what_one_voice_says_alone_counts(alone: bool) -> None:
    active = all_the_time(2)
    active[:, :, 1] = not alone
    found = agreement(heard(active, [[0, 1], [1, 0]]), PEOPLE)
    np.testing.assert_array_equal(found, [0, 0] if alone else [1, 1])


def test_it_does_not_matter_which_number_a_voice_has_in_its_window() -> None:
    active = all_the_time(2)
    active[1] = active[1][:, [1, 0, 2]]
    found = agreement(heard(active, [[0, 1], [1, 0]]), PEOPLE)
    np.testing.assert_array_equal(found, [1, 1])
