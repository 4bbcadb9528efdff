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

# More are not looked for: opening one takes about a millisecond.
_MOST_PARTS = 1_000

# How files begin, and what else must stand where: where it stands again, another file begins. MP3,
# AAC and their like need no mark, each of their frames says what it is.
_MARKS = (
    (b"RIFF", 8, b"WAVE"),
    (b"RIFF", 8, b"AVI "),
    (b"FORM", 8, b"AIF"),
    (b"fLaC", 4, b"\0\0\0\x22"),
    (b"FLV\x01", 5, b"\0\0\0\x09"),
    (b"caff", 4, b"\0\x01\0\0desc"),
    (b"riff\x2e\x91\xcf\x11", 8, b"\xa5\xd6\x28\xdb\x04\xc1\0\0"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 8, b"\xa6\xd9\x00\xaa\x00\x62\xce\x6c"),
    (b"#!AMR", 0, b"#!AMR"),
    (b"TTA1", 4, b"\x01\0"),
    (b"Creative Voice File\x1a", 20, b"\x1a\0"),
    (b".RMF\0\0\0", 8, b"\0"),
)
# How tags begin that stand between or behind frames: pictures and titles, no audio.
_TAG_MARKS = (b"ID3", b"APETAGEX")
TAG_MARK_BYTES = 8
"""As much of some bytes as :func:`is_tag` looks at."""
_ID3V1, _ID3V1_BYTES = b"TAG", 128
# Size without the header, and flags, of which one says that there is a header.
_APE_FOOTER = struct.Struct("<8s4xI4xI8x")
_APE_HAS_HEADER = 1 << 31
_ID3_HEADER = 10
_MOST_TAGS = 10
_EBML = b"\x1a\x45\xdf\xa3"
_EBML_HEADER = 64
_OGG_FLAGS, _OGG_IS_FIRST = 5, 2
# Number of its first sample, length, and flags, of which one marks the first of several channels.
_WAVPACK_HEADER = struct.Struct("<16xI4xI")
_WAVPACK_IS_INITIAL = 0x800


def after_tags(data: FileBytes) -> int:
    """Return where the file begins behind its ID3 tags, which FFmpeg knows before few kinds."""
    start = 0
    for _ in range(_MOST_TAGS):
        if not data.startswith(b"ID3", start) or len(data) < start + _ID3_HEADER:
            break
        # Four bytes of 7 bits each.
        sizes = data[start + 6 : start + _ID3_HEADER]
        if max(sizes) > 0x7F:
            break
        length = _ID3_HEADER + sum(part << 7 * place for place, part in enumerate(sizes[::-1]))
        has_footer = bool(data[start + 5 : start + 6][0] & 0x10)
        start += length + _ID3_HEADER * has_footer
    return min(start, len(data))


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
    elif data.startswith(_EBML, start):
        yield from (at for at in _found(data, _EBML, start + 4) if _is_matroska(data, at))
    elif data.startswith(b"ftyp", start + 4):
        yield from (at - 4 for at in _found(data, b"ftyp", start + 8) if _is_box(data, at - 4))
    else:
        for mark, offset, more in _MARKS:
            if data.startswith(mark, start) and data.startswith(more, start + offset):
                begin = wav.end_of_samples(data.part(start, len(data))) if mark == b"RIFF" else 4
                found = _found(data, mark, start + begin)
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


def _is_matroska(data: FileBytes, at: int) -> bool:
    header = data[at : at + _EBML_HEADER]
    return b"matroska" in header or b"webm" in header


def _is_box(data: FileBytes, at: int) -> bool:
    # A type, its version and the types it goes with, of 4 bytes each.
    return 16 <= int.from_bytes(data[at : at + 4], "big") <= 256
