# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests for the request handler, an engine in the same process, and a fake of speakers."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import httpx2
from openai import OpenAI

from whisper_endpoint import errors
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import HttpRequest, RequestHandler
from whisper_endpoint.messages import SAMPLE_RATE, Parameters, Prepared, Samples
from whisper_endpoint.speakers.turns import Diarization, Turn
from whisper_endpoint.transcript import Transcript


async def stream(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


def http_request(body: bytes, **changed: str) -> HttpRequest:
    given = {"method": "POST", "path": "/", "content_type": "application/json"} | changed
    return HttpRequest(body=stream(body), **given)


class DirectEngine:
    """The service in this process, as the engine's client would call it."""

    def __init__(self, service: EngineService) -> None:
        self._service = service

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        answer = await self._service.transcribe(recording, parameters, seconds)
        if isinstance(answer, errors.EndpointError):
            raise answer
        return answer


class TwoHalves:
    """Two people, who speak for half of a recording each; the second is like each known voice."""

    def __init__(self) -> None:
        self.asked: list[Parameters] = []
        self.known: list[Sequence[Samples]] = []

    async def diarize(
        self,
        samples: Samples,
        parameters: Parameters,
        seconds: float,
        known: Sequence[Samples] = (),
    ) -> Diarization:
        self.asked.append(parameters)
        self.known.append(known)
        assert seconds > 0
        end = len(samples) / SAMPLE_RATE
        turns = Turn(0.0, end / 2, 7), Turn(end / 2, end, 3)
        alike = [[0.9 if number == 3 else 0.1 for _ in known] for number in range(8)]
        return Diarization(turns, turns, tuple(map(tuple, alike)))


def openai_client_of(handler: RequestHandler) -> OpenAI:
    """OpenAI's own client, whose HTTP ends at the handler."""

    def send(sent: httpx2.Request) -> httpx2.Response:
        one = http_request(
            sent.read(),
            method=sent.method,
            path=sent.url.path,
            content_type=sent.headers.get("content-type", ""),
            accept=sent.headers.get("accept", ""),
        )
        answer = asyncio.run(handler.answer(one))
        headers = {"content-type": answer.content_type}
        return httpx2.Response(answer.status, content=iter((answer.body,)), headers=headers)

    client = httpx2.Client(transport=httpx2.MockTransport(send))
    return OpenAI(api_key="none", base_url="http://handler/v1", http_client=client, max_retries=0)
