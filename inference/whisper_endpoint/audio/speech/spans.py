# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""From the detector's probabilities to stretches of speech, as faster-whisper draws them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.speech.silero import FRAME_SAMPLES
from whisper_endpoint.messages import SAMPLE_RATE, Span, VadParameters

# faster-whisper's: the shortest pause at which speech that is too long is cut, and how far below
# the threshold the probability is of silence.
_PAUSE_TO_CUT_SAMPLES = 98 * SAMPLE_RATE // 1000
_NEGATIVE_BELOW, _LEAST_NEGATIVE = 0.15, 0.01


@dataclass
class _Speech:
    """What is being said; positions in samples.

    Attributes
    ----------
    silent_since : int or None
        Since when it has been silent.
    pause, resumed : int or None
        Its last pause that it may be cut in: where that began, and where it was over.
    """

    start: int
    silent_since: int | None = None
    pause: int | None = None
    resumed: int | None = None

    def go_on(self, at: int) -> None:
        """Take note of speech."""
        if self.silent_since is not None and self.pause is not None and self.resumed is None:
            self.resumed = at
        self.silent_since = None

    def is_over(self, at: int, patience: int) -> bool:
        """Take note of silence; say whether it has lasted long enough."""
        if self.silent_since is None:
            self.silent_since = at
        if at - self.silent_since > _PAUSE_TO_CUT_SAMPLES and self.pause != self.silent_since:
            self.pause, self.resumed = self.silent_since, None
        return at - self.silent_since >= patience

    def until(self, end: int, shortest: int) -> list[Span]:
        """Return it if it is long enough."""
        return [Span(self.start, end)] if end - self.start > shortest else []


def speech_spans(
    probabilities: NDArray[np.float32], length: int, how: VadParameters, pause_s: float
) -> list[Span]:
    """Return the stretches of speech.

    Parameters
    ----------
    probabilities : ndarray, shape (frames,), float32
        Of each 512 samples.
    length : int
        Samples of the recording.
    how : VadParameters
    pause_s : float
        Seconds of silence that end a stretch, where ``how`` does not say.

    Returns
    -------
    list of Span
        In order, not overlapping, with their margins.
    """
    return _padded(_found(probabilities, length, how, pause_s), length, _samples(how.speech_pad_ms))


def negative_threshold(how: VadParameters) -> float:
    """Return the probability below which it is silent."""
    if how.neg_threshold is not None:
        return how.neg_threshold
    return max(how.threshold - _NEGATIVE_BELOW, _LEAST_NEGATIVE)


def _found(
    probabilities: NDArray[np.float32], length: int, how: VadParameters, pause_s: float
) -> list[Span]:
    silence_ms = how.min_silence_duration_ms
    patience = _samples(round(pause_s * 1000) if silence_ms is None else silence_ms)
    shortest, longest = _samples(how.min_speech_duration_ms), _longest(how)
    negative = negative_threshold(how)
    found: list[Span] = []
    speech: _Speech | None = None
    for number, probability in enumerate(probabilities.tolist()):
        at = number * FRAME_SAMPLES
        if probability >= how.threshold:
            if speech is None:
                speech = _Speech(at)
                continue
            speech.go_on(at)
        if speech is not None and at - speech.start > longest:
            found.append(Span(speech.start, speech.pause or at))
            speech = None if speech.resumed is None else _Speech(speech.resumed)
        if speech is None or probability >= negative:
            continue
        if speech.is_over(at, patience):
            found += speech.until(speech.silent_since or at, shortest)
            speech = None
    return found + (speech.until(length, shortest) if speech else [])


def _longest(how: VadParameters) -> float:
    if not how.max_speech_duration_s:
        return float("inf")
    room = 2 * _samples(how.speech_pad_ms) + FRAME_SAMPLES
    return how.max_speech_duration_s * SAMPLE_RATE - room


def _padded(found: list[Span], length: int, margin: int) -> list[Span]:
    """Give each stretch its margins; two share what is between them where that is too short."""
    padded = []
    for number, (start, end) in enumerate(found):
        before = start - (found[number - 1].end if number else -2 * length)
        after = (found[number + 1].start if number + 1 < len(found) else 3 * length) - end
        room_before = margin if before >= 2 * margin else before // 2
        room_after = margin if after >= 2 * margin else after // 2
        padded.append(Span(max(0, start - room_before), min(length, end + room_after)))
    return padded


def _samples(milliseconds: int) -> int:
    return milliseconds * SAMPLE_RATE // 1000
