# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests for the request handler, an engine in the same process, and a fake of speakers."""

from collections.abc import AsyncIterator

from whisper_endpoint import errors
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import HttpRequest
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
    """Two people, who speak for half of a recording each."""

    def __init__(self) -> None:
        self.asked: list[Parameters] = []

    async def diarize(
        self, samples: Samples, parameters: Parameters, seconds: float
    ) -> Diarization:
        self.asked.append(parameters)
        assert seconds > 0
        end = len(samples) / SAMPLE_RATE
        turns = Turn(0.0, end / 2, 7), Turn(end / 2, end, 3)
        return Diarization(turns, turns)
