# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A telephone line's samples, each written twice: how Live Call Analytics' client reaches 16 kHz.

What is below 4 kHz is then heard again above, mirrored, which costs 2 words in 100. It is
recognised exactly, and the line's own samples are resampled.
"""

import av
import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE

_LINE_RATE = SAMPLE_RATE // 2
# So often the line has to change for its pairs to be no accident: silence is made of pairs, too.
_LEAST_CHANGES = _LINE_RATE // 10
_BLOCK_SAMPLES = 1 << 16


def resampled_properly(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a channel as a resampler makes it, if it is a line's samples, each twice.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
        Of 16 bits.

    Returns
    -------
    ndarray, shape (n,), float32
        The same array if it is anything else, or too little or too quiet to tell.
    """
    for offset in (0, 1):  # what begins between two of a pair is cut from the middle of a stream
        if _is_doubled(samples[offset:]):
            line = np.concatenate([samples[:offset], samples[offset::2]])
            wide = _resampled(line)[offset : offset + len(samples)]
            wide.flags.writeable = False
            return wide
    return samples


def _is_doubled(samples: NDArray[np.float32]) -> bool:
    changes, last = 0, np.float32(0)
    for start in range(0, len(samples) // 2 * 2, _BLOCK_SAMPLES):
        block = samples[start : min(start + _BLOCK_SAMPLES, len(samples) // 2 * 2)]
        if np.any(block[::2] != block[1::2]):
            return False
        changes += int(np.count_nonzero(np.diff(block[::2], prepend=last)))
        last = block[-1]
    return changes >= _LEAST_CHANGES


def _resampled(line: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return twice as many samples, of 16 bits, as a file at 8 kHz is resampled."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    wide = np.zeros(2 * len(line), np.float32)
    at = 0
    for start in [*range(0, len(line), _BLOCK_SAMPLES), None]:
        frame = None
        if start is not None:
            scaled = np.rint(line[start : start + _BLOCK_SAMPLES] * 32768)
            block = np.clip(scaled, -32768, 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
            frame.rate = _LINE_RATE
        for one in resampler.resample(frame):
            part = one.to_ndarray().reshape(-1)[: len(wide) - at]
            wide[at : at + len(part)] = part
            at += len(part)
    wide /= np.float32(32768)
    return wide
