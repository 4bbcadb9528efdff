# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tokenizers
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.endpoint.helpers import WEIGHTS, clip_samples, silence, wav
from whisper_endpoint.audio.features import Features
from whisper_endpoint.engine import words
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job
from whisper_endpoint.engine.segments import TokenSpan
from whisper_endpoint.ingress.preparation import prepare
from whisper_endpoint.messages import Parameters, PreparedWindow
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Segment, WindowResult

PARAMETERS = Parameters(language="en", temperature=(0.0,), beam_size=1, word_timestamps=True)
EOT = 1000
TOKENS = tokenizers.Tokenizer.from_file(str(WEIGHTS / "tokenizer.json"))


@pytest.fixture(scope="module")
def full_engine() -> WhisperEngine:
    return WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings(final_windows="full", cpu_threads=1))


def window(engine: WhisperEngine, samples: np.ndarray, *, vad_filter: bool) -> PreparedWindow:
    features = Features(engine.facts.n_mels)
    return prepare(wav(samples), features, max_seconds=60, vad_filter=vad_filter).windows[0]


def transcribe(engine: WhisperEngine, prepared: PreparedWindow) -> tuple[Segment, ...]:
    (result,) = engine.transcribe(Job((prepared,), PARAMETERS, float("inf")))
    return result.segments


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_audio_of_a_frame_has_its_words(full_engine: WhisperEngine, frames: int) -> None:
    prepared = window(full_engine, clip_samples(), vad_filter=False)
    short = replace(prepared, features=prepared.features[:, 30 : 30 + frames], speech=())
    ungated = replace(
        PARAMETERS,
        prefix="hello",
        no_speech_threshold=None,
        log_prob_threshold=None,
        compression_ratio_threshold=None,
    )
    (result,) = full_engine.transcribe(Job((short,), ungated, float("inf")))
    assert next(word.word for one in result.segments for word in one.words or ()) == " hello"


def test_words_and_their_times_are_faster_whispers(full_engine: WhisperEngine) -> None:
    samples = np.concatenate([silence(1.5), clip_samples(), silence(1)])
    # faster-whisper does not know where speech is.
    prepared = replace(window(full_engine, samples, vad_filter=False), speech=())
    reference = WhisperModel(str(WEIGHTS), device="cpu", compute_type="default")
    expected, _ = reference.transcribe(
        samples.astype(np.float32) / 32768,
        language="en",
        beam_size=1,
        temperature=0.0,
        word_timestamps=True,
    )
    (theirs,) = list(expected)
    (ours,) = transcribe(full_engine, prepared)
    assert ours.words is not None
    assert theirs.words is not None
    assert [word.word for word in ours.words] == [word.word for word in theirs.words]
    for mine, other in zip(ours.words, theirs.words, strict=True):
        assert mine.start == pytest.approx(other.start, abs=0.011)
        assert mine.end == pytest.approx(other.end, abs=0.011)
        assert mine.probability == pytest.approx(other.probability, abs=1e-3)
    assert (ours.start, ours.end) == pytest.approx((theirs.start, theirs.end), abs=0.011)


def test_words_have_the_recordings_times_and_make_up_the_text(engine: WhisperEngine) -> None:
    samples = np.concatenate([silence(7), clip_samples(), silence(4)])
    (segment,) = transcribe(engine, window(engine, samples, vad_filter=True))
    assert segment.words is not None
    assert "".join(word.word for word in segment.words) == segment.text
    times = [time for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    # Up to 0.4 s before the speech belong to its window, but not to its first word.
    assert 6.9 < segment.start == times[0]
    assert times[-1] == segment.end < 10.5
    assert all(0.2 < word.probability <= 1 for word in segment.words)


def test_in_a_batch_those_who_want_words_get_the_words_they_get_alone(
    engine: WhisperEngine,
) -> None:
    clip = clip_samples()
    samples = [clip, clip[:26_000], np.concatenate([silence(0.5), clip])]
    prepared = [window(engine, one, vad_filter=False) for one in samples]
    plain = Parameters(language="en", temperature=(0.0,), beam_size=1)
    given = [PARAMETERS, plain, PARAMETERS]
    jobs = [Job((one,), how, float("inf")) for one, how in zip(prepared, given, strict=True)]
    outcomes = engine.decode([engine.tasks(job)[0] for job in jobs]).outcomes
    results = [one for one in outcomes if isinstance(one, WindowResult)]
    assert len(results) == 3
    assert results[1].segments[0].words is None
    for row in (0, 2):
        alone = transcribe(engine, prepared[row])
        mine, expected = results[row].segments[0].words, alone[0].words
        assert mine is not None
        assert expected is not None
        assert [(w.word, w.start, w.end) for w in mine] == [
            (w.word, w.start, w.end) for w in expected
        ]


class Spelling:
    """A tokenizer of one character per token; a blank begins a word."""

    eot = EOT

    def split_to_word_tokens(self, tokens: list[int]) -> tuple[list[str], list[list[int]]]:
        groups: list[list[int]] = []
        for token in tokens:
            if not groups or chr(token) in ' ."(':
                groups.append([])
            groups[-1].append(token)
        return [self.decode(group) for group in groups], groups

    def decode(self, tokens: list[int]) -> str:
        return "".join(map(chr, tokens))


def aligned(text: str, times: list[float]) -> Any:
    """An alignment in which the token at a place is entered at the time at that place."""
    assert len(times) == len(text) + 1
    pairs = [(number, round(time * 50)) for number, time in enumerate(times)]
    return SimpleNamespace(alignments=pairs, text_token_probs=[0.5] * len(text))


def spoken(
    text: str,
    times: list[float],
    spans: list[tuple[float, float, str]] | None = None,
    last_end: float = 0.0,
) -> list[TokenSpan]:
    whole = spans or [(times[0], times[-1], text)]
    given = [TokenSpan(start, end, tuple(map(ord, part))) for start, end, part in whole]
    return words.attach(given, aligned(text, times), Spelling(), last_end)


def test_punctuation_belongs_to_its_word() -> None:
    (span,) = spoken(" a. (b", [0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.9])
    assert [(word.word, word.start, word.end) for word in span.words] == [
        (" a.", 0.0, 0.4),
        (" (b", 0.6, 0.9),
    ]


@pytest.mark.parametrize("run", ["1234", "AB12", "K7M4"])
def test_a_long_number_or_code_is_timed_token_by_token(run: str) -> None:
    (span,) = spoken(f" {run}", [0.0, 0.0, 0.4, 0.8, 3.2, 3.6])
    assert [word.word for word in span.words] == [f" {run[0]}", *run[1:]]
    assert [word.start for word in span.words] == [0.0, 0.4, 0.8, 3.2]
    assert sum(span.counts) == len(run) + 1


@pytest.mark.parametrize(
    ("text", "end"), [(" 1234", 0.9), (" abcd", 3.6), (" EVERYBODY", 3.6), (" 123", 3.6)]
)
def test_a_short_number_and_a_long_word_are_one(text: str, end: float) -> None:
    times = [end * place / len(text) for place in range(len(text) + 1)]
    (span,) = spoken(text, times)
    assert [word.word for word in span.words] == [text]


def test_digits_of_which_a_token_is_only_a_part_are_one_word() -> None:
    text = " \u0967\u0968\u0969\u096a"
    tokenizer = Tokenizer(TOKENS, multilingual=True, task="transcribe", language="hi")
    tokens = tokenizer.encode(text)
    assert len(tokens) > len(text)
    alignment = SimpleNamespace(
        alignments=[(number, 50 * number) for number in range(len(tokens) + 1)],
        text_token_probs=[0.5] * len(tokens),
    )
    whole = TokenSpan(0.0, float(len(tokens)), tuple(tokens))
    (span,) = words.attach([whole], alignment, tokenizer, 0.0)
    assert [word.word for word in span.words] == [text]


def test_words_go_to_the_segment_that_holds_their_tokens() -> None:
    times = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2]
    spans = [(0.0, 0.8, " a b"), (0.8, 1.2, " c")]
    first, second = spoken(" a b c", times, spans)
    assert [word.word for word in first.words] == [" a", " b"]
    assert [word.word for word in second.words] == [" c"]
    assert (first.end, second.start) == (0.8, 0.8)


def test_a_word_does_not_reach_back_over_the_pause_before_it() -> None:
    # Typical words take 0.3 s; the first would begin 3 s early.
    (span,) = spoken(" a b c", [0.0, 3.0, 3.3, 3.4, 3.6, 3.7, 3.9], [(3.0, 3.9, " a b c")], -9.0)
    assert span.words[0].start == pytest.approx(3.3 - 0.6)
    assert span.start == span.words[0].start


def test_a_word_is_of_one_segment_and_marks_stay_in_theirs() -> None:
    times = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    spans = [(0.0, 0.4, " a"), (0.4, 0.6, "."), (0.6, 1.0, "bc")]
    found = spoken(" a.bc", times, spans)
    assert [[word.word for word in span.words] for span in found] == [[" a"], ["."], ["bc"]]
    assert [span.counts for span in found] == [(2,), (1,), (2,)]


def test_a_segment_is_believed_where_its_words_reach_far_beyond_it() -> None:
    times = [0.0, 0.1, 0.3, 0.4, 0.6, 0.7, 4.0]
    (span,) = spoken(" a b c", times, [(0.0, 1.0, " a b c")])
    assert span.words[-1].end == pytest.approx(1.0)
    assert span.end == 1.0


def test_a_full_stop_does_not_last_through_the_pause_after_it() -> None:
    times = [0.0, 0.1, 0.3, 2.3, 2.4, 2.6, 2.7, 2.9]
    (span,) = spoken(" a. b c", times)
    assert [word.word for word in span.words] == [" a.", " b", " c"]
    assert span.words[0].end == 0.3


def test_no_text_has_no_words() -> None:
    (span,) = spoken("", [0.0], [(0.0, 1.0, "")])
    assert (span.start, span.end, span.words) == (0.0, 1.0, ())


def test_no_words_are_made_for_those_who_do_not_ask(engine: WhisperEngine) -> None:
    prepared = window(engine, clip_samples(), vad_filter=True)
    plain = Parameters(language="en", temperature=(0.0,), beam_size=1)
    (result,) = engine.transcribe(Job((prepared,), plain, float("inf")))
    assert [segment.words for segment in result.segments] == [None]


@given(
    st.lists(st.integers(0, 999), max_size=12), st.integers(0, 12), st.sampled_from(["en", "zh"])
)
def test_every_token_is_of_one_word_whatever_the_characters(
    tokens: list[int], place: int, language: str
) -> None:
    """Of tokens that are parts of characters, too, as a model in trouble gives them."""
    tokenizer = Tokenizer(TOKENS, multilingual=True, task="transcribe", language=language)
    given_ = [TokenSpan(0, 1, tuple(tokens[:place])), TokenSpan(1, 2, tuple(tokens[place:]))]
    alignment = SimpleNamespace(
        alignments=[(number, 5 * number) for number in range(len(tokens) + 1)],
        text_token_probs=[0.5] * len(tokens),
    )
    for span in words.attach(given_, alignment, tokenizer, 0.0):
        assert sum(span.counts) == len(span.tokens)
        assert len(span.counts) == len(span.words)
        assert bool(span.words) == bool(span.tokens)
