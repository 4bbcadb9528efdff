# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Kaldi's log-Mel filter bank, on which the embedding models were trained: 80 bins, no dither.

The constants are those of ``kaldi-native-fbank``: frames of 25 ms every 10 ms, pre-emphasis 0.97,
Povey window, Mel bins from 20 Hz to half the sample rate.
"""

import functools

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE

BINS = 80
FRAME_SAMPLES = 400
HOP_SAMPLES = 160
FRAMES_PER_SECOND = SAMPLE_RATE // HOP_SAMPLES

_FFT_SAMPLES = 512
_PRE_EMPHASIS = np.float32(0.97)
_LOWEST_HZ = 20.0
_LEAST = np.finfo(np.float32).eps
# Frames whose spectra are in memory at once: 40 s, 8 MB.
_BLOCK = 4096


def features(samples: NDArray[np.float32], scale: float = 1.0) -> NDArray[np.float32]:
    """Return the features of some samples.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
    scale : float
        Factor applied to the samples: 32,768 for models trained on 16-bit integers.

    Returns
    -------
    ndarray, shape (frames, 80), float32
        Frame ``i`` begins with sample ``160 * i``; no frames if there are fewer than 400 samples.
    """
    if len(samples) < FRAME_SAMPLES:
        return np.zeros((0, BINS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME_SAMPLES)[::HOP_SAMPLES]
    found = np.empty((len(frames), BINS), np.float32)
    for begin in range(0, len(frames), _BLOCK):
        found[begin : begin + _BLOCK] = _log_mel(frames[begin : begin + _BLOCK] * scale)
    return found


def _log_mel(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    centred = (frames - frames.mean(axis=1, keepdims=True)).astype(np.float32)
    # The first sample is repeated before the start.
    before = np.concatenate([centred[:, :1], centred[:, :-1]], axis=1)
    windowed = (centred - _PRE_EMPHASIS * before) * _window()
    spectrum = np.fft.rfft(windowed, _FFT_SAMPLES)[:, : _FFT_SAMPLES // 2]
    power = np.square(np.abs(spectrum)).astype(np.float32)
    found: NDArray[np.float32] = np.log(np.maximum(power @ _mel(), _LEAST))
    return found


@functools.cache
def _window() -> NDArray[np.float32]:
    return (np.hanning(FRAME_SAMPLES) ** 0.85).astype(np.float32)


@functools.cache
def _mel() -> NDArray[np.float32]:
    """Return the triangular Mel filters, shape (256, 80)."""

    def mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1127.0 * np.log1p(hertz / 700.0)

    low, high = mel(np.array([_LOWEST_HZ, SAMPLE_RATE / 2]))
    edges = np.linspace(low, high, BINS + 2)
    at = mel(np.arange(_FFT_SAMPLES // 2) * SAMPLE_RATE / _FFT_SAMPLES)[:, None]
    rising = (at - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - at) / (edges[2:] - edges[1:-1])
    found: NDArray[np.float32] = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return found
