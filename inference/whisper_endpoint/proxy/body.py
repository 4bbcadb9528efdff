# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A request's body goes from Serve's proxy to the ingress together with its headers.

Left to itself, the ingress's process fetches it from the proxy's, in as many calls as it has
pieces: several milliseconds for a live call's request, before anything is done for it.
"""

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# 70 s of LCA's audio. What is longer is not from a live call, and would delay those that are.
_MOST_BYTES = 8 * 1024 * 1024
_EXTENSION = "whisper_endpoint.body"


class BodyMiddleware:
    """Puts the body of a request of usual size into its scope, which the proxy passes on unchanged.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy.
    most_bytes : int
        A larger body is fetched by the ingress, piece by piece.
    """

    def __init__(self, app: ASGIApp, most_bytes: int = _MOST_BYTES) -> None:
        self._app = app
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body if all of it was received."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received, is_whole = await self._receive(receive)
        if is_whole:
            body = b"".join(message.get("body", b"") for message in received)
            scope = {**scope, "extensions": {**scope.get("extensions", {}), _EXTENSION: body}}
            received = [{"type": "http.request", "body": b"", "more_body": False}]
        await self._app(scope, _first(received, receive), send)

    async def _receive(self, receive: Receive) -> tuple[list[Message], bool]:
        """Receive up to the body's end, or until there is too much; returns whether it ended."""
        received: list[Message] = []
        size = 0
        while size <= self._most_bytes:
            message = await receive()
            received.append(message)
            if message["type"] != "http.request":
                return received, False
            size += len(message.get("body", b""))
            if not message.get("more_body", False):
                return received, size <= self._most_bytes
        return received, False


def _first(messages: list[Message], receive: Receive) -> Receive:
    """Return a way to receive some messages before all others."""
    waiting = iter(messages)

    async def one() -> Message:
        for message in waiting:
            return message
        return await receive()

    return one


def body_of(request: Request) -> AsyncIterator[bytes]:
    """Return a request's body in pieces: the one that it came with, or those that it has to get."""
    carried = request.scope.get("extensions", {}).get(_EXTENSION)
    return request.stream() if carried is None else _once(carried)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
