# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a telephone line delivers: PCM, µ-law or A-law bytes, one channel or two in turn."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from live_whisper.errors import StreamError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from live_whisper.audio.call_file import Samples


class Encoding(Enum):
    """How a sample is written."""

    PCM16 = "pcm16"
    MULAW = "mulaw"
    ALAW = "alaw"

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return 2 if self is Encoding.PCM16 else 1


def _mulaw_table() -> Samples:
    """Expand all 256 codes of ITU-T G.711 µ-law to 16 bits."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    size = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return np.where(code & 0x80, -size, size).astype(np.int16)


def _alaw_table() -> Samples:
    """Expand all 256 codes of ITU-T G.711 A-law to 16 bits."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    exponent, mantissa = code >> 4 & 7, code & 0x0F
    size = (mantissa << 4) + 8 + np.where(exponent > 0, 0x100, 0)
    size <<= np.maximum(exponent - 1, 0)
    return np.where(code & 0x80, size, -size).astype(np.int16)


_TABLES = {Encoding.MULAW: _mulaw_table(), Encoding.ALAW: _alaw_table()}


def decode(data: bytes, encoding: Encoding, channels: int) -> Samples:
    """Decode interleaved samples.

    Parameters
    ----------
    data : bytes
        Whole samples of all channels in turn; PCM16 is little-endian.
    encoding : Encoding
    channels : int

    Returns
    -------
    ndarray, shape (n, channels), int16

    Raises
    ------
    StreamError
        If the last sample is incomplete.
    """
    step = channels * encoding.sample_bytes
    if len(data) % step:
        raise StreamError(
            f"A frame of {len(data)} bytes is not a whole number of {channels}-channel "
            f"{encoding.value} samples; send a multiple of {step} bytes."
        )
    if encoding is Encoding.PCM16:
        samples: NDArray[np.int16] = np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)
    else:
        samples = _TABLES[encoding][np.frombuffer(data, dtype=np.uint8)]
    return samples.reshape(-1, channels)
