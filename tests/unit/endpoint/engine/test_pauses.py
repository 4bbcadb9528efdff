# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.endpoint.helpers import clip_samples, silence, wav
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine import pauses
from whisper_endpoint.engine.attempts.fallback import Verdict
from whisper_endpoint.engine.attempts.gates import Attempt
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import DecodeTask, Job
from whisper_endpoint.engine.segments import (
    Accepted,
    TokenSpan,
    advance_of,
    leaves_out_speech,
    rest_of,
    segments_of,
)
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters, PreparedWindow, Span, Window
from whisper_endpoint.transcript import Segment, Word

RATE = 16_000
ZERO = 2000
# Two turns of 2 s, at 10 s and at 70 s, each with margins of 0.4 s: the joint is at 2.8 s.
JOINED = Window((Span(round(9.6 * RATE), round(12.4 * RATE)), Span(round(69.6 * RATE), 72 * RATE)))
SPEECH = (Span(10 * RATE, 12 * RATE), Span(70 * RATE, 72 * RATE))


class Spelling:
    """A tokenizer of one character per token."""

    eot = 1000

    def decode(self, tokens: list[int]) -> str:
        return "".join(chr(token) for token in tokens if token < self.eot)


def words(*given: tuple[float, float, str]) -> list[Word]:
    return [Word(start, end, text, 0.9) for start, end, text in given]


def spoken(
    spans: list[TokenSpan], window: Window = JOINED, *, word_timestamps: bool = True
) -> list[Segment]:
    prepared = PreparedWindow(window, np.zeros((80, 3000), np.float32), SPEECH)
    job = Job((prepared,), Parameters(word_timestamps=word_timestamps), float("inf"))
    search: Any = None
    task = DecodeTask(job=job, position=0, frames=3000, search=search, max_new_tokens=224)
    attempt = Attempt(tokens=(), text="", temperature=0, avg_logprob=-0.1, no_speech_prob=0)
    return segments_of(Accepted(task, attempt, spans, 3000), Spelling())


def text_of(*parts: tuple[float, float, str]) -> TokenSpan:
    tokens = [ZERO, *map(ord, "".join(text for *_, text in parts)), ZERO + 200]
    counts = tuple(len(text) for *_, text in parts)
    return TokenSpan(0.0, 4.0, tuple(tokens), tuple(words(*parts)), counts)


def segment(start: float, end: float) -> Segment:
    return Segment(
        seek=0,
        start=start,
        end=end,
        text=" it",
        tokens=(1, 2),
        temperature=0,
        avg_logprob=-0.1,
        compression_ratio=1,
        no_speech_prob=0,
    )


@pytest.mark.parametrize(
    ("by_timestamps", "last_word", "goes_on"),
    [(2100, 24.3, 2430), (2100, 20.5, 2100), (2100, 29.2, 3000), (3000, 29.2, 3000)],
)
def test_no_word_is_heard_again_where_the_model_s_timestamps_are_early(
    by_timestamps: int, last_word: float, goes_on: int
) -> None:
    window = PreparedWindow(JOINED, np.zeros((80, 3000), np.float32), SPEECH)
    job = Job((window,), Parameters(), float("inf"))
    search: Any = None
    task = DecodeTask(job=job, position=0, frames=3000, search=search, max_new_tokens=224)
    attempt = Attempt(tokens=(), text="", temperature=0, avg_logprob=-0.1, no_speech_prob=0)
    spans = [text_of((0.3, 0.9, " Sure.")), text_of((last_word - 0.3, last_word, " Okay."))]
    assert advance_of(Accepted(task, attempt, spans, by_timestamps)) == goes_on
    # What was not aligned goes on by the model's timestamps.
    silent = [replace(span, words=()) for span in spans]
    assert advance_of(Accepted(task, attempt, silent, by_timestamps)) == by_timestamps


@pytest.mark.parametrize(
    ("parts", "seek", "is_left_out"),
    [
        ([(10.0, 11.9), (70.1, 71.8)], 0, False),
        ([(70.1, 71.8)], 0, True),
        ([(10.0, 10.1), (71.9, 72.0)], 0, True),
        ([(70.1, 71.8)], 280, False),
        ([(71.9, 72.0)], 280, False),
        ([(10.0, 11.9)], 0, False),  # what comes after the text is decoded anyway
        ([], 0, False),
    ],
)
def test_speech_before_and_between_segments_is_missed(
    parts: list[tuple[float, float]], seek: int, is_left_out: bool
) -> None:
    window = PreparedWindow(JOINED, np.zeros((80, 3000), np.float32), SPEECH)
    job = Job((window,), Parameters(), float("inf"))
    search: Any = None
    task = DecodeTask(
        job=job, position=0, frames=3000, search=search, max_new_tokens=224, seek=seek
    )
    assert leaves_out_speech(task, [segment(*part) for part in parts]) is is_left_out
    after_the_first = replace(task, segments=(segment(10.0, 11.9),))
    assert not leaves_out_speech(after_the_first, [segment(70.1, 71.8)])


@pytest.mark.parametrize("word_timestamps", [True, False])
def test_a_segment_that_reaches_over_removed_silence_is_cut_there(word_timestamps: bool) -> None:
    # As the model gives it: " to" begins where the word before it ends.
    span = text_of((0.3, 0.9, " it"), (0.9, 2.3, " is"), (2.3, 3.3, " to"), (3.3, 4.9, " go"))
    first, second = spoken([span], word_timestamps=word_timestamps)
    assert (first.text, second.text) == (" it is", " to go")
    assert first.tokens + second.tokens == span.tokens
    assert (first.tokens[0], second.tokens[-1]) == (ZERO, ZERO + 200)
    assert (first.start, first.end) == pytest.approx((9.9, 11.9), abs=0.11)
    assert (second.start, second.end) == pytest.approx((69.9, 71.7), abs=0.11)
    if word_timestamps:
        assert first.words is not None
        assert [word.word for word in first.words] == [" it", " is"]
    else:
        assert first.words is second.words is None


def test_a_boundary_in_the_margins_is_put_on_the_side_of_its_words() -> None:
    # The model ends the first segment, and begins the second, where it likes.
    one = replace(text_of((0.3, 2.2, " one")), end=3.1)
    two = replace(text_of((2.6, 4.6, " two")), start=2.5)
    first, second = spoken([one, two])
    assert first.end < 12.5
    assert second.start > 69.5


@pytest.mark.parametrize(
    ("end", "seconds"), [(9.9, 0.6), (11.0, 1.7), (12.0, 2.8 + 0.4), (70.0, None), (72.0, None)]
)
def test_speech_after_the_text_is_found(end: float, seconds: float | None) -> None:
    assert pauses.untold(JOINED, SPEECH, end) == pytest.approx(seconds)
    assert pauses.untold(JOINED, (), end) is None


def test_a_window_is_decoded_again_from_where_its_text_ends_too_early(
    engine: WhisperEngine,
) -> None:
    twice = np.concatenate([clip_samples(), silence(1.0), clip_samples()])
    prepared = prepare(wav(twice), Features(80), max_seconds=60, vad_filter=True)
    (window,) = prepared.windows
    search: Any = None
    task = DecodeTask(
        job=Job((window,), Parameters(), float("inf")),
        position=0,
        frames=3000,
        search=search,
        max_new_tokens=224,
    )
    middle = len(clip_samples()) / RATE
    end = 2 * middle + 1
    first, stray = segment(0.1, middle), segment(end - 0.2, end)
    kept, rest = rest_of(task, (first,)) or ((), 0)
    assert kept == (first,)
    assert rest / 100 == pytest.approx(middle + 1.0, abs=0.5)
    assert rest_of(task, (first, stray)) == (kept, rest)
    assert rest_of(task, (first, replace(stray, tokens=tuple(range(9))))) is None
    assert rest_of(replace(task, seek=rest), (first, stray)) is None
    assert rest_of(task, (segment(0.1, end),)) is None

    attempt = Attempt(tokens=(), text="", temperature=0, avg_logprob=-0.1, no_speech_prob=0)
    said = text_of((0.1, middle, " hello"))
    accepted = Accepted(task, attempt, [said], window.features.shape[1])
    outcome = engine._outcome(task, Verdict(accepted=attempt), accepted, Spelling())
    assert isinstance(outcome, DecodeTask)
    assert outcome.seek == pytest.approx(rest, abs=10)


def test_a_word_between_two_stretches_is_of_the_one_that_it_begins_in() -> None:
    # Its end reaches nearly to the next turn, 57 s later.
    (segment,) = spoken([text_of((0.5, 2.1, " star"), (2.1, 2.9, " now."))])
    assert segment.text == " star now."
    assert segment.end < 12.5


def test_a_word_without_a_length_gets_one_before_it() -> None:
    (placed,) = pauses.placed(words((1.5, 1.5, " Goodbye.")), pauses.stretches(JOINED, SPEECH))
    assert (placed.start, placed.end) == pytest.approx((10.6, 11.1))


@pytest.mark.parametrize(
    ("begin", "end", "at"), [(0.1, 0.2, 9.9), (2.6, 2.7, 12.0), (2.85, 3.1, 69.9)]
)
def test_a_word_beside_its_stretch_has_a_length(begin: float, end: float, at: float) -> None:
    # The alignment puts it into the margins.
    (placed,) = pauses.placed(words((begin, end, " Yeah.")), pauses.stretches(JOINED, SPEECH))
    assert (placed.start, placed.end) == pytest.approx((at, at + 0.1), abs=0.11)
    assert placed.end - placed.start >= 0.1 - 1e-9


@pytest.mark.parametrize(
    ("rest", "is_one"), [("-hmm.", True), ("-1234", False), ("-L", False), (" hmm", False)]
)
def test_what_a_hyphen_joins_is_said_where_it_begins(rest: str, is_one: bool) -> None:
    # The model gives what is before a pause the time up to what comes after it.
    parts = spoken([text_of((0.4, 0.9, " Mm"), (0.9, 3.4, rest), (3.4, 4.0, " Yes"))])
    assert parts[0].text == (f" Mm{rest}" if is_one else " Mm")
    assert parts[0].end < 12.5


def test_a_word_that_the_model_says_twice_is_in_no_two_segments_at_once() -> None:
    first, second = spoken([text_of((0.5, 1.0, " Okay.")), text_of((0.5, 0.9, " Okay."))])
    assert first.start < first.end <= second.start <= second.end


def test_a_segment_that_was_not_aligned_lies_where_somebody_speaks() -> None:
    one_span = Window(JOINED.spans[:1])
    (only,) = spoken([TokenSpan(0.0, 2.8, tuple(map(ord, " one")))], one_span)
    assert (only.start, only.end) == pytest.approx((9.9, 12.1))


def test_a_pause_within_a_span_cuts_too() -> None:
    window = Window((Span(0, 10 * RATE),))
    speech = (Span(RATE, 2 * RATE), Span(round(3.7 * RATE), 5 * RATE))
    placed = pauses.placed(
        words((0.0, 1.8, " one"), (1.8, 4.0, " two")), pauses.stretches(window, speech)
    )
    assert [[word.word for word in part] for part in pauses.cut(placed)] == [[" one"], [" two"]]
    assert (placed[0].start, placed[1].start) == pytest.approx((0.9, 3.6))


def test_a_word_that_the_detector_did_not_hear_stays_where_it_is() -> None:
    window = Window((Span(0, 10 * RATE),))
    heard = pauses.stretches(window, (Span(0, RATE),))
    (word,) = pauses.placed(words((6.0, 6.4, " low")), heard)
    assert (word.start, word.end) == (6.0, 6.4)


def test_the_last_word_before_a_pause_ends_with_the_speech() -> None:
    window = Window((Span(0, 10 * RATE),))
    heard = pauses.stretches(window, (Span(RATE, 2 * RATE), Span(5 * RATE, 6 * RATE)))
    for end in (3.2, 4.0):
        (word,) = pauses.placed(words((1.8, end, " time.")), heard)
        assert (word.start, word.end) == pytest.approx((1.8, 2.1))


def test_words_that_the_alignment_has_joined_share_their_time() -> None:
    window = Window((Span(0, 10 * RATE),))
    said = words((1.0, 1.6, " car"), (1.6, 1.6, " is"), (1.6, 1.6, " totally"), (1.6, 2.0, " safe"))
    placed = pauses.placed(said, pauses.stretches(window, (Span(RATE, 2 * RATE),)))
    assert placed[0].start == 1.0
    assert [placed[-1].start, placed[-1].end] == [1.6, 2.0]
    for before, after in itertools.pairwise(placed):
        assert before.end == after.start
    assert all(word.end - word.start > 0.04 for word in placed)


def test_what_has_no_text_begins_no_segment() -> None:
    parts = pauses.cut(words((0, 1, "你"), (4, 4.1, " "), (4.1, 4.2, "好")))
    assert [[word.word for word in part] for part in parts] == [["你", " "], ["好"]]


def test_of_nothing_nothing_is_cut() -> None:
    assert list(pauses.cut([])) == []


@st.composite
def windows(draw: st.DrawFn) -> tuple[Window, tuple[Span, ...]]:
    edges = sorted(draw(st.sets(st.integers(0, 400), min_size=4, max_size=24)))
    edges = edges[: len(edges) // 4 * 4]
    tenth = RATE // 10
    spans, speech = [], []
    for begin, first, last, end in zip(*(iter(edges),) * 4, strict=True):
        spans.append(Span(begin * tenth, end * tenth))
        if draw(st.booleans()):
            speech.append(Span(first * tenth, last * tenth))
    return Window(tuple(spans)), tuple(speech)


@given(windows(), st.lists(st.floats(0, 30), min_size=2, max_size=30))
def test_words_keep_their_order_and_lie_within_one_span_each(
    given_: tuple[Window, tuple[Span, ...]], times: list[float]
) -> None:
    window, speech = given_
    said = [Word(a, b, f" {a}", 0.5) for a, b in itertools.pairwise(sorted(times))]
    placed = pauses.placed(said, pauses.stretches(window, speech))
    assert [word.word for word in placed] == [word.word for word in said]
    edges = [time for word in placed for time in (word.start, word.end)]
    assert edges == sorted(edges)
    for word in placed:
        first, last = (round(time * RATE) for time in (word.start, word.end))
        assert any(span.start <= first <= last <= span.end for span in window.spans)
    parts = list(pauses.cut(placed))
    assert list(itertools.chain.from_iterable(parts)) == placed
    assert all(one.start - other.end <= 1.2 for p in parts for other, one in itertools.pairwise(p))


def test_times_and_texts_are_the_same_with_words_and_without(engine: WhisperEngine) -> None:
    clip = clip_samples()
    samples = np.concatenate([silence(3), clip, silence(30), clip, silence(1.8), clip, silence(2)])
    turns = [3, 3 + len(clip) / RATE + 30]
    turns.append(turns[1] + len(clip) / RATE + 1.8)
    prepared = prepare(wav(samples), Features(80), max_seconds=60, vad_filter=True)
    assert len(prepared.windows) == 1
    found = []
    for word_timestamps in (True, False):
        how = Parameters(language="en", beam_size=1, word_timestamps=word_timestamps)
        (result,) = engine.transcribe(Job(prepared.windows, how, float("inf")))
        found.append([(one.start, one.end, one.text, one.tokens) for one in result.segments])
    assert found[0] == found[1]
    for turn in turns:
        assert any(turn - 0.5 < start < turn + 0.5 for start, *_ in found[0])
    for start, end, *_ in found[0]:
        assert any(turn - 0.5 < start < end < turn + len(clip) / RATE + 0.5 for turn in turns)
