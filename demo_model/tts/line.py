# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Effects of a telephone line: band, G.711, LCA's sample doubling, gain."""

from typing import Literal, TypeAlias

import numpy as np
import soxr
from numpy.typing import NDArray

Signal: TypeAlias = NDArray[np.float32]


LINE_RATE = 8_000
WIDE_RATE = 16_000

Law: TypeAlias = Literal["mu", "a"]

_MU = 255.0
_A = 87.6
_LEVELS = 127  # eight bits: a sign and seven of magnitude


def to_line(signal: Signal) -> Signal:
    """Resample 16 kHz to 8 kHz, like a telephone network."""
    return np.asarray(soxr.resample(signal, WIDE_RATE, LINE_RATE), np.float32)


def from_line(signal: Signal) -> Signal:
    """Resample 8 kHz to 16 kHz."""
    return np.asarray(soxr.resample(signal, LINE_RATE, WIDE_RATE), np.float32)


def doubled(signal: Signal) -> Signal:
    """Convert 8 kHz to 16 kHz by repeating every sample, as LCA's Chime client does."""
    return np.repeat(signal, WIDE_RATE // LINE_RATE)


def companded(signal: Signal, law: Law) -> Signal:
    """Quantise float32 in [-1, 1] to eight bits and back with the curves of ITU-T G.711."""
    magnitude = np.minimum(np.abs(signal), 1.0)
    if law == "mu":
        curve = np.log1p(_MU * magnitude) / np.log1p(_MU)
        levels = np.round(curve * _LEVELS) / _LEVELS
        expanded = np.expm1(levels * np.log1p(_MU)) / _MU
    else:
        scale = 1 + np.log(_A)
        curve = np.where(
            magnitude < 1 / _A,
            _A * magnitude / scale,
            (1 + np.log(np.maximum(_A * magnitude, 1.0))) / scale,
        )
        levels = np.round(curve * _LEVELS) / _LEVELS
        expanded = np.where(
            levels < 1 / scale, levels * scale / _A, np.exp(levels * scale - 1) / _A
        )
    return np.asarray(np.sign(signal) * expanded, np.float32)


def at_level(signal: Signal, dbfs: float, peak: float = 0.95) -> Signal:
    """Scale to an RMS level in dBFS, with peaks of at most `peak`."""
    rms = float(np.sqrt(np.mean(signal**2)))
    loudest = float(np.abs(signal).max())
    if rms == 0:
        return signal
    return signal * np.float32(min(10 ** (dbfs / 20) / rms, peak / loudest))
