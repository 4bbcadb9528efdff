# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The ingress's work: an audio file becomes windows that an engine can take."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from whisper_endpoint import audio, speech, windows
from whisper_endpoint.speech import Span
from whisper_endpoint.windows import Window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from whisper_endpoint.features import Features


@dataclass(frozen=True)
class PreparedWindow:
    """A window and what the encoder needs of it.

    Attributes
    ----------
    window : Window
    features : ndarray, shape (n_mels, frames), float32, frames <= 3,000
        Not padded.
    """

    window: Window
    features: "NDArray[np.float32]"


@dataclass(frozen=True)
class Prepared:
    """A recording, ready for the engine.

    Attributes
    ----------
    windows : tuple of PreparedWindow
        In order of time; none if nobody speaks.
    duration : float
        Seconds of the recording.
    """

    windows: tuple[PreparedWindow, ...]
    duration: float


def prepare(data: bytes, features: "Features", *, max_seconds: float, vad_filter: bool) -> Prepared:
    """Decode a file, find speech, cut windows, compute features.

    Parameters
    ----------
    data : bytes
        An audio file.
    features : Features
        The model's.
    max_seconds : float
        Longest recording taken.
    vad_filter : bool
        Leave out what is not speech; otherwise the whole recording is taken for speech.

    Raises
    ------
    AudioNotDecodable
        422
    AudioTooLong
        413
    """
    recording = audio.decode(data, max_seconds)
    samples = recording.samples
    spans = speech.find_speech(samples) if vad_filter else [Span(0, len(samples))]
    prepared = (
        PreparedWindow(window, features.of(window.cut_from(samples)))
        for window in windows.make_windows(samples, spans)
    )
    return Prepared(tuple(prepared), recording.duration)
