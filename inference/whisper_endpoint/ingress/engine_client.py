# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The ingress's client of the engine, with a circuit breaker for when the engine is gone."""

import asyncio
import contextvars
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from whisper_endpoint.errors import DeadlineExceeded, EndpointError, EngineUnavailable
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.transcript import Transcript

_Transcribe = Callable[[Prepared, Parameters, float], Awaitable[Transcript | EndpointError]]

logger = logging.getLogger(__name__)

# Lets the engine, which counts expired requests, be the first to time out.
_GRACE_S = 0.25


class EngineLost(Exception):
    """The engine process that was called is gone."""


class EngineClient:
    """A circuit breaker: answers 503 at once while the engine is gone, so that no caller waits.

    A call to an engine that is being replaced does not fail but waits for the new one. So the
    engine is pinged while calls wait. If a ping is not answered, the circuit opens: every call is
    refused until a ping in the background is answered.

    Parameters
    ----------
    transcribe : callable
        Calls the engine's ``transcribe``, which returns errors instead of raising them. A call to a
        lost engine raises ``EngineLost`` or hangs.
    ping : callable
        A call that the engine answers at once, however busy it is.
    patience_s : float
        Seconds before each ping.
    ping_timeout_s : float
        Seconds within which a running engine answers a ping.
    """

    def __init__(
        self,
        transcribe: _Transcribe,
        ping: Callable[[], Awaitable[None]],
        patience_s: float = 2.0,
        ping_timeout_s: float = 5.0,
    ) -> None:
        self._transcribe = transcribe
        self._ping = ping
        self._patience_s = patience_s
        self._ping_timeout_s = ping_timeout_s
        self._recovery: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._waiting = 0

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        """Transcribe a recording within ``seconds``.

        Raises
        ------
        EndpointError
            The engine's error.
        EngineUnavailable
            503: the engine is gone.
        DeadlineExceeded
            504: no answer in time.
        """
        if self._recovery is not None:
            raise EngineUnavailable
        call = asyncio.ensure_future(self._transcribe(recording, parameters, seconds))
        if self._watch is None or self._watch.done():
            self._watch = _for_all(self._keep_pinging())
        self._waiting += 1
        try:
            answer: Transcript | EndpointError = await _first(call, self._watch, seconds + _GRACE_S)
        except EngineLost:
            self._open()
            raise EngineUnavailable from None
        finally:
            call.cancel()
            self._waiting -= 1
            if not self._waiting and self._watch is not None:
                self._watch.cancel()
                self._watch = None
        if isinstance(answer, EndpointError):
            raise answer
        return answer

    async def _keep_pinging(self) -> None:
        """Ping for all calls that wait; raise ``EngineLost`` once a ping is not answered."""
        while True:
            await asyncio.sleep(self._patience_s)
            try:
                async with asyncio.timeout(self._ping_timeout_s):
                    await self._ping()
            except TimeoutError:
                raise EngineLost from None

    def _open(self) -> None:
        if self._recovery is None:
            logger.error("the engine has stopped; requests are refused until it is back")
            self._recovery = _for_all(self._recover())

    async def _recover(self) -> None:
        while True:
            try:
                await self._ping()
            except Exception:  # whatever the cause, the engine did not answer
                await asyncio.sleep(self._patience_s)
            else:
                logger.info("the engine is back")
                self._recovery = None
                return


def _for_all(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Start work for all requests, outside the context of the one that happens to start it.

    When a caller hangs up, Serve cancels the calls made in the context of that request.
    """
    return asyncio.create_task(work, context=contextvars.Context())


async def _first(call: asyncio.Future[Any], watch: asyncio.Task[None], seconds: float) -> Any:
    """Return a call's answer, or raise what ended the watch or that the time is over."""
    done, _ = await asyncio.wait(
        {call, watch}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
    )
    if not done:
        raise DeadlineExceeded(
            "The engine did not answer in time: send shorter audio, or fewer requests at once."
        )
    return (call if call in done else watch).result()
