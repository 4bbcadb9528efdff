# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Removes mains hum and buzz, rumble and DC offset, which hide voices from the detector.

Of a buzz the model makes nothing either.

Figures: docs/measurements/2026-11-28-voice-detection.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE, Samples

# On telephones, voices and music have less than 1 % of their power below this, white noise 2 %.
_LOW_HZ = 70.0
_MOST_LOW = 0.2
# Where a first-order filter, applied forwards and backwards, halves the amplitude (-6 dB).
_CORNER_HZ = 120.0
# A buzz has harmonics of the mains' frequency, which is kept within 0.4 %, up to this one.
_MAINS_HZ = 50.0, 60.0
_MOST_OFF = 0.004
_HIGHEST_HZ = 3_500.0
# No harmonic counts for more than this share of the power: a steady tone or note is no buzz.
_MOST_OF_ONE = 0.05
_MOST_BUZZ = 0.2
# Width of a notch: where it lets 63 % of the amplitude pass.
_NOTCH_HZ = 1.0
# Context on both sides: the filters ring at the ends of their input. Together with it, at least
# this much is needed to tell a buzz from a voice of the same pitch.
_AROUND_SAMPLES = SAMPLE_RATE // 2
_LEAST_SAMPLES = 2 * SAMPLE_RATE
# There is more context, as far as the recording has it, up to a multiple of this: a transform of
# 30 s whose length has a large prime factor takes up to fifty times longer. Padding would blur a
# buzz.
_FFT_SAMPLES = 4_000


@dataclass(frozen=True)
class WithoutBuzz:
    """Samples of a recording whose buzz, if it has any, is removed as they are read."""

    samples: Samples

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.samples)

    def __getitem__(self, where: slice) -> NDArray[np.float32]:
        """Return the samples of a slice without a step, float32: at least one, at most a minute."""
        start, end, _ = where.indices(len(self.samples))
        return _filtered(self.samples, start, end, has_low=True)


def without_hum(samples: Samples, start: int, end: int) -> NDArray[np.float32]:
    """Return some samples of a recording, filtered if much of their power is hum or buzz.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
    start, end : int
        Range of samples: at most a minute, at least one sample.

    Returns
    -------
    ndarray, shape (end - start,), float32
    """
    return _filtered(samples, start, end, has_low=False)


def _filtered(samples: Samples, start: int, end: int, *, has_low: bool) -> NDArray[np.float32]:
    last = min(len(samples), end + _AROUND_SAMPLES)
    first = max(0, min(start - _AROUND_SAMPLES, last - _LEAST_SAMPLES))
    first -= min(first, -(last - first) % _FFT_SAMPLES)
    last = min(len(samples), last + -(last - first) % _FFT_SAMPLES)
    part = samples[first:last]
    asked = slice(start - first, end - first)
    spectrum = np.fft.rfft(part)
    powers = np.square(np.abs(spectrum))
    hertz = np.fft.rfftfreq(len(part), 1 / SAMPLE_RATE)
    is_humming = not has_low and powers[hertz < _LOW_HZ].sum() > _MOST_LOW * powers.sum()
    mains = _buzzing(powers, float(hertz[1])) if len(part) >= _LEAST_SAMPLES else None
    if not is_humming and mains is None:
        return part[asked]
    if is_humming:
        spectrum *= hertz**2 / (hertz**2 + _CORNER_HZ**2)
    if mains is not None:
        off = hertz - mains * np.round(hertz / mains)
        spectrum *= 1 - np.exp(-np.square(off / _NOTCH_HZ))
    return np.fft.irfft(spectrum, len(part))[asked].astype(np.float32)


def _buzzing(powers: NDArray[np.float64], step_hz: float) -> float | None:
    """Return the exact frequency of the mains whose harmonics have much of the power, if any."""
    total = powers.sum()
    three = np.minimum(np.convolve(powers, np.ones(3), "same"), _MOST_OF_ONE * total)
    # At the highest harmonic, candidates are one step of the spectrum apart.
    off = np.arange(-_MOST_OFF, _MOST_OFF, step_hz / _HIGHEST_HZ)
    share, found = 0.0, 0.0
    for nominal in _MAINS_HZ:
        exact = nominal * (1 + off)
        harmonics = np.arange(1, int(_HIGHEST_HZ / nominal) + 1)
        at = np.rint(np.outer(exact, harmonics) / step_hz).astype(np.intp)
        shares = three[at].sum(axis=1)
        best = int(shares.argmax())
        if shares[best] > share:
            share, found = float(shares[best]), float(exact[best])
    return found if share > _MOST_BUZZ * total else None
