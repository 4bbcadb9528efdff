# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Bytes of an audio file become samples, within bounds."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from whisper_endpoint import plain_wav, raw_audio
from whisper_endpoint.errors import AudioNotDecodable, AudioTooLong
from whisper_endpoint.raw_audio import RawForm

SAMPLE_RATE = 16_000

# Containers of audio alone: FFmpeg also knows playlists and scripts, which open further files.
_CONTAINERS = "wav,w64,aiff,au,caf,mp3,aac,flac,ogg,amr,asf,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
_CHUNK_HEADER = 8


@dataclass(frozen=True)
class Audio:
    """A recording.

    Attributes
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
        All channels mixed into one.
    """

    samples: NDArray[np.float32]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE


def decode(data: bytes, max_seconds: float, raw: RawForm | None = None) -> Audio:
    """Decode an audio file of any container and codec that PyAV knows, or raw samples.

    Parameters
    ----------
    data : bytes
        The file, or the samples.
    max_seconds : float
        Seconds at which decoding stops with a refusal, whatever the file claims about itself.
    raw : RawForm, optional
        What the samples are; by default the data is a file.

    Raises
    ------
    AudioNotDecodable
        422: no audio in it, or damaged from the start. Damage further in ends the recording.
    AudioTooLong
        413: longer than ``max_seconds``.
    """
    limit = int(max_seconds * SAMPLE_RATE)
    parts: list[NDArray[np.int16]] = []
    total = 0
    try:
        for part in _parts(repair_riff(data)) if raw is None else _raw_parts(data, raw):
            parts.append(part)
            total += len(part)
            if total > limit:
                raise AudioTooLong(
                    f"The audio is longer than {max_seconds:g} seconds: send it in parts."
                )
    except (av.error.FFmpegError, ValueError, LookupError, EOFError, NotImplementedError):
        if not total:
            raise AudioNotDecodable(
                f"The {len(data):,} bytes of audio could not be decoded: send a file such as WAV, "
                "FLAC, MP3, Ogg or MP4 that holds audio."
            ) from None
    # In place, so that an hour is held once: 230 MB.
    samples = np.concatenate([np.empty(0, np.int16), *parts], dtype=np.float32)
    samples /= np.float32(32768)
    return Audio(samples)


def _parts(data: bytes) -> Iterator[NDArray[np.int16]]:
    plain = plain_wav.samples(data)
    return _decoded_parts(data) if plain is None else iter([plain])


def _raw_parts(data: bytes, raw: RawForm) -> Iterator[NDArray[np.int16]]:
    """Yield raw samples as 16-bit samples at 16 kHz, all channels mixed."""
    mixed = (block.mean(axis=1).astype(np.int16) for block in raw_audio.blocks(data, raw))
    if raw.rate == SAMPLE_RATE:
        yield from mixed
        return
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    for samples in mixed:
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.rate = raw.rate
        yield from _resampled(resampler, frame)
    yield from _resampled(resampler, None)


def _decoded_parts(data: bytes) -> Iterator[NDArray[np.int16]]:
    """Yield the audio as 16-bit samples at 16 kHz, all channels mixed."""
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
    resampler = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
    with av.open(io.BytesIO(data), metadata_errors="ignore", container_options=options) as file:
        if not file.streams.audio:
            raise ValueError("no audio stream")
        for frame in _frames(file):
            frame.pts = None
            yield from _resampled(resampler, frame)
    yield from _resampled(resampler, None)


def _frames(file: Any) -> Iterator[Any]:
    """Yield frames, leaving out packets that are damaged."""
    damage: Exception | None = None
    any_frame = False
    for packet in file.demux(file.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as error:
            damage = error
            continue
        any_frame = any_frame or bool(frames)
        yield from frames
    if damage is not None and not any_frame:
        raise damage


def _resampled(resampler: Any, frame: Any) -> Iterator[NDArray[np.int16]]:
    for resampled in resampler.resample(frame):
        yield resampled.to_ndarray().reshape(-1)


def repair_riff(data: bytes) -> bytes:
    """Let the data chunk of a WAV file reach its end where the declared length is nonsense.

    A sender that streams writes the header before it knows the length. FFmpeg copes with a
    length of 0 or beyond the end, but takes one that is too small at its word and drops the rest;
    here the length holds only if what follows it is another chunk.

    Parameters
    ----------
    data : bytes
        Any file; only RIFF/WAVE is looked at.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return data
    start = _data_chunk(data)
    if start is None:
        return data
    declared = int.from_bytes(data[start - 4 : start], "little")
    end = start + declared + declared % 2
    if start + declared >= len(data) or _is_chunk_list(data, end):
        return data
    return data[: start - 4] + struct.pack("<I", len(data) - start) + data[start:]


def _data_chunk(data: bytes) -> int | None:
    """Return where the content of the chunk named ``data`` begins."""
    return next((chunk.start for chunk in plain_wav.chunks(data) if chunk.name == b"data"), None)


def _is_chunk_list(data: bytes, position: int) -> bool:
    """Whether the rest of the file is whole chunks with printable names."""
    while position + _CHUNK_HEADER <= len(data):
        name, length = struct.unpack_from("<4sI", data, position)
        if not all(0x20 <= byte < 0x7F for byte in name):
            return False
        position += _CHUNK_HEADER + length + length % 2
    return position >= len(data)
