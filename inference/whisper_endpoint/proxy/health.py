# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Serve's health route is made to fail when the engine does: by itself it always answers 200."""

import asyncio
import logging
import time
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

HEALTH_ROUTE = "/-/healthz"
# SageMaker waits 2 s for an answer; asking Ray takes milliseconds, but need not be done more often.
_KNOWN_FOR_S = 1.0


class HealthMiddleware:
    """Answers the health route with 503 while the engine has failed too often recently.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy; it answers everything else, and the health route too while all is well.
    count_failures : callable
        Returns the number of failures that count now. Called in a thread.
    max_failures : int
        From this number on the route fails.
    """

    def __init__(self, app: ASGIApp, count_failures: Callable[[], int], max_failures: int) -> None:
        self._app = app
        self._count_failures = count_failures
        self._max_failures = max_failures
        self._failures = 0
        self._known_until = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] == "http" and scope["path"] == HEALTH_ROUTE and await self._is_failing():
            text = f"The engine had to be started again {self._failures} times recently."
            await PlainTextResponse(text, 503)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_failing(self) -> bool:
        if time.monotonic() >= self._known_until:
            was_failing = self._failures >= self._max_failures
            self._failures = await asyncio.to_thread(self._count_failures)
            self._known_until = time.monotonic() + _KNOWN_FOR_S
            is_failing = self._failures >= self._max_failures
            if is_failing and not was_failing:
                logger.error("%d recent engine failures: the health check fails", self._failures)
        return self._failures >= self._max_failures
