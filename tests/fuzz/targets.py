# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fuzz targets: every input must be accepted or refused with a status below 500."""

import time
from collections.abc import Callable, Mapping

from tests.fuzz import crowd, real_engine
from whisper_endpoint import parsing
from whisper_endpoint.audio import decode as audio_decode
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.errors import EndpointError
from whisper_endpoint.ingress.planning.request_plan import make_plan
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings

CONTENT_TYPES = (
    "application/json",
    "application/x-protobuf",
    "multipart/form-data; boundary=x",
    "audio/wav",
    "audio/L16;rate=8000;channels=2",
)
"""The first byte of an input to the parser chooses among them."""

RAW = (
    None,
    RawForm("mulaw", 8_000),
    RawForm("alaw", 11_025, 2),
    RawForm("pcm16", 16_000),
    RawForm("pcm16be", 44_100, 3),
    RawForm("float32", 48_000, 2),
)
"""The first byte of an input to the decoder chooses among them."""

_SETTINGS = EndpointSettings()
_FACTS = ModelInfo(80, ("en", "es"), multilingual=True)
_LIMITS = audio_decode.Limits(seconds=3600)
_LONGEST_MESSAGE = 4_000


class Broken(AssertionError):
    """A refusal that is not the caller's fault, or reveals too much."""


def parse(data: bytes) -> None:
    """Parse a request: content type, length of the attributes, attributes, body."""
    if len(data) < 2:
        return
    kind, length = CONTENT_TYPES[data[0] % len(CONTENT_TYPES)], data[1]
    attributes, body = data[2 : 2 + length].decode("latin-1"), data[2 + length :]
    try:
        request = parsing.parse(body, kind, attributes=attributes)
        make_plan(request, "0" * 32, _SETTINGS, _FACTS)
    except EndpointError as refusal:
        _judge(refusal)


def decode(data: bytes) -> None:
    """Decode audio, with channels mixed or separate."""
    if not data:
        return
    raw, is_mixed = RAW[data[0] // 2 % len(RAW)], data[0] % 2 == 0
    try:
        if is_mixed:
            audio_decode.decode(data[1:], _LIMITS, raw)
        else:
            audio_decode.decode_channels(data[1:], _LIMITS, raw)
    except EndpointError as refusal:
        _judge(refusal)


def engine(data: bytes) -> None:
    """Answer a valid request with a real engine."""
    answer = real_engine.transcribe(data)
    if answer.status >= 500:
        raise Broken(f"answered with {answer.status}: {answer.body[:200]!r}")


def together(data: bytes) -> None:
    """Decode concurrent requests with the same audio."""
    if len(data) < 2:
        return
    for answer in crowd.answers(data):
        if answer.status >= 500:
            raise Broken(f"answered with {answer.status}: {answer.body[:200]!r}")


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "parser": parse,
    "decoder": decode,
    "engine": engine,
    "together": together,
}

IDLE: Mapping[str, tuple[bytes, ...]] = {
    "parser": (b"\0\0{}",),
    "decoder": (b"\0x",),
    "engine": (b"\0", b"\1"),
    "together": (b"\0x",),
}
"""Warm-up inputs, after which a target's process is ready and idle."""

SECONDS: Mapping[str, float] = {"parser": 5, "decoder": 5, "engine": 60, "together": 40}
"""Allowed CPU seconds per input: independent of the machine's load."""


def bounded(name: str) -> Callable[[bytes], None]:
    """Return a target that fails on slow inputs."""

    def run(data: bytes) -> None:
        began = time.process_time()
        TARGETS[name](data)
        took = time.process_time() - began
        if took > SECONDS[name]:
            raise Broken(f"it took {took:.1f} s, more than {SECONDS[name]:g}")

    return run


def _judge(refusal: EndpointError) -> None:
    message = refusal.message
    if not 400 <= refusal.status < 500:
        raise Broken(f"{refusal.code} has status {refusal.status}")
    if not message or len(message) > _LONGEST_MESSAGE or "Traceback" in message:
        raise Broken(f"{refusal.code} says {message[:200]!r}")
