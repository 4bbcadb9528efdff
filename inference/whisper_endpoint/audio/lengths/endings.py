# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whether a file ends where its kind lets one end: many say nothing of their length.

A packet, a frame or a box that is not whole is the end of a file that was cut off, and so is the
lack of a mark that ends others of its kind.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import av

from whisper_endpoint.audio.content import FileBytes

_START_BYTES = 64 * 1024
_LONGEST_FRAME = 64 * 1024
# How frames of these begin: what begins otherwise is no part of one.
_MARKS = {"mp3": 0xFF, "aac": 0xFF, "loas": 0x56, "ac3": 0x0B, "eac3": 0x0B}

_GSM_FRAME = 33
# A header, up to 255 segments of 255 bytes, and the length of each.
_OGG_HEADER, _OGG_MOST = 27, 27 + 255 + 255 * 255
_OGG_FLAGS, _OGG_IS_LAST = 5, 4
# Length of a packet, and where in it the mark of its beginning is: as it is, with a time before
# it, with a checksum behind it.
_TS_FORMS = ((188, 0), (192, 4), (204, 0))
_TS_MARK, _TS_MARKS_IN_ORDER = b"G", 5
_NUT_INDEX, _NUT_MAIN = b"NX\xdd\x67\x2f\x23\xe6\x4e", b"NM\x7a\x56\x1f\x5f\x04\xad"
_NO_RIFF_LENGTH = 0x7FFF_F000
# From the File Properties Object: its GUID, its size and the file's id, then the file's size.
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_ASF_SIZE = struct.Struct("<40xQ40xI")
_ASF_IS_BROADCAST = 1
_BOXES = {
    *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"emsg", b"prft"),
    *(b"free", b"skip", b"wide", b"uuid", b"meta", b"udta"),
}
# FFmpeg's writer counts the header of the packets in part twice.
_RM_PACKETS_HEADER = 18
_RM_CHUNKS = {b".RMF", b"PROP", b"CONT", b"MDPR", b"DATA", b"INDX", b"RMMD"}
# A chunk of Wave64 has a GUID, of which all but the first have this end, and its whole length.
_W64_START, _W64_CHUNK, _W64_GUID = 40, 24, b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
# FFmpeg reads so many bytes at a time, and takes fewer at the end for a packet that is not whole.
_CUT_BY_SIZE = {"w64"}
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_UNKNOWN = 1 << 60
# What a block has before its frame: number of its track (below 128), time, flags.
_BLOCK_HEADER, _BLOCK_IS_LACED = 4, 6


@dataclass
class Ending:
    """How the packets of a file end.

    Attributes
    ----------
    packet : Packet or None
        The last one that is not empty.
    position : int
        Where in the file it is, or one before it whose place is known.
    is_broken : bool
        Whether it could not be decoded, or FFmpeg knows that it is not whole.
    """

    container: Any
    packet: Any = None
    position: int = 0
    is_broken: bool = False

    def saw(self, packet: Any, *, is_broken: bool) -> None:
        """Take a packet for the last one."""
        if packet.size:
            self.packet, self.is_broken = packet, is_broken or packet.is_corrupt
            if packet.pos is not None:
                self.position = packet.pos

    @property
    def mark(self) -> int:
        """The first byte of the last packet."""
        return bytes(self.packet)[0]

    @property
    def end(self) -> int:
        """Where the last packet ends, if its place is known."""
        return self.position + int(self.packet.size)


def is_cut_off(kind: str, file: FileBytes, ending: Ending) -> bool:
    """Whether what a file ends with is not whole.

    Parameters
    ----------
    kind : str
        FFmpeg's name of the container, which is still open.
    ending : Ending
        Its last packet.
    """
    if ending.packet is None:
        return kind == "mov" and _mov(file, ending)
    if kind not in _CHECKS or _MARKS.get(kind, ending.mark) != ending.mark:
        return False
    is_last = ending.packet.pos is None or ending.end >= len(file)
    if ending.is_broken and is_last and kind not in _CUT_BY_SIZE:
        return True
    return _CHECKS[kind](file, ending)


def before_cut_list(file: FileBytes) -> int:
    """Return where a list of packets of MP4 begins that was cut off; 0 if none was.

    FFmpeg opens no file with part of such a list, however much stands before it.
    """
    at = 0
    while at < len(file):
        head = file[at : at + 16]
        length = _box(head) if len(head) >= 8 else None
        if not length:
            return 0
        if at + length > len(file):
            return at if head[4:8] == b"moof" else 0
        at += length
    return 0


def _frame(_: FileBytes, ending: Ending) -> bool:
    """Whether FFmpeg's parser, which gives a frame when the next one begins, gives another."""
    data = bytes(ending.packet)
    if len(data) > _LONGEST_FRAME:
        return False
    parser = av.CodecContext.create(ending.packet.stream.codec_context.name, "r")
    found = parser.parse(2 * data)
    return not found or found[0].size != len(data)


def _gsm(file: FileBytes, _: Ending) -> bool:
    return len(file) % _GSM_FRAME != 0


def _mlp(file: FileBytes, ending: Ending) -> bool:
    """Whether bytes are left over: FFmpeg gives no frame that is not whole."""
    return ending.end < len(file)


def _ogg(file: FileBytes, _: Ending) -> bool:
    tail = file[max(0, len(file) - _OGG_MOST) :]
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < _OGG_HEADER:
        return True
    segments = page[_OGG_HEADER - 1]
    lengths = page[_OGG_HEADER : _OGG_HEADER + segments]
    is_last = page[_OGG_FLAGS] & _OGG_IS_LAST
    return not is_last or len(page) < _OGG_HEADER + segments + sum(lengths)


def _mpegts(file: FileBytes, _: Ending) -> bool:
    start = file[:_START_BYTES]
    for length, mark in _TS_FORMS:
        for at in range(length):
            if start[at::length][:_TS_MARKS_IN_ORDER] == _TS_MARK * _TS_MARKS_IN_ORDER:
                return (len(file) - at + mark) % length != 0
    return False


def _nut(file: FileBytes, ending: Ending) -> bool:
    """Whether neither an index nor the headers, which are written again, follow the last frame."""
    rest = file[ending.position : ending.end + _START_BYTES]
    return _NUT_INDEX not in rest and _NUT_MAIN not in rest


def _avi(file: FileBytes, _: Ending) -> bool:
    length = int.from_bytes(file[4:8], "little")
    return len(file) < 8 + length < _NO_RIFF_LENGTH


def _asf(file: FileBytes, _: Ending) -> bool:
    start = file[:_START_BYTES]
    at = start.find(_ASF_PROPERTIES)
    if at < 0 or at + _ASF_SIZE.size > len(start):
        return False
    size, flags = _ASF_SIZE.unpack_from(start, at)
    is_broadcast: int = flags & _ASF_IS_BROADCAST
    return not is_broadcast and len(file) < int(size)


def _w64(file: FileBytes, _: Ending) -> bool:
    at = _W64_START
    while file.startswith(_W64_GUID, at + 4):
        length = int.from_bytes(file[at + 16 : at + _W64_CHUNK], "little")
        if not _W64_CHUNK <= length < 1 << 62:
            return False
        if at + length > len(file):
            return True
        at += length + -length % 8
    return False


def _rm(file: FileBytes, _: Ending) -> bool:
    at = 0
    while at < len(file):
        length = int.from_bytes(file[at + 4 : at + 8], "big")
        if file[at : at + 4] not in _RM_CHUNKS or not length:
            return False
        at += length
    return at > len(file) + _RM_PACKETS_HEADER


def _sample(_: FileBytes, ending: Ending) -> bool:
    """Whether the last sample is not whole: all that tells in files without a length."""
    codec = ending.packet.stream.codec_context
    sample = (codec.bit_rate or 0) // (8 * max(1, codec.sample_rate))
    return bool(sample and ending.packet.size % sample)


def _mov(file: FileBytes, ending: Ending) -> bool:
    lists = [stream.index_entries for stream in ending.container.streams]
    end = max((one[-1].pos + one[-1].size for one in lists if len(one)), default=0)
    return _is_last_cut(file, end, 8, _box)


def _box(head: bytes) -> int | None:
    """Return how long a box of MP4 is; one of length 0 reaches to the end."""
    length, kind = struct.unpack(">I4s", head[:8])
    if kind not in _BOXES or length == 0:
        return None
    return max(8, int.from_bytes(head[8:16], "big") if length == 1 else length)


def _flv_tag(head: bytes) -> int | None:
    # Kind, length, time and stream; behind it how long it was.
    return 11 + int.from_bytes(head[1:4], "big") + 4


def _mpeg_packet(head: bytes) -> int | None:
    """Return how long a packet of a program stream is, or the header of a pack of them."""
    if not head.startswith(b"\0\0\1") or head[3] == 0xB9:
        return None
    if head[3] != 0xBA:
        return 6 + int.from_bytes(head[4:6], "big")
    if len(head) < 14:
        return 14
    return 14 + (head[13] & 7) if head[4] & 0xC0 == 0x40 else 12


def _matroska(file: FileBytes, ending: Ending) -> bool:
    header, segment = _element(file[:16]), None
    if header is not None:
        segment = _element(file[header[2] : header[2] + 16])
        if segment is not None and segment[0] == _SEGMENT and segment[2] < _UNKNOWN:
            return header[2] + segment[2] > len(file)
    # One that was written while it was sent: its blocks are as long as they say.
    flags = file[ending.position + _BLOCK_HEADER - 1 : ending.position + _BLOCK_HEADER]
    if not flags or flags[0] & _BLOCK_IS_LACED:
        return False
    return _is_last_cut(file, ending.end + _BLOCK_HEADER, 2, _length_of_element)


def _length_of_element(head: bytes) -> int | None:
    found = _element(head)
    if found is None:
        return None
    number, header, length = found
    return header if number == _CLUSTER or length >= _UNKNOWN else length


def _element(head: bytes) -> tuple[int, int, int] | None:
    """Return an element's number, its header's length and its own; None if it is none."""
    of_number = 9 - head[0].bit_length() if head and head[0] >= 0x10 else 0
    if not of_number or len(head) <= of_number or not head[of_number]:
        return None
    first = head[of_number]
    of_length = 9 - first.bit_length()
    header = of_number + of_length
    length = int.from_bytes(head[of_number:header], "big") & ~(1 << 7 * of_length)
    if length == (1 << 7 * of_length) - 1:
        length = _UNKNOWN
    return int.from_bytes(head[:of_number], "big"), header, header + length


def _is_last_cut(
    file: FileBytes, start: int, least: int, length_of: Callable[[bytes], int | None]
) -> bool:
    """Whether the last of what stands from a position on, each with its length, is not whole.

    Parameters
    ----------
    least : int
        Bytes that each of them has.
    """
    at = start
    while at < len(file):
        if len(file) - at < least:
            return True
        length = length_of(file[at : at + 16])
        if length is None:
            return False
        at += max(least, length)
    return at > len(file)


def _from_last(least: int, length_of: Callable[[bytes], int | None]) -> Any:
    def check(file: FileBytes, ending: Ending) -> bool:
        return _is_last_cut(file, ending.position, least, length_of)

    return check


_CHECKS: Mapping[str, Callable[[FileBytes, Ending], bool]] = {
    **dict.fromkeys((*_MARKS, "amr"), _frame),
    **dict.fromkeys(("dts", "voc"), lambda *_: False),  # only broken packets tell
    "gsm": _gsm,
    "mlp": _mlp,
    "truehd": _mlp,
    "ogg": _ogg,
    "mov": _mov,
    "mpegts": _mpegts,
    "nut": _nut,
    "avi": _avi,
    "asf": _asf,
    "w64": _w64,
    "rm": _rm,
    **dict.fromkeys(("ircam", "pvf"), _sample),
    "flv": _from_last(11, _flv_tag),
    "mpeg": _from_last(6, _mpeg_packet),
    "matroska": _matroska,
}
