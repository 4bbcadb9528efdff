# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Transcribe each recording and compare it, channel by channel."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.accuracy import WordErrors, word_errors
from benchmarks.eval.alignment import AlignedWord, align
from benchmarks.eval.recordings import RecordedFile, RecordingRefused
from benchmarks.eval.targets import Ask
from benchmarks.real_calls.transcripts import (
    FasterWhisper,
    HeardCall,
    HeardSegment,
    read_heard,
    request_body,
)
from live_whisper.errors import InvocationFailed
from whisper_endpoint.audio.vad import find_speech
from whisper_endpoint.messages import SAMPLE_RATE

# Voice detection pads its spans, and segments end with their words.
_MARGIN_S = 0.5


@dataclass(frozen=True)
class ComparedPart:
    """One channel of a recording, or a whole recording.

    Attributes
    ----------
    name : str
        Name of the file.
    channel : int or None
    errors : WordErrors
    words : list of AlignedWord
    textless_s : float
        Seconds of detected speech without text in any segment.
    real_time_factor : float
        Processing time of the whole file per second of audio.
    refusal : str
        Why there is no transcript; otherwise empty.
    """

    name: str
    channel: int | None
    errors: WordErrors
    words: list[AlignedWord]
    textless_s: float = 0.0
    real_time_factor: float = 0.0
    refusal: str = ""


@dataclass(frozen=True)
class Comparison:
    """How to measure recordings.

    Attributes
    ----------
    ask : callable
        The endpoint.
    reference : callable
        Creates, on first use, the reference for recordings without texts.
    language : str or None
        None: detected per recording.
    """

    ask: Ask
    reference: Callable[[], FasterWhisper]
    language: str | None

    def rows(self, recording: RecordedFile) -> Iterator[ComparedPart]:
        """Transcribe a recording; a refusal becomes a row with the reason."""
        try:
            parts = recording.parts()
            is_split = parts != (None,)
            body = request_body(
                recording.path.read_bytes(),
                channel_identification=is_split,
                language=self.language,
            )
            began = time.monotonic()
            heard = read_heard(self.ask(body))
        except (InvocationFailed, RecordingRefused) as refused:
            yield ComparedPart(
                recording.name, None, WordErrors(0, 0, 0, 0), [], refusal=str(refused)
            )
            return
        factor = (time.monotonic() - began) / (len(recording.channels[0]) / SAMPLE_RATE)
        said = recording.texts or self._referred(recording, is_split)
        for part in parts:
            yield self._row(recording, part, said.get(part, ""), heard, factor)

    def _row(
        self, recording: RecordedFile, part: int | None, said: str, heard: HeardCall, factor: float
    ) -> ComparedPart:
        segments = list(heard.segments) if part is None else heard.channel(part)
        text = _text(segments)
        language = self.language or heard.language or "en"
        channels = recording.channels
        samples = np.mean(channels, axis=0) if part is None else channels[part]
        return ComparedPart(
            recording.name,
            part,
            word_errors(said, text, language),
            align(said, text, language),
            _textless(samples.astype(np.float32), segments),
            factor,
        )

    def _referred(self, recording: RecordedFile, is_split: bool) -> dict[int | None, str]:
        channels = list(recording.channels)
        if not is_split:
            channels = [np.mean(channels, axis=0).astype(np.float32)]
        heard = self.reference().transcribe(channels, self.language)
        return {
            number if is_split else None: _text(heard.channel(number))
            for number in range(len(channels))
        }


def _text(segments: Sequence[HeardSegment]) -> str:
    return " ".join(one.text.strip() for one in segments)


def _textless(samples: NDArray[np.float32], segments: Sequence[HeardSegment]) -> float:
    """Return the seconds of detected speech that no segment covers."""
    silent = np.zeros(len(samples), np.bool_)
    for span in find_speech(samples):
        silent[span.start : span.end] = True
    margin = round(_MARGIN_S * SAMPLE_RATE)
    for one in segments:
        first = max(0, round(one.start * SAMPLE_RATE) - margin)
        silent[first : round(one.end * SAMPLE_RATE) + margin] = False
    return float(silent.sum()) / SAMPLE_RATE
