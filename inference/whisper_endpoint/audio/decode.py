# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Bytes of an audio file become samples, within bounds."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio import ffmpeg_memory
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.audio.wav import plain_samples, repair_riff
from whisper_endpoint.errors import (
    AudioNotDecodable,
    AudioTooLong,
    TooManyChannels,
    UnsupportedSampleRate,
)
from whisper_endpoint.messages import SAMPLE_RATE

# Samples per second that audio may have: what a line or a studio sends.
_LOWEST_RATE, _HIGHEST_RATE = 4_000, 192_000

# Containers of audio alone: FFmpeg also knows playlists and scripts, which open further files.
_CONTAINERS = "wav,w64,aiff,au,caf,mp3,aac,flac,ogg,amr,asf,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"


@dataclass(frozen=True)
class Audio:
    """A recording.

    Attributes
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
        All channels mixed into one, or one of them.
    """

    samples: NDArray[np.float32]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What audio may be.

    Attributes
    ----------
    seconds : float
        Length at which decoding stops with a refusal, whatever a file claims about itself; of
        all channels together where each is wanted for itself.
    """

    seconds: float
    channels: int = 8


def decode(data: bytes, limits: Limits, raw: RawForm | None = None) -> Audio:
    """Decode an audio file of any container and codec that PyAV knows, or raw samples.

    Parameters
    ----------
    data : bytes
        The file, or the samples.
    raw : RawForm, optional
        What the samples are; by default the data is a file.

    Raises
    ------
    AudioNotDecodable
        422: no audio in it, or damaged from the start. Damage further in ends the recording.
    UnsupportedSampleRate
        422: outside the limits.
    AudioTooLong, TooManyChannels
        413: beyond the limits.
    """
    (audio,) = _decode(data, limits, raw, is_mixed=True)
    return audio


def decode_channels(data: bytes, limits: Limits, raw: RawForm | None = None) -> tuple[Audio, ...]:
    """Decode each channel for itself; otherwise as :func:`decode`."""
    return _decode(data, limits, raw, is_mixed=False)


def _decode(
    data: bytes, limits: Limits, raw: RawForm | None, *, is_mixed: bool
) -> tuple[Audio, ...]:
    limit = int(limits.seconds * SAMPLE_RATE)
    blocks: list[NDArray[np.int16]] = []
    total = 0
    try:
        for block in _blocks(data, limits, raw, is_mixed=is_mixed):
            blocks.append(block)
            total += block.size
            if total > limit:
                raise AudioTooLong(
                    f"The audio is longer than {limits.seconds:g} seconds: send it in parts."
                )
    except (av.error.FFmpegError, ValueError, LookupError, EOFError, NotImplementedError):
        if not total:
            raise AudioNotDecodable(
                f"The {len(data):,} bytes of audio could not be decoded: send a file such as WAV, "
                "FLAC, MP3, Ogg or MP4 that holds audio."
            ) from None
    return _joined(blocks)


def _joined(blocks: list[NDArray[np.int16]]) -> tuple[Audio, ...]:
    """Put blocks of shape (n, channels) together, channel by channel."""
    channels = blocks[0].shape[1] if blocks else 1
    joined = []
    for channel in range(channels):
        parts = [block[:, channel] for block in blocks]
        # In place, so that an hour is held once: 230 MB.
        samples = np.concatenate([np.empty(0, np.int16), *parts], dtype=np.float32)
        samples /= np.float32(32768)
        # Several steps look at the same samples: none may change what the next one hears.
        samples.flags.writeable = False
        joined.append(Audio(samples))
    return tuple(joined)


def _blocks(
    data: bytes, limits: Limits, raw: RawForm | None, *, is_mixed: bool
) -> Iterator[NDArray[np.int16]]:
    """Yield the audio at 16 kHz, in blocks of shape (n, channels)."""
    if raw is not None:
        return _raw_blocks(data, limits, raw, is_mixed=is_mixed)
    file = repair_riff(data)
    plain = plain_samples(file)
    if plain is not None:
        return iter([plain.reshape(-1, 1)])
    return _decoded_blocks(file, limits, is_mixed=is_mixed)


def _raw_blocks(
    data: bytes, limits: Limits, raw: RawForm, *, is_mixed: bool
) -> Iterator[NDArray[np.int16]]:
    _check_form(limits, raw.rate, raw.channels)
    samples = raw.blocks(data)
    if is_mixed:
        samples = (block.mean(axis=1, keepdims=True).astype(np.int16) for block in samples)
    if raw.rate == SAMPLE_RATE:
        yield from samples
        return
    channels = 1 if is_mixed else raw.channels
    resampler = av.AudioResampler(format="s16", layout=None, rate=SAMPLE_RATE)
    for block in samples:
        # Without an order of channels, so that none is anything but a channel.
        frame = av.AudioFrame.from_ndarray(
            block.reshape(1, -1), format="s16", layout="mono" if channels == 1 else f"{channels}c"
        )
        frame.rate = raw.rate
        yield from _resampled(resampler, frame, channels)
    yield from _resampled(resampler, None, channels)


def _decoded_blocks(data: bytes, limits: Limits, *, is_mixed: bool) -> Iterator[NDArray[np.int16]]:
    ffmpeg_memory.bound()
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
    resampler = av.AudioResampler(
        format="s16", layout="mono" if is_mixed else None, rate=SAMPLE_RATE
    )
    channels = 1
    with av.open(io.BytesIO(data), metadata_errors="ignore", container_options=options) as file:
        if not file.streams.audio:
            raise ValueError("no audio stream")
        for frame in _frames(file):
            _check_form(limits, frame.sample_rate, frame.layout.nb_channels)
            channels = 1 if is_mixed else frame.layout.nb_channels
            frame.pts = None
            yield from _resampled(resampler, frame, channels)
    yield from _resampled(resampler, None, channels)


def _check_form(limits: Limits, rate: int, channels: int) -> None:
    if channels > limits.channels:
        raise TooManyChannels(f"The audio has {channels} channels: send at most {limits.channels}.")
    if not _LOWEST_RATE <= rate <= _HIGHEST_RATE:
        raise UnsupportedSampleRate(
            f"The audio has {rate:,} samples per second: send {_LOWEST_RATE:,} to "
            f"{_HIGHEST_RATE:,}."
        )


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


def _resampled(resampler: Any, frame: Any, channels: int) -> Iterator[NDArray[np.int16]]:
    for resampled in resampler.resample(frame):
        yield resampled.to_ndarray().reshape(-1, channels)
