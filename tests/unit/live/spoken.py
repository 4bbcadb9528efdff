# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A line whose words can be read off its samples, and an endpoint that reads them.

Each word is 0.3 s of one loudness of its own, followed by 0.1 s of a hum; silence is silence. So a
transcript can be compared word for word with what was said, wherever utterances are cut.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from live_whisper.errors import InvocationFailed
from whisper_stream.requests import LiveWord, TranscriptionResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from whisper_stream.audio.samples import Samples
    from whisper_stream.requests import TranscriptionRequest

RATE = 16_000
WORD, GAP = round(0.3 * RATE), round(0.1 * RATE)
HUM = 500


class Loudness:
    """A voice detector for such lines."""

    def __init__(self, mode: int = 0) -> None:
        del mode

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        del sample_rate
        return bool(np.abs(np.frombuffer(buf, "<i2")).max() >= HUM)


def line(turns: list[tuple[float, int]], first_word: int = 0) -> Samples:
    """Return one channel: for each turn some seconds of silence, then some words."""
    numbers = itertools.count(first_word)
    parts = []
    for silence, words in turns:
        parts.append(np.zeros(round(silence * RATE), np.int16))
        for _ in range(words):
            parts += [np.full(WORD, 1000 + next(numbers)), np.full(GAP, HUM)]
    return np.concatenate([*parts, np.zeros(RATE, np.int16)]).astype(np.int16)


def said(samples: Samples, offset: float = 0.0) -> list[LiveWord]:
    """Read the words off some samples; of one that was cut, the larger part is needed."""
    edges = np.flatnonzero(np.diff(samples, prepend=0, append=0))
    words = []
    for begin, end in itertools.pairwise(edges):
        if samples[begin] >= 1000 and end - begin > WORD / 2:
            text = f"w{samples[begin] - 1000}"
            words.append(LiveWord(text, offset + begin / RATE, offset + end / RATE, 0.9))
    return words


def stereo(left: Samples, right: Samples) -> Samples:
    """Put two channels side by side, the shorter one followed by silence."""
    both = np.zeros((max(len(left), len(right)), 2), np.int16)
    both[: len(left), 0], both[: len(right), 1] = left, right
    return both


@dataclass
class Reader:
    """The endpoint: reads the words; fails where it is told to."""

    fails: Callable[[TranscriptionRequest], bool] = lambda _ask: False
    language: str = "en"
    asks: list[TranscriptionRequest] = field(default_factory=list)

    def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        assert seconds > 0
        self.asks.append(ask)
        if self.fails(ask):
            raise InvocationFailed("The endpoint is away.")
        return TranscriptionResponse(tuple(said(ask.audio, ask.start)), self.language, 0.9)


class Held:
    """An executor whose work is done when the test says so, in any order."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[TranscriptionRequest], None], TranscriptionRequest]] = []

    def submit(
        self, work: Callable[[TranscriptionRequest], None], ask: TranscriptionRequest, /
    ) -> None:
        self.waiting.append((work, ask))

    def do(self, place: int = 0) -> None:
        work, ask = self.waiting.pop(place)
        work(ask)
