# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests are handed to Serve, and what Serve says of them itself is said in the contract's words.

Left to itself, Serve lets any number of requests wait for a process, for ever; answers one whose
process died with nothing, of which the web server makes a 500; and lets callers steer it by headers
of its own, in which it fails at a byte that is not UTF-8.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whisper_endpoint.errors import (
    DeadlineExceeded,
    EndpointError,
    EngineUnavailable,
    Overloaded,
)
from whisper_endpoint.metrics.collector import Signals
from whisper_endpoint.proxy.refusals import refusal

logger = logging.getLogger(__name__)

TRIAL = "whisper_endpoint.trial"
"""In the scope of the endpoint's own first request, which wants to hear what Serve says."""

# Health, and the list of routes.
_OWN_ROUTES = "/-/"
# Serve's: a time limit, whether hanging up counts, and which process to go to.
_STEERING = {
    b"x_request_timeout_seconds",
    b"x_request_disconnect_disabled",
    b"x_session_id",
    b"serve_multiplexed_model_id",
}
# Serve writes it into its log, and back to the caller.
_REQUEST_ID = b"x-request-id"
_LONGEST_ID = 128


class DispatchMiddleware:
    """Bounds how many requests Serve has, and how long; refuses those that it has no answer to.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy.
    signals : Signals
        Counts what is refused here.
    seconds : float
        From the end of a request's body to the beginning of its answer; the ingress has its own
        limit, which is shorter, once it has the request.
    places : callable
        Returns how many requests the ingresses work on at a time; 0 if that is not known.
    """

    def __init__(
        self, app: ASGIApp, signals: Signals, seconds: float, places: Callable[[], int]
    ) -> None:
        self._app = app
        self._signals = signals
        self._seconds = seconds
        self._places = places
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and see to its answer."""
        is_ours = TRIAL in scope or scope.get("path", "").startswith(_OWN_ROUTES)
        if scope["type"] != "http" or is_ours:
            await self._app(scope, receive, send)
            return
        try:
            places = self._places()
            if places and self._active >= places:
                raise Overloaded(f"{places} requests are in progress already: try again later.")
            self._active += 1
            try:
                await self._hand_over(scope, receive, send)
            finally:
                self._active -= 1
        except EndpointError as error:
            self._signals.refused(error.code)
            await refusal(error, scope["path"])(scope, receive, send)

    async def _hand_over(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _unsteered(scope["headers"])
        exchange = _Exchange(receive, send, self._seconds)
        try:
            async with exchange.timer:
                await self._app({**scope, "headers": headers}, exchange.receive, exchange.send)
        except Exception:
            if exchange.is_answered:
                raise
            if not exchange.timer.expired():
                logger.exception("Serve failed")
        exchange.check()


class _Exchange:
    """A request's messages on their way to Serve and back; what Serve says itself is left out."""

    def __init__(self, receive: Receive, send: Send, seconds: float) -> None:
        self.timer = asyncio.timeout(seconds)
        self.is_answered = False
        self._receive = receive
        self._send = send
        self._has_caller = True

    async def receive(self) -> Message:
        message = await self._receive()
        self._has_caller = message["type"] != "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and not _is_serves_own(message):
            self.is_answered = True
            self.timer.reschedule(None)
        if self.is_answered:
            await self._send(message)

    def check(self) -> None:
        """Refuse the request if it is over and has no answer."""
        if self.is_answered or not self._has_caller:
            return
        # Serve takes being cancelled for a caller that hung up, and ends as if all were well.
        if self.timer.expired():
            raise DeadlineExceeded(
                "No process had an answer in time: send shorter audio, or fewer requests at once."
            )
        raise EngineUnavailable(
            "The process that had the request is gone, or none takes requests yet: try again in a "
            "moment."
        )


def _is_serves_own(start: Message) -> bool:
    """Whether an answer is not the ingress's, whose refusals are all JSON."""
    kinds = (value for name, value in start.get("headers", ()) if name.lower() == b"content-type")
    return start["status"] >= 400 and not next(kinds, b"").startswith(b"application/json")


def _unsteered(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in headers if not _steers(name.lower(), value)]


def _steers(name: bytes, value: bytes) -> bool:
    if name == _REQUEST_ID:
        return len(value) > _LONGEST_ID or not value.isascii()
    return name.replace(b"-", b"_") in _STEERING
