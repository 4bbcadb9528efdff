# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which words are stable, and who says the words at a seam."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_stream.partial_interval import PartialInterval
from whisper_stream.requests import LiveWord, text_of
from whisper_stream.transcript import overlap
from whisper_stream.transcript.stability import Stability, plain

TEXTS = st.lists(st.sampled_from(["a", "b", "B.", "c"]), max_size=8)


def words(texts: str | list[str], start: float = 0.0) -> list[LiveWord]:
    listed = texts.split() if isinstance(texts, str) else texts
    return [
        LiveWord(text, start + 0.4 * place, start + 0.4 * place + 0.3, 0.9)
        for place, text in enumerate(listed)
    ]


def stable(shown: tuple[LiveWord, ...]) -> str:
    return " ".join(word.text for word in shown if word.is_stable)


@given(st.lists(TEXTS, max_size=8))
def test_what_is_stable_stays_and_comes_first(updates) -> None:
    follow, before = Stability(), list[LiveWord]()
    for update in updates:
        shown = follow.update(words(update))
        flags = [word.is_stable for word in shown]
        assert flags == sorted(flags, reverse=True)
        assert list(shown[: len(before)]) == before
        before = [word for word in shown if word.is_stable]


def test_a_word_is_stable_after_two_updates_with_two_words_behind_it_or_after_three() -> None:
    follow = Stability()
    assert stable(follow.update(words("i want to cancel"))) == ""
    assert stable(follow.update(words("i want to cancel my"))) == "i want"
    assert stable(follow.update(words("i want to cancel my"))) == "i want to cancel"
    assert stable(follow.update(words("i want to cancel my"))) == "i want to cancel my"


def test_case_and_punctuation_are_no_change() -> None:
    follow = Stability()
    follow.update(words("hello my name"))
    assert stable(follow.update(words("Hello, my name is"))) == "Hello,"


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("It’s", "it's,", True),  # noqa: RUF001
        ("$5", "5.", True),
        ("straße", "STRASSE", True),
        ("สี", "สุ", False),
        ("कि", "की", False),
        ("—", "", True),
    ],
)
def test_words_are_compared_by_letters_with_their_marks(
    one: str, other: str, is_same: bool
) -> None:
    assert (plain(one) == plain(other)) is is_same


def test_stable_words_keep_the_blanks_that_they_have() -> None:
    spoken = [
        LiveWord(text, place, place + 0.9, 0.9, before=before)
        for place, (before, text) in enumerate([(" ", "high"), ("", "-end"), (" ", "autos")])
    ]
    follow = Stability()
    follow.update(spoken)
    assert text_of(follow.update(spoken)) == "high-end autos"
    shown = follow.update(spoken[:2])
    assert text_of(word for word in shown if word.is_stable) == "high-end"


def test_an_update_that_contradicts_is_believed_only_behind_what_is_stable() -> None:
    follow = Stability()
    follow.update(words("one two three four"))
    follow.update(words("one two three four"))
    shown = follow.update(words("nine nine five six"))
    assert [word.text for word in shown] == ["one", "two", "five", "six"]


def test_each_word_at_a_seam_is_said_once_whichever_is_answered_first() -> None:
    said = words("one two three four five")
    late = [LiveWord(w.text, w.start + 0.05, w.end + 0.05, w.confidence) for w in said]
    for seam in (0.1, 0.35, 0.55, 0.95, 1.15, 1.7):
        first = overlap.before(said, seam)
        assert [w.text for w in (*first, *overlap.after(late, seam, first))] == [
            w.text for w in said
        ]
        second = overlap.after(late, seam)
        assert [w.text for w in (*overlap.before(said, seam, second), *second)] == [
            w.text for w in said
        ]


def test_a_word_that_is_really_said_twice_stays_twice() -> None:
    earlier, later = words("no no no"), words("no no no", 2.0)
    kept = overlap.before(earlier, 1.6)
    assert len(kept) + len(overlap.after(later, 1.6, kept)) == 6


def test_the_interval_follows_the_latency_within_its_bounds() -> None:
    interval = PartialInterval(0.5, 1.0)
    assert interval.seconds == 1.0
    for _ in range(20):
        interval.answered(0.05)
    assert interval.seconds == 0.5
    for _ in range(20):
        interval.answered(0.35)
    assert 0.65 < interval.seconds < 0.71
    for _ in range(20):
        interval.answered(3.0)
    assert interval.seconds == 1.0
