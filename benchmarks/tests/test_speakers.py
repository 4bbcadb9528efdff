# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Tests of error counting, and of the reference of composed recordings."""

from typing import Any

import numpy as np
import pytest

from benchmarks.speakers.errors import Errors, errors
from benchmarks.speakers.known import NamedReferences
from benchmarks.speakers.mixes import turns_of
from benchmarks.speakers.words import WordScore, is_overlap, owner
from whisper_contract.transcript import Word
from whisper_endpoint.speakers.turns import Turn

SAID = (Turn(0, 4, 0), Turn(4, 10, 1))


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        ((Turn(0, 4, 5), Turn(4, 10, 3)), Errors(10)),
        ((), Errors(10, missed=10)),
        ((Turn(0, 12, 0),), Errors(10, false=2, confused=4)),
        ((Turn(0, 5, 0), Turn(5, 10, 1)), Errors(10, confused=1)),
        ((Turn(0, 10, 0), Turn(0, 10, 1)), Errors(10, false=10)),
        ((Turn(0, 4, 0), Turn(4, 7, 1), Turn(7, 10, 2)), Errors(10, confused=3)),
    ],
)
def test_errors(found: tuple[Turn, ...], wanted: Errors) -> None:
    assert errors(SAID, found, 12) == wanted


def test_edges_within_the_collar_are_not_scored() -> None:
    assert errors(SAID, (Turn(0.2, 4.2, 0), Turn(4.2, 9.8, 1)), 12, 0.25) == Errors(9)


def test_both_who_speak_at_once_are_counted() -> None:
    both = (Turn(0, 4, 0), Turn(2, 4, 1))
    assert errors(both, (Turn(0, 4, 0),), 4) == Errors(6, missed=2)
    assert (Errors(6, missed=2) + Errors(2, confused=2)).rate == 0.5


def test_turns_are_where_somebody_is_heard() -> None:
    tone = (0.2 * np.sin(np.arange(8000) / 3)).astype(np.float32)
    quiet = np.zeros(4000, np.float32)
    said = [(1, 0, np.concatenate([tone, quiet, tone])), (0, 4000, tone)]
    found: list[Any] = [
        (who, pytest.approx(start, abs=0.03), pytest.approx(end, abs=0.03))
        for who, start, end in ((1, 0, 1), (0, 0.5, 1.5), (1, 1.5, 2.5))
    ]
    assert [(one.speaker, one.start, one.end) for one in turns_of(said)] == found


def test_a_word_is_that_persons_in_whose_voice_alone_it_is_heard() -> None:
    voices = [Word(1, 2, " Yes,", 1.0), Word(4, 5, " no", 1.0)], [Word(4, 5, " no", 1.0)]
    said = Word(1.2, 2.2, " yes", 1.0), Word(1.6, 2.6, " yes", 1.0), Word(4, 5, " no", 1.0)
    assert [owner(one, voices) for one in said] == [0, None, None]


def test_a_word_in_overlap_is_one_of_which_two_say_most() -> None:
    turns = Turn(0, 2, 0), Turn(1, 3, 1), Turn(1.5, 4, 0)
    spans = (0.2, 1.1), (0.6, 1.8), (1.6, 2.9), (2.9, 3.9)
    assert [is_overlap(Word(*span, " a", 1.0), turns) for span in spans] == [
        False,
        True,
        True,
        False,
    ]


def test_words_are_right_by_who_says_most_of_what_somebody_is_found_to() -> None:
    score = WordScore()
    overlaps = [False, False, True, False, True, True]
    score.add([0, 1, 1, 1, None, 0], overlaps, [7, 3, 3, 3, 3, 3])
    assert score == WordScore(3, 3, 2, 1, 1, 1)


def test_what_became_of_the_references_of_known_speakers() -> None:
    counts = NamedReferences()
    # Ana is named, Bo's name went to Cy, Cy has none; Di is silent, but somebody has her name.
    names, people = ("Ana", "Bo", "Cy", "Di", "Ed"), ("Ana", "Bo", "Cy")
    counts.add({"Ana": "Ana", "Bo": "Cy", "Di": "Bo"}, names, people)
    assert counts == NamedReferences(present=3, unnamed=1, wrong=1, absent=2, accepted=1)
    assert counts.row == ["1 of 3, 33.3 %", "1 of 3, 33.3 %", "1 of 2, 50.0 %"]
