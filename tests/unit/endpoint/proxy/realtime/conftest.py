# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Serve's web server with sessions, before an ingress that counts the audio that it gets."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
import soxr
import websockets
from numpy.typing import NDArray
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from tests.unit.endpoint.helpers import clip_samples, silence
from tests.unit.endpoint.proxy.test_connections import Proxy
from whisper_contract import transcription_pb2 as wire
from whisper_endpoint.errors import EndpointError
from whisper_endpoint.metrics.collector import PROXY_COUNTS, Signals
from whisper_endpoint.proxy.realtime.middleware import RealtimeMiddleware
from whisper_endpoint.proxy.realtime.secret_routes import SecretsMiddleware
from whisper_endpoint.settings import EndpointSettings

WORDS = [f"word{number}" for number in range(200)]
_WORDS_PER_S = 3


class CountingIngress:
    """Behind the sessions: hears three words in a second of audio, whatever it is.

    Attributes
    ----------
    asked : list of TranscribeRequest
        In the order in which they came.
    refusals : list of ASGI applications
        Answered instead, the last first.
    delays : list of float
        Seconds by which finals are late, the last first.
    """

    def __init__(self) -> None:
        self.asked: list[wire.TranscribeRequest] = []
        self.refusals: list[ASGIApp] = []
        self.delays: list[float] = []
        self.hung_up = 0
        self.is_deaf = False
        self.is_waiting = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert (scope["type"], scope["method"], scope["path"]) == ("http", "POST", "/")
        assert dict(scope["headers"])[b"content-type"] == b"application/x-protobuf"
        message = await receive()
        assert not message["more_body"]
        request = wire.TranscribeRequest.FromString(message["body"])
        self.asked.append(request)
        if self.is_waiting:
            assert (await receive())["type"] == "http.disconnect"
            self.hung_up += 1
            return
        if self.delays and not request.partial:
            await asyncio.sleep(self.delays.pop())
        if self.refusals:
            await self.refusals.pop()(scope, receive, send)
            return
        await Response(self._answer(request))(scope, receive, send)

    def _answer(self, request: wire.TranscribeRequest) -> bytes:
        seconds = len(request.audio) / 2 / request.sample_rate
        words = [] if self.is_deaf else WORDS[: int(seconds * _WORDS_PER_S)]
        answer = wire.TranscribeResponse(text=" ".join(words), duration=seconds)
        if words:
            answer.language, answer.language_probability = "en", 1.0
            segment = answer.segments.add(text=answer.text, start=0, end=seconds)
            for number, word in enumerate(words):
                begin = number / _WORDS_PER_S
                end = begin + 1 / _WORDS_PER_S
                segment.words.add(word=f" {word}", start=begin, end=end, probability=0.9)
        body: bytes = answer.SerializeToString()
        return body

    @property
    def finals(self) -> list[wire.TranscribeRequest]:
        return [one for one in self.asked if not one.partial]


class EventClient:
    """A client that sends events as they stand and keeps what comes."""

    def __init__(self, socket: websockets.ClientConnection) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []

    async def send(self, kind: str, **fields: object) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str) -> dict[str, Any]:
        """Read until an event of a type comes; returns it."""
        while True:
            event = await self.next()
            if event["type"] == kind:
                return event

    async def next(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 30))
        self.events.append(event)
        return event

    async def configure(self, **fields: object) -> dict[str, Any]:
        """Change the audio's configuration; returns what is in effect."""
        session = {"type": "transcription", "audio": {"input": fields}}
        await self.send("session.update", session=session)
        effective: dict[str, Any] = (await self.until("session.updated"))["session"]
        return effective

    async def append(self, data: bytes, size: int = 4_800) -> None:
        for begin in range(0, len(data), size):
            audio = base64.b64encode(data[begin : begin + size]).decode()
            await self.send("input_audio_buffer.append", audio=audio)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["type"] == kind]


def refusal(error: EndpointError) -> JSONResponse:
    return JSONResponse(error.document("id"), error.status)


def speech(rate: int = 24_000, times: int = 1, pause_s: float = 1.5) -> NDArray[np.int16]:
    """Sentences of 2.7 s, each with a pause behind it."""
    one = np.concatenate([clip_samples(), silence(pause_s)] * times)
    samples: NDArray[np.int16] = one if rate == 16_000 else soxr.resample(one, 16_000, rate)
    return samples.astype("<i2")


class SessionHost:
    """A server with sessions, of whose settings a test may choose some."""

    def __init__(self, ingress: CountingIngress, **settings: object) -> None:
        self.signals = Signals(PROXY_COUNTS)
        inner = SecretsMiddleware(ingress, self.signals)
        self.proxy = Proxy(RealtimeMiddleware(inner, EndpointSettings.model_validate(settings)))
        self.url = f"ws://127.0.0.1:{self.proxy.port}"

    @asynccontextmanager
    async def client(
        self, path: str = "/v1/realtime", **options: Any
    ) -> AsyncIterator[EventClient]:
        async with websockets.connect(self.url + path, **options) as socket:
            client = EventClient(socket)
            await client.next()
            yield client


@pytest.fixture
def ingress() -> CountingIngress:
    return CountingIngress()


@pytest.fixture
def host(ingress: CountingIngress) -> Iterator[Callable[..., SessionHost]]:
    """Starts a server."""
    started: list[SessionHost] = []

    def start(**settings: object) -> SessionHost:
        started.append(SessionHost(ingress, **settings))
        return started[-1]

    yield start
    for one in started:
        one.proxy.stop()
