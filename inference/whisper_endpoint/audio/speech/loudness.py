# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How much louder a recording has to be for the voice detector, which hardly hears quiet callers.

Figures: docs/measurements/2026-11-28-voice-detection.md.
"""

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.speech.hum import without_hum
from whisper_endpoint.messages import SAMPLE_RATE, Samples

_FRAME_SAMPLES = SAMPLE_RATE // 50
# Powers are computed for a minute at once: squares of all of an hour would take as much again.
_BLOCK_SAMPLES = 60 * SAMPLE_RATE

# Loud frames of speech in dBFS, as the detector hears most: a caller of whom it loses 2 % so loses
# 17 % at a tenth of it, and 3 % at full scale.
_WORKING_DBFS = -20.0
_MOST_DB = 50.0
# Quieter frames are a line without anybody on it; a tenth of a second of others is a click.
_SILENT_DBFS = -75.0
_LEAST_FRAMES = 10
# Loud is what as much is louder than, so that a click is not; speech reaches so far below it.
_LOUD_FRAMES = 15
_RANGE_DB = 25.0
_LOUD_PERCENTILE = 95


def working_gains(samples: Samples) -> tuple[float, ...]:
    """Return the factors with which a recording is to be heard, once or twice.

    Parameters
    ----------
    samples : Samples, 16 kHz mono

    Returns
    -------
    tuple of float
        The factor that brings speech to the detector's level, 1 where nothing is loud enough to
        be speech. Where that is less than 1, the recording is also to be heard as it is: a party
        who is quieter than the other on one channel would be lost.
    """
    loud = _loud(_levels(samples))
    if loud is None:
        return (1.0,)
    factor = float(10 ** (min(_WORKING_DBFS - loud, _MOST_DB) / 20))
    return (factor,) if factor >= 1 else (factor, 1.0)


def _levels(samples: Samples) -> NDArray[np.float64]:
    """Return the level of each whole 20 ms in dBFS, root mean square."""
    whole = len(samples) // _FRAME_SAMPLES * _FRAME_SAMPLES
    powers = [np.empty(0)]
    for start in range(0, whole, _BLOCK_SAMPLES):
        block = without_hum(samples, start, min(start + _BLOCK_SAMPLES, whole))
        frames = block.reshape(-1, _FRAME_SAMPLES)
        powers.append(np.square(frames).mean(axis=1, dtype=np.float64))
    return 10 * np.log10(np.concatenate(powers) + 1e-12)


def _loud(levels: NDArray[np.float64]) -> float | None:
    """Return the level of what may be speech; None if nothing may."""
    heard = np.sort(levels[levels > _SILENT_DBFS])
    if len(heard) < _LEAST_FRAMES:
        return None
    loudest = heard[-min(len(heard), _LOUD_FRAMES)]
    return float(np.percentile(heard[heard > loudest - _RANGE_DB], _LOUD_PERCENTILE))
