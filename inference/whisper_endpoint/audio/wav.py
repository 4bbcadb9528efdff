# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""WAV files: the length of a streamed one, and samples that need no decoder.

That is 16-bit PCM, mono, 16 kHz, as live clients send it. Through FFmpeg such a file takes as long
as its speech detection; read as it is, next to nothing.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from whisper_endpoint.audio.content import BytesWith, FileBytes, JoinedBytes
from whisper_endpoint.audio.lengths.beginnings import is_file

_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_FORMAT = struct.Struct("<HHIIHH")
# Its kind, bits that a sample takes, bits of them that count; then what its kind is.
_EXTENSIBLE = struct.Struct("<H12xH2xH4xH14x")
_IS_EXTENSIBLE, _IS_PCM, _VALID_BITS = 0xFFFE, 1, 18
# PCM, one channel, 16 kHz, 32,000 bytes a second, two bytes a sample, 16 bits.
_PLAIN = (1, 1, 16_000, 32_000, 2, 16)
# A recorder writes a dozen, in front of the samples or behind them; some many of samples.
MOST_CHUNKS, _MOST_OF_SAMPLES = 1_000, 10_000
# Lengths from here on are a streaming sender's, who does not know it: 2 or 4 GiB less a header.
_NO_LENGTH = 0x7FFF_F000
# What the length of the samples is where 32 bits are too few for it: in a chunk before them, after
# that of the file.
_LONG_LENGTHS = struct.Struct("<QQ")


class Chunk(NamedTuple):
    """A chunk of a RIFF file: its name, where its content begins, and the length it declares."""

    name: bytes
    start: int
    length: int


def chunks(
    data: FileBytes, position: int = _RIFF_HEADER, most: int = MOST_CHUNKS
) -> Iterator[Chunk]:
    """Yield the first chunks of a RIFF file; the last one's length may reach beyond the file."""
    for _ in range(most):
        if position + _CHUNK_HEADER > len(data):
            return
        name, length = struct.unpack("<4sI", data[position : position + _CHUNK_HEADER])
        yield Chunk(name, position + _CHUNK_HEADER, length)
        position += _CHUNK_HEADER + length + length % 2


def plain_samples(data: FileBytes) -> FileBytes | None:
    """Return the samples of a file that needs no decoder; None if it is any other, or holds none.

    Parameters
    ----------
    data : FileBytes
        Any file.

    Returns
    -------
    FileBytes or None
        Whole samples, int16, up to the file's end if the declared length is nonsense.
    """
    if not _is_wave(data):
        return None
    is_plain = False
    for chunk in chunks(data):
        content = data[chunk.start : chunk.start + min(chunk.length, _FORMAT.size)]
        if chunk.name == b"fmt ":
            is_plain = len(content) == _FORMAT.size and _FORMAT.unpack(content) == _PLAIN
        if chunk.name == b"data":
            count = (_end(data, chunk) - chunk.start) // 2
            if not is_plain or count <= 0:
                return None
            return data.part(chunk.start, chunk.start + 2 * count)
    return None


def end_of_file(data: FileBytes) -> int | None:
    """Return where a RIFF file ends, as far as it says so; another may follow it."""
    samples = _long_data_chunk(data) if _is_long_wave(data) else None
    if _is_wave(data) and not is_streamed(data):
        samples = _data_chunk(data)
    if samples is None:
        return None
    end = _declared_end(samples) + samples.length % 2
    for chunk in chunks(data, end, _MOST_OF_SAMPLES):
        if is_file(data, end) or not _is_name(chunk.name):
            break
        end = chunk.start + chunk.length + chunk.length % 2
    return min(end, len(data))


def end_of_samples(data: FileBytes) -> int | None:
    """Return where the samples of a WAV file end by its header; None if that is nonsense."""
    chunk = _data_chunk(data) if _is_wave(data) else None
    return _declared_end(chunk) if chunk and 0 < chunk.length < _NO_LENGTH else None


def in_one_piece(data: FileBytes) -> FileBytes:
    """Return a file whose samples stand in one chunk: FFmpeg hears the first of several alone.

    Some recorders write a chunk each time that they are resumed.
    """
    if not _is_wave(data) or is_streamed(data):
        return data
    if _data_chunk(data) is None:
        return data
    whole = data.part(0, end_of_file(data) or len(data))
    found = [one for one in chunks(whole, most=_MOST_OF_SAMPLES) if one.name == b"data"]
    form = _form(data)
    if len(found) < 2 or form is None:
        return data
    frame = max(1, form[4])
    declared = [one.length - one.length % frame for one in found]
    pieces = [
        whole.part(one.start, min(one.start + length, len(whole)))
        for one, length in zip(found, declared, strict=True)
    ]
    header = whole.part(0, found[0].start)
    length = struct.pack("<I", min(sum(declared), _NO_LENGTH - 1))
    return JoinedBytes((BytesWith(header, len(header) - len(length), length), *pieces))


def is_streamed(data: FileBytes) -> bool:
    """Whether the length that a WAV file declares of its samples is nonsense.

    A sender that streams writes the header before it knows the length. A length beyond the end, or
    one that is too small, means all that follows; it holds only if what follows it is another
    chunk.
    """
    chunk = _data_chunk(data) if _is_wave(data) else None
    return chunk is not None and _declared_end(chunk) != _end(data, chunk)


def has_too_many_chunks(data: FileBytes) -> bool:
    """Whether there are so many chunks before the samples that reading them takes long."""
    if not _is_wave(data):
        return False
    names = [chunk.name for chunk in chunks(data)]
    return len(names) == MOST_CHUNKS and b"data" not in names


def with_all_bits(data: FileBytes) -> FileBytes:
    """Return a file that says of its samples how many bits they take, not how many of them count.

    FFmpeg reads 24 bits that stand in 32 as a float of 24 bits.
    """
    form = (
        next((one for one in chunks(data) if one.name == b"fmt "), None) if _is_wave(data) else None
    )
    if form is None or form.length < _EXTENSIBLE.size:
        return data
    content = data[form.start : form.start + _EXTENSIBLE.size]
    if len(content) < _EXTENSIBLE.size:
        return data
    tag, bits, valid, kind = _EXTENSIBLE.unpack(content)
    if tag != _IS_EXTENSIBLE or kind != _IS_PCM or not 0 < valid < bits:
        return data
    return BytesWith(data, form.start + _VALID_BITS, struct.pack("<H", bits))


def missing_seconds(data: FileBytes) -> float:
    """Return by how many seconds a WAV file is shorter than it declares; 0 if it was streamed."""
    chunk = _long_data_chunk(data) if _is_long_wave(data) else None
    if chunk is None and _is_wave(data):
        chunk = _data_chunk(data)
    if chunk is None or _NO_LENGTH <= chunk.length <= 0xFFFF_FFFF:
        return 0.0
    form = _form(data)
    missing = max(0, _declared_end(chunk) - len(data))
    return missing / max(1, form[3]) if form else 0.0


def _form(data: FileBytes) -> tuple[int, ...] | None:
    """Return what a file says of its samples, as ``_PLAIN`` does."""
    form = next((one for one in chunks(data) if one.name == b"fmt "), None)
    if form is None or form.start + _FORMAT.size > len(data):
        return None
    return _FORMAT.unpack(data[form.start : form.start + _FORMAT.size])


def _is_wave(data: FileBytes) -> bool:
    return data.startswith(b"RIFF") and data.startswith(b"WAVE", 8)


def _is_long_wave(data: FileBytes) -> bool:
    """Whether it is RF64 or BW64."""
    return data[:4] in (b"RF64", b"BW64") and data.startswith(b"WAVE", 8)


def _long_data_chunk(data: FileBytes) -> Chunk | None:
    """Return the chunk of the samples of RF64, with the length that stands before it."""
    chunk = _data_chunk(data)
    lengths = next((one for one in chunks(data) if one.name == b"ds64"), None)
    if chunk is None or lengths is None or lengths.length < _LONG_LENGTHS.size:
        return None
    _, length = _LONG_LENGTHS.unpack(data[lengths.start : lengths.start + _LONG_LENGTHS.size])
    return chunk._replace(length=length)


def _data_chunk(data: FileBytes) -> Chunk | None:
    return next((chunk for chunk in chunks(data) if chunk.name == b"data"), None)


def _declared_end(chunk: Chunk) -> int:
    return chunk.start + chunk.length


def _end(data: FileBytes, chunk: Chunk) -> int:
    """Return where the samples end: where it is declared, or the file's end."""
    end = _declared_end(chunk)
    if end >= len(data) or not _is_chunk_list(data, end + chunk.length % 2):
        return len(data)
    return end


def _is_chunk_list(data: FileBytes, position: int) -> bool:
    """Whether whole chunks with printable names follow, up to the end or another file."""
    for chunk in chunks(data, position, _MOST_OF_SAMPLES):
        if is_file(data, position):
            return True
        if not _is_name(chunk.name):
            return False
        position = chunk.start + chunk.length + chunk.length % 2
    return position >= len(data)


def _is_name(name: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in name)
