# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Hears a recording at the detector's best level, and again where it has become much quieter.

After hold music, noise or a tone the detector is deaf to a quieter voice for seconds. Hearing the
rest alone, from a fresh state and at its own level, finds it.
Figures: docs/measurements/2026-11-28-voice-detection.md.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from whisper_endpoint.audio.speech import loudness, silero
from whisper_endpoint.audio.speech.silero import FRAME_SAMPLES
from whisper_endpoint.audio.speech.spans import negative_threshold
from whisper_endpoint.messages import SAMPLE_RATE, Samples, Span, VadParameters

# Speech first heard within 3 s of a sound's beginning may have begun with it: after a minute of
# music the detector is deaf for a second or two, even to a voice that is as loud.
_SOON_FRAMES = 94
# A window's length.
_MOST_KEPT_SAMPLES = 30 * SAMPLE_RATE


def probabilities(
    samples: Samples,
    how: VadParameters,
    check: Callable[[], None] = lambda: None,
    levels: loudness.Levels | None = None,
) -> Iterator[float]:
    """Yield the probability of speech for each 512 samples, each as soon as it is known.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
    how : VadParameters
        Its thresholds tell what was heard the first time.
    check : callable, optional
        Called every 16 s of audio; may raise to abort.
    levels : ndarray, shape (len(samples) // 320,), dBFS, optional
        As from :func:`loudness.levels_of`, where they are known.
    """
    if levels is None:
        levels = loudness.levels_of(samples)
    # Whether it is quieter from a frame on. Rounded up: the end of something loud, raised as well,
    # would be heard as the start of a voice.
    edges: dict[int, bool] = {}
    for passage in loudness.quieter(levels):
        start, end = (-(-at * loudness.FRAME_SAMPLES // FRAME_SAMPLES) for at in passage)
        edges |= {start: True, end: False}
    detector = _Detector(samples, levels, check)
    negative = negative_threshold(how)
    # What of a quieter passage was heard as silence; it is heard again up to the next speech. The
    # sound that ends the passage is heard again too, but only if speech follows soon.
    held: list[float] = []
    is_quieter: bool | None = None
    for number, heard in enumerate(detector.hear(Span(0, len(samples)))):
        is_speech, is_soon = heard >= how.threshold, is_quieter or len(held) < _SOON_FRAMES
        if held and (number in edges or is_speech or not is_soon):
            yield from detector.hear_again(held, number) if is_quieter or is_speech else held
            held, is_quieter = [], None
        is_quieter = edges.get(number, is_quieter)
        if is_quieter is False or (is_quieter and (held or heard < negative)):
            held.append(heard)
        else:
            yield heard
    end = -(-len(samples) // FRAME_SAMPLES)
    yield from detector.hear_again(held, end) if is_quieter else held


class HeardRecording:
    """The probabilities of a recording, kept if it is short: most live utterances are one span.

    Parameters
    ----------
    samples, how, check
        As for :func:`probabilities`.
    """

    def __init__(
        self, samples: Samples, how: VadParameters, check: Callable[[], None] = lambda: None
    ) -> None:
        self._coming = functools.partial(probabilities, samples, how, check)
        self._is_short = len(samples) <= _MOST_KEPT_SAMPLES
        self._kept: list[float] | None = None

    def __iter__(self) -> Iterator[float]:
        """Yield them; those of a long recording each as soon as it is known."""
        if not self._is_short:
            return self._coming()
        if self._kept is None:
            self._kept = list(self._coming())
        return iter(self._kept)


@dataclass(frozen=True)
class _Detector:
    samples: Samples
    levels: loudness.Levels
    check: Callable[[], None]

    def hear(self, span: Span) -> Iterator[float]:
        """Yield the probabilities of a span, as if nothing preceded it, at its own level."""
        gains = loudness.working_gains(self._levels_in(span))
        for block in silero.blocks_of(self.samples, gains, span):
            self.check()
            yield from block.tolist()

    def hear_again(self, heard: Sequence[float], end: int) -> Iterator[float]:
        """Yield the higher probabilities of two hearings of the frames up to an end."""
        begin = (end - len(heard)) * FRAME_SAMPLES
        span = Span(begin, min(end * FRAME_SAMPLES, len(self.samples)))
        if loudness.is_idle(self._levels_in(span)):
            return iter(heard)
        return map(max, heard, self.hear(span))

    def _levels_in(self, span: Span) -> loudness.Levels:
        size = loudness.FRAME_SAMPLES
        return self.levels[span.start // size : span.end // size]
