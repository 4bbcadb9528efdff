# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What holds of every transcript of a composed call, whatever the model."""

from collections.abc import Iterable

from benchmarks.accuracy import total
from benchmarks.real_calls import scoring
from benchmarks.real_calls.compose import CHANNELS, ComposedCall
from benchmarks.real_calls.transcripts import HeardCall
from benchmarks.real_calls.word_errors import call_errors
from tests.real.cases import Case
from tests.real.side_by_side import SideBySide
from whisper_endpoint.audio.vad import find_speech
from whisper_endpoint.messages import SAMPLE_RATE

WORSE_BY = 0.003
"""By how much the word error rate may be above faster-whisper's, over all calls of a model."""
LOST = 0.02
"""Of the seconds of speech on any channel, how much voice detection may leave out."""
REPETITIVE = 2.4
"""Whisper's own limit of a text's compression ratio."""


def check_words(pair: SideBySide, cases: Iterable[Case]) -> None:
    """No more words are wrong than faster-whisper gets wrong, all calls together."""
    rows = [
        (
            str(case),
            call_errors(pair.call(case), pair.heard(case, words=False)),
            call_errors(pair.call(case), pair.reference(case)),
        )
        for case in cases
    ]
    ours, theirs = total(row[1] for row in rows), total(row[2] for row in rows)
    assert ours.rate <= theirs.rate + WORSE_BY, rows


def check_times(call: ComposedCall, heard: HeardCall) -> None:
    """Segments start and end with their words, and none runs across a long pause."""
    for number in range(CHANNELS):
        segments = heard.channel(number)
        found = scoring.time_errors(call, number, segments)
        wrong = [
            (one.start, one.end, one.text, start, end)
            for one, start, end in zip(segments, found.starts, found.ends, strict=True)
            if abs(start) > 0.5 or abs(end) > 0.8
        ]
        assert wrong == [], wrong
        assert found.spanning == 0
    assert scoring.turns_out_of_order(call, heard.turns()) == 0


def check_text(call: ComposedCall, heard: HeardCall) -> None:
    """The text is that of the segments, none repeats itself, none was said by nobody."""
    for number in range(CHANNELS):
        assert scoring.invented(call, number, heard.channel(number)) == []
    assert "".join(one.text for one in heard.segments).split() == heard.text.split()
    assert all(scoring.compression_ratio(one.text) <= REPETITIVE for one in heard.segments)


def check_detection(call: ComposedCall) -> None:
    """Voice detection leaves hardly any speech out."""
    for number in range(CHANNELS):
        spans = [
            (span.start / SAMPLE_RATE, span.end / SAMPLE_RATE)
            for span in find_speech(call.audio(number))
        ]
        assert scoring.speech_lost(call, number, spans) <= LOST, number
