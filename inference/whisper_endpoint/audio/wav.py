# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The one file that needs no decoder: WAV, 16-bit PCM, mono, 16 kHz, as live clients send it.

Through FFmpeg such a file takes as long as its speech detection; read as it is, next to nothing.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_FORMAT = struct.Struct("<HHIIHH")
# PCM, one channel, 16 kHz, 32,000 bytes a second, two bytes a sample, 16 bits.
_PLAIN = (1, 1, 16_000, 32_000, 2, 16)


class Chunk(NamedTuple):
    """A chunk of a RIFF file: its name, where its content begins, and the length it declares."""

    name: bytes
    start: int
    length: int


def chunks(data: bytes) -> Iterator[Chunk]:
    """Yield the chunks of a RIFF file; the last one's length may reach beyond the file."""
    position = _RIFF_HEADER
    while position + _CHUNK_HEADER <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        yield Chunk(name, position + _CHUNK_HEADER, length)
        position += _CHUNK_HEADER + length + length % 2


def samples(data: bytes) -> NDArray[np.int16] | None:
    """Return the samples of such a file; None if it is any other, or holds none.

    Parameters
    ----------
    data : bytes
        Any file.

    Returns
    -------
    ndarray, shape (n,), int16, or None
        A view of the data, up to the file's end if the declared length reaches beyond.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    is_plain = False
    for chunk in chunks(data):
        content = data[chunk.start : chunk.start + min(chunk.length, _FORMAT.size)]
        if chunk.name == b"fmt ":
            is_plain = len(content) == _FORMAT.size and _FORMAT.unpack(content) == _PLAIN
        if chunk.name == b"data":
            count = min(chunk.length, len(data) - chunk.start) // 2
            if not is_plain or not count:
                return None
            return np.frombuffer(data, "<i2", count, chunk.start)
    return None
