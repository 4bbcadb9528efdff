# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sends a session's requests through Serve like any caller's: to any ingress, within its limits."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from starlette.types import ASGIApp, Message

from whisper_contract import transcription_pb2 as wire
from whisper_stream.errors import InvocationFailed
from whisper_stream.protobuf import CONTENT_TYPE, decode, encode
from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse
from whisper_stream.retry import RequestOutcome, wait_s
from whisper_stream.settings import CallSettings

logger = logging.getLogger(__name__)

_PASSING = frozenset({408, 429, 500, 502, 503, 504})
_NO_ANSWER = 500
_HEADERS = [
    (b"content-type", CONTENT_TYPE.encode()),
    (b"accept", CONTENT_TYPE.encode()),
]


class RequestSender:
    """Sends one session's requests; finals are retried until their time limit.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy with the inner middlewares.
    scope : mapping
        The WebSocket's scope; requests have the same client address.
    """

    def __init__(self, app: ASGIApp, scope: Mapping[str, Any]) -> None:
        self._app = app
        kept = ("asgi", "client", "server", "root_path", "app", "state")
        self._scope = {name: scope[name] for name in kept if name in scope}
        self._closed = asyncio.Event()

    def close(self) -> None:
        """Abandon all requests in progress."""
        self._closed.set()

    async def send(self, request: TranscriptionRequest, settings: CallSettings) -> RequestOutcome:
        """Request a partial once; request a final until it succeeds or its limit has passed."""
        limit = settings.partial_deadline_s if request.is_partial else settings.final_limit_s
        give_up = request.asked_at + limit
        attempts, reason = 0, "There was no time left to send the request."
        while not self._closed.is_set() and (left := give_up - time.monotonic()) > 0:
            attempts += 1
            try:
                response = await self._answer(request, left)
                if response.is_superseded and not request.is_partial:
                    raise InvocationFailed("A final was answered as superseded.")  # noqa: TRY301
            except InvocationFailed as failure:
                reason = str(failure)
                if request.is_partial or not failure.is_passing:
                    break
                await self._wait(attempts)
            else:
                return RequestOutcome(attempts, response)
        return RequestOutcome(attempts, reason=reason)

    async def _answer(self, request: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        status, body = await self._post(encode(request, seconds))
        if status != 200:
            raise InvocationFailed(_sentence(body), is_passing=status in _PASSING)
        answer = wire.TranscribeResponse()
        try:
            answer.ParseFromString(body)
        except DecodeError:
            raise InvocationFailed("The answer is not a TranscribeResponse.") from None
        return decode(answer, request)

    async def _post(self, body: bytes) -> tuple[int, bytes]:
        """Send a request to the application; return the response's status and body."""
        waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        statuses: list[int] = []
        parts: list[bytes] = []

        async def receive() -> Message:
            if not waiting:
                await self._closed.wait()
                return {"type": "http.disconnect"}
            return waiting.pop()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        target = {"type": "http", "http_version": "1.1", "method": "POST", "scheme": "http"}
        where = {"path": "/", "raw_path": b"/", "query_string": b"", "headers": list(_HEADERS)}
        try:
            await self._app({**self._scope, **target, **where}, receive, send)
        except Exception:  # as a web server does, so that a final is asked for again
            logger.exception("a session's request failed")
            return _NO_ANSWER, b""
        return (statuses[0] if statuses else _NO_ANSWER), b"".join(parts)

    async def _wait(self, attempts: int) -> None:
        try:
            async with asyncio.timeout(wait_s(attempts)):
                await self._closed.wait()
        except TimeoutError:
            return


def _sentence(body: bytes) -> str:
    """Return the message of an error document."""
    try:
        return str(orjson.loads(body)["error"])
    except (ValueError, TypeError, KeyError):
        return "The endpoint did not answer: try again in a moment."
