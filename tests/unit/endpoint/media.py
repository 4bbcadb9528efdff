# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Media files made for tests: encoded, with times, tracks and faults of their own."""

import io
import struct
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

import av
import numpy as np


def tone(seconds: float, hertz: float = 440, rate: int = 16_000) -> np.ndarray:
    """Return a tone at half of full scale, int16."""
    times = np.arange(round(seconds * rate)) / rate
    return (np.sin(2 * np.pi * hertz * times) * 16_000).astype(np.int16)


def encoded(
    samples: np.ndarray,
    container: str,
    codec: str,
    rate: int = 16_000,
    *,
    channels: int = 1,
    starts: Sequence[tuple[int, float]] = (),
    options: Mapping[str, str] | None = None,
) -> bytes:
    """Encode mono samples at 16 kHz, the same on each channel.

    `starts`: sample from which on the file's clock says so many seconds more. `options`: of the
    container's writer.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container, container_options=dict(options or {})) as file:
        layout = "mono" if channels == 1 else "stereo"
        stream: Any = file.add_stream(codec, rate=rate, layout=layout, options={"strict": "-2"})
        stream.bit_rate = 64_000
        _fill(file, stream, samples, starts)
    return buffer.getvalue()


def repeated(media: bytes, container: str, times: int) -> bytes:
    """Return a file with the same packets so many times, which are encoded once."""
    buffer = io.BytesIO()
    with av.open(io.BytesIO(media)) as given, av.open(buffer, "w", format=container) as file:
        track: Any = given.streams.audio[0]
        stream: Any = file.add_stream_from_template(track)
        packets: list[Any] = [packet for packet in given.demux(track) if packet.size]
        pts = packets[0].pts
        for packet in packets * times:
            copy: Any = av.Packet(bytes(packet))
            copy.stream, copy.time_base, copy.duration = stream, packet.time_base, packet.duration
            copy.pts = copy.dts = pts
            pts += packet.duration
            file.mux(copy)
    return buffer.getvalue()


def with_tracks(
    *tracks: np.ndarray, container: str = "matroska", codec: str = "flac", late: float = 0.0
) -> bytes:
    """Return a file with an audio track for each array of samples at 16 kHz.

    `late`: seconds after which those after the first begin.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        streams = [file.add_stream(codec, rate=16_000, layout="mono") for _ in tracks]
        for stream, samples in zip(streams, tracks, strict=True):
            _fill(file, stream, samples, [(0, late)] if stream is not streams[0] else ())
    return buffer.getvalue()


def _fill(file: Any, stream: Any, samples: np.ndarray, starts: Sequence[tuple[int, float]]) -> None:
    stream.codec_context.open(strict=False)
    edges = [0, *(sample for sample, _ in starts), len(samples)]
    later = [0.0, *(seconds for _, seconds in starts)]
    for number, seconds in enumerate(later):
        part = samples[edges[number] : edges[number + 1]]
        rate, layout = stream.codec_context.sample_rate, stream.codec_context.layout
        resampler = av.AudioResampler(stream.format, layout, rate, stream.frame_size or 1024)
        pts = round((edges[number] / 16_000 + seconds) * rate)
        for one in _frames(part, resampler):
            one.pts, one.time_base = pts, Fraction(1, rate)
            pts += one.samples
            file.mux(stream.encode(one))
    file.mux(stream.encode(None))


def _frames(samples: np.ndarray, resampler: Any) -> Iterator[Any]:
    for start in range(0, len(samples), 16_000):
        second = samples[start : start + 16_000]
        frame = av.AudioFrame.from_ndarray(second[None], format="s16", layout="mono")
        frame.rate = 16_000
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def sounding(samples: np.ndarray) -> list[tuple[float, float]]:
    """Return where there is sound, in seconds, to a tenth."""
    tenths = len(samples) // 1600
    loud = np.abs(samples[: tenths * 1600]).reshape(tenths, 1600).max(axis=1) > 0.02
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud, [0]]).astype(np.int8))) / 10
    return [(float(a), float(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


MP4_AUDIO = struct.pack(">I4s6xH8xHHHHI", 36, b"mp4a", 1, 1, 16, 0, 0, 16_000 << 16)
"""What a track of AAC says of itself."""


def box(kind: bytes, *parts: bytes) -> bytes:
    """Return a box of an MP4 file."""
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def quicktime(tracks: int, entry: bytes, handler: bytes, samples: int) -> bytes:
    """Return a film whose tracks each claim this many samples, of a byte each."""

    def track(number: int) -> bytes:
        table = box(
            b"stbl",
            box(b"stsd", struct.pack(">II", 0, 1), entry),
            box(b"stts", struct.pack(">IIII", 0, 1, samples, 1024)),
            box(b"stsz", struct.pack(">III", 0, 1, samples)),
            box(b"stsc", struct.pack(">IIIII", 0, 1, 1, samples, 1)),
            box(b"stco", struct.pack(">III", 0, 1, 100)),
        )
        return box(
            b"trak",
            box(b"tkhd", struct.pack(">IIIIII", 7, 0, 0, number, 0, 1000), bytes(60)),
            box(
                b"mdia",
                box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 16_000, 1000, 0, 0)),
                box(b"hdlr", bytes(8), handler, bytes(13)),
                box(b"minf", box(b"smhd", bytes(8)), table),
            ),
        )

    film = box(b"moov", box(b"mvhd", bytes(100)), *map(track, range(1, tracks + 1)))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + film + box(b"mdat", bytes(5_000))


def index_bomb(tracks: int) -> bytes:
    """Return a film of a few kilobytes that has FFmpeg make a list of 8 MB for each track."""
    return quicktime(tracks, MP4_AUDIO, b"soun", 330_000)
