# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import numpy as np
import pytest

from benchmarks.accuracy import WordErrors
from benchmarks.real_calls import scoring
from benchmarks.real_calls.compose import (
    CallRecipe,
    ComposedCall,
    PlacedPrompt,
    PlacedUtterance,
)
from benchmarks.real_calls.transcripts import HeardSegment, HeardWord

SAID = (
    (0, 1.0, 2.0, "Good morning."),
    (1, 4.0, 6.0, "My line is dead."),
    (0, 12.0, 13.0, "Let me look."),
)


@pytest.fixture
def call() -> ComposedCall:
    """20 s: two sentences of channel 0 with ten seconds between, one of channel 1."""
    speech = np.zeros((2000, 2), np.bool_)
    utterances = []
    for channel, start, end, text in SAID:
        speech[round(start * 100) : round(end * 100), channel] = True
        prompt = PlacedPrompt(channel, start, end, text, "en", "made/up")
        utterances.append(PlacedUtterance(channel, start, end, text, "en", (prompt,)))
    samples = np.zeros((160_000, 2), np.int16)
    return ComposedCall(CallRecipe(seed=0), samples, tuple(utterances), speech)


def heard(start: float, end: float, text: str, channel: int = 0) -> HeardSegment:
    return HeardSegment(channel, start, end, text, ())


def test_a_transcript_that_fits_has_no_errors(call: ComposedCall) -> None:
    segments = [heard(1.0, 2.0, " Good morning."), heard(12.0, 13.0, " Let me look.")]
    assert scoring.text_errors(call, 0, segments) == WordErrors(0, 0, 0, 5)
    found = scoring.time_errors(call, 0, segments)
    assert (found.starts, found.ends, found.spanning) == ((0.0, 0.0), (0.0, 0.0), 0)
    assert scoring.invented(call, 0, segments) == []


def test_a_segment_on_the_wrong_side_of_a_pause_is_seconds_early(call: ComposedCall) -> None:
    found = scoring.time_errors(
        call, 0, [heard(1.0, 2.0, " Good morning."), heard(2.0, 13.1, " Let me look.")]
    )
    assert found.starts == (0.0, -10.0)
    assert found.outside() == 1


def test_a_segment_across_a_pause_is_seen_also_where_its_words_are_wrong(
    call: ComposedCall,
) -> None:
    found = scoring.time_errors(call, 0, [heard(1.0, 13.0, " Could mourning, let me cook.")])
    assert found.spanning == 1


def test_a_segment_that_ends_in_silence_is_late(call: ComposedCall) -> None:
    (end,) = scoring.time_errors(call, 0, [heard(1.0, 9.0, " Something else.")]).ends
    assert end == pytest.approx(7.0)


def test_words_that_were_heard_right_have_their_own_errors(call: ComposedCall) -> None:
    words = (HeardWord(0.4, 1.2, " Good"), HeardWord(1.2, 2.0, " morning."))
    segment = HeardSegment(0, 0.4, 2.0, " Good morning.", words)
    assert scoring.word_start_errors(call, 0, [segment]) == pytest.approx((-0.6, 0.0))


def test_turns_are_compared_in_the_order_of_the_transcript(call: ComposedCall) -> None:
    first, second = heard(1.0, 2.0, " Good morning."), heard(4.0, 6.0, " My line is dead.", 1)
    third = heard(3.0, 13.0, " Let me look.")
    in_order = [(0, first), (1, second), (0, third)]
    assert scoring.turns_out_of_order(call, in_order) == 0
    assert scoring.turns_out_of_order(call, [(0, first), (0, third), (1, second)]) == 1


def test_what_a_detector_leaves_out_and_puts_in_is_counted(call: ComposedCall) -> None:
    assert scoring.speech_lost(call, 0, [(0.8, 2.2)]) == pytest.approx(0.5)
    assert scoring.speech_lost(call, 0, [(0.0, 20.0)]) == 0
    assert scoring.false_speech(call, 1, [(3.8, 10.0)]) == pytest.approx(3.5)


def test_text_where_nobody_speaks_was_invented(call: ComposedCall) -> None:
    thanks = heard(7.5, 9.0, " Thank you for watching.")
    assert scoring.invented(call, 0, [heard(1.0, 2.0, " Good."), thanks]) == [thanks]


def test_a_loop_has_a_high_compression_ratio() -> None:
    assert scoring.compression_ratio("one " * 60) > 2.4
    assert scoring.compression_ratio("Please check the number and dial again.") < 2.4
