# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Synthesise sentences: trimmed samples at 16 kHz, with word times."""

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from demo_model.tts import espeak, flite, pico
from demo_model.tts.voices import Voice

SAMPLE_RATE = 16_000
_BOUNDS_BELOW_DB = 40.0
_ENGINES = {"espeak-ng": espeak.speak, "flite": flite.speak, "pico": pico.speak}


@dataclass(frozen=True)
class Spoken:
    """A spoken sentence without surrounding silence: float32 in [-1, 1] at 16 kHz.

    `starts`: seconds from the first sample to each word; None if the synthesiser does not report
    them.
    """

    text: str
    voice: str
    samples: NDArray[np.float32]
    starts: tuple[float, ...] | None

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE

    def words(self) -> list[tuple[str, float, float]]:
        """Return (word, start, end) in seconds; a word ends where the next begins."""
        if self.starts is None:
            return []
        edges = (*self.starts, self.duration)
        return list(zip(self.text.split(), edges, edges[1:], strict=False))


def speak(voice: Voice, text: str) -> Spoken:
    """Synthesise a sentence; raises SynthesiserMissing, or SynthesisFailed if silent."""
    pcm, rate, starts = _ENGINES[voice.engine](voice, text)
    clip: NDArray[np.float32] = pcm.astype(np.float32) / np.float32(32768)
    if rate != SAMPLE_RATE:
        clip = np.asarray(soxr.resample(clip, rate, SAMPLE_RATE), np.float32)
    first, last = speech_bounds(clip, SAMPLE_RATE)
    if starts is not None:
        lead = first / SAMPLE_RATE
        starts = [max(0.0, start - lead) for start in starts]
    return Spoken(text, str(voice), clip[first:last], None if starts is None else tuple(starts))


def speech_bounds(clip: NDArray[np.floating], sample_rate: int) -> tuple[int, int]:
    """Return the bounds of sound: 10 ms frames within 40 dB of the loudest."""
    size = sample_rate // 100
    frames = clip[: len(clip) // size * size].reshape(-1, size)
    power = np.mean(frames**2, axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-_BOUNDS_BELOW_DB / 10))
    return int(loud[0]) * size, int(loud[-1] + 1) * size
