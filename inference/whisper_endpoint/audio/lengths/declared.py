# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The length that a file declares; of a file that was cut off, FFmpeg often reports the rest."""

import re
import struct
from typing import Any

from whisper_endpoint.audio import wav
from whisper_endpoint.audio.content import FileBytes

# Containers whose declared duration FFmpeg reports; it is right if the file is complete.
_SAY_IT = {
    *("mov", "matroska", "flac", "avi", "asf", "aiff", "caf", "w64", "tta", "ape", "wv", "au"),
    *("rm", "flv", "nistsphere", "tak", "mpc", "mpc8", "dsf", "ogg"),
}
# For these FFmpeg also keeps the declared number of samples, frames or blocks.
_SAY_FRAMES = {"avi", "caf"}
COUNT_ALL_BYTES = {"avi", "caf"}
"""For these FFmpeg derives the number of blocks from the file size, including trailing bytes."""

# Lengths in frames or milliseconds; a codec's first and last frame may be trimmed.
_COUNTED = {
    *("mp3", "aac", "loas", "ac3", "eac3", "dts", "amr", "gsm"),
    *("ogg", "mov", "matroska"),
}
# Lengths in samples or bytes of samples.
_EXACT = {"flac", "aiff", "caf", "w64", "tta", "ape", "wv", "au", "nistsphere", "sox"}
LEAST_EXACT = 0.05
"""Tolerance in seconds for lengths that are counted in samples."""
# With other codecs, padding and delay are counted too.
_PCM_OR_LOSSLESS = ("pcm_", "flac", "tta", "ape", "wavpack")

# Codecs whose frames MP4 lists one by one; so many last about a second.
_LEAST_EDITED = 8
_ONE_BY_ONE = {"aac", "mp3", "mp3float", "alac", "flac", "opus", "libopus", "ac3", "eac3"}

_START_BYTES = 64 * 1024
_XING = struct.Struct(">4sII")
_XING_HAS_FRAMES = 1
_MPEG1_FRAME, _MPEG1_LOWEST_RATE = 1152, 32_000
# File Properties Object: GUID, then duration (100 ns), preroll (ms) and flags.
_ASF_PROPERTIES = b"\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65"
_ASF_TIMES = struct.Struct("<64xQ8xQI")
_ASF_IS_BROADCAST = 1
# Number of samples in all channels, sample rate, channels; "XoS." marks the other byte order.
_SOX = "8xQdI"
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_W64_HEADER = 24

# Sun audio: lengths of header and samples; the second is unknown if streamed. NIST declares the
# length of its header, which is always this.
_SHORT_HEADER = 1024
_AU, _AU_STREAMED, _SOX_LENGTHS = struct.Struct(">4xII"), 0xFFFF_FFFF, 16
_NIST_NUMBER = re.compile(rb"^(\w+) -i (\d{1,12})\s*$", re.MULTILINE)


def seconds(kind: str, container: Any, streams: list[Any], file: FileBytes) -> float:
    """Return the declared length of an open file's tracks in seconds; 0 if not declared.

    Parameters
    ----------
    kind : str
        FFmpeg's name of the container.
    streams : list of AudioStream
        The decoded tracks.
    """
    start = file[:_START_BYTES]
    if kind == "asf" and (said := _of_asf(start)):
        return said
    if kind == "w64":
        return _of_w64(start, streams[0].codec_context)
    if kind == "mp3":
        return _of_mp3(start, streams[0].codec_context.sample_rate)
    if kind == "sox":
        return _of_sox(start)
    if kind not in _SAY_IT:
        return 0.0
    said = max(_ticks(one.duration, one.time_base) for one in streams)
    if kind in _SAY_FRAMES:
        said = max(said, *(_ticks(one.frames, one.time_base) for one in streams))
    if not said and len(container.streams) == len(streams):
        said = (container.duration or 0) / 1e6
    return said


def edited_out(kind: str, stream: Any, found: float) -> float:
    """Return about how many seconds of a track an MP4 file's edit list leaves out.

    Parameters
    ----------
    found : float
        Seconds that were decoded.
    """
    # Of other codecs, the index lists groups of frames.
    if kind != "mov" or stream.codec_context.name not in _ONE_BY_ONE:
        return 0.0
    if stream.frames - len(stream.index_entries) < _LEAST_EDITED:
        return 0.0
    kept: int = sum(not one.is_discard for one in stream.index_entries)
    left_out: int = stream.frames - kept
    return found * left_out / max(1, kept)


def end_of_samples(file: FileBytes) -> int | None:
    """Return the declared end of the samples of a file (WAV, Sun, SoX, NIST), or None."""
    if file[:4] in wav.MARKS:
        return wav.end_of_samples(file)
    start = file[:_SHORT_HEADER]
    if start.startswith(b".snd") and len(start) >= _AU.size:
        header, length = _AU.unpack_from(start)
        return header + length if 0 < length < _AU_STREAMED else None
    if start.startswith((b".SoX", b"XoS.")) and len(start) >= _SOX_LENGTHS:
        order = "<" if start.startswith(b".") else ">"
        header, samples = struct.unpack_from(order + "IQ", start, 4)
        return 4 + header + 4 * samples if samples else None
    if start.startswith(b"NIST_1A\n"):
        said = {name: int(number) for name, number in _NIST_NUMBER.findall(start)}
        size = said.get(b"sample_count", 0) * said.get(b"channel_count", 1)
        return len(start) + size * said.get(b"sample_n_bytes", 2) if size else None
    return None


def least_shortness(kind: str, codec: str, said: float) -> float:
    """Return the number of missing seconds above which a shorter file is not just rounding."""
    if kind in _EXACT and codec.startswith(_PCM_OR_LOSSLESS):
        return LEAST_EXACT
    if kind in _COUNTED:
        return 0.3
    # AVI writers count a partly filled block of PCM as a whole one.
    return max(1.0, said / (25 if kind == "avi" else 50))


def _ticks(count: int | None, time_base: Any) -> float:
    return float(count * time_base) if count and time_base else 0.0


def _of_mp3(start: bytes, rate: int) -> float:
    """Return the length in the Xing header of the first frame; FFmpeg guesses without one."""
    at = max(start.find(b"Xing"), start.find(b"Info"))
    if at < 0 or at + _XING.size > len(start) or not rate:
        return 0.0
    _, flags, frames = _XING.unpack_from(start, at)
    samples = _MPEG1_FRAME if rate >= _MPEG1_LOWEST_RATE else _MPEG1_FRAME // 2
    return float(frames * samples / rate) if flags & _XING_HAS_FRAMES else 0.0


def _of_asf(start: bytes) -> float:
    at = start.find(_ASF_PROPERTIES)
    if at < 0 or at + _ASF_TIMES.size > len(start):
        return 0.0
    duration, preroll, flags = _ASF_TIMES.unpack_from(start, at)
    return 0.0 if flags & _ASF_IS_BROADCAST else max(0.0, duration / 1e7 - preroll / 1e3)


def _of_sox(start: bytes) -> float:
    form = struct.Struct(("<" if start.startswith(b".") else ">") + _SOX)
    samples, rate, channels = form.unpack_from(start) if len(start) >= form.size else (0, 1.0, 1)
    return float(samples / rate / max(1, channels)) if rate > 0 else 0.0


def _of_w64(start: bytes, codec: Any) -> float:
    at = start.find(_W64_DATA)
    if at < 0 or at + _W64_HEADER > len(start) or not codec.bit_rate:
        return 0.0
    size = int.from_bytes(start[at + len(_W64_DATA) : at + _W64_HEADER], "little")
    is_known = _W64_HEADER < size < 1 << 62
    return (size - _W64_HEADER) * 8 / codec.bit_rate if is_known else 0.0
