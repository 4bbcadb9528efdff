# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Audio becomes windows that the engine can take."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio import vad, windows
from whisper_endpoint.audio.decode import Audio, Limits, decode
from whisper_endpoint.audio.features import Features
from whisper_endpoint.messages import (
    SAMPLE_RATE,
    Parameters,
    Prepared,
    PreparedWindow,
    Priority,
    Span,
    UtteranceState,
    VadParameters,
    Window,
)

# Windows that go to the engine at once: 8 minutes, and 15 or 25 MB of features.
PIECE_WINDOWS = 16


@dataclass(frozen=True)
class Recording:
    """A recording of which the windows are known; their features are computed by the piece.

    Attributes
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
    windows : tuple of Window
        In order of time.
    duration : float
        Seconds.
    utterance : UtteranceState or None
        The state of an utterance that it is; None: it is a file.
    how : VadParameters
        How speech is found within each window, for the times of words and segments.
    is_speech : bool
        Whether a detector took the windows for speech; otherwise they are all there is.
    warnings : tuple of str
        What of its audio is not what its file should hold.
    """

    samples: NDArray[np.float32]
    windows: tuple[Window, ...]
    features: Features
    duration: float
    utterance: UtteranceState | None
    how: VadParameters = field(default_factory=VadParameters)
    is_speech: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def priority(self) -> Priority:
        """How urgent it is; what is not part of a live call, by its length."""
        if self.utterance is None:
            return Priority.by_length(len(self.windows))
        return Priority.PARTIAL if self.utterance.is_partial else Priority.FINAL

    @property
    def pieces(self) -> int:
        """In how many pieces it goes to the engine: at least one, be it empty."""
        return max(1, -(-len(self.windows) // PIECE_WINDOWS))

    def piece(self, number: int) -> Prepared:
        """Return the piece of this number, from 0, with its features."""
        begin = number * PIECE_WINDOWS
        return self._between(begin, min(begin + PIECE_WINDOWS, len(self.windows)))

    def whole(self) -> Prepared:
        """Return everything in one piece."""
        return self._between(0, len(self.windows))

    def _between(self, begin: int, end: int) -> Prepared:
        return Prepared(
            tuple(self._prepared(window) for window in self.windows[begin:end]),
            self.duration,
            self.priority,
            self.utterance,
            windows_to_come=len(self.windows) - end,
            windows_before=begin,
        )

    def _prepared(self, window: Window) -> PreparedWindow:
        speech = [
            one for span in window.spans for one in vad.speech_within(self.samples, span, self.how)
        ]
        return PreparedWindow(
            window, self.features.of(window.cut_from(self.samples)), tuple(speech)
        )


def prepare(data: bytes, features: Features, *, max_seconds: float, vad_filter: bool) -> Prepared:
    """Decode a short file, find speech, cut windows, compute features; see :func:`record`.

    Raises
    ------
    AudioNotDecodable
        422
    AudioTooLong
        413
    """
    audio = decode(data, Limits(seconds=max_seconds))
    return record(audio, features, Parameters(vad_filter=vad_filter)).whole()


def record(
    audio: Audio,
    features: Features,
    parameters: Parameters,
    *,
    pause_s: float | None = None,
    utterance: UtteranceState | None = None,
) -> Recording:
    """Find speech in a recording and cut windows.

    Parameters
    ----------
    features : Features
        The model's.
    parameters : Parameters
        ``vad_filter`` leaves out what is not speech; otherwise the whole recording is taken for
        speech. ``clip_timestamps`` leave out the rest.
    pause_s : float, optional
        Seconds of silence at which a new window begins; by default windows are filled.
    utterance : UtteranceState, optional
        The state of an utterance that it is; by default it is a file.
    """
    samples = audio.samples
    spans = [Span(0, len(samples))]
    options = parameters.vad_parameters
    if parameters.vad_filter:
        spans = vad.find_speech(samples, vad.PAUSE_S if pause_s is None else pause_s, options)
    spans = vad.within(spans, _clips(parameters.clip_timestamps, len(samples)))
    found = windows.make_windows(
        samples,
        spans,
        is_joining=pause_s is None,
        longest_s=options.max_speech_duration_s if parameters.vad_filter else None,
    )
    return Recording(
        samples,
        tuple(found),
        features,
        audio.duration,
        utterance,
        options,
        is_speech=parameters.vad_filter,
        warnings=audio.warnings,
    )


def _clips(seconds: tuple[float, ...], length: int) -> list[Span]:
    """Return the stretches that are asked for; without a last end, up to the recording's."""
    if not seconds:
        return [Span(0, length)]
    edges = [min(length, round(second * SAMPLE_RATE)) for second in seconds]
    edges += [length] * (len(edges) % 2)
    return [Span(*edge) for edge in zip(edges[::2], edges[1::2], strict=True)]
