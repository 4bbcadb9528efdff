# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The HTTP side of the ingress: turns each request into a response or an error with its status."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.requests import Request as WebRequest

from whisper_contract import formats
from whisper_contract.formats import Form
from whisper_endpoint import parsing
from whisper_endpoint.audio import sources
from whisper_endpoint.audio.content import BytesInMemory, FileBytes
from whisper_endpoint.audio.decode import Limits
from whisper_endpoint.audio.sources import Source
from whisper_endpoint.errors import (
    AudioTooLong,
    BodyTooLarge,
    EndpointError,
    InternalError,
    Overloaded,
)
from whisper_endpoint.ingress import answers, diarization, long_recordings, lost_speech
from whisper_endpoint.ingress.audio_room import AudioRoom, Holding
from whisper_endpoint.ingress.diarization import Diarizer
from whisper_endpoint.ingress.intake import Intake
from whisper_endpoint.ingress.planning.decoding_parameters import check_settings
from whisper_endpoint.ingress.planning.request_plan import LONGEST_UTTERANCE_S, Plan, make_plan
from whisper_endpoint.ingress.preparation import Recording
from whisper_endpoint.ingress.progress_and_cancel import Progress, ProgressObject, watched
from whisper_endpoint.ingress.task_group import all_or_none
from whisper_endpoint.ingress.threads import Threads, run
from whisper_endpoint.messages import Parameters, Prepared, Priority
from whisper_endpoint.metrics.collector import INGRESS_COUNTS, Metric, Signals
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.proxy.body import body_of
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript, merge_channels

logger = logging.getLogger(__name__)

# Rendering an hour takes 0.1 s, which must not block live calls: above this, it runs in a thread.
_MANY_SEGMENTS = 100
# A larger file is not from a live call.
_LIVE_BYTES = 8 * 1024 * 1024
# Maximum share of files among the concurrent requests.
_SHARE_OF_FILES = 0.75
# The caller has hung up and does not read the response; nginx's status for that.
_HUNG_UP = 499


class Transcriber(Protocol):
    """The part of the engine that the handler uses."""

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        """Transcribe a recording within ``seconds``, or raise an EndpointError."""


@dataclass(frozen=True)
class HttpRequest:
    """An HTTP request as it arrives.

    Attributes
    ----------
    method, path, content_type : str
        ``content_type`` is empty if there is none.
    body : async iterator of bytes
        Read only up to the size limit.
    accept, attributes, encoding : str
        Values of the headers Accept, SageMaker's custom attributes and Content-Encoding; empty if
        there are none.
    query : str
        Of the URL.
    """

    method: str
    path: str
    content_type: str
    body: AsyncIterator[bytes]
    accept: str = ""
    attributes: str = ""
    encoding: str = ""
    query: str = ""

    @classmethod
    def of(cls, request: WebRequest) -> "HttpRequest":
        """Wrap the web server's request, without reading its body yet."""
        return cls(
            request.method,
            request.url.path,
            request.headers.get("content-type", ""),
            body_of(request),
            accept=request.headers.get("accept", ""),
            attributes=request.headers.get("x-amzn-sagemaker-custom-attributes", ""),
            encoding=request.headers.get("content-encoding", ""),
            query=request.url.query,
        )


@dataclass(frozen=True)
class HttpResponse:
    """An HTTP response; `headers` are those besides Content-Type."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class RequestContext:
    """The state of a request in progress, and the contents of its log line.

    Attributes
    ----------
    arrived, deadline : float
        Values of ``time.monotonic``.
    audio_s : float
        Seconds of audio, once known.
    is_file : bool
        Whether it counts towards the limit on files.
    is_over : bool
        Whether it was answered or abandoned, so that threads working on it should stop.
    progress : Progress
        How far the transcription has got.
    held : Holding
        Its reserved memory for audio.
    """

    request_id: str
    arrived: float
    deadline: float
    held: Holding
    audio_s: float = 0.0
    is_partial: bool = False
    is_file: bool = False
    is_over: bool = False
    progress: Progress = field(default_factory=Progress)

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()


class RequestHandler:
    """Answers HTTP requests: prepares audio in threads, and has the engine transcribe it.

    Parameters
    ----------
    facts : ModelInfo
        Properties of the engine's model.
    signals : Signals, optional
        Counts requests, their audio and their errors.
    diarizer : Diarizer, optional
        Given if the deployment has models for diarization.

    Raises
    ------
    InvalidSetting
        The model does not support a language set by the operator.
    """

    def __init__(
        self,
        settings: EndpointSettings,
        facts: ModelInfo,
        engine: Transcriber,
        signals: Signals | None = None,
        diarizer: Diarizer | None = None,
    ) -> None:
        check_settings(settings, facts)
        self._settings = settings
        self._facts = facts
        self._engine = engine
        self._diarizer = diarizer
        self._threads = Threads()
        self._intake = Intake(settings, facts, self._threads)
        self._room = AudioRoom()
        self._signals = signals or Signals(INGRESS_COUNTS)
        self._active = 0
        self._files = 0

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer any request; raise only if cancelled."""
        if (listing := answers.models(request.method, request.path)) is not None:
            return HttpResponse(200, listing)
        now = time.monotonic()
        deadline = now + self._settings.deadline_s
        context = RequestContext(uuid.uuid4().hex, now, deadline, Holding(self._room))
        self._active += 1
        try:
            answer, code = await self._transcribe(request, context), "-"
        except EndpointError as error:
            answer, code = _refuse(error, context, request.path)
        except asyncio.CancelledError:
            self._hung_up(context)
            raise
        except ClientDisconnect:
            self._hung_up(context)
            return HttpResponse(_HUNG_UP, b"")
        except Exception:
            logger.exception("request %s failed", context.request_id)
            answer, code = _refuse(
                InternalError("The endpoint failed: report the request ID."),
                context,
                request.path,
            )
        finally:
            context.is_over = True
            context.held.release()
            self._active -= 1
            self._files -= context.is_file
        milliseconds = _log(context, answer.status, code)
        self._count(context, code, milliseconds)
        return answer

    def _hung_up(self, context: RequestContext) -> None:
        """Count a request whose caller did not wait for the response."""
        _log(context, _HUNG_UP, "Abandoned")
        self._signals.count(Metric.ABANDONED)

    def _count(self, context: RequestContext, code: str, milliseconds: float) -> None:
        signals = self._signals
        signals.count(Metric.REQUESTS)
        signals.count(Metric.PARTIALS, int(context.is_partial))
        signals.count(Metric.AUDIO, context.audio_s)
        if code != "-":
            signals.refused(code)
        else:
            latency = Metric.PARTIAL_LATENCY if context.is_partial else Metric.FINAL_LATENCY
            signals.measure(latency, milliseconds)

    async def _transcribe(self, request: HttpRequest, context: RequestContext) -> HttpResponse:
        answers.check_route(request.method, request.path, request.encoding)
        if self._active > self._settings.max_requests:
            raise Overloaded(
                f"{self._settings.max_requests} requests are already in progress: try again later."
            )
        body = await _read(request.body, self._settings.max_body_bytes)
        threads = self._threads.live if len(body) <= _LIVE_BYTES else self._as_file(context)
        plan = await run(threads, lambda: self._plan(body, request, context), context.seconds_left)
        uri = plan.progress_s3_uri
        if uri is None:
            return await self._answer(plan, context)
        threads = self._threads.s3
        place = await run(
            threads, lambda: ProgressObject(uri, self._settings), context.seconds_left
        )
        work = self._answer(plan, context)
        return await watched(work, place, context.progress, context.request_id, threads)

    async def _answer(self, plan: Plan, context: RequestContext) -> HttpResponse:
        # No variable for the fetched data: it should be freed before the audio is transcribed.
        known = await self._intake.known_voices(plan, self._limits(context), context.held)
        recordings = await self._recordings(await self._fetch(plan.source, context), plan, context)
        context.audio_s = recordings[0].duration
        context.progress.expect(len(recordings), context.audio_s)
        context.is_partial = any(one.priority == Priority.PARTIAL for one in recordings)
        work = all_or_none(
            self._transcribe_channel(recording, plan, context, channel)
            for channel, recording in enumerate(recordings)
        )
        is_merged = plan.parameters.channel_identification
        if self._diarizer is not None and plan.parameters.diarize:
            work = diarization.with_speakers(
                work,
                (
                    self._diarizer.diarize(
                        one.samples, plan.parameters, context.seconds_left, known
                    )
                    for one in recordings
                ),
                plan.known_names,
            )
        channels = await work
        transcript = merge_channels(channels) if is_merged else channels[0]
        return await self._write(transcript, plan.form)

    async def _transcribe_channel(
        self, recording: Recording, plan: Plan, context: RequestContext, channel: int
    ) -> Transcript:
        parameters = plan.partial_parameters if context.is_partial else plan.parameters
        is_file = recording.priority == Priority.FILE
        threads = self._threads.files if is_file else self._threads.live
        size = self._intake.piece_bytes

        async def prepare(work: Callable[[], Prepared]) -> Prepared:
            if is_file:  # live audio reserved its memory when it was decoded
                await context.held.take(size, context.seconds_left, is_live=False)
            return await run(threads, work, context.seconds_left)

        async def ask(piece: Prepared, how: Parameters) -> Transcript:
            try:
                return await self._engine.transcribe(piece, how, context.seconds_left)
            finally:
                context.held.change(-size * is_file, is_live=False)

        transcript = await long_recordings.transcribe(
            recording,
            parameters,
            prepare,
            ask,
            lambda seconds: context.progress.reach(channel, seconds),
        )
        context.progress.reach(channel, recording.duration)
        own = channel if parameters.channel_identification else None
        missing = await run(
            threads, lambda: lost_speech.warnings(recording, transcript, own), context.seconds_left
        )
        if parameters.redaction:
            transcript = await run(
                threads, lambda: _redacted(transcript, recording, plan), context.seconds_left
            )
        warnings = (*recording.warnings, *transcript.warnings, *missing)
        return replace(transcript, duration=recording.duration, warnings=warnings)

    async def _write(self, transcript: Transcript, form: Form) -> HttpResponse:
        def write() -> bytes:
            return formats.render(transcript, form)

        if len(transcript.segments) > _MANY_SEGMENTS:
            body = await asyncio.get_running_loop().run_in_executor(self._threads.files, write)
        else:
            body = write()
        return HttpResponse(200, body, formats.content_type(form))

    def _plan(self, body: bytes, request: HttpRequest, context: RequestContext) -> Plan:
        asked = parsing.parse(
            body,
            request.content_type,
            accept=request.accept,
            attributes=request.attributes,
            path=request.path,
            query=request.query,
        )
        if asked.live.deadline_ms is not None:
            context.deadline = min(
                context.deadline, context.arrived + asked.live.deadline_ms / 1000
            )
        can_diarize = self._diarizer is not None
        return make_plan(
            asked, context.request_id, self._settings, self._facts, can_diarize=can_diarize
        )

    async def _fetch(self, source: Source, context: RequestContext) -> FileBytes:
        """Return the bytes of the audio; S3 and web sources are read in their own threads."""
        if isinstance(source, sources.InlineAudio):
            return BytesInMemory(source.data)
        self._as_file(context)
        is_in_s3 = isinstance(source, sources.S3Audio)
        threads = self._threads.s3 if is_in_s3 else self._threads.web
        return await run(threads, lambda: self._intake.fetch(source), context.seconds_left)

    def _as_file(self, context: RequestContext) -> ThreadPoolExecutor:
        """Count a request as a file and return the threads for files.

        Raises
        ------
        Overloaded
            503: the remaining capacity is reserved for live calls.
        """
        if not context.is_file:
            most = max(1, int(self._settings.max_requests * _SHARE_OF_FILES))
            if self._files >= most:
                raise Overloaded(f"{most} files are already in progress: try again later.")
            self._files += 1
            context.is_file = True
        return self._threads.files

    def _limits(self, context: RequestContext) -> Limits:
        return replace(
            self._intake.limits, deadline=context.deadline, is_wanted=lambda: not context.is_over
        )

    async def _recordings(
        self, data: FileBytes, plan: Plan, context: RequestContext
    ) -> list[Recording]:
        """Prepare the audio, in the threads for live audio while it may be live.

        The duration is known only after decoding, so the first minute of a file may be decoded
        twice.
        """
        whole = self._limits(context)
        seconds = min(LONGEST_UTTERANCE_S, whole.seconds)
        live = replace(whole, seconds=seconds, believed_seconds=whole.seconds)
        if len(data) <= _LIVE_BYTES and not context.is_file:
            try:
                return await self._intake.recordings(data, plan, live, context.held, is_live=True)
            except AudioTooLong:
                if live.seconds == whole.seconds:
                    raise
        self._as_file(context)
        return await self._intake.recordings(data, plan, whole, context.held, is_live=False)


def _redacted(transcript: Transcript, recording: Recording, plan: Plan) -> Transcript:
    # Imported here: slow to import (telephone number tables), and rarely needed.
    from whisper_endpoint.ingress.redaction import transcripts  # noqa: PLC0415

    return transcripts.redacted(
        transcript,
        is_partial=recording.priority == Priority.PARTIAL,
        is_live=recording.utterance is not None,
        has_words=plan.has_words,
        is_translated=plan.parameters.task == "translate",
    )


async def _read(stream: AsyncIterator[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    async for chunk in stream:
        body += chunk
        if len(body) > max_bytes:
            raise BodyTooLarge(
                f"The body has more than {max_bytes:,} bytes: send shorter audio, or its s3_uri."
            )
    return bytes(body)


def _log(context: RequestContext, status: int, code: str) -> float:
    """Log a request; return the milliseconds that it took."""
    milliseconds = (time.monotonic() - context.arrived) * 1000
    logger.info(
        "request %s status=%d code=%s partial=%d audio_s=%.2f ms=%.0f",
        context.request_id,
        status,
        code,
        context.is_partial,
        context.audio_s,
        milliseconds,
    )
    return milliseconds


def _refuse(error: EndpointError, context: RequestContext, path: str) -> tuple[HttpResponse, str]:
    # The traceback's frames refer to the error and to the audio: break the cycle.
    error.__traceback__ = error.__context__ = None
    body = answers.refusal(error, context.request_id, path)
    return HttpResponse(error.status, body, headers=error.headers), error.code
