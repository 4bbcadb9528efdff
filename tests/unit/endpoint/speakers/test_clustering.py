# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How many people there are, by how alike voices are within one and between two."""

import numpy as np
import pytest
from numpy.typing import NDArray

from whisper_endpoint.speakers.clustering import Pieces, Tracks, people
from whisper_endpoint.speakers.models import unit
from whisper_endpoint.speakers.turns import SpeakerCount

NO_PIECES = Pieces(np.zeros(0), np.zeros(0), np.zeros((0, 128), np.float32))


def agreed(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Windows agree on everybody."""
    return np.ones(len(vectors))


def voices(*middles: NDArray[np.float64], alike: float, each: int = 20) -> Tracks:
    """People whose own voices are about so much alike, heard in windows far from one another."""
    draw = np.random.default_rng(1)
    noise = draw.normal(size=(len(middles) * each, 128)) / np.sqrt(128)
    # Unit vectors, each a share of its middle and the rest of noise: their squares are the means.
    share = np.sqrt(alike)
    vectors = share * np.repeat(np.stack(middles), each, 0) + np.sqrt(1 - alike) * noise
    count = len(vectors)
    return Tracks(
        np.arange(count, dtype=np.intp) * 5,
        np.zeros(count, np.intp),
        unit(vectors.astype(np.float32)),
        np.full(count, 3.0, np.float32),
        np.full(count, 0.6, np.float32),
    )


def middles(between: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two middles, so much alike."""
    first, second = np.eye(128)[:2]
    return first, between * first + np.sqrt(1 - between**2) * second


@pytest.mark.parametrize("alike", [0.5, 0.65, 0.85])
def test_one_person_is_one_however_much_a_voice_changes(alike: float) -> None:
    tracks = voices(middles(0)[0], alike=alike, each=40)
    assert len(people(tracks, NO_PIECES, 60, SpeakerCount(), agreed)) == 1


@pytest.mark.parametrize(("alike", "between"), [(0.85, 0.77), (0.85, 0.65), (0.6, 0.5)])
def test_two_people_are_less_alike_than_each_is_to_themselves(alike: float, between: float) -> None:
    tracks = voices(*middles(between), alike=alike)
    assert len(people(tracks, NO_PIECES, 60, SpeakerCount(), agreed)) == 2
    assert len(people(tracks, NO_PIECES, 60, SpeakerCount(1, 1), agreed)) == 1


def test_who_is_hardly_heard_is_somebody_else() -> None:
    tracks = voices(*middles(0.1), alike=0.8)
    only = np.array([*range(20), 20], np.intp)
    few = tracks.only(only)
    assert len(people(few, NO_PIECES, 400, SpeakerCount(), agreed)) == 1
    assert len(people(few, NO_PIECES, 400, SpeakerCount(2, 2), agreed)) == 2


def test_a_sentence_that_is_a_little_unlike_the_others_is_no_second_person() -> None:
    tracks = voices(*middles(0.77), alike=0.85)
    assert len(people(tracks, NO_PIECES, 60, SpeakerCount(), agreed)) == 2
    few = tracks.only(np.arange(22, dtype=np.intp))
    assert len(people(few, NO_PIECES, 60, SpeakerCount(), agreed)) == 1


def test_who_is_likeliest_for_no_piece_is_nobody() -> None:
    tracks, starts = voices(*middles(0.1), alike=0.8), np.linspace(0, 13.5, 10)
    pieces = Pieces(starts, starts + 1.5, tracks.vectors[:10])
    assert len(people(tracks, pieces, 60, SpeakerCount(), agreed)) == 1
    assert len(people(tracks, pieces, 60, SpeakerCount(2, 2), agreed)) == 2


@pytest.mark.parametrize(("between", "expected"), [(0.7, 1), (0.4, 2)])
def test_on_whom_windows_do_not_agree_is_another_who_is_like_them(
    between: float, expected: int
) -> None:
    first, second = middles(between)
    tracks = voices(first, second, alike=0.85)

    def on_the_first(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.where(vectors @ first > vectors @ second, 0.9, 0.4)

    assert len(people(tracks, NO_PIECES, 60, SpeakerCount(), agreed)) == 2
    (kept, *others) = people(tracks, NO_PIECES, 60, SpeakerCount(), on_the_first)
    assert len(others) == expected - 1
    assert kept @ first > kept @ second or others
    assert len(people(tracks, NO_PIECES, 60, SpeakerCount(2, 2), on_the_first)) == 2
    assert len(people(tracks, NO_PIECES, 60, SpeakerCount(1, 1), agreed)) == 1
