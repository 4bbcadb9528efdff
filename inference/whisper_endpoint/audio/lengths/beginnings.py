# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Recognises the beginnings of files, to find further files after the end of one."""

import re

import av

from whisper_endpoint.audio.content import FileBytes

MATROSKA = re.compile(
    rb"\x1a\x45\xdf\xa3(?:[\x80-\xbf]|[\x40-\x7f].|\x10.{3}|\x01.{7})[\x42\xbf\xec]", re.DOTALL
)
"""The EBML header with its length, and its first element."""
MP4 = re.compile(rb"\0\0[\0\x01].ftyp[ -~]{4}", re.DOTALL)
"""The first box: a type, its version and the compatible types, of 4 bytes each."""

MARKED = re.compile(
    b"|".join(
        (
            MATROSKA.pattern,
            *(
                rb"RIFF.{4}(?:WAVE|AVI |QLCM)",
                rb"RF64.{4}WAVEds64",
                rb"BW64.{4}WAVEds64",
                rb"FORM.{4}AIF[FC]",
            ),
            *(rb"fLaC\0\0\0\x22", rb"OggS\0[\x02\x03]", rb"wvpk.{4}[\x02-\x10]\x04"),
            # Lengths of header and samples, encoding, rate below 196,608, channels.
            rb"\.snd\0\0.{6}\0\0\0[\x01-\x1b]\0[\0-\x02]..\0\0\0[\x01-\x20]",
            *(rb"caff\0\x01\0\0desc", rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"),
            rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c",
            rb"\xb7\xd8\x00\x20\x37\x49\xda\x11\xa6\x4e\x00\x07\xe9\x5e\xad\x8d",
            rb"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02",
            *(rb"FLV\x01.\0\0\0\x09", rb"\.RMF\0\0\0.\0", rb"nut/multimedia container\0"),
            *(rb"#!AMR(?:-WB)?\n", rb"#!iLBC[23]0\n", rb"TTA1[\x01\x02]\0", rb"MPCKSH"),
            *(rb"MAC .[\x0f\x10]\0\0\x34\0\0\0", rb"tBaK\x01.\0\0", rb"ajkg[\x01-\x03]\xfb\xb1"),
            *(rb"Creative Voice File\x1a.\0", rb"NIST_1A\n {3}1024\n", rb"PVF1\n\d"),
            *(rb"DSD \x1c\0{7}", rb"EA3[\x01\x02]\0\x60"),
            # MP4's first box; headers of GXF; IRCAM, with its rate and channels.
            (
                rb"\0(?:\0[\0\x01].ftyp[ -~]{4}|\0\0\0\x01\xbc.{4}\0{4}\xe1\xe2"
                rb"|[\x01-\x04]\xa3\x64[\x45-\x48].{3}\0{3}[\x01-\x20])"
            ),
            # Rates from 4,096 to 262,143 and channels, in both byte orders.
            *(
                rb"\.SoX..\0\0.{8}.{7}\x40[\x01-\x20]\0",
                rb"XoS\.\0\0..{9}\x40.{7}\0\0\0[\x01-\x20]",
            ),
            rb"\x64\xa3[\x01-\x04]\0.{3}[\x45-\x48][\x01-\x20]\0{3}",
        )
    ),
    re.DOTALL,
)
"""Formats with a distinctive beginning, unlikely to occur by chance."""

TAGGED = re.compile(rb"ID3[\x02-\x04]\0[\0\x10\x20\x40\x80\xc0\xe0][\0-\x07][\0-\x7f]{3}")
"""ID3 tags, with which files of frames often begin; their pictures may contain frames."""

# A program stream consists of pack headers, each followed by a packet header.
_PACK = re.compile(
    rb"\0\0\x01\xba(?:[\x44-\x7f].{8}[\xf8-\xff]|[\x20-\x3f].{7})\0\0\x01[\xbb-\xef]", re.DOTALL
)
# Formats of frames have no file header: every frame begins alike. Possible beginnings of a frame,
# and FFmpeg's parsers for them; part of LATM's second byte is a length.
_SYNC = re.compile(
    rb"\xff(?:[\xf0\xf1\xf8\xf9]|[\xe2-\xff][\x10-\xef])|\x0b\x77|\x56[\xe0-\xff]|\x7f\xfe\x80\x01"
    rb"|ID3[\x02-\x04]"
)
_FRAME_CODECS = {0xFF: ("mp3float", "aac"), 0x0B: ("ac3",), 0x56: ("aac_latm",), 0x7F: ("dca",)}
_SAME_BITS = {0x56: 0xE0}
FRAMES_BYTES, _LEAST_FRAMES = 16 * 1024, 3
# (Packet length, offset of the sync byte) of transport streams: plain, with a timestamp before each
# packet, with a checksum after it.
TS_FORMS = ((188, 0), (192, 4), (204, 0))
_TS_MARK, _TS_IN_ORDER = b"G", 8
_TS = re.compile(rb"G(?:(?=.{187}G)|(?=.{191}G)|(?=.{203}G))", re.DOTALL)
_ID3_HEADER, _MOST_TAGS = 10, 10
# After the last frame there may be indexes and tags; more than this is video.
_MOST_BEHIND = 4 * 1024 * 1024
_MOST_SEARCHED = 4 * _MOST_BEHIND
# Candidate positions per request; checking one takes up to a millisecond.
_MOST_TRIES = 300


def is_file(data: FileBytes, at: int) -> bool:
    """Whether a file of a known format, or tags before it, begin at a position."""
    at = after_tags(data, at)
    start = data[at : at + FRAMES_BYTES]
    is_marked = MARKED.match(start) or _PACK.match(start)
    return is_marked is not None or ts_form(start) is not None or is_frames(start)


class FileSearch:
    """Searches for files after others, with a budget for each request."""

    def __init__(self) -> None:
        self._tries = _MOST_TRIES
        self._bytes = _MOST_SEARCHED

    def next_file(self, data: FileBytes, start: int) -> int:
        """Return the offset of the first file at or after ``start``; the end if there is none."""
        if start >= len(data) or is_file(data, start):
            return min(start, len(data))
        part = data.part(start, min(len(data), start + min(_MOST_BEHIND, self._bytes)))
        self._bytes -= len(part)
        found = min(next(part.places(mark), len(part)) for mark in (MARKED, _PACK))
        for pattern, before in ((_TS, 4), (_SYNC, 0)):
            for at in part.places(pattern):
                if at >= found or not self._tries:
                    break
                self._tries -= 1
                # A timestamp may precede the sync byte of a packet.
                likely = (place for place in (at - before, at) if place >= 0)
                at = next((place for place in likely if is_file(part, place)), found)  # noqa: PLW2901
                if at < found:
                    found = at
                    break
        return start + found if found < len(part) else len(data)


def after_tags(data: FileBytes, start: int = 0) -> int:
    """Return the offset after any ID3 tags, which FFmpeg accepts before few formats only."""
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


def ts_form(start: bytes) -> tuple[int, int] | None:
    """Return (packet length, offset of the sync byte) of a transport stream, or None."""
    for length, mark in TS_FORMS:
        if start[mark::length][:_TS_IN_ORDER] == _TS_MARK * _TS_IN_ORDER:
            return length, mark
    return None


def is_frames(data: bytes) -> bool:
    """Whether MPEG audio, AAC, Dolby Digital or DTS begins here: several frames of one format."""
    if not _SYNC.match(data):
        return False
    for codec in _FRAME_CODECS.get(data[0], ()):
        frames = av.CodecContext.create(codec, "r").parse(data)
        if len(frames) >= _LEAST_FRAMES and {_sync(bytes(one)) for one in frames} == {_sync(data)}:
            return True
    return False


def _sync(frame: bytes) -> tuple[int, ...]:
    return frame[0], *(byte & _SAME_BITS.get(frame[0], 0xFF) for byte in frame[1:2])
