# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Files put one after another in one: each is decoded for itself.

Recorders that split their files and radio stations send such: ``cat 1.flac 2.flac``, chained Ogg.
FFmpeg reads the first alone, or takes what follows for more of it.
"""

import itertools
import struct
from collections.abc import Iterator

from whisper_endpoint.audio import wav
from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.lengths.beginnings import EBML, MARKS, is_box, is_file, is_matroska

# More are not looked for: opening one takes about a millisecond.
_MOST_PARTS = 1_000

# How tags begin that stand between or behind frames: pictures and titles, no audio.
_TAG_MARKS = (b"ID3", b"APETAGEX")
TAG_MARK_BYTES = 8
"""As much of some bytes as :func:`is_tag` looks at."""
_ID3V1, _ID3V1_BYTES = b"TAG", 128
# Size without the header, and flags, of which one says that there is a header.
_APE_FOOTER = struct.Struct("<8s4xI4xI8x")
_APE_HAS_HEADER = 1 << 31
_OGG_FLAGS, _OGG_IS_FIRST = 5, 2
# Number of its first sample, length, and flags, of which one marks the first of several channels.
_WAVPACK_HEADER = struct.Struct("<16xI4xI")
_WAVPACK_IS_INITIAL = 0x800


def is_tag(data: bytes) -> bool:
    """Whether bytes between frames begin with a tag."""
    return data.startswith(_TAG_MARKS)


def last_tag_bytes(data: FileBytes) -> int:
    """Return how many bytes at the end of a file are tags."""
    end = len(data)
    if data.startswith(_ID3V1, end - _ID3V1_BYTES):
        end -= _ID3V1_BYTES
    if end >= _APE_FOOTER.size:
        mark, size, flags = _APE_FOOTER.unpack(data[end - _APE_FOOTER.size : end])
        if mark == _TAG_MARKS[1]:
            end -= size + _APE_FOOTER.size * bool(flags & _APE_HAS_HEADER)
    return len(data) - max(0, end)


def split(data: FileBytes, start: int = 0) -> list[FileBytes]:
    """Return the files that stand one after another in one; most are one.

    Parameters
    ----------
    start : int
        Where the first begins.
    """
    further = itertools.islice(_further(data, start), _MOST_PARTS)
    return [data.part(a, b) for a, b in itertools.pairwise([start, *further, len(data)])]


def _further(data: FileBytes, start: int) -> Iterator[int]:
    """Yield where further files begin."""
    if data.startswith(b"OggS", start):
        yield from _chains(data, start)
    elif data.startswith(b"wvpk", start):
        yield from (at for at in _found(data, b"wvpk", start + 4) if _is_first_block(data, at))
    elif data.startswith(EBML, start):
        yield from (at for at in _found(data, EBML, start + 4) if is_matroska(data, at))
    elif data.startswith(b"ftyp", start + 4):
        yield from (at - 4 for at in _found(data, b"ftyp", start + 8) if is_box(data, at - 4))
    elif (end := _declared_end(data.part(start, len(data)))) is not None:
        if start + end < len(data):
            yield start + end
            yield from _further(data, start + end)
    else:
        yield from _marked(data, start)


def _declared_end(file: FileBytes) -> int | None:
    """Return where a file ends whose samples FFmpeg might read beyond their end, if it says so."""
    if not file.startswith(b".snd"):
        return wav.end_of_file(file)
    end = sum(struct.unpack(">II", file[4:12])) if len(file) >= 12 else len(file)
    return end if is_file(file, end) else None


def _marked(data: FileBytes, start: int) -> Iterator[int]:
    """Yield where the mark of a file stands again."""
    for mark, offset, more in MARKS:
        if data.startswith(mark, start) and data.startswith(more, start + offset):
            found = _found(data, mark, start + len(mark))
            yield from (at for at in found if data.startswith(more, at + offset))


def _found(data: FileBytes, mark: bytes, start: int) -> Iterator[int]:
    at = data.find(mark, start)
    while at >= 0:
        yield at
        at = data.find(mark, at + len(mark))


def _chains(data: FileBytes, start: int) -> Iterator[int]:
    """Yield where streams of Ogg begin after a page that is not the first of its stream."""
    was_first = True
    for at in _found(data, b"OggS", start):
        flags = data[at + _OGG_FLAGS : at + _OGG_FLAGS + 1]
        is_first = bool(int.from_bytes(flags, "big") & _OGG_IS_FIRST)
        if is_first and not was_first:
            yield at
        was_first = is_first


def _is_first_block(data: FileBytes, at: int) -> bool:
    header = data[at : at + _WAVPACK_HEADER.size]
    if len(header) < _WAVPACK_HEADER.size:
        return False
    index, flags = _WAVPACK_HEADER.unpack(header)
    return index == 0 and bool(flags & _WAVPACK_IS_INITIAL)
