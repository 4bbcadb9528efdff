# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Receives a request's body in Serve's proxy, and passes the request on together with it.

By default the ingress process fetches the body from the proxy, in one call per chunk: several
milliseconds for a live request before any work is done. And a caller that stops half-way would
occupy a slot in the ingress.
"""

import asyncio
import logging
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whisper_endpoint.errors import EndpointError
from whisper_endpoint.metrics.collector import Metric, Signals
from whisper_endpoint.proxy.refusals import refusal
from whisper_endpoint.proxy.uploads import Upload, Uploads

logger = logging.getLogger(__name__)

# 70 s of audio as LCA sends it. Larger bodies are not from live calls, and would delay them.
_MOST_BYTES = 8 * 1024 * 1024
# Serve serialises all that it has received of a body into one message, blocking the event loop:
# 0.1 s for 25 MB. So it gets this much at a time, with a pause to send it.
_AT_ONCE_BYTES = 1024 * 1024
_BETWEEN_S = 0.01
_EXTENSION = "whisper_endpoint.body"


class BodyMiddleware:
    """Waits for a request's body, and puts a body of ordinary size into the scope.

    The proxy passes the scope on unchanged.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy.
    uploads : Uploads
        Limits time and memory; requests that exceed them are refused here.
    signals : Signals
        Counts refused and abandoned requests, which never reach the ingress.
    max_body_bytes : int
        A larger body is passed on as it arrives: the ingress refuses it.
    most_bytes : int
        A larger body is fetched by the ingress, chunk by chunk.
    """

    def __init__(
        self,
        app: ASGIApp,
        uploads: Uploads,
        signals: Signals,
        max_body_bytes: int,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._app = app
        self._uploads = uploads
        self._signals = signals
        self._max_body_bytes = max_body_bytes
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, unless its caller hangs up or is too slow."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with self._uploads.request() as upload:
            try:
                received = await self._receive(receive, upload)
            except EndpointError as error:
                self._signals.refused(error.code)
                await refusal(error, scope["path"])(scope, receive, send)
                return
            if received[-1]["type"] != "http.request":
                self._signals.count(Metric.ABANDONED)
                logger.info("a caller hung up after %d bytes of a body", upload.size)
                return
            if upload.size <= self._most_bytes:
                body = b"".join(message.get("body", b"") for message in received)
                scope = {**scope, "extensions": {**scope.get("extensions", {}), _EXTENSION: body}}
                received = [{"type": "http.request", "body": b"", "more_body": False}]
            await self._app(scope, _first(received, receive), send)

    async def _receive(self, receive: Receive, upload: Upload) -> list[Message]:
        """Receive up to the end of the body, or until it is larger than the ingress accepts."""
        received: list[Message] = []
        async with self._uploads.arriving(upload):
            while upload.size <= self._max_body_bytes:
                received.append(await receive())
                self._uploads.grow(upload, len(received[-1].get("body", b"")))
                if not received[-1].get("more_body", False):
                    break
        return received


def _first(messages: list[Message], receive: Receive) -> Receive:
    """Return a ``receive`` that first replays some messages, a little at a time."""
    waiting = iter(messages)
    given = 0

    async def one() -> Message:
        nonlocal given
        for message in waiting:
            if given >= _AT_ONCE_BYTES:
                await asyncio.sleep(_BETWEEN_S)
                given = 0
            given += len(message.get("body", b""))
            return message
        return await receive()

    return one


def body_of(request: Request) -> AsyncIterator[bytes]:
    """Return a request's body in chunks: the body in its scope, or else those received."""
    carried = request.scope.get("extensions", {}).get(_EXTENSION)
    return request.stream() if carried is None else _once(carried)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
