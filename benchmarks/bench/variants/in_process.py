# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint without HTTP and Ray."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from benchmarks.bench.variants import Reply, read_answer
from benchmarks.lca_client.client import CONTENT_TYPE
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.errors import EndpointError
from whisper_endpoint.ingress.handler import HttpRequest, HttpResponse, RequestHandler
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript


class InProcess:
    """The endpoint's pipeline without HTTP and Ray: request handler, preparation, engine."""

    def __init__(self, weights: Path, settings: EndpointSettings) -> None:
        self.engine = WhisperEngine.load(weights, "cpu", settings)
        self._service = EngineService(self.engine, settings)
        self._handler = RequestHandler(settings, self.engine.facts, _DirectEngine(self._service))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._running: set[Any] = set()

    def answer(self, body: bytes) -> Reply:
        """Answer through the request handler."""
        answer = self.send(body)
        return read_answer(answer.status, answer.body)

    def send(self, body: bytes, content_type: str = CONTENT_TYPE) -> HttpResponse:
        """Answer through the request handler, in the requested format."""
        request = HttpRequest("POST", "/", content_type, _once(body))
        running = asyncio.run_coroutine_threadsafe(self._handler.answer(request), self._loop)
        self._running.add(running)
        try:
            return running.result()
        finally:
            self._running.discard(running)

    def abandon(self) -> None:
        """Cancel the requests in progress."""
        for running in list(self._running):
            running.cancel()

    def close(self) -> None:
        """Stop the engine and the loop."""
        self._service.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class _DirectEngine:
    """Adapts the engine to the request handler: refusals are raised."""

    def __init__(self, service: EngineService) -> None:
        self._service = service

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        answer = await self._service.transcribe(recording, parameters, seconds)
        if isinstance(answer, EndpointError):
            raise answer
        return answer


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
