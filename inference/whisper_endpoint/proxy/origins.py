# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Keeps out web pages that are open in a browser on a machine that can reach the endpoint.

A browser sends the page's origin with each POST and WebSocket, even if the page's host name was
made to resolve to this machine (DNS rebinding). Programs and SageMaker send none.
"""

from collections.abc import Container, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from whisper_endpoint.errors import OriginNotAllowed
from whisper_endpoint.metrics.collector import Signals
from whisper_endpoint.proxy.refusals import refusal


class OriginsMiddleware:
    """Refuses HTTP requests of pages that the operator has not allowed; sessions check separately.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy with the inner middlewares.
    allowed : container of str
        Origins such as ``https://a.example``.
    signals : Signals
        Counts refused requests.
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
                await refusal(error, scope["path"])(scope, receive, send)
                return
        await self._app(scope, receive, send)


def check_origin(headers: Iterable[tuple[bytes, bytes]], allowed: Container[str]) -> None:
    """Check that a request has no Origin header or an allowed one.

    Raises
    ------
    OriginNotAllowed
        403: the origin is not allowed.
    """
    for name, value in headers:
        origin = value.decode("latin-1")
        if name.lower() == b"origin" and origin not in allowed:
            raise OriginNotAllowed(
                f"Pages of {origin[:100]!r} may not connect: add the origin to "
                "WHISPER_ALLOWED_ORIGINS."
            )
