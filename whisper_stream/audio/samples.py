# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decode telephone audio: PCM, µ-law or A-law, one channel or interleaved."""

import io
import wave
from enum import Enum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from whisper_contract import g711
from whisper_stream.errors import StreamError

Samples: TypeAlias = NDArray[np.int16]

CHANNELS = 2
SAMPLE_RATES = (8_000, 16_000)


class Encoding(Enum):
    """Sample encoding."""

    PCM16 = "pcm16"
    MULAW = "mulaw"
    ALAW = "alaw"

    @property
    def sample_bytes(self) -> int:
        """Bytes of one sample of one channel."""
        return 2 if self is Encoding.PCM16 else 1


def decode(data: bytes, encoding: Encoding, channels: int) -> Samples:
    """Decode interleaved samples.

    Parameters
    ----------
    data : bytes
        Whole samples, interleaved; PCM16 is little-endian.

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
        samples: Samples = np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)
    else:
        table = g711.MULAW if encoding is Encoding.MULAW else g711.ALAW
        samples = table[np.frombuffer(data, dtype=np.uint8)]
    return samples.reshape(-1, channels)


def wav_bytes(samples: Samples, rate: int) -> bytes:
    """Return a 16-bit PCM WAV file of samples, shape (n,) or (n, channels), int16."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        channels = 1 if samples.ndim == 1 else samples.shape[1]
        writer.setparams((channels, 2, rate, 0, "NONE", ""))
        writer.writeframes(samples.astype("<i2", copy=False).tobytes())
    return file.getvalue()
