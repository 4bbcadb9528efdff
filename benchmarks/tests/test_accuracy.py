# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import math

import pytest

from benchmarks.accuracy import WordErrors, channel_errors, normalise, total, word_errors
from benchmarks.lca_client.client import UtteranceResult
from benchmarks.references import Reference, ReferenceChannel, ReferenceUtterance


def test_case_punctuation_and_white_space_do_not_count() -> None:
    assert normalise("  Hello, it's  ME -\n(again). ") == "hello its me again"
    assert word_errors("hello there", "Hello, there!") == WordErrors(0, 2)


@pytest.mark.parametrize(
    ("said", "heard", "errors", "words"),
    [
        ("one two three", "one two three", 0, 3),
        ("one two three", "one four three", 1, 3),
        ("one two three", "one three", 1, 3),
        ("one two three", "zero one two three", 1, 3),
        ("one two three", "", 3, 3),
        ("", "nine six", 2, 0),
        ("", "", 0, 0),
    ],
)
def test_substitutions_deletions_and_insertions_count(
    said: str, heard: str, errors: int, words: int
) -> None:
    assert word_errors(said, heard) == WordErrors(errors, words)


def test_a_rate_is_errors_by_words_also_where_nothing_was_said() -> None:
    assert WordErrors(1, 4).rate == 0.25
    assert WordErrors(0, 0).rate == 0.0
    assert math.isinf(WordErrors(1, 0).rate)
    assert total([WordErrors(1, 4), WordErrors(2, 0)]).rate == 0.75


def test_finals_of_a_channel_are_compared_as_one_text_in_order_of_time() -> None:
    reference = Reference(
        "call",
        "en",
        8000,
        (ReferenceChannel(0, "agent", "a"), ReferenceChannel(1, "caller", "b")),
        (
            ReferenceUtterance(0, 1.0, 2.0, "one two"),
            ReferenceUtterance(1, 1.5, 2.5, "yes"),
            ReferenceUtterance(0, 3.0, 4.0, "three four"),
        ),
    )

    def result(channel: int, start: float, text: str, partial: bool = False) -> UtteranceResult:
        return UtteranceResult(channel, start, start + 1, text, partial, 0.1, 10)

    results = [
        result(0, 3.0, "three five"),
        result(0, 1.0, "one"),
        result(0, 1.0, "One two.", partial=True),
        result(1, 1.5, "Yes."),
        result(0, 1.8, "two"),
    ]
    assert channel_errors(reference.utterances, results) == {
        0: WordErrors(1, 4),
        1: WordErrors(0, 1),
    }
