# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The console's server: the page, its calls, and a socket for each call that is being watched."""

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from live_whisper.audio.playback import Player
from live_whisper.call import CallTranscriber
from live_whisper.console import downloads
from live_whisper.console.library import Library
from live_whisper.console.signals import EndpointSignals
from live_whisper.errors import CallFileError, LiveError, StreamError
from live_whisper.sinks.amazon_transcribe import transcript_event
from live_whisper.transport.transport import Transport
from whisper_stream.audio.buffer import WIRE_RATE
from whisper_stream.audio.samples import wav_bytes
from whisper_stream.events import AudioMissing, CallEnded, Event, TranscriptResult, UtteranceLost
from whisper_stream.settings import CallSettings

_STATIC = Path(__file__).parent / "static"
MAX_UPLOAD_BYTES = 128 * 2**20
MAX_UPLOADING = 2
_KEPT_SESSIONS = 16
# Nothing is fetched from elsewhere; recordings of the microphone are blobs.
_POLICY = "default-src 'self'; media-src 'self' blob:; frame-ancestors 'none'"
_HOSTS = ["127.0.0.1", "localhost", "testserver"]
_NOT_OURS = 4403
_NO_CALL = "There is no such call; choose another one."


@dataclass
class Watching:
    """A call that is, or was, being watched."""

    call_id: str
    finals: list[TranscriptResult] = field(default_factory=list)


class Console:
    """The server's state.

    Parameters
    ----------
    transport : Transport
        To the endpoint.
    endpoint_name : str
        As the page shows it.
    """

    def __init__(
        self, transport: Transport, library: Library, signals: EndpointSignals, endpoint_name: str
    ) -> None:
        self._transport = transport
        self._library = library
        self._signals = signals
        self._endpoint_name = endpoint_name
        self._sessions: OrderedDict[str, Watching] = OrderedDict()
        self._uploading = 0

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/api/about", self._about),
                Route("/api/calls", self._calls),
                Route("/api/calls", self._upload, methods=["POST"]),
                Route("/api/calls/{key}/audio", self._audio),
                Route("/api/signals", self._readings),
                Route("/api/sessions/{key}/transcript.{extension}", self._download),
                WebSocketRoute("/api/live", self._watch),
                Mount("/static", StaticFiles(directory=_STATIC)),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=_HOSTS)],
        )

    async def _page(self, _request: Request) -> Response:
        return FileResponse(_STATIC / "index.html", headers={"Content-Security-Policy": _POLICY})

    async def _about(self, _request: Request) -> Response:
        return JSONResponse({"endpoint": self._endpoint_name})

    async def _calls(self, _request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(self._library.rows))

    async def _upload(self, request: Request) -> Response:
        if not _is_from_here(request):
            return _refusal(403, "Another page may not upload calls here; use the console's own.")
        if self._uploading >= MAX_UPLOADING:
            return _refusal(503, "Other calls are being uploaded; try again when they are here.")
        self._uploading += 1
        try:
            return await self._take(request)
        finally:
            self._uploading -= 1

    async def _take(self, request: Request) -> Response:
        name = request.query_params.get("name", "The upload")
        data = bytearray()
        async for chunk in request.stream():
            data += chunk
            if len(data) > MAX_UPLOAD_BYTES:
                limit = MAX_UPLOAD_BYTES // 2**20
                return _refusal(413, f"{name} is larger than {limit} MB; upload a shorter call.")
        try:
            entry = await asyncio.to_thread(self._library.upload, bytes(data), name)
        except CallFileError as error:
            return _refusal(422, str(error))
        return JSONResponse(entry.row(), 201)

    async def _audio(self, request: Request) -> Response:
        entry = self._library.find(request.path_params["key"])
        if entry is None:
            return _refusal(404, _NO_CALL)
        audio = wav_bytes(entry.call.samples, entry.call.sample_rate)
        return Response(audio, media_type="audio/wav")

    async def _readings(self, _request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(self._signals.readings))

    async def _download(self, request: Request) -> Response:
        extension = request.path_params["extension"]
        session = self._sessions.get(request.path_params["key"])
        if session is None or extension not in downloads.FORMS:
            return _refusal(404, "There is no such transcript; play the call again.")
        body = downloads.render(session.finals, extension, session.call_id)
        name = f'attachment; filename="{session.call_id}.{extension}"'
        return Response(
            body,
            media_type="application/json" if extension == "json" else "text/plain",
            headers={"Content-Disposition": name},
        )

    async def _watch(self, socket: WebSocket) -> None:
        """Transcribe a call and tell the page of it: one that is stored, or the microphone's."""
        if not _is_from_here(socket):
            await socket.close(_NOT_OURS)
            return
        await socket.accept()
        key = socket.query_params.get("call")
        entry = self._library.find(key) if key else None
        if key and entry is None:
            await socket.send_json({"type": "failed", "error": _NO_CALL})
            await socket.close()
            return
        language = socket.query_params.get("language") or None
        terms = socket.query_params.get("terms", "")
        try:
            settings = CallSettings(
                sample_rate=entry.call.sample_rate if entry else WIRE_RATE,
                languages=(language, language),
                terms=tuple(filter(None, map(str.strip, terms.split(",")))),
            )
        except StreamError as refusal:
            await socket.send_json({"type": "failed", "error": str(refusal)})
            await socket.close()
            return
        told: asyncio.Queue[Event] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        call = CallTranscriber(
            self._transport,
            settings,
            on_event=lambda event: loop.call_soon_threadsafe(told.put_nowait, event),
        )
        player = Player(call, entry.call) if entry else None
        session_key = self._keep(call.call_id)
        await socket.send_json({"type": "started", "session": session_key, "call_id": call.call_id})
        if player is not None:
            player.start()
        listening = asyncio.create_task(_listen(socket, call, player))
        try:
            await self._tell(socket, told, self._sessions[session_key])
            failure = player.failure if player else listening.done() and listening.result()
            if failure:
                await socket.send_json({"type": "failed", "error": str(failure)})
            await socket.close()
        except (WebSocketDisconnect, RuntimeError):
            pass  # the page was closed: the call ends below
        finally:
            listening.cancel()
            await asyncio.to_thread(call.close)

    async def _tell(self, socket: WebSocket, told: asyncio.Queue[Event], session: Watching) -> None:
        while True:
            event = await told.get()
            if isinstance(event, TranscriptResult) and not event.is_partial:
                session.finals.append(event)
            await socket.send_json(_message(event))
            if isinstance(event, CallEnded):
                return

    def _keep(self, call_id: str) -> str:
        key = secrets.token_hex(8)
        self._sessions[key] = Watching(call_id)
        while len(self._sessions) > _KEPT_SESSIONS:
            self._sessions.popitem(last=False)
        return key


async def _listen(
    socket: WebSocket, call: CallTranscriber, player: Player | None
) -> LiveError | None:
    """Take the microphone's frames, and the word that the call is over; return what ended it."""
    failure = None
    try:
        while (frame := (await socket.receive()).get("bytes")) is not None:
            if player is None:
                call.feed_channel(0, frame)
    except LiveError as refusal:
        failure = refusal
    except RuntimeError:
        pass  # the page was closed before
    if player is not None:
        await asyncio.to_thread(player.stop)
    call.finish()
    return failure


def _message(event: Event) -> dict[str, Any]:
    if isinstance(event, TranscriptResult):
        return {
            "type": "result",
            "until": event.until,
            "latency_s": event.latency_s,
            "warnings": event.warnings,
            **transcript_event(event),
        }
    if isinstance(event, UtteranceLost):
        return {"type": "lost", **asdict(event)}
    if isinstance(event, AudioMissing):
        return {"type": "missing", **asdict(event)}
    return {"type": "ended", "counts": asdict(event.counts)}


def _is_from_here(asked: HTTPConnection) -> bool:
    """Tell whether the page that asks is ours: browsers let any page open sockets and upload."""
    origin = asked.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == asked.headers.get("host")


def _refusal(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)
