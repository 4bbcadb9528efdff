# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Serve's health route, 200 while the ingress is still starting, is made to wait for an answer."""

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from starlette.responses import PlainTextResponse

from whisper_endpoint.health_gate import HEALTH_ROUTE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

# Of the 2 s that SageMaker waits for an answer.
_WAIT_S = 1.0
# Serve's own, while no application has the route; the front desk knows the route.
_NO_ROUTE = 404
_HEADERS = ((b"content-type", b"audio/wav"), (b"accept", b"application/json"))


class ReadyGate:
    """Answers the health route with 503 until a first request has been answered.

    It is a known clip, and goes the way of every request, through the proxy, the ingress and the
    engine. What is only made or loaded for a first request is there for the first caller then.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy.
    clip : bytes
        A WAV file.
    """

    def __init__(self, app: "ASGIApp", clip: bytes) -> None:
        self._app = app
        self._clip = clip
        self._is_open = False
        self._trial: asyncio.Task[None] | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer, or pass the request on."""
        is_health = scope["type"] == "http" and scope["path"] == HEALTH_ROUTE
        if is_health and not await self._is_ready(scope):
            text = "The endpoint has not answered its first request yet."
            await PlainTextResponse(text, 503)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_ready(self, health: "Scope") -> bool:
        """Wait a little for the first answer; whoever asks next waits for the same request's."""
        if not self._is_open:
            if self._trial is None or self._trial.done():
                self._trial = asyncio.create_task(self._send(health))
            await asyncio.wait({self._trial}, timeout=_WAIT_S)
        return self._is_open

    async def _send(self, health: "Scope") -> None:
        began = time.monotonic()
        try:
            status = await self._answer(health)
        except Exception:  # Serve's, which may be in the middle of anything
            logger.exception("the first request failed")
            return
        # A refusal is an answer too: an operator's limits may be such that the clip is not taken.
        self._is_open = status < 500 and status != _NO_ROUTE
        if status != _NO_ROUTE:
            level = logging.INFO if status == 200 else logging.WARNING
            seconds = time.monotonic() - began
            logger.log(level, "the first request: status %d after %.1f s", status, seconds)

    async def _answer(self, health: "Scope") -> int:
        """Send the clip as if it came the way that the health request came; returns the status."""
        statuses: list[int] = []
        waiting = [{"type": "http.request", "body": self._clip, "more_body": False}]

        async def receive() -> "Message":
            # Nobody hangs up: after the body there is nothing until Serve stops asking.
            return waiting.pop() if waiting else await asyncio.Future()

        async def send(message: "Message") -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        target = {"method": "POST", "path": "/", "raw_path": b"/", "headers": list(_HEADERS)}
        await self._app({**health, **target}, receive, send)
        return statuses[0]
