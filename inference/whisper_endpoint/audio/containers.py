# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The kinds of file that are opened, and how: for their audio alone, within bounds."""

import contextlib
import threading
from collections.abc import Iterator
from functools import cache
from typing import Any

import av

from whisper_endpoint.audio import ffmpeg_memory
from whisper_endpoint.audio.content import FileBytes
from whisper_endpoint.audio.timeline import Limits
from whisper_endpoint.errors import AudioNotDecodable

# Name of FFmpeg's demuxer, and what such files are called. What is not here is not opened: FFmpeg
# also knows playlists and scripts, which open further files or make up audio, and pictures.
CONTAINERS = {
    "wav": ("WAV, RF64", "wav"),
    "w64": ("Wave64", "w64"),
    "aiff": ("AIFF", "aiff aif aifc"),
    "au": ("Sun audio", "au snd"),
    "caf": ("Core Audio", "caf"),
    "mp3": ("MPEG audio", "mp3 mp2"),
    "aac": ("AAC (ADTS)", "aac"),
    "loas": ("AAC (LATM)", "latm"),
    "flac": ("FLAC", "flac"),
    "ogg": ("Ogg: Opus, Vorbis, Speex, FLAC", "ogg oga opus spx"),
    "mov": ("MP4, QuickTime, 3GPP", "mp4 m4a m4b mov 3gp 3g2"),
    "matroska": ("Matroska, WebM", "mkv mka webm"),
    "mpegts": ("MPEG transport stream", "ts m2ts"),
    "mpeg": ("MPEG program stream", "mpeg mpg vob"),
    "avi": ("AVI", "avi"),
    "asf": ("Windows Media", "wma wmv asf"),
    "flv": ("Flash video", "flv f4v"),
    "mxf": ("MXF", "mxf"),
    "gxf": ("GXF", "gxf"),
    "nut": ("NUT", "nut"),
    "rm": ("RealMedia", "rm ra"),
    "wtv": ("Windows Television", "wtv"),
    "dv": ("DV", "dv"),
    "ac3": ("Dolby Digital", "ac3"),
    "eac3": ("Dolby Digital Plus", "eac3"),
    "dts": ("DTS", "dts"),
    "truehd": ("Dolby TrueHD", "thd"),
    "mlp": ("MLP", "mlp"),
    "amr": ("AMR", "amr awb"),
    "gsm": ("GSM 06.10", "gsm"),
    "wv": ("WavPack", "wv"),
    "tta": ("True Audio", "tta"),
    "ape": ("Monkey's Audio", "ape"),
    "tak": ("TAK", "tak"),
    "mpc": ("Musepack", "mpc"),
    "mpc8": ("Musepack 8", "mpc"),
    "shn": ("Shorten", "shn"),
    "voc": ("Creative Voice", "voc"),
    "sox": ("SoX", "sox"),
    "ircam": ("IRCAM", "sf"),
    "nistsphere": ("NIST SPHERE", "sph nist"),
    "pvf": ("Portable Voice Format", "pvf"),
    "dss": ("Digital Speech Standard", "dss"),
    "qcp": ("QCELP", "qcp"),
    "ilbc": ("iLBC", "lbc"),
    "dsf": ("DSD stream", "dsf"),
    "oma": ("ATRAC (OpenMG)", "oma aa3"),
}
"""Demuxer, what it is for, and how such files are usually called."""

HAS_CLOCK = {
    **dict.fromkeys(("mov", "matroska", "ogg", "asf", "flv", "nut"), False),
    **dict.fromkeys(("mxf", "avi", "gxf", "wv"), False),
    **dict.fromkeys(("mpegts", "mpeg", "rm", "wtv", "dv"), True),
}
"""Containers whose frames have times of their own; whether these begin anywhere, not at 0."""

# Also the other names that FFmpeg has for them.
_OTHER_NAMES = "mp4,m4a,3gp,3g2,mj2,webm,live_flv"

# Decoders of no codec: they make up audio from a text, or none.
_NO_CODECS = {"wavesynth", "anull", "ftr", "comfortnoise"}

# A video with its languages and subtitles has fewer; each costs memory before anything is decoded.
_MAX_STREAMS = 18

# Bytes that are looked at to find the streams, where a container does not list them: held at once.
_PROBE_BYTES = 8 * 1024 * 1024
_PROBE_MICROSECONDS = 600 * 1_000_000

_READ_BYTES = 128 * 1024

# What containers list of a second: a video's 60 pictures, and 47 frames of each of nine tracks.
_FRAMES_PER_SECOND = 500
_LEAST_FRAMES = 100_000
# A file of 4 KB may claim a list of 8 MB for each of its tracks: one such is made at a time.
_opening = threading.Lock()
_POLL_S = 0.1


class BoundedReader:
    """Bytes as a file that FFmpeg reads, as long as the limits let it."""

    def __init__(self, data: FileBytes, limits: Limits) -> None:
        self._data = data
        self._limits = limits
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most `size` of them; none at the end."""
        self._limits.check()
        found = self._data[self._position : self._position + size]
        self._position += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a position from the start (0), from here (1) or from the end (2); return it."""
        self._limits.check()
        base = (0, self._position, len(self._data))[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position


def open_container(data: FileBytes, limits: Limits, *, is_streamed_wav: bool = False) -> Any:
    """Open a file for its audio; what it holds of pictures is neither looked at nor decoded.

    Parameters
    ----------
    is_streamed_wav : bool
        A WAV file whose declared length is nonsense: its samples reach to the end.

    Raises
    ------
    av.error.FFmpegError
        No such file.
    AudioNotDecodable
        422: it lists more streams, or more frames than the longest recording has.
    DeadlineExceeded
        504
    """
    ffmpeg_memory.bound(limits.longest)
    options = {
        "format_whitelist": f"{','.join(CONTAINERS)},{_OTHER_NAMES}",
        "protocol_whitelist": "none",
        "codec_whitelist": _audio_codecs(),
        # One more than there may be, so that none is left out without a word.
        "max_streams": str(_MAX_STREAMS + 1),
        "probesize": str(_PROBE_BYTES),
        "analyzeduration": str(_PROBE_MICROSECONDS),
    }
    if is_streamed_wav:
        options["ignore_length"] = "1"
    with contextlib.nullcontext() if data.are_fetched else _alone(limits):
        try:
            container = av.open(
                BoundedReader(data, limits),
                metadata_errors="ignore",
                container_options=options,
                buffer_size=_READ_BYTES,
            )
        except av.error.MemoryError:
            raise _lists_too_much() from None
        if len(container.streams) > _MAX_STREAMS:
            container.close()
            raise _lists_too_much()
        frames = sum(len(stream.index_entries) for stream in container.streams)
        if frames > max(_LEAST_FRAMES, limits.longest * _FRAMES_PER_SECOND):
            container.close()
            raise AudioNotDecodable(
                f"The file lists {frames:,} frames, more than a recording of "
                f"{limits.longest:g} seconds has: write it anew with its audio alone, as with "
                "ffmpeg -i old.mp4 -vn new.m4a."
            )
    return container


def require_clear(packet: Any) -> None:
    """Refuse what was encrypted: without its key it is noise.

    Raises
    ------
    AudioNotDecodable
        422
    """
    if packet.has_sidedata("encryption_info"):
        raise AudioNotDecodable(
            "The audio is encrypted, as shops and broadcasters do (DRM): send a recording that is "
            "not."
        )


def _lists_too_much() -> AudioNotDecodable:
    return AudioNotDecodable(
        f"The file has more than {_MAX_STREAMS} streams, or lists too much of them: write it anew "
        "with its audio alone, as with ffmpeg -i old.mkv -map 0:a new.mka."
    )


@contextlib.contextmanager
def _alone(limits: Limits) -> Iterator[None]:
    """Wait until no other thread opens a file, as long as the limits let it."""
    while not _opening.acquire(timeout=_POLL_S):
        limits.check()
    try:
        yield
    finally:
        _opening.release()


@cache
def _audio_codecs() -> str:
    """Return the names of all audio decoders; probing opens no others, which take much memory."""
    return ",".join(sorted(set(_decoders()) - _NO_CODECS))


def _decoders() -> Iterator[str]:
    for name in av.codecs_available:
        try:
            codec = av.Codec(name, "r")
        except ValueError:  # it only encodes
            continue
        if codec.type == "audio":
            yield codec.name
