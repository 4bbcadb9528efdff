# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Undoes upsampling by duplication: how Live Call Analytics' client turns 8 kHz into 16 kHz.

Duplicating each sample mirrors the spectrum below 4 kHz above it, which costs 2 words in 100. It is
detected exactly, and the original samples are resampled properly instead.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar, cast

import av
import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.disk import StoredSamples
from whisper_endpoint.audio.timeline import Line
from whisper_endpoint.audio.tracks import Resampler
from whisper_endpoint.messages import SAMPLE_RATE, Samples

_S = TypeVar("_S", bound=Samples)

_LINE_RATE = SAMPLE_RATE // 2
# Minimum changes between pairs for the pairs to be no accident: silence consists of pairs too.
_LEAST_CHANGES = _LINE_RATE // 10
_BLOCK_SAMPLES = 1 << 16


def resampled_properly(samples: _S) -> _S:
    """Return a channel, properly resampled from 8 kHz if it consists of duplicated samples.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
        With a resolution of 16 bits.

    Returns
    -------
    Samples
        In memory or on disk like the given ones; unchanged if they are not duplicated, or too short
        or too quiet to tell.
    """
    for offset in (0, 1):  # audio cut from the middle of a stream may start within a pair
        if _is_doubled(samples, offset):
            line = samples.new_line() if isinstance(samples, StoredSamples) else Line()
            at = -offset
            for block in _resampled(_line_of(samples, offset)):
                begin, end = max(0, -at), min(len(block), len(samples) - at)
                line.add(at + begin, block[begin:end])
                at += len(block)
            return cast("_S", line.finish(len(samples), 1))
    return samples


def _is_doubled(samples: Samples, offset: int) -> bool:
    changes, last = 0, np.float32(0)
    for block in _blocks(samples, offset, offset + (len(samples) - offset) // 2 * 2):
        if np.any(block[::2] != block[1::2]):
            return False
        changes += int(np.count_nonzero(np.diff(block[::2], prepend=last)))
        last = block[-1]
    return changes >= _LEAST_CHANGES


def _line_of(samples: Samples, offset: int) -> Iterator[NDArray[np.float32]]:
    """Yield the samples before the offset, then every second one."""
    yield samples[:offset]
    for block in _blocks(samples, offset, len(samples)):
        yield block[::2]


def _blocks(samples: Samples, start: int, end: int) -> Iterator[NDArray[np.float32]]:
    for begin in range(start, end, _BLOCK_SAMPLES):
        yield samples[begin : min(begin + _BLOCK_SAMPLES, end)]


def _resampled(line: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.int16]]:
    """Yield twice as many samples, int16, resampled like a file at 8 kHz."""
    resampler = None
    for given in line:
        if not len(given):
            continue
        block = np.clip(np.rint(given * 32768), -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
        frame.rate = _LINE_RATE
        resampler = resampler or Resampler(frame, is_mixed=True)
        for one in resampler.add(frame):
            yield one[:, 0]
    if resampler is not None:
        for one in resampler.finish():
            yield one[:, 0]
