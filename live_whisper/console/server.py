# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The console's server: the page, its recordings, and their transcripts."""

import asyncio
import re
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from live_whisper.console import downloads, live_socket
from live_whisper.console.library import Library, OfferedCall
from live_whisper.console.models import ModelFacts
from live_whisper.console.options import TranscriptionOptions, speakers_known
from live_whisper.console.recording_view import WholeFiles
from live_whisper.console.same_origin import HOSTS, PageHeaders, is_from_here
from live_whisper.console.signals import EndpointSignals
from live_whisper.errors import InvocationFailed, LiveError
from live_whisper.transport import whole_files
from live_whisper.transport.transport import Transport
from whisper_contract.transcript import Transcript
from whisper_stream.events import TranscriptResult

STATIC = Path(__file__).parent / "static"
MAX_UPLOAD_BYTES = 256 * 2**20
MAX_UPLOADING = 4
_TRANSCRIBING = 4
_KEPT_SESSIONS = 64
_NOT_OURS = 4403
_NO_CALL = "The recording no longer exists; upload it again or choose another one."
_NOT_YOURS = "Another page may not use the console; open its own address."


@dataclass(frozen=True)
class KeptTranscript:
    """The transcript of a call; `content` returns it as complete as it is by then."""

    name: str
    content: Callable[[], Transcript]


class Console:
    """The server's state.

    Parameters
    ----------
    transport : Transport
        Connection to the endpoint for live calls.
    files : WholeFiles
        Connection to the same endpoint for recordings.
    endpoint_name : str
        Name shown on the page.
    model : callable
        Looks up the endpoint's model; may take seconds.
    """

    def __init__(
        self,
        transport: Transport,
        files: WholeFiles,
        library: Library,
        signals: EndpointSignals,
        endpoint_name: str,
        model: Callable[[], ModelFacts],
    ) -> None:
        self._transport = transport
        self._files = files
        self._library = library
        self._signals = signals
        self._endpoint_name = endpoint_name
        self._model = model
        self._sessions: OrderedDict[str, KeptTranscript] = OrderedDict()
        self._uploading = 0
        # Separate threads: requests of minutes must not block the rest of the page.
        self._transcribing = ThreadPoolExecutor(_TRANSCRIBING, "console-file")

    def app(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._page),
                Route("/api/about", self._about),
                Route("/api/calls", self._calls),
                Route("/api/calls", self._upload, methods=["POST"]),
                Route("/api/calls/{key}/audio", self._audio),
                Route("/api/calls/{key}/request", self._code),
                Route("/api/calls/{key}/transcript", self._transcribe, methods=["POST"]),
                Route("/api/signals", self._readings),
                Route("/api/sessions/{key}/transcript.{extension}", self._download),
                WebSocketRoute("/api/live", self._live),
                Mount("/static", StaticFiles(directory=STATIC)),
            ],
            middleware=[
                Middleware(PageHeaders),
                Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS),
            ],
            exception_handlers={LiveError: _refused},
            lifespan=self._lifespan,
        )

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        self._transcribing.shutdown(wait=False, cancel_futures=True)
        self._library.close()

    async def _page(self, _request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def _about(self, _request: Request) -> Response:
        model = await asyncio.to_thread(self._model)
        return JSONResponse(
            {
                "endpoint": self._endpoint_name,
                "model": model.row(),
                "speakers": speakers_known(),
                "most_bytes": whole_files.MOST_BYTES,
            }
        )

    async def _calls(self, _request: Request) -> Response:
        return JSONResponse(await asyncio.to_thread(self._library.rows))

    async def _upload(self, request: Request) -> Response:
        if not is_from_here(request):
            return _refusal(403, _NOT_YOURS)
        if self._uploading >= MAX_UPLOADING:
            return _refusal(503, "Other calls are being uploaded; try again when they are done.")
        self._uploading += 1
        file = self._library.begin()
        try:
            return await self._take(request, file)
        except ClientDisconnect:
            return _refusal(400, "The upload was interrupted; upload the file again.")
        except OSError as error:
            return _refusal(
                507, f"The upload cannot be stored ({error.strerror}); free some disk space."
            )
        finally:
            self._uploading -= 1
            if not file.closed:
                self._library.drop(file)

    async def _take(self, request: Request, file: BinaryIO) -> Response:
        name = request.query_params.get("name", "")
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_UPLOAD_BYTES:
                limit = MAX_UPLOAD_BYTES // 2**20
                return _refusal(413, f"{name} is larger than {limit} MB; upload a shorter one.")
            await asyncio.to_thread(file.write, chunk)
        whole_files.refuse_empty(size, name)
        return JSONResponse(self._library.keep(file, name).row(), 201)

    async def _audio(self, request: Request) -> Response:
        entry = self._find(request)
        return FileResponse(entry.path, media_type=entry.media_type) if entry else _gone()

    async def _code(self, request: Request) -> Response:
        entry = self._find(request)
        if entry is None:
            return _gone()
        options = TranscriptionOptions.from_query(request.query_params)
        return JSONResponse(self._files.code(entry, options))

    async def _transcribe(self, request: Request) -> Response:
        """Transcribe a whole recording."""
        if not is_from_here(request):
            return _refusal(403, _NOT_YOURS)
        entry = self._find(request)
        if entry is None:
            return _gone()
        options = TranscriptionOptions.from_query(request.query_params)
        loop = asyncio.get_running_loop()
        heard = await loop.run_in_executor(
            self._transcribing, self._files.transcribe, entry, options
        )
        key = self._keep(KeptTranscript(Path(entry.title).stem, lambda: heard.transcript))
        return JSONResponse({"session": key, **heard.shown()})

    async def _readings(self, _request: Request) -> Response:
        readings = await asyncio.to_thread(self._signals.readings)
        return JSONResponse({"readings": readings, "note": self._signals.note})

    async def _download(self, request: Request) -> Response:
        extension = request.path_params["extension"]
        session = self._sessions.get(request.path_params["key"])
        if session is None or extension not in downloads.FORMS:
            return _refusal(404, "The transcript no longer exists; transcribe the call again.")
        name = re.sub(r"[^\w.-]+", "-", session.name, flags=re.ASCII).strip("-.") or "transcript"
        return Response(
            downloads.render(session.content(), extension, name),
            media_type="application/json" if extension == "json" else "text/plain",
            headers={"Content-Disposition": f'attachment; filename="{name}.{extension}"'},
        )

    async def _live(self, socket: WebSocket) -> None:
        if not is_from_here(socket):
            await socket.close(_NOT_OURS)
            return
        await socket.accept()
        await live_socket.transcribe(socket, self._transport, self._keep_live)

    def _keep_live(self, call_id: str, finals: list[TranscriptResult]) -> str:
        return self._keep(KeptTranscript(call_id, lambda: downloads.of_results(finals)))

    def _keep(self, heard: KeptTranscript) -> str:
        key = secrets.token_hex(8)
        self._sessions[key] = heard
        while len(self._sessions) > _KEPT_SESSIONS:
            self._sessions.popitem(last=False)
        return key

    def _find(self, request: Request) -> OfferedCall | None:
        return self._library.find(request.path_params["key"])


async def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, InvocationFailed):
        return _refusal(422, str(error))
    return _refusal(503 if error.is_passing else 422, error.said or str(error))


def _gone() -> Response:
    return _refusal(404, _NO_CALL)


def _refusal(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence}, status)
