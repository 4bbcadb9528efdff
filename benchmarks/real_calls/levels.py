# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Find speech in a clean recording by level alone, without a detector."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_SECOND: Final = 100
_WINDOW_FRAMES = 3
# Frames this far below the loud ones are not speech. Breath and the tails of words lie in
# between.
_RANGE_DB = 32.0
_LOUD_PERCENTILE = 95
# Clicks are shorter than speech sounds, and stop closures are shorter than pauses.
_CLICK_FRAMES = 4
_PAUSE_FRAMES = 20


def speech_frames(samples: NDArray[np.int16], sample_rate: int) -> NDArray[np.bool_]:
    """Return whether each 10 ms of a clean recording of one speaker is speech.

    Parameters
    ----------
    samples : ndarray, shape (n,), int16
    sample_rate : int

    Returns
    -------
    ndarray, shape (n * 100 // sample_rate,), bool
        Pauses under 0.2 s count as speech, sounds under 40 ms do not.
    """
    length = sample_rate // FRAMES_PER_SECOND
    frames = samples[: len(samples) // length * length].astype(np.float64).reshape(-1, length)
    if not len(frames):
        return np.zeros(0, np.bool_)
    power = np.convolve((frames**2).mean(axis=1), np.ones(_WINDOW_FRAMES) / _WINDOW_FRAMES, "same")
    loud = float(np.percentile(power[power > 0], _LOUD_PERCENTILE)) if power.any() else 0.0
    is_speech = power > max(loud * 10 ** (-_RANGE_DB / 10), 1e-9)
    for start, end in runs(is_speech):
        if end - start < _CLICK_FRAMES:
            is_speech[start:end] = False
    for start, end in runs(~is_speech):
        if end - start < _PAUSE_FRAMES and start > 0 and end < len(is_speech):
            is_speech[start:end] = True
    return is_speech


def runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the runs of set flags as (first index, end index) pairs."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def speech_rms(samples: NDArray[np.int16], sample_rate: int) -> float:
    """Return the RMS of speech frames, full scale 1; 0 if there are none."""
    length = sample_rate // FRAMES_PER_SECOND
    frames = samples[: len(samples) // length * length].astype(np.float64).reshape(-1, length)
    spoken = frames[speech_frames(samples, sample_rate)]
    return float(np.sqrt((spoken**2).mean())) / 32768 if len(spoken) else 0.0
