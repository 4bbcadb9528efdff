# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Computes the gain for the voice activity detector, which misses quiet callers.

Figures: docs/measurements/2026-11-28-voice-detection.md.
"""

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.speech.hum import without_hum
from whisper_endpoint.messages import SAMPLE_RATE, Samples

_FRAME_SAMPLES = SAMPLE_RATE // 50
# As much as the detector processes at a time, so that both judge hum alike. The squares of an hour
# would double the memory.
_BLOCK_SAMPLES = 16 * SAMPLE_RATE

# Level of loud speech frames, in dBFS, at which the detector misses least: a caller of whom it
# misses 2 % here loses 17 % at a tenth of the amplitude, and 3 % at full scale.
_WORKING_DBFS = -20.0
_MOST_DB = 50.0
# Quieter frames are an idle line; fewer louder frames than this (0.2 s) are a click.
_SILENT_DBFS = -75.0
_LEAST_FRAMES = 10
# The loudest level is that of the 15th loudest frame, to ignore clicks; speech is at most 25 dB
# below it.
_LOUD_FRAMES = 15
_RANGE_DB = 25.0
_LOUD_PERCENTILE = 95


def working_gains(samples: Samples) -> tuple[float, ...]:
    """Return the gains, one or two, with which to run the detector on a recording.

    Parameters
    ----------
    samples : Samples, 16 kHz mono

    Returns
    -------
    tuple of float
        The factor that brings speech to the detector's best level; 1 if nothing is loud enough to
        be speech. If it is below 1, the detector also has to run without gain, so as not to miss a
        quieter party on the same channel.
    """
    loud = _loud(_levels(samples))
    if loud is None:
        return (1.0,)
    factor = float(10 ** (min(_WORKING_DBFS - loud, _MOST_DB) / 20))
    return (factor,) if factor >= 1 else (factor, 1.0)


def _levels(samples: Samples) -> NDArray[np.float64]:
    """Return the RMS level of each whole 20 ms frame in dBFS."""
    whole = len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES
    powers = [np.empty(0)]
    for start in range(0, whole, _BLOCK_SAMPLES):
        block = without_hum(samples, start, min(start + _BLOCK_SAMPLES, whole))
        frames = block.reshape(-1, _FRAME_SAMPLES)
        powers.append(np.square(frames).mean(axis=1, dtype=np.float64))
    return 10 * np.log10(np.concatenate(powers) + 1e-12)


def _loud(levels: NDArray[np.float64]) -> float | None:
    """Return the level of loud speech in dBFS; None if nothing may be speech."""
    heard = np.sort(levels[levels > _SILENT_DBFS])
    if len(heard) < _LEAST_FRAMES:
        return None
    loudest = heard[-min(len(heard), _LOUD_FRAMES)]
    return float(np.percentile(heard[heard > loudest - _RANGE_DB], _LOUD_PERCENTILE))
