# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Removes mains hum, rumble and DC offset, which hide voices from the detector."""

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE, Samples

# On telephones, voices and music have less than 1 % of their power below this, white noise 2 %.
_LOW_HZ = 70.0
_MOST_LOW = 0.2
# Where a first-order filter, applied forwards and backwards, halves the amplitude (-6 dB).
_CORNER_HZ = 120.0
# Context on both sides: the filter rings at the ends of its input.
_AROUND_SAMPLES = SAMPLE_RATE // 10


def without_hum(samples: Samples, start: int, end: int) -> NDArray[np.float32]:
    """Return some samples of a recording, high-passed if much of their power is at low frequencies.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
    start, end : int
        Range of samples: at most a minute, at least one sample.

    Returns
    -------
    ndarray, shape (end - start,), float32
    """
    first = max(0, start - _AROUND_SAMPLES)
    part = samples[first : end + _AROUND_SAMPLES]
    asked = slice(start - first, end - first)
    spectrum = np.fft.rfft(part)
    squares = np.square(np.fft.rfftfreq(len(part), 1 / SAMPLE_RATE))
    powers = np.square(np.abs(spectrum))
    if powers[squares < _LOW_HZ**2].sum() <= _MOST_LOW * powers.sum():
        return part[asked]
    filtered = np.fft.irfft(spectrum * (squares / (squares + _CORNER_HZ**2)), len(part))
    return filtered[asked].astype(np.float32)
