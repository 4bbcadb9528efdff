# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Seed inputs: one per wire format, container and codec."""

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from urllib3.filepost import encode_multipart_formdata

from tests.fuzz.targets import CONTENT_TYPES, RAW
from tests.unit.endpoint.media import encoded, index_bomb, tone
from whisper_contract import transcription_pb2 as pb

_CODECS = (
    ("wav", "pcm_s16le"),
    ("wav", "pcm_mulaw"),
    ("flac", "flac"),
    ("ogg", "libopus"),
    ("mp3", "libmp3lame"),
    ("mp4", "aac"),
    ("webm", "libopus"),
    ("caf", "pcm_alaw"),
    ("aiff", "pcm_s16be"),
    ("mpegts", "mp2"),
    ("avi", "pcm_s16le"),
    ("matroska", "flac"),
    ("wv", "wavpack"),
    ("tta", "tta"),
)
_PARAMETERS: dict[str, Any] = {
    "language": "en",
    "temperature": [0.0, 0.4],
    "beam_size": 2,
    "initial_prompt": "Acme",
    "clip_timestamps": [0.0, 1.5],
    "vad_parameters": {"threshold": 0.4},
    "response_format": "srt",
}


def write(target: str, folder: Path) -> None:
    """Write the seeds of a target into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(_OF_TARGET[target]()):
        (folder / f"seed-{number:02}").write_bytes(seed)


def _requests() -> Iterator[bytes]:
    audio = _file("wav", "pcm_s16le", 80)
    url = "https://example.com/a.wav"
    documents: list[dict[str, Any]] = [
        {"audio_input": list(audio), "parameters": _PARAMETERS},
        {"audio_data": "UklGRg==", "partial": True, "call_id": "c", "channel": 1, "sequence": 3},
        {"s3_uri": "s3://bucket/a.wav", "deadline_ms": 900},
        {"model_input": {"url": url, "task": "translate", "timestamp": "word", "batch_size": 8}},
    ]
    for document in documents:
        yield _input("application/json", json.dumps(document).encode())
    parameters = pb.Parameters(**_PARAMETERS | {"vad_parameters": pb.VadParameters(threshold=0.4)})
    message = pb.TranscribeRequest(
        audio=audio, encoding=pb.AUDIO_ENCODING_MULAW, parameters=parameters, partial=True
    )
    yield _input("application/x-protobuf", message.SerializeToString())
    fields = [("model", "whisper-1"), ("timestamp_granularities[]", "word"), ("prompt", "Acme")]
    form, kind = encode_multipart_formdata([*fields, ("file", ("a.wav", audio))], boundary="x")
    yield _input(kind, form)
    attributes = b"language=en;temperature=0,0.4;vad_parameters.threshold=0.3;partial=true"
    yield _input("audio/wav", audio, attributes)


def _input(content_type: str, body: bytes, attributes: bytes = b"") -> bytes:
    return bytes([CONTENT_TYPES.index(content_type), len(attributes)]) + attributes + body


def _audio() -> Iterator[bytes]:
    for container, codec in _CODECS:
        for is_by_channel in (0, 1):
            yield bytes([is_by_channel]) + _file(container, codec, 800)
    for number in range(1, len(RAW)):
        yield bytes([2 * number]) + bytes(range(256))


def _choices() -> Iterator[bytes]:
    chance = np.random.default_rng(11)
    yield from (chance.bytes(200) for _ in range(8))


def _crowds() -> Iterator[bytes]:
    """Yield hours in a few kilobytes, memory-hungry indexes, then short files of each kind."""
    for is_by_channel in (0, 4):
        hole = encoded(tone(1), "matroska", "flac", starts=[(8000, 3590)])
        yield bytes([is_by_channel]) + hole
    for tracks in (8, 18):
        yield b"\0" + index_bomb(tracks)
    yield from itertools.islice((one for one in _audio() if one[0] == 0), 9)


def _file(container: str, codec: str, samples: int) -> bytes:
    rate = {"libopus": 48_000, "pcm_mulaw": 8_000, "pcm_alaw": 8_000}.get(codec, 16_000)
    tone = (np.sin(np.arange(samples) / 5) * 9_000).astype(np.int16)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
        frame.rate = rate
        resampler = av.AudioResampler(stream.format, stream.layout, rate, stream.frame_size or None)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return buffer.getvalue()


_OF_TARGET = {"parser": _requests, "decoder": _audio, "engine": _choices, "together": _crowds}
