# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import math

import pytest

from benchmarks.accuracy import WordErrors, channel_errors, normalise, total, word_errors
from benchmarks.lca_client.client import UtteranceResult
from benchmarks.references import Reference, ReferenceChannel, ReferenceUtterance


def test_what_is_said_alike_is_written_alike() -> None:
    assert normalise("  Hello, it's  ME -\nagain. ") == "hello it is me again"
    assert normalise("Press twenty-one, if colour isn't.") == "press 21 if color is not"
    assert word_errors("hello there", "Hello, there!") == WordErrors(0, 0, 0, 2)


def test_other_languages_than_english_keep_their_letters() -> None:
    assert normalise("¿Cómo está?", "es") == "cómo está"
    assert word_errors("Décimo ya.", "decimo ya", "es") == WordErrors(1, 0, 0, 2)


def test_what_is_written_without_blanks_is_compared_letter_by_letter() -> None:
    assert word_errors("你好。世界", "你好世间", "zh") == WordErrors(1, 0, 0, 4)


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("yes it is", "yes it is", WordErrors(0, 0, 0, 3)),
        ("yes it is", "yes it was", WordErrors(1, 0, 0, 3)),
        ("yes it is", "yes is", WordErrors(0, 1, 0, 3)),
        ("yes it is", "well yes it is", WordErrors(0, 0, 1, 3)),
        ("yes it is", "", WordErrors(0, 3, 0, 3)),
        ("", "oh no", WordErrors(0, 0, 2, 0)),
        ("", "", WordErrors(0, 0, 0, 0)),
    ],
)
def test_substitutions_deletions_and_insertions_count(
    said: str, heard: str, expected: WordErrors
) -> None:
    assert word_errors(said, heard) == expected


def test_a_rate_is_errors_by_words_also_where_nothing_was_said() -> None:
    assert WordErrors(1, 0, 0, 4).rate == 0.25
    assert WordErrors(0, 0, 0, 0).rate == 0.0
    assert math.isinf(WordErrors(0, 0, 1, 0).rate)
    assert total([WordErrors(1, 0, 0, 4), WordErrors(0, 0, 2, 0)]).rate == 0.75


def test_finals_of_a_channel_are_compared_as_one_text_in_order_of_time() -> None:
    reference = Reference(
        "call",
        "en",
        8000,
        (ReferenceChannel(0, "agent", "a"), ReferenceChannel(1, "caller", "b")),
        (
            ReferenceUtterance(0, 1.0, 2.0, "good day"),
            ReferenceUtterance(1, 1.5, 2.5, "yes"),
            ReferenceUtterance(0, 3.0, 4.0, "my friend"),
        ),
    )

    def result(channel: int, start: float, text: str, partial: bool = False) -> UtteranceResult:
        return UtteranceResult(channel, start, start + 1, text, partial, 0.1, 10)

    results = [
        result(0, 3.0, "my friends"),
        result(0, 1.0, "good"),
        result(0, 1.0, "Good day.", partial=True),
        result(1, 1.5, "Yes."),
        result(0, 1.8, "day"),
    ]
    assert channel_errors(reference.utterances, results) == {
        0: WordErrors(1, 0, 0, 4),
        1: WordErrors(0, 0, 0, 1),
    }
