# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Makes the health route wait for a first answer; by itself it is 200 while the ingress starts."""

import asyncio
import logging
import time

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whisper_endpoint.proxy.dispatch import TRIAL
from whisper_endpoint.proxy.engine_restarts import Store
from whisper_endpoint.proxy.health import HEALTH_ROUTE

logger = logging.getLogger(__name__)

# Seconds to wait, of the 2 s that SageMaker waits for an answer.
_WAIT_S = 1.0
# From Serve, while no application has the route; the request handler knows the route.
_NO_ROUTE = 404
# From Serve: it gave the request up.
_TIMED_OUT = 408
# The web server's answer if the application sends nothing, as Serve does when it fails.
_NO_ANSWER = 500
_MARK = "seen"
_HEADERS = ((b"content-type", b"audio/wav"), (b"accept", b"application/json"))


class ReadinessMiddleware:
    """Answers the health route with 503 until a first request has been answered.

    That request is a known clip. It takes the same path as every request, through the proxy, one
    ingress and the engine, so that all lazy initialisation is done before the first caller. A
    replacement proxy learns from the store that a request was answered, so that a busy container is
    not taken out of service while the clip is queued.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy.
    clip : bytes
        A WAV file.
    store : Store
        Contains a key once the request has been answered. Called in threads.
    """

    def __init__(self, app: ASGIApp, clip: bytes, store: Store) -> None:
        self._app = app
        self._clip = clip
        self._store = store
        self._is_open = False
        self._trial: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the health route, or pass the request on."""
        is_health = scope["type"] == "http" and scope["path"] == HEALTH_ROUTE
        if is_health and not await self._is_ready(scope):
            text = "The endpoint has not answered its first request yet."
            await PlainTextResponse(text, 503)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_ready(self, health: Scope) -> bool:
        """Wait a little for the first answer; later health checks wait for the same request."""
        if not self._is_open:
            if self._trial is None or self._trial.done():
                self._trial = asyncio.create_task(self._open(health))
            await asyncio.wait({self._trial}, timeout=_WAIT_S)
        return self._is_open

    async def _open(self, health: Scope) -> None:
        try:
            self._is_open = await self._was_answered() or await self._send(health)
        except Exception:  # Ray's store and Serve may be in any state
            logger.exception("the first request failed")

    async def _was_answered(self) -> bool:
        return bool(await asyncio.to_thread(self._store.keys))

    async def _send(self, health: Scope) -> bool:
        """Send the clip; record and return whether it was answered."""
        began = time.monotonic()
        status = await self._answer(health)
        if status != _NO_ROUTE:
            level = logging.INFO if status == 200 else logging.WARNING
            seconds = time.monotonic() - began
            logger.log(level, "the first request: status %d after %.1f s", status, seconds)
        # A 4xx from the request handler counts: the operator's limits may refuse the clip.
        was_answered = status < 500 and status not in (_NO_ROUTE, _TIMED_OUT)
        if was_answered:
            await asyncio.to_thread(self._store.add, _MARK)
        return was_answered

    async def _answer(self, health: Scope) -> int:
        """Send the clip with the scope of the health request; return the status."""
        statuses: list[int] = []
        waiting = [{"type": "http.request", "body": self._clip, "more_body": False}]

        async def receive() -> Message:
            # Never report a disconnect: after the body, wait until Serve stops receiving.
            return waiting.pop() if waiting else await asyncio.Future()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        target = {"method": "POST", "path": "/", "raw_path": b"/", "headers": list(_HEADERS)}
        await self._app({**health, **target, TRIAL: True}, receive, send)
        return statuses[0] if statuses else _NO_ANSWER
