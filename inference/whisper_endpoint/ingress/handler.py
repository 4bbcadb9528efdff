# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The HTTP side of the endpoint: one route, every answer with its status."""

import asyncio
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from whisper_contract import formats
from whisper_contract.formats import FORMATS
from whisper_endpoint import parsing as wire
from whisper_endpoint.audio import decode as audio
from whisper_endpoint.audio import sources
from whisper_endpoint.audio.features import Features
from whisper_endpoint.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    EndpointError,
    InternalError,
    MethodNotAllowed,
    NotFound,
    Overloaded,
)
from whisper_endpoint.ingress import (
    answers,
    operator_limits,
    preparation,
)
from whisper_endpoint.ingress import (
    long_recordings as pieces,
)
from whisper_endpoint.ingress import (
    refusal as response,
)
from whisper_endpoint.metrics.collector import INGRESS_COUNTS, Metric, Signals
from whisper_endpoint.parsing import Envelope
from whisper_endpoint.proxy.body import body_of
from whisper_endpoint.transcript import merge_channels

if TYPE_CHECKING:
    from starlette.requests import Request as WebRequest

    from whisper_contract.formats import Form
    from whisper_endpoint.audio.sources import Source
    from whisper_endpoint.ingress.preparation import Recording
    from whisper_endpoint.messages import Parameters, Prepared
    from whisper_endpoint.model_info import ModelFacts
    from whisper_endpoint.parsing.request import Request
    from whisper_endpoint.settings import EndpointSettings
    from whisper_endpoint.transcript import Transcript

logger = logging.getLogger(__name__)

# An hour's answer takes a tenth of a second to write, in which no live call may wait.
_MANY_SEGMENTS = 100

_T = TypeVar("_T")

# Sources that are read at the same time, in threads that do little but wait.
_FETCHERS = 16


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
    accept, attributes : str
        Values of the Accept header and of SageMaker's custom attributes; empty if there are none.
    """

    method: str
    path: str
    content_type: str
    body: AsyncIterator[bytes]
    accept: str = ""
    attributes: str = ""

    @classmethod
    def of(cls, request: "WebRequest") -> "Call":
        """Return what the web server has of a request; a body that came with it is not fetched."""
        return cls(
            request.method,
            request.url.path,
            request.headers.get("content-type", ""),
            body_of(request),
            accept=request.headers.get("accept", ""),
            attributes=request.headers.get("x-amzn-sagemaker-custom-attributes", ""),
        )


@dataclass(frozen=True)
class Answer:
    """An HTTP response.

    Attributes
    ----------
    status : int
    body : bytes
    content_type : str
        Value of the Content-Type header.
    """

    status: int
    body: bytes
    content_type: str = "application/json"


@dataclass
class _Visit:
    """A call being answered, and what its line in the log will say."""

    request_id: str
    arrived: float
    deadline: float
    audio_s: float = 0.0
    is_partial: bool = False

    @property
    def seconds_left(self) -> float:
        return self.deadline - time.monotonic()


@dataclass(frozen=True)
class _Order:
    """What is to be made of a request's audio: within the operator's limits, for this model."""

    parameters: "Parameters"
    form: "Form"


class FrontDesk:
    """Answers HTTP requests: audio is prepared here, in threads, and transcribed by the engine.

    Parameters
    ----------
    settings : EndpointSettings
    facts : ModelFacts
        Of the model that the engine has loaded.
    engine : Transcriber
    signals : Signals, optional
        Where requests, their audio and their errors are counted.

    Raises
    ------
    InvalidSetting
        The model does not have the operator's language.
    """

    def __init__(
        self,
        settings: "EndpointSettings",
        facts: "ModelFacts",
        engine: Transcriber,
        signals: Signals | None = None,
    ) -> None:
        operator_limits.check(settings, facts)
        self._settings = settings
        self._facts = facts
        self._engine = engine
        self._features = Features(facts.n_mels)
        self._threads = ThreadPoolExecutor(min(4, os.cpu_count() or 1), "whisper-ingress")
        self._fetchers = ThreadPoolExecutor(_FETCHERS, "whisper-fetch")
        self._signals = signals or Signals(INGRESS_COUNTS)
        self._in_hand = 0
        self._limits = audio.Limits(seconds=settings.max_audio_s, channels=settings.max_channels)

    async def answer(self, call: Call) -> Answer:
        """Answer a request, whatever it is; never raises but when it is cancelled."""
        now = time.monotonic()
        visit = _Visit(uuid.uuid4().hex, now, now + self._settings.deadline_s)
        self._in_hand += 1
        try:
            answer, code = await self._transcribe(call, visit), "-"
        except EndpointError as error:
            answer, code = _refuse(error, visit)
        except Exception:
            logger.exception("request %s failed", visit.request_id)
            answer, code = _refuse(
                InternalError("The endpoint failed: report it with the request id."), visit
            )
        finally:
            self._in_hand -= 1
        milliseconds = (time.monotonic() - visit.arrived) * 1000
        logger.info(
            "request %s status=%d code=%s partial=%d audio_s=%.2f ms=%.0f",
            visit.request_id,
            answer.status,
            code,
            visit.is_partial,
            visit.audio_s,
            milliseconds,
        )
        self._count(visit, code, milliseconds)
        return answer

    def _count(self, visit: _Visit, code: str, milliseconds: float) -> None:
        signals = self._signals
        signals.count(Metric.REQUESTS)
        signals.count(Metric.PARTIALS, int(visit.is_partial))
        signals.count(Metric.AUDIO, visit.audio_s)
        if code != "-":
            signals.refused(code)
        else:
            latency = Metric.PARTIAL_LATENCY if visit.is_partial else Metric.FINAL_LATENCY
            signals.measure(latency, milliseconds)

    async def _transcribe(self, call: Call, visit: _Visit) -> Answer:
        _route(call)
        if self._in_hand > self._settings.max_requests:
            raise Overloaded(
                f"{self._settings.max_requests} requests are in hand already: try again later."
            )
        body = await _read(call.body, self._settings.max_body_bytes)
        wanted, order = await self._in_thread(lambda: self._read(body, call, visit), visit)
        data = await self._fetch(wanted.source, visit)
        recordings = await self._in_thread(lambda: self._record(data, wanted, order), visit)
        visit.audio_s = recordings[0].duration
        visit.is_partial = any(one.is_partial for one in recordings)
        parameters = order.parameters
        if visit.is_partial:
            parameters = operator_limits.for_partial(parameters, self._settings)
        channels = await _all_or_none(
            self._transcribe_channel(recording, parameters, visit) for recording in recordings
        )
        transcript = merge_channels(channels) if parameters.channel_identification else channels[0]
        return await self._write(transcript, order.form)

    async def _transcribe_channel(
        self, recording: "Recording", parameters: "Parameters", visit: _Visit
    ) -> "Transcript":
        transcript = await pieces.transcribe(
            recording,
            parameters,
            lambda work: self._in_thread(work, visit),
            lambda piece, how: self._engine.transcribe(piece, how, visit.seconds_left),
        )
        return replace(transcript, duration=recording.duration)

    async def _write(self, transcript: "Transcript", form: "Form") -> Answer:
        def write() -> bytes:
            return formats.render(transcript, form)

        if len(transcript.segments) > _MANY_SEGMENTS:
            body = await asyncio.get_running_loop().run_in_executor(self._threads, write)
        else:
            body = write()
        return Answer(200, body, FORMATS[form.response_format].content_type)

    def _read(self, body: bytes, call: Call, visit: _Visit) -> "tuple[Request, _Order]":
        wanted = wire.read(
            Envelope(body, call.content_type, call.accept, call.attributes, call.path)
        )
        form = answers.choose(wanted, visit.request_id, self._settings.account_id)
        if wanted.live.deadline_ms is not None:
            visit.deadline = min(visit.deadline, visit.arrived + wanted.live.deadline_ms / 1000)
        limited = operator_limits.limit(wanted.parameters, self._settings)
        parameters = self._facts.settle(limited)
        if formats.needs_words(form):
            parameters = replace(parameters, word_timestamps=True)
        return wanted, _Order(parameters, form)

    async def _fetch(self, source: "Source", visit: _Visit) -> bytes:
        """Return the bytes of the audio; who waits for a network has threads of their own."""
        if isinstance(source, sources.InlineAudio):
            return source.data
        return await self._in_thread(
            lambda: sources.fetch(source, self._settings), visit, self._fetchers
        )

    def _record(self, data: bytes, wanted: "Request", order: "_Order") -> "list[Recording]":
        """Return the recording of each channel, or that of all of them mixed."""
        raw, parameters = sources.raw_form(wanted.source), order.parameters
        if parameters.channel_identification:
            decoded = audio.decode_channels(data, self._limits, raw)
            lives = [replace(wanted.live, channel=number) for number in range(len(decoded))]
        else:
            decoded, lives = (audio.decode(data, self._limits, raw),), [wanted.live]
        return [
            preparation.record(
                one,
                self._features,
                parameters,
                pause_s=self._facts.pause_s,
                live=live,
                guess=wanted.is_lca_form and self._settings.recognise_partials == "on",
            )
            for one, live in zip(decoded, lives, strict=True)
        ]

    async def _in_thread(
        self, work: Callable[[], _T], visit: _Visit, threads: ThreadPoolExecutor | None = None
    ) -> _T:
        running = asyncio.get_running_loop().run_in_executor(threads or self._threads, work)
        try:
            return await asyncio.wait_for(running, visit.seconds_left)
        except TimeoutError:
            raise DeadlineExceeded(
                "The audio could not be prepared in time: send shorter audio, or fewer requests "
                "at once."
            ) from None


async def _all_or_none(work: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """Do some work at once; when one of it is refused, the rest is cancelled."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _route(call: Call) -> None:
    if call.path not in wire.PATHS:
        raise NotFound(
            f"There is nothing at {call.path[:100]!r}: send POST / (on SageMaker, invoke)."
        )
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
