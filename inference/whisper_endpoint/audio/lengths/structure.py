# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Finds where a file should end from the declared lengths of its boxes, chunks, pages or packets.

If that is beyond the end of the data, the file was cut off; data after it belongs to another file.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any

from whisper_endpoint.audio import wav
from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.lengths.beginnings import TS_FORMS, ts_form

TO_END = 0
"""Length of a part that reaches to the end of the file."""

_MOST_PARTS = 100_000
_HEAD = 16
_NO_RIFF_LENGTH = 0x7FFF_F000
_LONGEST = 1 << 48
_BOXES = {
    *(b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"emsg", b"prft"),
    *(b"free", b"skip", b"wide", b"uuid", b"meta", b"udta", b"pdin", b"pnot", b"PICT", b"junk"),
}
# Header of an Ogg page, and a length for each of up to 255 segments.
_OGG_HEADER, _OGG_SEGMENTS = 27, 255
# Samples up to the end of a page; of pages of headers, and of those in which no packet ends.
_OGG_SAMPLES, _OGG_NO_SAMPLES = slice(6, 14), (bytes(8), b"\xff" * 8)
_FLV_HEADER, _FLV_SCRIPT = 13, 18
_ASF_HEADER, _ASF_DATA_HEADER = b"\x30\x26\xb2\x75", 50
_NUT_FRAMES, _NUT_START = b"NK\xe4\xad\xee\xca\x45\x69", 64 * 1024
_TS_START, TS_MARK = 16 * 1024, 0x47
# Bytes of the FLAC header that hold the maximum frame size.
_FLAC_LONGEST, _FLAC_MOST = slice(15, 18), 64 * 1024
# Sample rate and number of samples; then the sizes of the frames, of 256 / 245 s, and a checksum.
_TTA = struct.Struct("<10xII4x")
_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_UNKNOWN = 1 << 60
# What may stand before the first cluster: SeekHead, Void, CRC-32, Info, Tracks, Chapters, Cues,
# Tags, Attachments.
_BEFORE_CLUSTERS = {
    *(0x114D9B74, 0xEC, 0xBF, 0x1549A966, 0x1654AE6B),
    *(0x1043A770, 0x1C53BB6B, 0x1254C367, 0x1941A469),
}
# A block's header: track number (below 128), time, flags.
_BLOCK_HEADER, _BLOCK_IS_LACED = 4, 6


def end(kind: str, file: FileBytes, position: int, behind: int) -> int | None:
    """Return the offset where a file ends according to its parts; None if unknown.

    Parameters
    ----------
    kind : str
        FFmpeg's name of the container.
    position, behind : int
        Offsets of the start and the end of its last packet.
    """
    found = _ENDS[kind](file, position, behind) if kind in _ENDS else None
    return found if found is not None and found >= position else None


def begin_of_packets(kind: str, file: FileBytes, container: Any) -> int | None:
    """Return the offset of what follows the header of an open file with a single track.

    Returns
    -------
    int or None
        None with several tracks, or for containers in which FFmpeg does not look for the next
        packet when one cannot be read.
    """
    if len(container.streams) != 1 or kind not in _HEADERS:
        return None
    return _HEADERS[kind](file)


def walk(
    file: FileBytes,
    start: int,
    least: int,
    length_of: Callable[[bytes], int | None],
    head: int = _HEAD,
) -> int | None:
    """Return the end of a sequence of parts; None if there are too many.

    Parameters
    ----------
    least : int
        Minimum number of bytes of a part.
    length_of : callable
        Returns a part's length from its first bytes; None if they do not begin one.
    head : int
        Number of bytes passed to it.
    """
    at = start
    for _ in range(_MOST_PARTS):
        first = file[at : at + head]
        # Fewer bytes may be garbage or the rest of a part.
        length = length_of(first) if len(first) >= least else None
        if length is None:
            return min(at, len(file))
        if length == TO_END:
            return len(file)
        at += max(least, length)
        if at >= len(file):
            return at
    return None


def box(head: bytes) -> int | None:
    """Return the length of an MP4 box; None if it is none."""
    length, kind = int.from_bytes(head[:4], "big"), head[4:8]
    if kind not in _BOXES:
        return None
    return max(8, int.from_bytes(head[8:16], "big")) if length == 1 else length and max(8, length)


def _is_name(kind: bytes) -> bool:
    return all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind)


def _riff(head: bytes) -> int | None:
    if not head.startswith(b"RIFF"):
        return None
    length = int.from_bytes(head[4:8], "little")
    return TO_END if length >= _NO_RIFF_LENGTH else 8 + length + length % 2


def _form(head: bytes) -> int | None:
    if not head.startswith(b"FORM"):
        return None
    length = int.from_bytes(head[4:8], "big")
    return TO_END if not 4 < length < _NO_RIFF_LENGTH else 8 + length + length % 2


def _core_audio(head: bytes) -> int | None:
    length = int.from_bytes(head[4:12], "big", signed=True)
    if not _is_name(head[:4]) or length >= _LONGEST:
        return None
    return TO_END if length < 0 else 12 + length


def _asf_object(head: bytes) -> int | None:
    length = int.from_bytes(head[16:24], "little")
    return TO_END if length < 24 else length if length < _LONGEST else None


def _gxf_packet(head: bytes) -> int | None:
    return int.from_bytes(head[6:10], "big") if head.startswith(b"\0\0\0\0\x01") else None


def _wavpack_block(head: bytes) -> int | None:
    return 8 + int.from_bytes(head[4:8], "little") if head.startswith(b"wvpk") else None


def _voice_block(head: bytes) -> int | None:
    return 4 + int.from_bytes(head[1:4], "little") if 1 <= head[0] <= 9 else None


def ogg_page(head: bytes) -> int | None:
    """Return the length of an Ogg page; None if it is none."""
    if not head.startswith(b"OggS\0"):
        return None
    segments = head[_OGG_HEADER - 1]
    return _OGG_HEADER + segments + sum(head[_OGG_HEADER : _OGG_HEADER + segments])


def _flv_tag(head: bytes) -> int | None:
    # Type, length, time and stream id, which is 0; the tag is followed by its size.
    if head[0] not in (8, 9, 18) or any(head[8:11]):
        return None
    return 11 + int.from_bytes(head[1:4], "big") + 4


def _mpeg_packet(head: bytes) -> int | None:
    """Return the length of a program stream's packet or pack header."""
    if not head.startswith(b"\0\0\x01") or head[3] < 0xB9:
        return None
    if head[3] == 0xB9:
        return 4
    if head[3] != 0xBA:
        return 6 + int.from_bytes(head[4:6], "big")
    if len(head) < 14:
        return 14
    return 14 + (head[13] & 7) if head[4] & 0xC0 == 0x40 else 12


def _checksum(byte: int) -> int:
    """Return FLAC's checksum of a byte: CRC-16 with polynomial 0x8005."""
    checksum = byte << 8
    for _ in range(8):
        checksum = checksum << 1 ^ (0x18005 if checksum & 0x8000 else 0)
    return checksum


_FLAC_CHECKSUMS = [_checksum(byte) for byte in range(256)]


def _transport(file: FileBytes, position: int, _: int) -> int | None:
    length, mark = transport_form(file)
    if not length:
        return None
    return walk(file, position, mark + 1, lambda head: length if head[mark] == TS_MARK else None)


def transport_form(file: FileBytes) -> tuple[int, int]:
    """Return (packet length, offset of the sync byte) of a transport stream, or (0, 0)."""
    start = file[:_TS_START]
    forms = (ts_form(start[at:]) for at in range(max(TS_FORMS)[0]))
    return next(filter(None, forms), (0, 0))


def _flac(file: FileBytes, position: int, behind: int) -> int | None:
    """Return the end of FLAC's last frame, by its checksum if FFmpeg's packet is too long."""
    longest = min(int.from_bytes(file[_FLAC_LONGEST], "big"), _FLAC_MOST)
    if not longest or behind - position <= longest:
        return behind if longest else None
    checksum, end = 0, position
    for at, byte in enumerate(file[position : position + longest], position + 1):
        before, checksum = (
            checksum,
            (checksum << 8 & 0xFFFF) ^ _FLAC_CHECKSUMS[checksum >> 8 ^ byte],
        )
        if before and not checksum:
            end = at
    return end


def _wave64_chunk(head: bytes) -> int | None:
    # The length follows the GUID; chunks are padded to 8 bytes.
    length = int.from_bytes(head[16:24], "little")
    return length + -length % 8 if 24 <= length < _LONGEST else None


def _true_audio(file: FileBytes, *_: int) -> int | None:
    header = file[: _TTA.size]
    if len(header) < _TTA.size:
        return None
    rate, samples = _TTA.unpack(header)
    frames = -(-samples // max(1, 256 * rate // 245))
    sizes = file[_TTA.size : _TTA.size + 4 * frames]
    return _TTA.size + len(sizes) + 4 + sum(int(one[0]) for one in struct.iter_unpack("<I", sizes))


def _matroska(file: FileBytes, position: int, behind: int) -> int | None:
    header, segment = _element(file[:16]), None
    if header is not None:
        segment = _element(file[header[2] : header[2] + 16])
        if segment is not None and segment[0] == _SEGMENT and segment[2] < _UNKNOWN:
            return header[2] + segment[2]
    # The segment was streamed and has no length: follow the lengths of its blocks.
    flags = file[position + _BLOCK_HEADER - 1 : position + _BLOCK_HEADER]
    if not flags or flags[0] & _BLOCK_IS_LACED:
        return None
    return walk(file, behind + _BLOCK_HEADER, 2, _length_of_element)


def _length_of_element(head: bytes) -> int | None:
    found = _element(head)
    if found is None:
        return None
    number, header, length = found
    return header if number == _CLUSTER or length >= _UNKNOWN else length


def _element(head: bytes) -> tuple[int, int, int] | None:
    """Return an element's id, header length and total length; None if it is none."""
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


def _header_of_matroska(file: FileBytes) -> int | None:
    ebml = _element(file[:_HEAD])
    segment = _element(file[ebml[2] : ebml[2] + _HEAD]) if ebml is not None else None
    if ebml is None or segment is None:
        return None

    def length(head: bytes) -> int | None:
        found = _element(head)
        return found[2] if found is not None and found[0] in _BEFORE_CLUSTERS else None

    return walk(file, ebml[2] + segment[1], 2, length)


def _header_of_ogg(file: FileBytes) -> int | None:
    def length(head: bytes) -> int | None:
        return ogg_page(head) if head[_OGG_SAMPLES] in _OGG_NO_SAMPLES else None

    return walk(file, 0, _OGG_HEADER, length, _OGG_HEADER + _OGG_SEGMENTS)


def _header_of_flv(file: FileBytes) -> int | None:
    def length(head: bytes) -> int | None:
        return _flv_tag(head) if head[0] == _FLV_SCRIPT else None

    return walk(file, _FLV_HEADER, 11, length)


def _header_of_asf(file: FileBytes) -> int | None:
    if not file.startswith(_ASF_HEADER):
        return None
    return int.from_bytes(file[16:24], "little") + _ASF_DATA_HEADER


def _header_of_nut(file: FileBytes) -> int | None:
    found = file[:_NUT_START].find(_NUT_FRAMES)
    return found if found >= 0 else None


_HEADERS: Mapping[str, Callable[[FileBytes], int | None]] = {
    "matroska": _header_of_matroska,
    "ogg": _header_of_ogg,
    "flv": _header_of_flv,
    "asf": _header_of_asf,
    "nut": _header_of_nut,
}


def _from(start: int, least: int, length_of: Callable[[bytes], int | None]) -> Any:
    return lambda file, *_: walk(file, start, least, length_of, max(_HEAD, least))


def _from_last(least: int, length_of: Callable[[bytes], int | None], head: int = _HEAD) -> Any:
    return lambda file, position, _: walk(file, position, least, length_of, head)


_ENDS: Mapping[str, Callable[[FileBytes, int, int], int | None]] = {
    "wav": lambda file, *_: wav.end_of_file(file),
    "avi": _from(0, 8, _riff),
    "aiff": _from(0, 8, _form),
    "caf": _from(8, 12, _core_audio),
    "w64": _from(40, 24, _wave64_chunk),
    "mov": _from(0, 8, box),
    "asf": _from(0, 24, _asf_object),
    "gxf": _from(0, 10, _gxf_packet),
    "wv": _from(0, 8, _wavpack_block),
    "voc": _from(26, 4, _voice_block),
    "tta": _true_audio,
    "flac": _flac,
    "ogg": _from_last(_OGG_HEADER, ogg_page, _OGG_HEADER + _OGG_SEGMENTS),
    "flv": _from_last(11, _flv_tag),
    "mpeg": _from_last(6, _mpeg_packet),
    "mpegts": _transport,
    "matroska": _matroska,
}
