# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Bridge ``InvokeEndpointWithBidirectionalStream`` to the container's WebSocket.

SageMaker speaks HTTP/2 with the client and WebSocket with the container: each event's payload is a
message, text or binary according to its ``DataType``.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import websockets
from botocore.eventstream import ParserError
from botocore.exceptions import EventStreamError

from local_cloud.access import Access, AccessRefused, asgi_environ, refusal
from local_cloud.sagemaker import event_stream
from local_cloud.sagemaker.control_plane import SageMaker, ValidationException
from local_cloud.sagemaker.runtime import RuntimeAnswer, model_error
from local_cloud.sagemaker.runtime import refusal as service_refusal

LONGEST_SECONDS = 30 * 60
"""Longest stream, in seconds."""

_PATH = "/invocations-bidirectional-stream"
_HEADER = "HTTP_X_AMZN_SAGEMAKER_MODEL_"
_NORMAL = (1000, 1001)
_TEXT = "UTF8"
_MOST_BYTES = 16 * 1024 * 1024

Send = Callable[[dict[str, Any]], Any]
Receive = Callable[[], Any]


class BidirectionalStreams:
    """An ASGI application.

    Parameters
    ----------
    sagemaker : SageMaker
        Control plane with the endpoints.
    access : Access
        Access control.
    seconds : float
        Longest stream, in seconds.
    """

    def __init__(
        self, sagemaker: SageMaker, access: Access, seconds: float = LONGEST_SECONDS
    ) -> None:
        self._sagemaker = sagemaker
        self._access = access
        self._seconds = seconds

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one stream, or refuse it."""
        if scope["type"] != "http":
            return
        environ = asgi_environ(scope)
        try:
            self._access.refuse_pages(environ)
            self._access.require_signature(environ)
        except AccessRefused as refused:
            response = refusal(refused, environ)
            headers = dict(response.headers)
            await _answer(RuntimeAnswer(response.status_code, headers, response.get_data()), send)
            return
        parts = scope["path"].strip("/").split("/")
        if scope["method"] != "POST" or parts[0] != "endpoints" or parts[2:] != [_PATH[1:]]:
            message = "There is no such operation: call InvokeEndpointWithBidirectionalStream."
            await _answer(service_refusal(404, "UnknownOperationException", message), send)
            return
        await self._stream(parts[1], environ, receive, send)

    async def _stream(
        self, endpoint: str, environ: Mapping[str, Any], receive: Receive, send: Send
    ) -> None:
        try:
            address = self._sagemaker.serving_address(endpoint)
        except ValidationException as error:
            await _answer(service_refusal(400, "InputValidationError", str(error)), send)
            return
        try:
            container = await websockets.connect(
                _url(address, environ), max_size=_MOST_BYTES, compression=None
            )
        except websockets.InvalidStatus as error:
            said = (error.response.body or b"").decode(errors="replace")
            await _answer(model_error(endpoint, error.response.status_code, said), send)
            return
        except (OSError, websockets.InvalidHandshake, TimeoutError):
            await _answer(model_error(endpoint, 500, "The container takes no WebSocket."), send)
            return
        started = {
            "Content-Type": event_stream.CONTENT_TYPE,
            "X-Amzn-Invoked-Production-Variant": "AllTraffic",
        }
        await send({"type": "http.response.start", "status": 200, "headers": _encoded(started)})
        async with container:
            passing = asyncio.create_task(_pass_on(receive, container))
            # A stream that is too long ends without an error, as in the service.
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await _pass_back(container, send)
            passing.cancel()
        await send({"type": "http.response.body", "body": b""})


async def _pass_on(receive: Receive, container: websockets.ClientConnection) -> None:
    """Forward the client's events to the container, until either ends."""
    events = event_stream.ClientEvents()
    is_open = True
    try:
        while is_open:
            message = await receive()
            for event in events.take(message.get("body", b"")):
                if event is None:
                    return
                is_text = event.headers.get("DataType") == _TEXT
                await container.send(event.payload.decode() if is_text else event.payload)
            is_open = message["type"] == "http.request" and message.get("more_body", False)
    except (EventStreamError, ParserError, UnicodeDecodeError, websockets.ConnectionClosed):
        return
    finally:
        await container.close()


async def _pass_back(container: websockets.ClientConnection, send: Send) -> None:
    """Forward the container's messages to the client, and an error if it closed abnormally."""
    with suppress(websockets.ConnectionClosedError):
        async for message in container:
            await _send_event(send, *_event(message))
    if container.close_code not in _NORMAL:
        headers = {":message-type": "exception", ":exception-type": "ModelStreamError"}
        detail = {"Message": f"The container closed with {container.close_code}."}
        await _send_event(send, headers, json.dumps(detail).encode())


def _event(message: str | bytes) -> tuple[dict[str, str], bytes]:
    """Return the event's headers and payload for a message."""
    is_text = isinstance(message, str)
    headers = {
        ":message-type": "event",
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
        "DataType": _TEXT if is_text else "BINARY",
        "CompletionState": "COMPLETE",
    }
    return headers, message.encode() if isinstance(message, str) else message


async def _send_event(send: Send, headers: Mapping[str, str], payload: bytes) -> None:
    body = event_stream.encode(headers, payload)
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _answer(answer: RuntimeAnswer, send: Send) -> None:
    start = {"type": "http.response.start", "status": answer.status}
    await send({**start, "headers": _encoded(answer.headers)})
    await send({"type": "http.response.body", "body": answer.body})


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _url(address: str, environ: Mapping[str, Any]) -> str:
    """Return the container's URL, with the client's path and query."""
    path = environ.get(f"{_HEADER}INVOCATION_PATH", "").lstrip("/")
    query = environ.get(f"{_HEADER}QUERY_STRING", "").lstrip("?")
    url = address.replace("http://", "ws://", 1) + _PATH
    return url + (f"/{path}" if path else "") + (f"?{query}" if query else "")
