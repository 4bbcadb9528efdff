# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import itertools
from typing import Any

import numpy as np
import pytest

from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.attempts.unsaid_copies import without_unsaid
from whisper_endpoint.engine.jobs import DecodeTask, Job
from whisper_endpoint.engine.segments import Accepted, TokenSpan
from whisper_endpoint.messages import Parameters, PreparedWindow, Span, Window
from whisper_endpoint.transcript import Word

END, ZERO = 1000, 2000
SENTENCE = " I can just walk you through what to do to reset that."


def span(*parts: tuple[str, float], start: float = 0.0) -> TokenSpan:
    """Return texts, the words of each of which last so many seconds, a character for a token."""
    texts = [f" {word}" for text, _ in parts for word in text.split()]
    lasting = [seconds for text, seconds in parts for _ in text.split()]
    edges = list(itertools.accumulate(lasting, initial=start))
    words = [
        Word(begin, end, text, 0.9)
        for text, (begin, end) in zip(texts, itertools.pairwise(edges), strict=True)
    ]
    tokens = (ZERO, *map(ord, "".join(texts)), ZERO + 300)
    return TokenSpan(start, edges[-1], tokens, tuple(words), tuple(map(len, texts)))


def accepted(*spans: TokenSpan, threshold: float | None = 2.4) -> Accepted:
    prepared = PreparedWindow(Window((Span(0, 160_000),)), np.zeros((80, 1000), np.float32), ())
    parameters = Parameters(compression_ratio_threshold=threshold)
    search: Any = None
    task = DecodeTask(
        job=Job((prepared,), parameters, float("inf")),
        position=0,
        frames=1000,
        search=search,
        max_new_tokens=112,
    )
    attempt = Attempt(
        tokens=tuple(token for one in spans for token in one.tokens),
        text=said(spans).strip(),
        temperature=0.0,
        avg_logprob=-0.2,
        no_speech_prob=0.1,
    )
    return Accepted(task, attempt, spans, 1000)


def said(spans: Any) -> str:
    return "".join(chr(token) for one in spans for token in one.tokens if token < END)


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_a_copy_that_took_no_time_is_left_out(seconds: float) -> None:
    once = accepted(span(("Right." + SENTENCE, 0.2)))
    found = without_unsaid(accepted(span(("Right." + SENTENCE, 0.2), (SENTENCE, seconds))), END)
    assert list(found.spans) == list(once.spans)
    assert found.attempt.is_cut
    assert found.attempt.text == once.attempt.text
    assert found.attempt.compression_ratio == once.attempt.compression_ratio
    assert found.attempt.tokens == once.attempt.tokens


def test_it_may_be_spelt_otherwise_come_after_other_words_and_reach_into_the_silence() -> None:
    copy = SENTENCE.upper().rstrip(".")
    last = span((SENTENCE, 0.2), ("So,", 0.4), (copy.rsplit(maxsplit=1)[0], 0.0), ("THAT", 0.5))
    assert said(without_unsaid(accepted(last), END).spans) == SENTENCE + " So,"


def test_a_segment_of_copies_alone_goes_and_what_follows_stays() -> None:
    spans = (
        span((SENTENCE, 0.2)),
        span((SENTENCE, 0.0), (SENTENCE, 0.0), start=2.4),
        span(("I can just", 0.0), ("All right?", 0.3), start=2.4),
    )
    found = without_unsaid(accepted(*spans), END)
    assert [said([one]) for one in found.spans] == [SENTENCE, " All right?"]
    assert found.spans[0] is spans[0]
    assert found.spans[1].end == spans[2].end


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param(((SENTENCE, 0.2), (SENTENCE, 0.12)), id="a sentence said again in a hurry"),
        pytest.param((("five five five one " * 2, 0.2),), id="a number said again"),
        pytest.param((("no no no no no no no", 0.15),), id="one word many times"),
        pytest.param((("Well, thank you so", 0.2), ("thank you so", 0.0)), id="three words"),
        pytest.param(((SENTENCE, 0.2), ("and then you drive home", 0.0)), id="nothing said before"),
    ],
)
def test_what_people_say_twice_stays(parts: tuple[tuple[str, float], ...]) -> None:
    given = accepted(span(*parts))
    assert without_unsaid(given, END) is given


def test_without_a_limit_for_repetitions_nothing_is_cut() -> None:
    given = accepted(span((SENTENCE, 0.2), (SENTENCE, 0.0)), threshold=None)
    assert without_unsaid(given, END) is given


def test_the_parts_of_a_long_number_are_no_copies() -> None:
    digits = TokenSpan(
        0.0,
        2.0,
        (ZERO, *map(ord, " 4040404040"), ZERO + 300),
        tuple(
            Word(min(0.4 * place, 1.6), min(0.4 * (place + 1), 1.6), text, 0.9)
            for place, text in enumerate(["40", "40", "40", "40", *["40"] * 6])
        ),
        (3, *[2] * 9),
    )
    given = accepted(digits)
    assert without_unsaid(given, END) is given
