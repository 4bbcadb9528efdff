# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Voice activity detection."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from whisper_endpoint.audio.speech import hearing, silero
from whisper_endpoint.audio.speech.loudness import levels_of, working_gains
from whisper_endpoint.audio.speech.silero import FRAME_SAMPLES
from whisper_endpoint.audio.speech.spans import negative_threshold, speech_spans
from whisper_endpoint.messages import SAMPLE_RATE, Samples, Span, VadParameters

# The detector has a state, so it gets some audio before the end in question.
_TAIL_SAMPLES = 47 * FRAME_SAMPLES
# About 5 s: with less lead-in the detector misses short words, such as a real caller's "yeah" and
# "oh". A number of frames, so that hearings with and without it are of the same frames.
_LEAD_SAMPLES = 156 * FRAME_SAMPLES
# Shortest pause and shortest speech within a span.
_SHORT_PAUSE_MS = 300
_SHORT_SPEECH_MS = 100

# faster-whisper's value: shorter silence is part of the speech.
PAUSE_S = 2.0
_TENTH_SAMPLES = SAMPLE_RATE // 10


def find_speech(
    samples: Samples,
    pause_s: float = PAUSE_S,
    how: VadParameters = VadParameters(),  # noqa: B008 - frozen
) -> list[Span]:
    """Find speech with Silero's detector, at its best input level.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
    pause_s : float
        Seconds of silence that end a span of speech, unless ``how`` says otherwise.
    how : VadParameters
        The defaults are faster-whisper's, except for the minimum duration of speech.

    Returns
    -------
    list of Span
        In order, not overlapping, each with up to ``speech_pad_ms`` of margin; shorter pauses are
        part of a span.
    """
    return list(speech_spans(hearing.probabilities(samples, how), len(samples), how, pause_s))


def within(spans: Iterable[Span], limits: list[Span]) -> Iterator[Span]:
    """Yield the intersection of two lists of spans, both in order and not overlapping."""
    for span in spans:
        for limit in limits:
            start, end = max(span.start, limit.start), min(span.end, limit.end)
            if start < end:
                yield Span(start, end)


def trailing_silence(samples: Samples) -> float:
    """Return the duration of silence at the end, in steps of 32 ms.

    Parameters
    ----------
    samples : Samples, 16 kHz mono

    Returns
    -------
    float
        Seconds, at most 1.5: only that much of the end is examined.
    """
    tail = samples[-_TAIL_SAMPLES:]
    tail = tail[len(tail) % FRAME_SAMPLES :]
    if not len(tail):
        return 0.0
    heard = silero.probabilities(tail, working_gains(levels_of(tail))[0])
    voiced = np.flatnonzero(heard >= negative_threshold(VadParameters()))
    frames = len(tail) // FRAME_SAMPLES
    silent = frames - 1 - int(voiced[-1]) if len(voiced) else frames
    return silent * FRAME_SAMPLES / SAMPLE_RATE


def speech_within(
    samples: Samples, span: Span, how: VadParameters, whole: Iterable[float] | None = None
) -> list[Span]:
    """Return the speech within a span, split at short pauses and without margins.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
        Of the recording.
    span : Span
        At most 30 s.
    how : VadParameters
        Those with which the span was found.
    whole : iterable of float, optional
        The recording's `hearing.probabilities`, if they are known.

    Returns
    -------
    list of Span
        Of the recording, in order, not overlapping; empty if there is no speech.
    """
    fine = replace(
        how,
        min_speech_duration_ms=_SHORT_SPEECH_MS,
        max_speech_duration_s=None,
        min_silence_duration_ms=_SHORT_PAUSE_MS,
        speech_pad_ms=0,
    )
    if whole is not None and span == Span(0, len(samples)):
        return list(speech_spans(whole, len(samples), fine, PAUSE_S))
    part = samples[span.start : span.end]
    levels = levels_of(part)
    heard = np.fromiter(hearing.probabilities(part, fine, levels=levels), np.float32)
    lead = min(span.start - span.start % FRAME_SAMPLES, _LEAD_SAMPLES)
    begin = span.start - lead
    if lead:
        # Music or noise before the span, raised by the gain of a quiet voice, makes the detector
        # deaf for seconds: so it has heard the span alone, and now hears it after its lead-in.
        alone = heard
        heard = silero.probabilities(samples[begin : span.end], *working_gains(levels))
        np.maximum(heard[lead // FRAME_SAMPLES :], alone, out=heard[lead // FRAME_SAMPLES :])
    found = speech_spans(heard.tolist(), span.end - begin, fine, PAUSE_S)
    return list(within((Span(begin + one.start, begin + one.end) for one in found), [span]))


def quietest(samples: Samples, low: int, high: int) -> int:
    """Return the middle of the 0.1 s with the least energy between two positions."""
    frames = samples[low:high].reshape(-1, _TENTH_SAMPLES)
    energy = np.square(frames, dtype=np.float64).sum(axis=1)
    return low + int(energy.argmin()) * _TENTH_SAMPLES + _TENTH_SAMPLES // 2
