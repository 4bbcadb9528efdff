# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Terminates WebSockets in Serve's proxy; only transcription requests go to the ingress.

Otherwise each message would be a call between processes, and each idle session would occupy a slot
of an ingress.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whisper_endpoint.errors import (
    EndpointError,
    NotFound,
    Overloaded,
    SessionEnded,
)
from whisper_endpoint.proxy.origins import check_origin
from whisper_endpoint.proxy.realtime import secrets
from whisper_endpoint.proxy.realtime.configuration import Configuration
from whisper_endpoint.proxy.realtime.request_sender import RequestSender
from whisper_endpoint.proxy.realtime.session import Session
from whisper_endpoint.settings import EndpointSettings

logger = logging.getLogger(__name__)

SAGEMAKER = "/invocations-bidirectional-stream"
PATHS = ("/v1/realtime", SAGEMAKER)
# Subprotocol that OpenAI's browser clients offer, next to the one that holds their key.
_SUBPROTOCOL = "realtime"
# Offered in addition by clients of the API before its general availability.
_EARLIER = "openai-beta.realtime-v1"
_ENDED, _GOING_AWAY, _FAILED = 1000, 1001, 1011


class RealtimeMiddleware:
    """Serves sessions, within the operator's limits.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy with the inner middlewares.
    settings : EndpointSettings
        Number and length of sessions, and allowed web pages.
    """

    def __init__(self, app: ASGIApp, settings: EndpointSettings) -> None:
        self._app = app
        self._settings = settings
        self._sessions = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve or refuse a WebSocket session; pass other requests on."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            self._check(scope)
            session = secrets.session_in(headers, scope.get("subprotocols", []))
            configuration = Configuration().updated(session)
        except EndpointError as error:
            logger.warning("a session is refused: code=%s", error.code)
            await _refuse(error, scope, receive, send)
            return
        self._sessions += 1
        try:
            await self._serve(scope, headers, configuration, receive, send)
        finally:
            self._sessions -= 1

    def _check(self, scope: Scope) -> None:
        path = scope["path"]
        if path not in PATHS and not path.startswith(f"{SAGEMAKER}/"):
            raise NotFound(
                f"There is no WebSocket at {path[:100]!r}: connect to {' or '.join(PATHS)}."
            )
        check_origin(scope["headers"], self._settings.allowed_origins)
        if self._sessions >= self._settings.max_sessions:
            raise Overloaded(
                f"{self._settings.max_sessions} sessions are already open: try again later."
            )

    async def _serve(
        self,
        scope: Scope,
        headers: Mapping[bytes, str],
        configuration: Configuration,
        receive: Receive,
        send: Send,
    ) -> None:
        await receive()  # websocket.connect
        offered = scope.get("subprotocols", [])
        chosen = _SUBPROTOCOL if _SUBPROTOCOL in offered else None
        await send({"type": "websocket.accept", "subprotocol": chosen})

        async def tell(event: dict[str, Any]) -> None:
            await send({"type": "websocket.send", "text": orjson.dumps(event).decode()})

        session = Session(
            RequestSender(self._app, scope),
            tell,
            self._settings.session_s,
            configuration,
            is_old=_EARLIER in offered or "realtime=v1" in headers.get(b"openai-beta", ""),
        )
        code = _FAILED
        try:
            await session.begin()
            code = await self._listen(session, receive)
        except OSError:
            code = 0  # the client is gone
        except Exception:
            logger.exception("session %s failed", session.session_id)
        finally:
            session.close()
            logger.info("session %s ends: audio_s=%.1f", session.session_id, session.seconds)
        if code:
            await send({"type": "websocket.close", "code": code})

    async def _listen(self, session: Session, receive: Receive) -> int:
        """Pass messages to a session until it ends; return the close code, or 0 if disconnected."""
        settings = self._settings
        end = time.monotonic() + settings.session_s
        while True:
            left = end - time.monotonic()
            message = await _within(min(left, settings.session_idle_s), receive)
            if message is None:
                await session.expire(_expiry(settings, is_idle=left > settings.session_idle_s))
                return _GOING_AWAY
            if message["type"] == "websocket.disconnect":
                return 0
            await session.take(_content(message))
            if session.is_over:
                return _ENDED


async def _within(seconds: float, receive: Receive) -> Message | None:
    """Return the next message; None when the time is over, even if messages are waiting."""
    if seconds <= 0:
        return None
    try:
        async with asyncio.timeout(seconds):
            return await receive()
    except TimeoutError:
        return None


def _content(message: Message) -> str | bytes:
    text: str | None = message.get("text")
    return message["bytes"] if text is None else text


def _expiry(settings: EndpointSettings, *, is_idle: bool) -> SessionEnded:
    if is_idle:
        return SessionEnded(
            f"The session was idle for {settings.session_idle_s:g} s: open another session "
            "when there is audio."
        )
    return SessionEnded(
        f"The session reached its maximum of {settings.session_s:g} s: open another one "
        "and resume from the checkpoint."
    )


async def _refuse(error: EndpointError, scope: Scope, receive: Receive, send: Send) -> None:
    """Refuse a handshake, with an HTTP error document if the web server supports that."""
    await receive()  # websocket.connect
    if "websocket.http.response" in scope.get("extensions", {}):
        document = error.document(uuid.uuid4().hex)
        await JSONResponse(document, error.status)(scope, receive, send)
    else:
        await send({"type": "websocket.close", "code": 1008})
