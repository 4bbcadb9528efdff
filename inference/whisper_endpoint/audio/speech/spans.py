# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Turns the detector's probabilities into spans of speech, with faster-whisper's rules."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from whisper_endpoint.audio.speech.silero import FRAME_SAMPLES
from whisper_endpoint.messages import SAMPLE_RATE, Span, VadParameters

# faster-whisper's values: the shortest pause at which overlong speech is split, and how far below
# the threshold a probability has to be to count as silence.
_PAUSE_TO_CUT_SAMPLES = 98 * SAMPLE_RATE // 1000
_NEGATIVE_BELOW, _LEAST_NEGATIVE = 0.15, 0.01


@dataclass
class _Speech:
    """Speech in progress; positions in samples.

    Attributes
    ----------
    silent_since : int or None
        Start of the current silence.
    pause, resumed : int or None
        Start and end of the last pause at which the speech may be split.
    """

    start: int
    silent_since: int | None = None
    pause: int | None = None
    resumed: int | None = None

    def go_on(self, at: int) -> None:
        """Record speech at a position."""
        if self.silent_since is not None and self.pause is not None and self.resumed is None:
            self.resumed = at
        self.silent_since = None

    def is_over(self, at: int, patience: int) -> bool:
        """Record silence at a position; return whether it has lasted long enough."""
        if self.silent_since is None:
            self.silent_since = at
        if at - self.silent_since > _PAUSE_TO_CUT_SAMPLES and self.pause != self.silent_since:
            self.pause, self.resumed = self.silent_since, None
        return at - self.silent_since >= patience

    def until(self, end: int, shortest: int) -> list[Span]:
        """Return the span if it is long enough, else nothing."""
        return [Span(self.start, end)] if end - self.start > shortest else []


def speech_spans(
    probabilities: Iterable[float], length: int, how: VadParameters, pause_s: float
) -> Iterator[Span]:
    """Yield the spans of speech, each as soon as the start of the next is known.

    Parameters
    ----------
    probabilities : iterable of float
        One for each 512 samples.
    length : int
        Length of the recording in samples.
    how : VadParameters
    pause_s : float
        Seconds of silence that end a span, unless ``how`` says otherwise.

    Yields
    ------
    Span
        In order, not overlapping, including margins.
    """
    found = _found(probabilities, length, how, pause_s)
    return _padded(found, length, _samples(how.speech_pad_ms))


def negative_threshold(how: VadParameters) -> float:
    """Return the probability below which a frame is silent."""
    if how.neg_threshold is not None:
        return how.neg_threshold
    return max(how.threshold - _NEGATIVE_BELOW, _LEAST_NEGATIVE)


def _found(
    probabilities: Iterable[float], length: int, how: VadParameters, pause_s: float
) -> Iterator[Span]:
    silence_ms = how.min_silence_duration_ms
    patience = _samples(round(pause_s * 1000) if silence_ms is None else silence_ms)
    shortest, longest = _samples(how.min_speech_duration_ms), _longest(how)
    negative = negative_threshold(how)
    speech: _Speech | None = None
    for number, probability in enumerate(probabilities):
        at = number * FRAME_SAMPLES
        if probability >= how.threshold:
            if speech is None:
                speech = _Speech(at)
                continue
            speech.go_on(at)
        if speech is not None and at - speech.start > longest:
            yield Span(speech.start, speech.pause or at)
            speech = None if speech.resumed is None else _Speech(speech.resumed)
        if speech is None or probability >= negative:
            continue
        if speech.is_over(at, patience):
            yield from speech.until(speech.silent_since or at, shortest)
            speech = None
    if speech:
        yield from speech.until(length, shortest)


def _longest(how: VadParameters) -> float:
    if not how.max_speech_duration_s:
        return float("inf")
    room = 2 * _samples(how.speech_pad_ms) + FRAME_SAMPLES
    return how.max_speech_duration_s * SAMPLE_RATE - room


def _padded(found: Iterable[Span], length: int, margin: int) -> Iterator[Span]:
    """Add margins to each span; two neighbours share the gap if it is too short for both."""
    nowhere = Span(-2 * length, -2 * length), Span(3 * length, 3 * length)
    around = itertools.chain(nowhere[:1], found, nowhere[1:])
    before = next(around)
    current = next(around)
    for after in around:
        room = current.start - before.end, after.start - current.end
        first, last = (margin if one >= 2 * margin else one // 2 for one in room)
        yield Span(max(0, current.start - first), min(length, current.end + last))
        before, current = current, after


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000
