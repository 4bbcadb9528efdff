# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Transcripts for the tests of formats: two to read, and any for properties."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from whisper_contract.transcript import Segment, Transcript, Word

_SEGMENT = Segment(
    seek=0,
    start=0.0,
    end=0.0,
    text="",
    tokens=(50364, 7751, 50464),
    temperature=0.0,
    avg_logprob=-0.25,
    compression_ratio=0.9,
    no_speech_prob=0.01,
)


def segment(start: float, end: float, text: str, words: str = "", **fields: Any) -> Segment:
    """A segment; of its words, separated by ``|``, each has an equal share of its time."""
    texts = words.split("|") if words else []
    step = (end - start) / max(1, len(texts))
    timed = tuple(
        Word(start + step * n, start + step * (n + 1), text, 0.5 + n / 100)
        for n, text in enumerate(texts)
    )
    return replace(
        _SEGMENT,
        start=start,
        end=end,
        text=text,
        seek=int(start * 100),
        words=timed or None,
        **fields,
    )


ONE_CHANNEL = Transcript(
    "en",
    (
        segment(0.1234, 1.9996, " Hello, I'm Ana.", " Hello,| I'm| Ana.", id=1),
        segment(3661.0, 3662.5, ' She said "no"?', ' She| said|| "no"?', id=2),
    ),
    duration=3663.0004,
    language_probability=0.75,
)
TWO_CHANNELS = Transcript(
    "en",
    (
        segment(0.5, 1.5, " hello", " hello", id=1, channel=0),
        segment(1.0, 2.0, " hi there", " hi| there", id=2, channel=1),
        segment(2.5, 3.0, " bye", " bye", id=3, channel=0),
    ),
    duration=3.5,
    channels=2,
)

_TIMES = st.floats(0, 400_000, allow_nan=False)
_TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "",
            " ",
            " a --> b",
            " x ---> - -> y",
            "\n\n2\n00:00:00,000 --> 00:00:01,000\nforged",
            " <b>bold</b> & <v ch_9>",
            " tab\tnul\x00bell\x07 line\u2028paragraph\u2029next\x85",
            " ¿Qué?",
            " \u200b",
            "今日は。",
            " WEBVTT",
            " NOTE",
            " 42",
            " 👩\u200d🚀…",
        ]
    ),
)
_SHARE = st.floats(0, 1)
_WORDS = st.lists(st.tuples(_TEXTS, _SHARE, _SHARE), max_size=4)


@st.composite
def _segments(draw: st.DrawFn, channels: int | None) -> Segment:
    start = draw(_TIMES)
    length = draw(st.floats(0, 30))
    drawn = draw(st.none() | _WORDS)
    words, at = [], start
    for text, share, probability in drawn or []:
        words.append(Word(at, at + share * (start + length - at), text, probability))
        at = words[-1].end
    # Of a word in a while the aligner says nothing.
    text = "".join(word.word for word in words) if draw(st.booleans()) else draw(_TEXTS)
    return Segment(
        seek=draw(st.integers(0, 40_000_000)),
        start=start,
        end=start + length,
        text=text,
        tokens=draw(st.sampled_from([(), (50364, 7751, 50464)])),
        temperature=draw(_SHARE),
        avg_logprob=draw(st.floats(-20, 0)),
        compression_ratio=draw(st.floats(0, 100)),
        no_speech_prob=draw(_SHARE),
        words=None if drawn is None else tuple(words),
        channel=None if channels is None else draw(st.integers(0, channels - 1)),
    )


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Any transcript: past an hour, overlapping, empty, with text that no format likes."""
    channels = draw(st.sampled_from([None, 1, 2, 6]))
    found = sorted(
        draw(st.lists(_segments(channels), max_size=4)), key=lambda segment: segment.start
    )
    return Transcript(
        draw(st.sampled_from(["", "en", "yue"])),
        tuple(replace(one, id=number) for number, one in enumerate(found, start=1)),
        is_superseded=draw(st.booleans()),
        language_probability=draw(_SHARE),
        duration=draw(_TIMES),
        channels=channels,
        warnings=draw(st.sampled_from([(), ("3.0 s of the audio are damaged.",)])),
    )
