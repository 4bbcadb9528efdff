# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests for the request handler, and an engine in the same process."""

from collections.abc import AsyncIterator

from whisper_endpoint import errors
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import HttpRequest
from whisper_endpoint.messages import Parameters, Prepared
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
