# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The ingress's work: an audio file becomes windows that an engine can take."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whisper_endpoint.audio import decode as audio
from whisper_endpoint.audio import vad as speech
from whisper_endpoint.audio import windows
from whisper_endpoint.audio.vad import Span
from whisper_endpoint.audio.windows import Window
from whisper_endpoint.ingress import partial_detection as recognition
from whisper_endpoint.parsing.request import NOTHING_SAID, LiveFields, Parameters, VadParameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from whisper_endpoint.audio.features import Features
    from whisper_endpoint.ingress.partial_detection import Sighting

# Windows that go to the engine at once: 8 minutes, and 15 or 25 MB of features.
PIECE_WINDOWS = 16


@dataclass(frozen=True)
class PreparedWindow:
    """A window and what the encoder needs of it.

    Attributes
    ----------
    window : Window
    features : ndarray, shape (n_mels, frames), float32, frames <= 3,000
        Not padded.
    speech_start : float
        Seconds from the window's start at which speech begins; 0 if it was not looked for.
    """

    window: Window
    features: "NDArray[np.float32]"
    speech_start: float = 0.0


@dataclass(frozen=True)
class Prepared:
    """A recording, ready for the engine.

    Attributes
    ----------
    windows : tuple of PreparedWindow
        In order of time; none if nobody speaks.
    duration : float
        Seconds of the recording.
    windows_to_come : int
        Windows of the same recording that come later, in pieces of their own.
    windows_before : int
        Windows of the same recording that came in earlier pieces.
    sighting : Sighting or None
        Of the utterance in it, if it is part of a live call.
    """

    windows: tuple[PreparedWindow, ...]
    duration: float
    windows_to_come: int = 0
    windows_before: int = 0
    sighting: "Sighting | None" = None

    @property
    def windows_in_all(self) -> int:
        """Windows of the whole recording."""
        return self.windows_before + len(self.windows) + self.windows_to_come


@dataclass(frozen=True)
class Recording:
    """A recording of which the windows are known; their features are computed by the piece.

    Attributes
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
    windows : tuple of Window
        In order of time.
    features : Features
    duration : float
        Seconds.
    sighting : Sighting or None
        Of the utterance in it, if it is part of a live call.
    onsets : VadParameters or None
        How the beginning of speech in each window is found; None: it is not looked for.
    """

    samples: "NDArray[np.float32]"
    windows: tuple[Window, ...]
    features: "Features"
    duration: float
    sighting: "Sighting | None"
    onsets: VadParameters | None = None

    @property
    def is_partial(self) -> bool:
        """Whether more of its utterance is to come."""
        return self.sighting is not None and self.sighting.is_partial

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
            windows_to_come=len(self.windows) - end,
            windows_before=begin,
            sighting=self.sighting,
        )

    def _prepared(self, window: Window) -> PreparedWindow:
        heard = window.cut_from(self.samples)
        start = speech.leading_silence(heard, self.onsets) if self.onsets else 0.0
        return PreparedWindow(window, self.features.of(heard), start)


def prepare(data: bytes, features: "Features", *, max_seconds: float, vad_filter: bool) -> Prepared:
    """Decode a short file, find speech, cut windows, compute features; see :func:`record`.

    Raises
    ------
    AudioNotDecodable
        422
    AudioTooLong
        413
    """
    decoded = audio.decode(data, audio.Limits(seconds=max_seconds))
    return record(decoded, features, Parameters(vad_filter=vad_filter)).whole()


def record(
    decoded: audio.Audio,
    features: "Features",
    parameters: Parameters,
    *,
    pause_s: float | None = None,
    live: LiveFields = NOTHING_SAID,
    guess: bool = False,
) -> Recording:
    """Find speech in a recording and cut windows.

    Parameters
    ----------
    decoded : Audio
    features : Features
        The model's.
    parameters : Parameters
        ``vad_filter`` leaves out what is not speech; otherwise the whole recording is taken for
        speech. ``clip_timestamps`` leave out the rest.
    pause_s : float, optional
        Seconds of silence at which a new window begins; by default windows are filled.
    live : LiveFields
        What the request says of its place in a call.
    guess : bool
        Whether it may be taken for a part of a call without saying so.
    """
    samples = decoded.samples
    spans = [Span(0, len(samples))]
    vad = parameters.vad_parameters
    if parameters.vad_filter:
        spans = speech.find_speech(samples, speech.PAUSE_S if pause_s is None else pause_s, vad)
    spans = speech.within(spans, _clips(parameters.clip_timestamps, len(samples)))
    found = windows.make_windows(
        samples,
        spans,
        is_joining=pause_s is None,
        longest_s=vad.max_speech_duration_s if parameters.vad_filter else None,
    )
    sighting = recognition.recognise(samples, live, guess=guess)
    has_onsets = parameters.vad_filter and parameters.word_timestamps
    return Recording(
        samples,
        tuple(found),
        features,
        decoded.duration,
        sighting,
        onsets=vad if has_onsets else None,
    )


def _clips(seconds: tuple[float, ...], length: int) -> list[Span]:
    """Return the stretches that are asked for; without a last end, up to the recording's."""
    if not seconds:
        return [Span(0, length)]
    edges = [min(length, round(second * audio.SAMPLE_RATE)) for second in seconds]
    edges += [length] * (len(edges) % 2)
    return [Span(*edge) for edge in zip(edges[::2], edges[1::2], strict=True)]
