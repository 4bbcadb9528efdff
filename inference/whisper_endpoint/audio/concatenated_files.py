# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Splits concatenated files, so that each is decoded separately.

They come from recorders that split their files and from radio stations: ``cat 1.flac 2.flac``,
chained Ogg. FFmpeg reads only the first file, or takes the following ones for part of it.
``decode.py`` uses this; ``lengths/warned.py`` words the warnings.
"""

import re
import struct

from whisper_endpoint.audio import wav
from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.lengths import declared
from whisper_endpoint.audio.lengths.beginnings import (
    FRAMES_BYTES,
    MARKED,
    MATROSKA,
    MP4,
    TAGGED,
    after_tags,
    is_file,
    is_frames,
)

# Limit on the number of files: opening one takes about a millisecond.
_MOST_PARTS = 1_000

# Beginnings of tags (titles, pictures) that may stand between or after frames.
_TAG_MARKS = (b"ID3", b"APETAGEX")
TAG_MARK_BYTES = 8
"""Number of bytes that :func:`is_tag` looks at."""
_ID3V1, _ID3V1_BYTES = b"TAG", 128
_LYRICS, _LYRICS_END = re.compile(rb"(\d{6})LYRICS200\Z"), 15
# Mark, size without the header, and flags, one of which says that there is a header.
_APE_FOOTER = struct.Struct("<8s4xI4xI8x")
_APE_HAS_HEADER = 1 << 31
_MOST_PADDING, _MOST_TAGS = 1024 * 1024, 10
_OGG_PAGE, _OGG_FLAGS, _OGG_IS_FIRST = re.compile(b"OggS\0"), 5, 2
# Index of the block's first sample, and flags, one of which marks the first of several channels.
_WAVPACK_HEADER = struct.Struct("<16xI4xI")
_WAVPACK_IS_INITIAL = 0x800
_WAVPACK_BLOCK = re.compile(b"wvpk")


def is_tag(data: bytes) -> bool:
    """Whether these bytes begin with a tag."""
    return data.startswith(_TAG_MARKS)


def last_tag_bytes(data: FileBytes) -> int:
    """Return the number of bytes at the end of a file that are tags, and zeros before them."""
    end = len(data)
    if data.startswith(_ID3V1, end - _ID3V1_BYTES):
        end -= _ID3V1_BYTES
    if found := _LYRICS.search(data[max(0, end - _LYRICS_END) : end]):
        end -= _LYRICS_END + int(found[1])
    if end >= _APE_FOOTER.size:
        mark, size, flags = _APE_FOOTER.unpack(data[end - _APE_FOOTER.size : end])
        if mark == _TAG_MARKS[1]:
            end -= size + _APE_FOOTER.size * bool(flags & _APE_HAS_HEADER)
    end = max(0, end)
    padding = data[max(0, end - _MOST_PADDING) : end]
    return len(data) - end + len(padding) - len(padding.rstrip(b"\0"))


def unknown_bytes(data: FileBytes) -> int:
    """Return the number of bytes after a file that are neither tags nor padding."""
    start, end = 0, len(data) - last_tag_bytes(data)
    for _ in range(_MOST_TAGS):
        before, start = start, after_tags(data, start)
        if data.startswith(_TAG_MARKS[1], start):
            start += _APE_FOOTER.size + int.from_bytes(data[start + 12 : start + 16], "little")
        padding = data[start : min(end, start + _MOST_PADDING)]
        start += len(padding) - len(padding.lstrip(b"\0"))
        if start in (before, len(data)):
            break
    rest = data[start:end]
    return len(rest) if rest.strip(rest[:1]) else 0


def split(data: FileBytes, start: int = 0) -> list[FileBytes]:
    """Return the files concatenated in one; usually there is only one.

    Parameters
    ----------
    start : int
        Offset of the first.
    """
    starts = [start]
    while len(starts) <= _MOST_PARTS and (at := _next(data, starts[-1])) is not None:
        starts.append(at)
    begins = (after_tags(data, at) for at in starts)
    ends = [*starts[1:], len(data)]
    found = [data.part(a, b) for a, b in zip(begins, ends, strict=True) if a < b]
    return found or [data]


def _next(data: FileBytes, begin: int) -> int | None:
    """Return the offset of the next file, where FFmpeg would take it for part of this one."""
    start = after_tags(data, begin)
    if data.startswith(b"OggS", start):
        return _next_chain(data, start)
    if data.startswith(b"wvpk", start):
        blocks = data.places(_WAVPACK_BLOCK, start + 4)
        return next((at for at in blocks if _is_first_block(data, at)), None)
    for mark in (MATROSKA, MP4):
        if mark.match(data[start : start + TAG_MARK_BYTES * 2]):
            return next(data.places(mark, start + 1), None)
    end = _declared_end(data.part(start, len(data)))
    if end is not None:
        return start + end if start + end < len(data) else None
    marks = (MARKED, TAGGED) if is_frames(data[start : start + FRAMES_BYTES]) else (MARKED,)
    found = (next(data.places(mark, start + 1), None) for mark in marks)
    return min((at for at in found if at is not None), default=None)


def _declared_end(file: FileBytes) -> int | None:
    """Return the declared end of a file in formats where FFmpeg may read beyond it, or None."""
    if file.startswith(b"RIFF"):
        return wav.end_of_file(file)
    end = declared.end_of_samples(file)
    return end if end is not None and is_file(file, end) else None


def _next_chain(data: FileBytes, start: int) -> int | None:
    """Return the offset of the next Ogg stream that starts after another has begun."""
    was_first = True
    for at in data.places(_OGG_PAGE, start):
        flags = data[at + _OGG_FLAGS : at + _OGG_FLAGS + 1]
        is_first = bool(int.from_bytes(flags, "big") & _OGG_IS_FIRST)
        if is_first and not was_first:
            return at
        was_first = is_first
    return None


def _is_first_block(data: FileBytes, at: int) -> bool:
    header = data[at : at + _WAVPACK_HEADER.size]
    if len(header) < _WAVPACK_HEADER.size:
        return False
    index, flags = _WAVPACK_HEADER.unpack(header)
    return index == 0 and bool(flags & _WAVPACK_IS_INITIAL)
