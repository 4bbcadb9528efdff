# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where somebody speaks in a recording."""

from typing import NamedTuple

import numpy as np
from faster_whisper.vad import get_speech_timestamps, get_vad_model
from numpy.typing import NDArray

from whisper_endpoint.audio import SAMPLE_RATE

# Silero's own frame, and the probability below which its detector ends speech.
_FRAME_SAMPLES = 512
_SILENT_BELOW = 0.35
# The detector carries a state, so it hears some audio before the end that is asked about.
_TAIL_SAMPLES = 47 * _FRAME_SAMPLES

# faster-whisper's: silence under this is part of what is said.
PAUSE_S = 2.0
# A click or a cough; the shortest words take longer.
_LEAST_VOICE_MS = 300
# The detector takes several times the memory of what it hears, so a file is heard in stretches
# that end at a quiet place.
_STRETCH_SAMPLES = 600 * SAMPLE_RATE
_SEARCH_SAMPLES = 30 * SAMPLE_RATE
_TENTH_SAMPLES = SAMPLE_RATE // 10


class Span(NamedTuple):
    """A stretch of a recording: first sample, and the one after its last."""

    start: int
    end: int


def find_speech(samples: NDArray[np.float32], pause_s: float = PAUSE_S) -> list[Span]:
    """Find speech with Silero's detector and faster-whisper's settings.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
    pause_s : float
        Seconds of silence that end a stretch of speech.

    Returns
    -------
    list of Span
        In order, not overlapping, each with up to 400 ms of margin; shorter pauses are part of
        it. What has under 0.3 s of voice in it is no speech.
    """
    spans, start = [], 0
    while start < len(samples):
        end = min(start + _STRETCH_SAMPLES, len(samples))
        if end < len(samples):
            end = quietest(samples, end - _SEARCH_SAMPLES, end)
        found = get_speech_timestamps(
            samples[start:end],
            min_speech_duration_ms=_LEAST_VOICE_MS,
            min_silence_duration_ms=round(pause_s * 1000),
        )
        spans += [Span(start + one["start"], start + one["end"]) for one in found]
        start = end
    return spans


def trailing_silence(samples: NDArray[np.float32]) -> float:
    """Return for how long nobody has spoken at the end, in steps of 32 ms.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono

    Returns
    -------
    float
        Seconds; at most 1.5, of which only the end is heard.
    """
    tail = samples[-_TAIL_SAMPLES:]
    tail = tail[len(tail) % _FRAME_SAMPLES :]
    if not len(tail):
        return 0.0
    voiced = np.flatnonzero(get_vad_model()(tail).reshape(-1) >= _SILENT_BELOW)
    frames = len(tail) // _FRAME_SAMPLES
    silent = frames - 1 - int(voiced[-1]) if len(voiced) else frames
    return silent * _FRAME_SAMPLES / SAMPLE_RATE


def quietest(samples: NDArray[np.float32], low: int, high: int) -> int:
    """Return the middle of the tenth of a second with the least energy."""
    frames = samples[low:high].reshape(-1, _TENTH_SAMPLES)
    energy = np.square(frames, dtype=np.float64).sum(axis=1)
    return low + int(energy.argmin()) * _TENTH_SAMPLES + _TENTH_SAMPLES // 2
