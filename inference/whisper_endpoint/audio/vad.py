# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where somebody speaks in a recording."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from whisper_endpoint.audio.speech import silero
from whisper_endpoint.audio.speech.loudness import working_gains
from whisper_endpoint.audio.speech.silero import FRAME_SAMPLES
from whisper_endpoint.audio.speech.spans import negative_threshold, speech_spans
from whisper_endpoint.messages import SAMPLE_RATE, Samples, Span, VadParameters

# The detector carries a state, so it hears some audio before the end that is asked about.
_TAIL_SAMPLES = 47 * FRAME_SAMPLES
# With less before it the detector misses short words: "yeah" and "oh" of a real caller.
_LEAD_SAMPLES = 5 * SAMPLE_RATE
# What is a pause, and what a word, where speech is looked at closely.
_SHORT_PAUSE_MS = 300
_SHORT_SPEECH_MS = 100

# faster-whisper's: silence under this is part of what is said.
PAUSE_S = 2.0
_TENTH_SAMPLES = SAMPLE_RATE // 10


def find_speech(
    samples: Samples,
    pause_s: float = PAUSE_S,
    how: VadParameters = VadParameters(),  # noqa: B008 - frozen
) -> list[Span]:
    """Find speech with Silero's detector, at the level at which it hears best.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
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
    return list(speech_in(samples, pause_s, how))


def speech_in(
    samples: Samples,
    pause_s: float = PAUSE_S,
    how: VadParameters = VadParameters(),  # noqa: B008 - frozen
    check: Callable[[], None] = lambda: None,
) -> Iterator[Span]:
    """Yield the same, each stretch as soon as it is found.

    Parameters
    ----------
    check : callable, optional
        Is called every 16 s of the recording, and may raise.
    """
    hearings = [silero.blocks_of(samples, gain) for gain in working_gains(samples)]

    def probabilities() -> Iterator[float]:
        for blocks in zip(*hearings, strict=True):
            check()
            yield from np.maximum.reduce(blocks).tolist()

    return speech_spans(probabilities(), len(samples), how, pause_s)


def within(spans: Iterable[Span], limits: list[Span]) -> Iterator[Span]:
    """Yield what of some spans lies within others; both in order and not overlapping."""
    for span in spans:
        for limit in limits:
            start, end = max(span.start, limit.start), min(span.end, limit.end)
            if start < end:
                yield Span(start, end)


def trailing_silence(samples: Samples) -> float:
    """Return for how long nobody has spoken at the end, in steps of 32 ms.

    Parameters
    ----------
    samples : Samples, 16 kHz mono

    Returns
    -------
    float
        Seconds; at most 1.5, of which only the end is heard.
    """
    tail = samples[-_TAIL_SAMPLES:]
    tail = tail[len(tail) % FRAME_SAMPLES :]
    if not len(tail):
        return 0.0
    heard = silero.probabilities(tail, working_gains(samples)[0])
    voiced = np.flatnonzero(heard >= negative_threshold(VadParameters()))
    frames = len(tail) // FRAME_SAMPLES
    silent = frames - 1 - int(voiced[-1]) if len(voiced) else frames
    return silent * FRAME_SAMPLES / SAMPLE_RATE


def speech_within(samples: Samples, span: Span, how: VadParameters) -> list[Span]:
    """Return where somebody speaks in a span of speech, without margins, pause by pause.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
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
    begin = max(0, span.start - _LEAD_SAMPLES)
    part, gains = samples[begin : span.end], working_gains(samples[span.start : span.end])
    heard = np.maximum.reduce([silero.probabilities(part, gain) for gain in gains])
    found = speech_spans(heard.tolist(), len(part), fine, PAUSE_S)
    return list(within((Span(begin + one.start, begin + one.end) for one in found), [span]))


def quietest(samples: Samples, low: int, high: int) -> int:
    """Return the middle of the tenth of a second with the least energy."""
    frames = samples[low:high].reshape(-1, _TENTH_SAMPLES)
    energy = np.square(frames, dtype=np.float64).sum(axis=1)
    return low + int(energy.argmin()) * _TENTH_SAMPLES + _TENTH_SAMPLES // 2
