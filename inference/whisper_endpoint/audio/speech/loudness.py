# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Levels of a recording, and the gain for the voice activity detector, which misses quiet callers.

Figures: docs/measurements/2026-11-28-voice-detection.md.
"""

import itertools
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.speech.hum import without_hum
from whisper_endpoint.messages import SAMPLE_RATE, Samples

Levels: TypeAlias = NDArray[np.float64]

FRAME_SAMPLES: Final = SAMPLE_RATE // 50
"""Samples per level: 20 ms."""

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

# The detector stays deaf for seconds after something this much louder than a voice. With 8 dB over
# 0.5 s, or 10 dB over 0.3 s, it hears more music as speech.
_DROP_DB = 10.0
# Music that goes on after a quiet passage, heard from a fresh state, may be taken for speech.
_AS_LOUD_DB = 6.0
_DEAF_FRAMES = 5 * SAMPLE_RATE // FRAME_SAMPLES
_HALF_SECOND = SAMPLE_RATE // 2 // FRAME_SAMPLES


def working_gains(levels: Levels) -> tuple[float, ...]:
    """Return the gains, one or two, with which to run the detector on a recording.

    Parameters
    ----------
    levels : ndarray, shape (n,), dBFS
        As from :func:`levels_of`.

    Returns
    -------
    tuple of float
        The factor that brings speech to the detector's best level; 1 if nothing is loud enough to
        be speech. If it is below 1, the detector also has to run without gain, so as not to miss a
        quieter party on the same channel.
    """
    loud = _loud(levels)
    if loud is None:
        return (1.0,)
    factor = float(10 ** (min(_WORKING_DBFS - loud, _MOST_DB) / 20))
    return (factor,) if factor >= 1 else (factor, 1.0)


def levels_of(samples: Samples) -> Levels:
    """Return the RMS level of each whole frame of 20 ms, without hum: shape (n // 320,), dBFS."""
    whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
    powers = [np.empty(0)]
    for start in range(0, whole, _BLOCK_SAMPLES):
        block = without_hum(samples, start, min(start + _BLOCK_SAMPLES, whole))
        frames = block.reshape(-1, FRAME_SAMPLES)
        powers.append(np.square(frames).mean(axis=1, dtype=np.float64))
    return 10 * np.log10(np.concatenate(powers) + 1e-12)


def is_idle(levels: Levels) -> bool:
    """Whether nothing is loud enough, for long enough, to be speech."""
    return _loud(levels) is None


def quieter(levels: Levels) -> list[tuple[int, int]]:
    """Return the passages that follow something much louder, in order, as frames.

    Each starts where half a second is 10 dB below the half second before, and ends before the next
    one, or where it is about as loud as at the loudest in the five seconds before it.
    """
    if len(levels) < 2 * _HALF_SECOND:
        return []
    sums = np.concatenate([[0.0], np.cumsum(10 ** (levels / 10))])
    powers = 10 * np.log10(np.maximum(sums[_HALF_SECOND:] - sums[:-_HALF_SECOND], 1e-12))
    falls = powers[:-_HALF_SECOND] - powers[_HALF_SECOND:]
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(falls, _HALF_SECOND), 2 * _HALF_SECOND + 1
    )
    starts = np.flatnonzero((falls >= _DROP_DB) & (falls == around.max(axis=1))) + _HALF_SECOND
    passages = []
    for start, end in itertools.pairwise([*starts.tolist(), len(levels)]):
        before = powers[max(0, start - _DEAF_FRAMES) : start - _HALF_SECOND + 1].max()
        loud = np.flatnonzero(powers[start:end] > before - _AS_LOUD_DB)
        passages.append((start, start + int(loud[0]) if len(loud) else end))
    return passages


def _loud(levels: Levels) -> float | None:
    """Return the level of loud speech in dBFS; None if nothing may be speech."""
    heard = np.sort(levels[levels > _SILENT_DBFS])
    if len(heard) < _LEAST_FRAMES:
        return None
    loudest = heard[-min(len(heard), _LOUD_FRAMES)]
    return float(np.percentile(heard[heard > loudest - _RANGE_DB], _LOUD_PERCENTILE))
