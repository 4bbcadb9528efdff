# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Detects files that were cut off, in formats that may not declare their length.

A file was cut off if it ends in an incomplete packet, frame or box, or if the end mark of its
format is missing.
"""

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import av

from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.lengths import structure
from whisper_endpoint.audio.lengths.beginnings import MP4
from whisper_endpoint.errors import AudioNotDecodable

_START_BYTES = 64 * 1024
# An index behind the samples of an empty MP4 file is shorter.
_LEAST_UNREAD = 16 * 1024
_LONGEST_FRAME = 64 * 1024
# First byte of frames; anything else is not part of a frame.
_MARKS = {"mp3": 0xFF, "aac": 0xFF, "loas": 0x56, "ac3": 0x0B, "eac3": 0x0B}

_GSM_FRAME = 33
# How what a packer makes of a file begins.
_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "ZIP",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
# A header, up to 255 segments of 255 bytes, and the length of each.
_OGG_HEADER, _OGG_MOST = 27, 27 + 255 + 255 * 255
_OGG_MOST_HEADER, _OGG_STREAM = 27 + 255, slice(14, 18)
_OGG_FLAGS, _OGG_IS_LAST = 5, 4
# Boxes of an MP4 fragment before its samples.
_BEFORE_SAMPLES = {b"moof", b"sidx", b"ssix", b"styp", b"emsg", b"prft"}
# Length of a transport packet; bytes of a PES packet that its length field does not count.
_TS_BYTES, _PES_HEADER = 188, 6
_NUT_INDEX, _NUT_MAIN = b"NX\xdd\x67\x2f\x23\xe6\x4e", b"NM\x7a\x56\x1f\x5f\x04\xad"
# File Properties Object: GUID, its size and the file's id, then the file's size and flags.
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_ASF_SIZE = struct.Struct("<40xQ40xI")
_ASF_IS_BROADCAST = 1
# FFmpeg's writer counts part of the packets' header twice.
_RM_PACKETS_HEADER = 18
_RM_CHUNKS = {b".RMF", b"PROP", b"CONT", b"MDPR", b"DATA", b"INDX", b"RMMD"}
# A Wave64 chunk has a GUID, which after the first chunk ends in these bytes, and its total length.
_W64_START, _W64_CHUNK, _W64_GUID = 40, 24, b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_HAVE_PARTS = {"mov", "mpegts", "avi", "flv", "mpeg", "matroska", "voc", "gxf"}
# FFmpeg reads fixed-size packets of these and reports a shorter last one as incomplete.
_CUT_BY_SIZE = {"w64"}


@dataclass
class Ending:
    """The last packet of a file.

    Attributes
    ----------
    packet : Packet or None
        The last non-empty packet.
    position : int
        File offset of it, or of the last packet with a known one.
    is_broken : bool
        Whether it could not be decoded, or FFmpeg marked it as corrupt.
    is_given_up : bool
        Whether demuxing was aborted because of too much invalid data.
    """

    container: Any
    packet: Any = None
    position: int = 0
    is_broken: bool = False
    is_given_up: bool = False

    def saw(self, packet: Any, *, is_broken: bool) -> None:
        """Record a packet as the last one."""
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
        """File offset of the end of the last packet, if its position is known."""
        return self.position + (int(self.packet.size) if self.packet is not None else 0)


def is_cut_off(kind: str, file: FileBytes, ending: Ending) -> bool:
    """Whether a file was cut off.

    Parameters
    ----------
    kind : str
        FFmpeg's name of the container, which must still be open.
    ending : Ending
        Its last packet.
    """
    if ending.packet is None:
        return kind == "mov" and (_is_beyond(kind, file, ending) or _mov(file, ending))
    if _MARKS.get(kind, ending.mark) != ending.mark:
        return False
    is_broken = _is_broken(kind, file, ending)
    if kind in _HAVE_PARTS and (is_broken or _is_beyond(kind, file, ending)):
        return True
    return kind in _CHECKS and (is_broken or _CHECKS[kind](file, ending))


def is_unread(kind: str, file: FileBytes, ending: Ending) -> bool:
    """Whether a file that was not cut off holds more than was decoded: FFmpeg passed over the rest.

    Parameters
    ----------
    kind : str
        FFmpeg's name of the container.
    ending : Ending
        Its last packet.
    """
    if ending.packet is None:
        # Of the containers that FFmpeg opens without a packet, others declare their length.
        is_alone = len(ending.container.streams) == 1
        return kind == "mov" and is_alone and _bytes_from_samples_on(file) > _LEAST_UNREAD
    # The last packet may go on in the next page.
    return kind == "ogg" and _bytes_of_pages_behind(file, ending) > ending.packet.size


def _bytes_from_samples_on(file: FileBytes) -> int:
    """Return how many bytes of an MP4 file follow its header."""

    def length(head: bytes) -> int | None:
        return None if head[4:8] in (b"moof", b"mdat") else structure.box(head)

    begin = structure.walk(file, 0, 8, length)
    return 0 if begin is None else len(file) - begin


def _bytes_of_pages_behind(file: FileBytes, ending: Ending) -> int:
    """Return how many bytes of packets the pages behind that of the last packet have."""
    position, is_alone = ending.position, len(ending.container.streams) == 1
    at, found, stream = (
        position,
        0,
        file[position + _OGG_STREAM.start : position + _OGG_STREAM.stop],
    )
    while length := structure.ogg_page(page := file[at : at + _OGG_MOST_HEADER]):
        if at > position and (is_alone or page[_OGG_STREAM] == stream):
            found += length - _OGG_HEADER - page[_OGG_HEADER - 1]
        at += length
    return found


def _is_broken(kind: str, file: FileBytes, ending: Ending) -> bool:
    is_last = ending.packet.pos is None or ending.end >= len(file)
    return ending.is_broken and is_last and kind not in _CUT_BY_SIZE


def _is_beyond(kind: str, file: FileBytes, ending: Ending) -> bool:
    end = structure.end(kind, file, ending.position, ending.end)
    return end is not None and end > len(file)


def before_cut_list(file: FileBytes) -> int:
    """Return the offset of an incomplete header of an MP4 fragment at the end; 0 if none.

    FFmpeg does not open a file that ends in one, however much precedes it.
    """
    at = 0
    while at < len(file):
        head = file[at : at + 16]
        length = structure.box(head) if len(head) >= 8 else None
        if not length:
            return 0
        if at + length > len(file):
            return at if head[4:8] in _BEFORE_SAMPLES else 0
        at += length
    return 0


def not_decodable(file: FileBytes) -> AudioNotDecodable:
    """Return the error (422) for a file from which nothing could be decoded."""
    if _lacks_index(file):
        return AudioNotDecodable(
            "The file was cut off or never finished: an MP4 file cannot be decoded without the "
            "index (moov), which yours would have at its end. Send the whole file."
        )
    packed = next((name for magic, name in _PACKED.items() if file[:8].startswith(magic)), None)
    if packed is not None:
        return AudioNotDecodable(
            f"The {len(file):,} bytes are packed with {packed}: send the audio file itself."
        )
    return AudioNotDecodable(
        f"The {len(file):,} bytes of audio could not be decoded: send a file such as WAV, FLAC, "
        "MP3, Ogg or MP4 that holds audio."
    )


def _lacks_index(file: FileBytes) -> bool:
    """Whether an MP4 file ends before its index."""
    at, is_mp4 = 0, MP4.match(file[:16]) is not None
    while is_mp4 and at < len(file):
        head = file[at : at + 16]
        length = structure.box(head) if len(head) >= 8 else None
        if length is None or head[4:8] in (b"moov", b"moof"):
            return False
        at += length or len(file)
    return is_mp4


def _frame(_: FileBytes, ending: Ending) -> bool:
    """Whether the last frame is incomplete: parsing it twice in a row does not return it."""
    data = bytes(ending.packet)
    if len(data) > _LONGEST_FRAME:
        return False
    parser = av.CodecContext.create(ending.packet.stream.codec_context.name, "r")
    found = parser.parse(2 * data)
    return not found or found[0].size != len(data)


def _gsm(file: FileBytes, _: Ending) -> bool:
    return len(file) % _GSM_FRAME != 0


def _mlp(file: FileBytes, ending: Ending) -> bool:
    """Whether bytes are left over: FFmpeg returns only complete frames."""
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


def _nut(file: FileBytes, ending: Ending) -> bool:
    """Whether neither the index nor the repeated headers follow the last frame."""
    rest = file[ending.position : ending.end + _START_BYTES]
    return _NUT_INDEX not in rest and _NUT_MAIN not in rest


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
    """Whether the last sample is incomplete, the only sign in formats without a length."""
    codec = ending.packet.stream.codec_context
    sample = (codec.bit_rate or 0) // (8 * max(1, codec.sample_rate))
    return bool(sample and ending.packet.size % sample)


def _mpegts(file: FileBytes, ending: Ending) -> bool:
    """Whether the last PES packet of the track is longer than the rest of the stream."""
    length, mark = structure.transport_form(file)
    wanted, found, at = 0, 0, ending.position + mark
    track = _ts_track(file[at : at + 4])
    while length and at + _TS_BYTES <= len(file):
        packet = file[at : at + _TS_BYTES]
        at += length
        if packet[0] != structure.TS_MARK or _ts_track(packet) != track:
            continue
        begins, has_more, has_payload = packet[1] & 0x40, packet[3] & 0x20, packet[3] & 0x10
        payload = packet[4 + (1 + packet[4] if has_more else 0) :] if has_payload else b""
        if begins and payload.startswith(b"\0\0\x01"):
            size = int.from_bytes(payload[4:6], "big")
            wanted, found = _PES_HEADER + size if size else 0, 0
        found += len(payload)
    return found < wanted


def _ts_track(packet: bytes) -> int:
    return int.from_bytes(packet[1:3], "big") & 0x1FFF


def _mov(file: FileBytes, ending: Ending) -> bool:
    """Whether the index lists packets beyond the end of the file."""
    lists = [stream.index_entries for stream in ending.container.streams]
    return any(one[-1].pos + one[-1].size > len(file) for one in lists if len(one))


_CHECKS: Mapping[str, Callable[[FileBytes, Ending], bool]] = {
    **dict.fromkeys((*_MARKS, "amr"), _frame),
    "dts": lambda *_: False,  # only broken packets are a sign
    "gsm": _gsm,
    "mlp": _mlp,
    "truehd": _mlp,
    "ogg": _ogg,
    "mov": _mov,
    "mpegts": _mpegts,
    "nut": _nut,
    "asf": _asf,
    "w64": _w64,
    "rm": _rm,
    **dict.fromkeys(("ircam", "pvf"), _sample),
}
