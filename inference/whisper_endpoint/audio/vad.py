# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where somebody speaks in a recording."""

from dataclasses import replace

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps, get_vad_model
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE, Span, VadParameters

# Silero's own frame, and the probability below which its detector ends speech.
_FRAME_SAMPLES = 512
_SILENT_BELOW = 0.35
# The detector carries a state, so it hears some audio before the end that is asked about.
_TAIL_SAMPLES = 47 * _FRAME_SAMPLES
# What is a pause, and what a word, where speech is looked at closely.
_SHORT_PAUSE_MS = 300
_SHORT_SPEECH_MS = 100

# faster-whisper's: silence under this is part of what is said.
PAUSE_S = 2.0
# The detector takes several times the memory of what it hears, so a file is heard in stretches
# that end at a quiet place.
_STRETCH_SAMPLES = 600 * SAMPLE_RATE
_SEARCH_SAMPLES = 30 * SAMPLE_RATE
_TENTH_SAMPLES = SAMPLE_RATE // 10


def find_speech(
    samples: NDArray[np.float32],
    pause_s: float = PAUSE_S,
    how: VadParameters = VadParameters(),  # noqa: B008 - frozen
) -> list[Span]:
    """Find speech with Silero's detector.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
    pause_s : float
        Seconds of silence that end a stretch of speech, where ``how`` does not say.
    how : VadParameters
        The defaults are faster-whisper's, but for what is too short to be speech.

    Returns
    -------
    list of Span
        In order, not overlapping, each with up to ``speech_pad_ms`` of margin; shorter pauses are
        part of it.
    """
    silence_ms = how.min_silence_duration_ms
    options = VadOptions(
        threshold=how.threshold,
        neg_threshold=how.neg_threshold,
        min_speech_duration_ms=how.min_speech_duration_ms,
        max_speech_duration_s=how.max_speech_duration_s or float("inf"),
        min_silence_duration_ms=round(pause_s * 1000) if silence_ms is None else silence_ms,
        speech_pad_ms=how.speech_pad_ms,
    )
    spans, start = [], 0
    while start < len(samples):
        end = min(start + _STRETCH_SAMPLES, len(samples))
        if end < len(samples):
            end = quietest(samples, end - _SEARCH_SAMPLES, end)
        found = get_speech_timestamps(samples[start:end], options)
        spans += [Span(start + one["start"], start + one["end"]) for one in found]
        start = end
    return spans


def within(spans: list[Span], limits: list[Span]) -> list[Span]:
    """Return what of some spans lies within others; both in order and not overlapping."""
    cut = (
        Span(max(span.start, limit.start), min(span.end, limit.end))
        for limit in limits
        for span in spans
    )
    return [span for span in cut if span.start < span.end]


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
    voiced = np.flatnonzero(_probabilities(tail) >= _SILENT_BELOW)
    frames = len(tail) // _FRAME_SAMPLES
    silent = frames - 1 - int(voiced[-1]) if len(voiced) else frames
    return silent * _FRAME_SAMPLES / SAMPLE_RATE


def speech_within(samples: NDArray[np.float32], span: Span, how: VadParameters) -> list[Span]:
    """Return where somebody speaks in a span of speech, without margins, pause by pause.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
        Of the recording.
    span : Span
        At most 30 s.
    how : VadParameters
        As the span was found.

    Returns
    -------
    list of Span
        Of the recording, in order, not overlapping; empty if nobody is heard.
    """
    fine = replace(
        how,
        min_speech_duration_ms=_SHORT_SPEECH_MS,
        max_speech_duration_s=None,
        min_silence_duration_ms=_SHORT_PAUSE_MS,
        speech_pad_ms=0,
    )
    found = find_speech(samples[span.start : span.end], how=fine)
    return [Span(span.start + one.start, span.start + one.end) for one in found]


def _probabilities(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how sure the detector is of speech, frame by frame.

    Its call writes zeros over the last 64 samples of what it is given, so it gets a copy.
    """
    probabilities: NDArray[np.float32] = get_vad_model()(samples.copy())
    return probabilities.reshape(-1)


def quietest(samples: NDArray[np.float32], low: int, high: int) -> int:
    """Return the middle of the tenth of a second with the least energy."""
    frames = samples[low:high].reshape(-1, _TENTH_SAMPLES)
    energy = np.square(frames, dtype=np.float64).sum(axis=1)
    return low + int(energy.argmin()) * _TENTH_SAMPLES + _TENTH_SAMPLES // 2
