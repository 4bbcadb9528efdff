# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How files begin: where such a beginning stands behind a file's end, another file follows it."""

import itertools
from collections.abc import Iterator

import av

from whisper_endpoint.audio.content import FileBytes

MARKS = (
    (b"RIFF", 8, b"WAVE"),
    (b"RIFF", 8, b"AVI "),
    (b"RF64", 8, b"WAVEds64"),
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
"""How files begin, and what else must stand where."""

EBML = b"\x1a\x45\xdf\xa3"
_EBML_HEADER = 64
# Of Ogg and WavPack the version, of Sun's audio the length of the header, which is short.
_OTHER_MARKS = ((b"OggS", 4, b"\0\x02"), (b"wvpk", 9, b"\x04"), (b".snd", 4, b"\0\0\0"))
# MPEG's audio and ADTS have no beginning of a file: its first frames are like one another.
_FRAME_CODECS = ("mp3float", "aac")
_FRAMES_BYTES, _LEAST_FRAMES = 16 * 1024, 3
_TS_PACKET, _TS_IN_ORDER = 188, 8
_ID3_HEADER, _MOST_TAGS = 10, 10
# Behind the last frame there are tables, titles and pictures: where more follows, it is video.
_MOST_BEHIND = 4 * 1024 * 1024
# Places that are looked at: chance puts one mark into what is behind a file, if any.
_MOST_LIKELY = 100


def is_file(data: FileBytes, at: int) -> bool:
    """Whether a file of some kind begins at a position, behind tags or at once."""
    at = after_tags(data, at)
    start = data[at : at + _FRAMES_BYTES]
    return _is_marked(data, at) or _is_transport(start) or _is_frames(start)


def next_file(data: FileBytes, start: int) -> int:
    """Return where a file begins behind the last frame of another; the end if none does."""
    if start >= len(data) or is_file(data, start):
        return min(start, len(data))
    end = min(len(data), start + _MOST_BEHIND)
    for at in sorted(itertools.islice(_likely(data.part(start, end)), _MOST_LIKELY)):
        if is_file(data, start + at):
            return start + at
    return len(data)


def after_tags(data: FileBytes, start: int = 0) -> int:
    """Return where a file begins behind its ID3 tags, which FFmpeg knows before few kinds."""
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


def _likely(data: FileBytes) -> Iterator[int]:
    """Yield where marks stand."""
    marks = {mark: 0 for mark, _, _ in (*MARKS, *_OTHER_MARKS)}
    for mark, before in {**marks, EBML: 0, b"ID3": 0, b"ftyp": 4}.items():
        at = data.find(mark, 0)
        while at >= 0:
            if at >= before:
                yield at - before
            at = data.find(mark, at + 1)


def _is_marked(data: FileBytes, at: int) -> bool:
    return (
        any(
            data.startswith(mark, at) and data.startswith(more, at + offset)
            for mark, offset, more in (*MARKS, *_OTHER_MARKS)
        )
        or (data.startswith(EBML, at) and is_matroska(data, at))
        or (data.startswith(b"ftyp", at + 4) and is_box(data, at))
    )


def is_matroska(data: FileBytes, at: int) -> bool:
    """Whether the EBML that begins at a position is Matroska."""
    header = data[at : at + _EBML_HEADER]
    return b"matroska" in header or b"webm" in header


def is_box(data: FileBytes, at: int) -> bool:
    """Whether the first box of MP4 may begin at a position, by its length."""
    # A type, its version and the types it goes with, of 4 bytes each.
    return 16 <= int.from_bytes(data[at : at + 4], "big") <= 256


def _is_transport(data: bytes) -> bool:
    """Whether packets of an MPEG transport stream follow one another."""
    return data[::_TS_PACKET][:_TS_IN_ORDER] == b"G" * _TS_IN_ORDER


def _is_frames(data: bytes) -> bool:
    if len(data) < 2 or data[0] != 0xFF or data[1] < 0xE0:
        return False
    for codec in _FRAME_CODECS:
        frames = av.CodecContext.create(codec, "r").parse(data)
        if len(frames) >= _LEAST_FRAMES and all(bytes(one)[:2] == data[:2] for one in frames):
            return True
    return False
