# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Keeps out the pages that a browser has open on a machine from which the endpoint can be reached.

A browser says whose page it is, with each POST and each WebSocket, even where the page's name was
made to point to this machine. Programs say nothing, nor does SageMaker.
"""

from collections.abc import Container, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from whisper_endpoint.errors import OriginNotAllowed
from whisper_endpoint.metrics.collector import Signals
from whisper_endpoint.proxy.refusals import refusal


class OriginsMiddleware:
    """Refuses requests of pages that the operator has not allowed; sessions have a check of theirs.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy, and what stands before it.
    allowed : container of str
        Such as ``https://a.example``.
    signals : Signals
        Counts what is refused here.
    """

    def __init__(self, app: ASGIApp, allowed: Container[str], signals: Signals) -> None:
        self._app = app
        self._allowed = allowed
        self._signals = signals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            try:
                check_origin(scope["headers"], self._allowed)
            except OriginNotAllowed as error:
                self._signals.refused(error.code)
                await refusal(error)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def check_origin(headers: Iterable[tuple[bytes, bytes]], allowed: Container[str]) -> None:
    """Refuse what comes from a page of another origin than those allowed.

    Raises
    ------
    OriginNotAllowed
        403.
    """
    for name, value in headers:
        origin = value.decode("latin-1")
        if name.lower() == b"origin" and origin not in allowed:
            raise OriginNotAllowed(
                f"Pages of {origin[:100]!r} may not connect: add it to WHISPER_ALLOWED_ORIGINS."
            )
