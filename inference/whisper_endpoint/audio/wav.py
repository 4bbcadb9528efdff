# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""WAV files: repaired where they were streamed, and read where they need no decoder.

That is 16-bit PCM, mono, 16 kHz, as live clients send it. Through FFmpeg such a file takes as long
as its speech detection; read as it is, next to nothing.
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


def plain_samples(data: bytes) -> NDArray[np.int16] | None:
    """Return the samples of a file that needs no decoder; None if it is any other, or holds none.

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


def repair_riff(data: bytes) -> bytes:
    """Let the data chunk of a WAV file reach its end where the declared length is nonsense.

    A sender that streams writes the header before it knows the length. FFmpeg copes with a
    length of 0 or beyond the end, but takes one that is too small at its word and drops the rest;
    here the length holds only if what follows it is another chunk.

    Parameters
    ----------
    data : bytes
        Any file; only RIFF/WAVE is looked at.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return data
    start = _data_chunk(data)
    if start is None:
        return data
    declared = int.from_bytes(data[start - 4 : start], "little")
    end = start + declared + declared % 2
    if start + declared >= len(data) or _is_chunk_list(data, end):
        return data
    return data[: start - 4] + struct.pack("<I", len(data) - start) + data[start:]


def _data_chunk(data: bytes) -> int | None:
    """Return where the content of the chunk named ``data`` begins."""
    return next((chunk.start for chunk in chunks(data) if chunk.name == b"data"), None)


def _is_chunk_list(data: bytes, position: int) -> bool:
    """Whether the rest of the file is whole chunks with printable names."""
    while position + _CHUNK_HEADER <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        if not all(0x20 <= byte < 0x7F for byte in name):
            return False
        position += _CHUNK_HEADER + length + length % 2
    return position >= len(data)
