# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Calls for the front desk, and the service without the link between them."""

from collections.abc import AsyncIterator

from whisper_endpoint import errors
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import Call
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.transcript import Transcript


async def stream(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 100_000):
        yield body[start : start + 100_000]


def call(body: bytes, **changed: str) -> Call:
    given = {"method": "POST", "path": "/", "content_type": "application/json"} | changed
    return Call(body=stream(body), **given)


class Direct:
    """The service in this process, as the link would call it."""

    def __init__(self, service: EngineService) -> None:
        self._service = service

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        answer = await self._service.transcribe(recording, parameters, seconds)
        if isinstance(answer, errors.EndpointError):
            raise answer
        return answer
