# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Supported containers, and how they are opened: for their audio only, within limits."""

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

# An allow list: FFmpeg also reads pictures, and playlists and scripts, which open further files or
# synthesise audio.
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
"""FFmpeg's name of the demuxer: (name of the format, usual file extensions)."""

HAS_CLOCK = {
    **dict.fromkeys(("mov", "matroska", "ogg", "asf", "flv", "nut"), False),
    **dict.fromkeys(("mxf", "avi", "gxf", "wv"), False),
    **dict.fromkeys(("mpegts", "mpeg", "rm", "wtv", "dv"), True),
}
"""Containers with timestamps: whether these may start anywhere instead of at 0."""

# Other names that FFmpeg has for some of them.
_OTHER_NAMES = "mp4,m4a,3gp,3g2,mj2,webm,live_flv"

# Not real codecs: these synthesise audio, or produce none.
_NO_CODECS = {"wavesynth", "anull", "ftr", "comfortnoise"}

# Even a video with many languages and subtitles has fewer. Each stream costs memory on opening.
_MAX_STREAMS = 18

# Bytes read (and held in memory) to find the streams of a container that does not list them.
_PROBE_BYTES = 8 * 1024 * 1024
_PROBE_MICROSECONDS = 600 * 1_000_000

_READ_BYTES = 128 * 1024

# Index entries per second: 60 pictures of a video, and 47 frames of each of nine audio tracks.
_FRAMES_PER_SECOND = 500
_LEAST_FRAMES = 100_000
# A file of 4 KB may claim an index of 8 MB for each track: open one file at a time.
_opening = threading.Lock()
# FFmpeg ignores their checksums unless told otherwise, and returns noise for a damaged frame.
_HAVE_CHECKSUMS = {"flac", "tta", "wavpack"}
# Frames with which a codec starts, which an edit list leaves out.
_LEAST_PRIMING = 2
_POLL_S = 0.1


class BoundedReader:
    """A file object through which FFmpeg reads; enforces the limits."""

    def __init__(self, data: FileBytes, limits: Limits) -> None:
        self._data = data
        self._limits = limits
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes; empty at the end."""
        self._limits.check()
        found = self._data[self._position : self._position + size]
        self._position += len(found)
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        """Seek relative to the start (0), the position (1) or the end (2); return the position."""
        self._limits.check()
        base = (0, self._position, len(self._data))[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """Return the position."""
        return self._position


def open_container(data: FileBytes, limits: Limits, *, is_streamed_wav: bool = False) -> Any:
    """Open a file for its audio; pictures are neither probed nor decoded.

    Parameters
    ----------
    is_streamed_wav : bool
        Whether it is a WAV file with an invalid length, whose samples reach to the end.

    Raises
    ------
    av.error.FFmpegError
        The file is in no supported format.
    AudioNotDecodable
        422: more streams than allowed, or more frames than the longest recording has.
    DeadlineExceeded
        504
    """
    ffmpeg_memory.bound(limits.longest)
    options = {
        "format_whitelist": f"{','.join(CONTAINERS)},{_OTHER_NAMES}",
        "protocol_whitelist": "none",
        "codec_whitelist": _audio_codecs(),
        # One more than allowed: FFmpeg would silently drop the rest.
        "max_streams": str(_MAX_STREAMS + 1),
        "probesize": str(_PROBE_BYTES),
        "analyzeduration": str(_PROBE_MICROSECONDS),
    }
    if is_streamed_wav:
        options["ignore_length"] = "1"
    with contextlib.nullcontext() if data.are_fetched else _alone(limits):
        container = _opened(data, limits, options)
        if _is_edited_away(container):
            container.close()
            container = _opened(data, limits, options | {"advanced_editlist": "0"})
        if len(container.streams) > _MAX_STREAMS:
            container.close()
            raise _lists_too_much()
        frames = sum(len(stream.index_entries) for stream in container.streams)
        if frames > max(_LEAST_FRAMES, limits.longest * _FRAMES_PER_SECOND):
            container.close()
            raise AudioNotDecodable(
                f"The file's index has {frames:,} frames, more than a recording of "
                f"{limits.longest:g} seconds can have: remux its audio into a new file, "
                "for example with ffmpeg -i old.mp4 -vn new.m4a."
            )
    for stream in container.streams.audio:
        if stream.codec_context and stream.codec_context.name in _HAVE_CHECKSUMS:
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
    return container


def _opened(data: FileBytes, limits: Limits, options: dict[str, str]) -> Any:
    try:
        return av.open(
            BoundedReader(data, limits),
            metadata_errors="ignore",
            container_options=options,
            buffer_size=_READ_BYTES,
        )
    except av.error.MemoryError:
        raise _lists_too_much() from None


def _is_edited_away(container: Any) -> bool:
    """Whether nothing of a track is left by an MP4 file's edit list, which is never meant.

    Some writers leave the length of an edit at 0.
    """
    return any(
        container.format.name.startswith("mov")
        and one.frames > _LEAST_PRIMING
        and len(one.index_entries) <= _LEAST_PRIMING
        for one in container.streams.audio
    )


def require_clear(packet: Any) -> None:
    """Reject encrypted audio: without the key it is noise.

    Raises
    ------
    AudioNotDecodable
        422
    """
    if packet.has_sidedata("encryption_info"):
        raise AudioNotDecodable("The audio is protected by DRM: send a file without encryption.")


def _lists_too_much() -> AudioNotDecodable:
    return AudioNotDecodable(
        f"The file has more than {_MAX_STREAMS} streams, or too large an index of them: "
        "remux its audio into a new file, for example with ffmpeg -i old.mkv -map 0:a "
        "new.mka."
    )


@contextlib.contextmanager
def _alone(limits: Limits) -> Iterator[None]:
    """Hold the lock for opening files; waiting for it is subject to the limits."""
    while not _opening.acquire(timeout=_POLL_S):
        limits.check()
    try:
        yield
    finally:
        _opening.release()


@cache
def _audio_codecs() -> str:
    """Return the names of all audio decoders; probing with video decoders takes much memory."""
    return ",".join(sorted(set(_decoders()) - _NO_CODECS))


def _decoders() -> Iterator[str]:
    for name in av.codecs_available:
        try:
            codec = av.Codec(name, "r")
        except ValueError:  # an encoder only
            continue
        if codec.type == "audio":
            yield codec.name
