# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The HTTP side of the endpoint: one route, every answer with its status."""

import asyncio
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from whisper_endpoint import preparation, request, response, sources
from whisper_endpoint.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    EndpointError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Overloaded,
)
from whisper_endpoint.features import Features

if TYPE_CHECKING:
    from whisper_endpoint.model_facts import ModelFacts
    from whisper_endpoint.preparation import Prepared
    from whisper_endpoint.request import Parameters
    from whisper_endpoint.settings import EndpointSettings
    from whisper_endpoint.transcript import Transcript

logger = logging.getLogger(__name__)

_T = TypeVar("_T")


class Transcriber(Protocol):
    """What the desk needs of the engine."""

    async def transcribe(
        self, recording: "Prepared", parameters: "Parameters", seconds: float
    ) -> "Transcript":
        """Transcribe a recording within so many seconds, or raise an EndpointError."""


@dataclass(frozen=True)
class Call:
    """An HTTP request as it arrives.

    Attributes
    ----------
    method, path, content_type : str
        The last is empty if there is none.
    body : async iterator of bytes
        Read only as far as the limit allows.
    """

    method: str
    path: str
    content_type: str
    body: AsyncIterator[bytes]


@dataclass(frozen=True)
class Answer:
    """An HTTP response; its body is JSON."""

    status: int
    body: bytes


@dataclass
class _Visit:
    """A call being answered, and what its line in the log will say."""

    request_id: str
    arrived: float
    deadline: float
    audio_s: float = 0.0

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()


class FrontDesk:
    """Answers HTTP requests: audio is prepared here, in threads, and transcribed by the engine.

    Parameters
    ----------
    settings : EndpointSettings
    facts : ModelFacts
        Of the model that the engine has loaded.
    engine : Transcriber
    """

    def __init__(
        self, settings: "EndpointSettings", facts: "ModelFacts", engine: Transcriber
    ) -> None:
        self._settings = settings
        self._facts = facts
        self._engine = engine
        self._features = Features(facts.n_mels)
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "whisper-ingress")
        self._in_hand = 0

    async def answer(self, call: Call) -> Answer:
        """Answer a request, whatever it is; never raises but when it is cancelled."""
        now = time.monotonic()
        visit = _Visit(uuid.uuid4().hex, now, now + self._settings.deadline_s)
        self._in_hand += 1
        try:
            transcript = await self._transcribe(call, visit)
            answer, code = Answer(200, response.transcript_body(transcript)), "-"
        except EndpointError as error:
            answer, code = _refuse(error, visit)
        except Exception:
            logger.exception("request %s failed", visit.request_id)
            answer, code = _refuse(
                InternalError("The endpoint failed: report it with the request id."), visit
            )
        finally:
            self._in_hand -= 1
        logger.info(
            "request %s status=%d code=%s audio_s=%.2f ms=%.0f",
            visit.request_id,
            answer.status,
            code,
            visit.audio_s,
            (time.monotonic() - visit.arrived) * 1000,
        )
        return answer

    async def _transcribe(self, call: Call, visit: _Visit) -> "Transcript":
        _route(call)
        if self._in_hand > self._settings.max_requests:
            raise Overloaded(
                f"{self._settings.max_requests} requests are in hand already: try again later."
            )
        body = await _read(call.body, self._settings.max_body_bytes)
        recording, parameters = await self._in_thread(
            lambda: self._prepare(body, call.content_type), visit
        )
        visit.audio_s = recording.duration
        return await self._engine.transcribe(recording, parameters, visit.seconds_left)

    def _prepare(self, body: bytes, content_type: str) -> "tuple[Prepared, Parameters]":
        wanted = request.parse(body, content_type)
        parameters = self._facts.settle(wanted.parameters)
        data = sources.fetch(wanted.source, self._settings)
        recording = preparation.prepare(
            data,
            self._features,
            max_seconds=self._settings.max_audio_s,
            vad_filter=parameters.vad_filter,
        )
        return recording, parameters

    async def _in_thread(self, work: Callable[[], _T], visit: _Visit) -> _T:
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.wait_for(running, visit.seconds_left)
        except TimeoutError:
            raise DeadlineExceeded(
                "The audio could not be prepared in time: send shorter audio, or fewer requests "
                "at once."
            ) from None


def _route(call: Call) -> None:
    if call.path != "/":
        raise NotFound(f"There is nothing at {call.path!r}: send POST / (on SageMaker, invoke).")
    if call.method != "POST":
        raise MethodNotAllowed(f"The method {call.method!r} is not taken: use POST.")


async def _read(stream: AsyncIterator[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLarge(
                f"The body has more than {max_bytes:,} bytes: send shorter audio, or its s3_uri."
            )
    return bytes(body)


def _refuse(error: EndpointError, visit: _Visit) -> tuple[Answer, str]:
    return Answer(error.status, response.error_body(error, visit.request_id)), error.code
