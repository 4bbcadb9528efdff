# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Samples without a file around them, as telephone systems send them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whisper_contract import g711

# A frame for FFmpeg: bounds what is held in addition to the samples.
_BLOCK_FRAMES = 1 << 16


@dataclass(frozen=True)
class RawForm:
    """What the bytes of raw audio are.

    Attributes
    ----------
    encoding : {"pcm16", "pcm16be", "mulaw", "alaw", "float32"}
        pcm16 and float32 are little-endian, pcm16be is network order.
    rate : int
        Samples per second and channel.
    channels : int
        Interleaved.
    """

    encoding: str
    rate: int
    channels: int = 1

    def blocks(self, data: bytes) -> Iterator[NDArray[np.int16]]:
        """Yield the samples, block by block; bytes after the last whole sample are left out.

        Yields
        ------
        ndarray, shape (frames, channels), int16
        """
        width = _WIDTHS[self.encoding] * self.channels
        whole = memoryview(data)[: len(data) // width * width]
        for start in range(0, len(whole), _BLOCK_FRAMES * width):
            samples = _DECODERS[self.encoding](whole[start : start + _BLOCK_FRAMES * width])
            yield samples.reshape(-1, self.channels)


def _from_float(data: memoryview) -> NDArray[np.int16]:
    samples = np.nan_to_num(np.frombuffer(data, "<f4"), nan=0.0, posinf=1.0, neginf=-1.0)
    # Within full scale first: the greatest floats are too great to be multiplied.
    scaled: NDArray[np.float32] = np.rint(np.clip(samples, -1, 1) * 32768)
    return np.minimum(scaled, 32767).astype(np.int16)


_WIDTHS = {"pcm16": 2, "pcm16be": 2, "mulaw": 1, "alaw": 1, "float32": 4}
_DECODERS: Mapping[str, Callable[[memoryview], NDArray[np.int16]]] = {
    "pcm16": lambda data: np.frombuffer(data, "<i2").astype(np.int16),
    "pcm16be": lambda data: np.frombuffer(data, ">i2").astype(np.int16),
    "mulaw": lambda data: g711.MULAW[np.frombuffer(data, np.uint8)],
    "alaw": lambda data: g711.ALAW[np.frombuffer(data, np.uint8)],
    "float32": _from_float,
}
