# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Makes Serve's health route fail if engine or ingress do; by itself it always answers 200."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger(__name__)

HEALTH_ROUTE = "/-/healthz"
# Seconds between checks. Asking Ray takes milliseconds, but a second on a busy machine, so health
# requests do not wait for it.
_PERIOD_S = 1.0
# Seconds to wait for the very first check, of the 2 s that SageMaker waits for an answer.
_WAIT_S = 1.0


class HealthMiddleware:
    """Answers the health route with 503 while the endpoint cannot work.

    That is the case if the engine has failed too often recently, or no ingress is running. Both are
    checked once a second from the first health request on, so that later ones need not wait.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy; it answers everything else, and the health route while all is well.
    count_failures : callable
        Returns the number of recent engine failures. Called in a thread.
    max_failures : int
        Number of failures from which the route fails.
    count_ingresses : callable
        Returns the number of running ingress processes. Called in a thread.
    """

    def __init__(
        self,
        app: ASGIApp,
        count_failures: Callable[[], int],
        max_failures: int,
        count_ingresses: Callable[[], int],
    ) -> None:
        self._app = app
        self._count_failures = count_failures
        self._max_failures = max_failures
        self._count_ingresses = count_ingresses
        self._fault = ""
        self._watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the health route, or pass the request on."""
        if scope["type"] == "http" and scope["path"] == HEALTH_ROUTE and await self._is_failing():
            await PlainTextResponse(self._fault, 503)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _is_failing(self) -> bool:
        """Whether the last check found a fault; the first request waits a little for one."""
        if self._watching is None or self._watching.done():
            is_known = asyncio.Event()
            self._watching = asyncio.create_task(self._watch(is_known))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_S):
                    await is_known.wait()
        return bool(self._fault)

    async def _watch(self, is_known: asyncio.Event) -> None:
        while True:
            await self._ask()
            is_known.set()
            await asyncio.sleep(_PERIOD_S)

    async def _ask(self) -> None:
        try:
            fault = await asyncio.to_thread(self._find_fault)
        except Exception:  # Ray and Serve may be in any state: keep the last result
            logger.exception("the health check could not determine the state")
            return
        if fault and not self._fault:
            logger.error("the health check fails: %s", fault)
        self._fault = fault

    def _find_fault(self) -> str:
        failures = self._count_failures()
        if failures >= self._max_failures:
            return f"The engine was restarted {failures} times within ten minutes."
        return "" if self._count_ingresses() else "No ingress process accepts requests."
