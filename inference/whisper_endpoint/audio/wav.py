# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""WAV files: repairs before decoding, and samples that need no decoder.

The latter are 16-bit PCM, mono, 16 kHz, as live clients send it. Decoding such a file with FFmpeg
takes as long as its speech detection; reading it directly takes next to no time.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from whisper_endpoint.audio.content import BytesInMemory, BytesWith, FileBytes, JoinedBytes
from whisper_endpoint.audio.lengths.beginnings import is_file

MARKS = (b"RIFF", b"RF64", b"BW64")
"""How a file may begin; the last two have 64-bit lengths."""

_RIFF_HEADER = 12
_CHUNK_HEADER = 8
_BIG_ENDIAN = b"RIFX"
_FORMAT, _BITS = struct.Struct("<HHIIHH"), slice(14, 16)
# Format tag, container bits per sample, valid bits; then the actual format.
_EXTENSIBLE = struct.Struct("<H12xH2xH4xH14x")
_IS_EXTENSIBLE, _IS_PCM, _VALID_BITS = 0xFFFE, 1, 18
# PCM, one channel, 16 kHz, 32,000 bytes per second, two bytes per sample, 16 bits.
_PLAIN = (1, 1, 16_000, 32_000, 2, 16)
# Recorders write about a dozen chunks before or after the samples; some write many data chunks.
MOST_CHUNKS, _MOST_OF_SAMPLES = 1_000, 10_000
# Lengths from here on come from streaming senders, which do not know it: 2 or 4 GiB less a header
# or a block.
_NO_LENGTH, _LONGEST = 0x7FFF_0000, 1 << 62
# Some writers do not pad a chunk of odd length: one of these then begins a byte earlier. One that
# is longer than the rest of the file was cut off.
_NAMES = frozenset(
    (
        *(b"fmt ", b"data", b"fact", b"LIST", b"JUNK", b"PAD ", b"FLLR", b"bext", b"cue ", b"PEAK"),
        *(b"id3 ", b"ID3 ", b"iXML", b"axml", b"_PMX", b"cart", b"smpl", b"inst", b"acid", b"afsp"),
    )
)
# 64-bit lengths of the file and of the samples, in RF64's ds64 chunk.
_LONG_LENGTHS = struct.Struct("<QQ")


class Chunk(NamedTuple):
    """A chunk of a RIFF file: name, offset of its content, and declared length."""

    name: bytes
    start: int
    length: int


def chunks(
    data: FileBytes, position: int = _RIFF_HEADER, most: int = MOST_CHUNKS
) -> Iterator[Chunk]:
    """Yield the first chunks of a RIFF file; the last one may reach beyond the end."""
    order = ">" if data.startswith(_BIG_ENDIAN) else "<"
    for _ in range(most):
        if position + _CHUNK_HEADER > len(data):
            return
        name, length = struct.unpack(order + "4sI", data[position : position + _CHUNK_HEADER])
        chunk = Chunk(name, position + _CHUNK_HEADER, length)
        yield chunk
        position = _after(data, chunk)


def plain_samples(data: FileBytes) -> FileBytes | None:
    """Return the samples of a file that needs no decoder; None for any other, or without samples.

    Parameters
    ----------
    data : FileBytes
        Any file.

    Returns
    -------
    FileBytes or None
        Whole samples, int16; up to the end of the file if the declared length is invalid.
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
    """Return the declared end of a WAV file, or None; another file may follow it."""
    samples = _samples(data)
    if samples is None or is_streamed(data):
        return None
    end = _after(data, samples)
    for chunk in chunks(data, end, _MOST_OF_SAMPLES):
        if is_file(data, end) or not _is_name(chunk.name):
            break
        end = _after(data, chunk)
    return min(end, len(data))


def end_of_samples(data: FileBytes) -> int | None:
    """Return the end of the samples according to a WAV file's header; None if invalid."""
    chunk = _samples(data)
    if chunk is None or not chunk.length or _has_no_length(chunk):
        return None
    return _declared_end(chunk)


def padded(data: FileBytes) -> FileBytes:
    """Return the file with the padding of odd chunks that was left out; FFmpeg relies on it."""
    if not _is_wave(data):
        return data
    pieces, begin = list[FileBytes](), 0
    for chunk in chunks(data, most=_MOST_OF_SAMPLES):
        end = _declared_end(chunk)
        if chunk.length % 2 and end < len(data) and _after(data, chunk) == end:
            pieces += [data.part(begin, end), BytesInMemory(b"\0")]
            begin = end
    return JoinedBytes((*pieces, data.part(begin, len(data)))) if pieces else data


def in_one_piece(data: FileBytes) -> FileBytes:
    """Return the file with its data chunks joined, since FFmpeg reads only the first.

    Some recorders start a new chunk each time they are resumed.
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
    """Whether the declared length of a WAV file's samples is invalid.

    A streaming sender writes the header before it knows the length. The length is taken as valid
    only if the samples are followed by the end of the file or another chunk; otherwise they reach
    to the end of the file.
    """
    chunk = _samples(data)
    return chunk is not None and _declared_end(chunk) != _end(data, chunk)


def is_big_endian(data: FileBytes) -> bool:
    """Whether it is RIFX, of which FFmpeg decodes samples with their bytes in the wrong order.

    Samples of up to 8 bits, as of G.711, have no order.
    """
    if not (data.startswith(_BIG_ENDIAN) and data.startswith(b"WAVE", 8)):
        return False
    form = _chunk(data, b"fmt ")
    if form is None:
        return True
    return int.from_bytes(data[form.start + _BITS.start : form.start + _BITS.stop], "big") > 8


def has_too_many_chunks(data: FileBytes) -> bool:
    """Whether there are too many chunks before the samples."""
    if not _is_wave(data):
        return False
    names = [chunk.name for chunk in chunks(data)]
    return len(names) == MOST_CHUNKS and b"data" not in names


def with_long_length(data: FileBytes) -> FileBytes:
    """Return an RF64 file with its samples' length in the ds64 chunk, where FFmpeg looks for it.

    Some writers leave it 0 there and declare it as in WAV.
    """
    samples, lengths = _samples(data), _chunk(data, b"ds64") if _is_long_wave(data) else None
    if samples is None or lengths is None:
        return data
    length, end = struct.pack("<Q", samples.length), lengths.start + _LONG_LENGTHS.size
    at = end - len(length)
    return data if data[at:end] == length else BytesWith(data, at, length)


def with_all_bits(data: FileBytes) -> FileBytes:
    """Return the file with its valid bits per sample set to the container's bits.

    FFmpeg takes 24 valid bits in 32 for a 24-bit float, and any number for the size of a sample.
    """
    is_wave = _is_wave(data) or _is_long_wave(data)
    form = _chunk(data, b"fmt ") if is_wave else None
    if form is None or form.length < _EXTENSIBLE.size:
        return data
    content = data[form.start : form.start + _EXTENSIBLE.size]
    if len(content) < _EXTENSIBLE.size:
        return data
    tag, bits, valid, kind = _EXTENSIBLE.unpack(content)
    if tag != _IS_EXTENSIBLE or kind != _IS_PCM or valid in (0, bits):
        return data
    return BytesWith(data, form.start + _VALID_BITS, struct.pack("<H", bits))


def missing_seconds(data: FileBytes, found: float) -> float:
    """Return how many seconds shorter a WAV file is than declared; 0 if it was streamed.

    Parameters
    ----------
    found : float
        Seconds that were decoded. Bytes per second are taken from these: writers of compressed
        samples often declare them wrong.
    """
    chunk = _samples(data)
    if chunk is None or _has_no_length(chunk):
        return 0.0
    missing, present = max(0, _declared_end(chunk) - len(data)), len(data) - chunk.start
    if found and present > 0:
        return missing * found / present
    form = _form(data)
    return missing / max(1, form[3]) if form else 0.0


def _form(data: FileBytes) -> tuple[int, ...] | None:
    """Return the content of the format chunk, with the fields of ``_PLAIN``."""
    form = _chunk(data, b"fmt ")
    if form is None or form.start + _FORMAT.size > len(data):
        return None
    return _FORMAT.unpack(data[form.start : form.start + _FORMAT.size])


def _is_wave(data: FileBytes) -> bool:
    return data.startswith(b"RIFF") and data.startswith(b"WAVE", 8)


def _is_long_wave(data: FileBytes) -> bool:
    """Whether it is RF64 or BW64."""
    return data[:4] in MARKS[1:] and data.startswith(b"WAVE", 8)


def _samples(data: FileBytes) -> Chunk | None:
    """Return the data chunk of a WAV or RF64 file."""
    if _is_long_wave(data):
        return _long_data_chunk(data)
    return _data_chunk(data) if _is_wave(data) else None


def _has_no_length(chunk: Chunk) -> bool:
    return _NO_LENGTH <= chunk.length <= 0xFFFF_FFFF or chunk.length >= _LONGEST


def _long_data_chunk(data: FileBytes) -> Chunk | None:
    """Return RF64's data chunk, with the length from its ds64 chunk if it is there."""
    chunk, lengths = _data_chunk(data), _chunk(data, b"ds64")
    if chunk is None or lengths is None or lengths.length < _LONG_LENGTHS.size:
        return None
    _, length = _LONG_LENGTHS.unpack(data[lengths.start : lengths.start + _LONG_LENGTHS.size])
    return chunk._replace(length=length) if length or _has_no_length(chunk) else chunk


def _data_chunk(data: FileBytes) -> Chunk | None:
    return _chunk(data, b"data")


def _chunk(data: FileBytes, name: bytes) -> Chunk | None:
    """Return the first chunk of this name."""
    return next((one for one in chunks(data) if one.name == name), None)


def _declared_end(chunk: Chunk) -> int:
    return chunk.start + chunk.length


def _end(data: FileBytes, chunk: Chunk) -> int:
    """Return the end of the samples: the declared one if valid, or the end of the file."""
    end = _declared_end(chunk)
    if end >= len(data) or not _is_chunk_list(data, _after(data, chunk)):
        return len(data)
    return end


def _is_chunk_list(data: FileBytes, position: int) -> bool:
    """Whether chunks with printable names follow, up to the end or to another file.

    Samples may look like a name. What stands for its length then reaches far beyond the end, which
    only a chunk of a known name may.
    """
    for chunk in chunks(data, position, _MOST_OF_SAMPLES):
        if is_file(data, position):
            return True
        # Not with the padding, which may be left out at the end of the file.
        is_longer = _declared_end(chunk) > len(data)
        if not _is_name(chunk.name) or (is_longer and chunk.name not in _NAMES):
            return False
        position = _after(data, chunk)
    return position >= len(data)


def _after(data: FileBytes, chunk: Chunk) -> int:
    """Return the offset of the next chunk."""
    end = _declared_end(chunk)
    return end + (chunk.length % 2 and data[end : end + 4] not in _NAMES)


def _is_name(name: bytes) -> bool:
    return all(0x20 <= byte < 0x7F for byte in name)
