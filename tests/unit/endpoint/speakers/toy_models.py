# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Models that know voices by their pitch: what is done with what models say, without weights."""

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE
from whisper_endpoint.speakers import filterbank
from whisper_endpoint.speakers.diarization import SpeakerModels
from whisper_endpoint.speakers.extraction import VoiceExtractor
from whisper_endpoint.speakers.models import VOICES

PITCHES = tuple(300.0 + 230 * number for number in range(32))
"""Hertz, by voice: more voices than are told apart."""


def voice(number: int, seconds: float, level: float = 0.1) -> NDArray[np.float32]:
    """What somebody says: a tone of their own pitch."""
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (level * np.sin(2 * np.pi * PITCHES[number] * time)).astype(np.float32)


class ToySegmentation:
    """Tells up to three voices of a window apart, in the order in which they are heard."""

    window, hop, offset, frames = 160_000, 270, 495, 589

    def voices(self, windows: NDArray[np.float32]) -> NDArray[np.bool_]:
        found = np.zeros((len(windows), self.frames, VOICES), bool)
        for window, active in zip(windows, found, strict=True):
            heard = np.lib.stride_tricks.sliding_window_view(window, 991)[:: self.hop]
            spectra = np.abs(np.fft.rfft(heard * np.hanning(991), 2048))
            names: dict[int, int] = {}
            for number, pitch in enumerate(PITCHES):
                at = round(pitch * 2048 / SAMPLE_RATE)
                is_on = spectra[:, at - 1 : at + 2].max(axis=1) > 5
                if is_on.any() and len(names) < VOICES:
                    active[: len(is_on), names.setdefault(number, len(names))] = is_on
        return found


class ToyEmbedding:
    """A voice is its loudest pitch."""

    dimension = len(PITCHES)

    def features(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        frames = 1 + (len(samples) - filterbank.FRAME_SAMPLES) // filterbank.HOP_SAMPLES
        if frames < 1:
            return np.zeros((0, self.dimension), np.float32)
        view = np.lib.stride_tricks.sliding_window_view(samples, filterbank.FRAME_SAMPLES)
        time = np.arange(filterbank.FRAME_SAMPLES) / SAMPLE_RATE
        waves = np.exp(-2j * np.pi * time[:, None] * np.array(PITCHES))
        found: NDArray[np.float32] = np.abs(view[:: filterbank.HOP_SAMPLES] @ waves)
        return found.astype(np.float32)

    def of(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        loudest = features.mean(axis=1).argmax(axis=1)
        found: NDArray[np.float32] = np.eye(self.dimension, dtype=np.float32)[loudest]
        return found


class ToySpeakerModels(SpeakerModels):
    """The whole way from samples to turns, with these models."""

    def __init__(self) -> None:
        self._extractor = VoiceExtractor(ToySegmentation(), ToyEmbedding())  # type: ignore[arg-type]
