# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Threads of the ingress: what is not live, or waits for a network, has none of those for calls."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from whisper_endpoint.errors import DeadlineExceeded

_T = TypeVar("_T")

# Sources of a kind that are read at the same time, in threads that do little but wait.
_FETCHERS = 16


class TurnTaker(ThreadPoolExecutor):
    """Threads of which few compute at a time, while others wait for a network.

    Parameters
    ----------
    threads, turns : int
        In all, and of those that compute.
    """

    def __init__(self, threads: int, turns: int, name: str) -> None:
        super().__init__(threads, name)
        self._turns = threading.Semaphore(turns)

    def submit(self, work: Callable[..., _T], /, *given: Any, **named: Any) -> Future[_T]:
        """Have some work done when it is its turn."""

        def in_turn() -> _T:
            with self._turns:
                return work(*given, **named)

        return super().submit(in_turn)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let others compute while the work that enters this waits."""
        self._turns.release()
        try:
            yield
        finally:
            self._turns.acquire()


class Threads:
    """A pool for each kind of work.

    Attributes
    ----------
    live : ThreadPoolExecutor
        For work on audio that may be live.
    files : TurnTaker
        For that on all other.
    s3, web : ThreadPoolExecutor
        For reading sources: names that are not resolved hold up nothing in S3.
    """

    def __init__(self) -> None:
        count = min(4, os.cpu_count() or 1)
        self.live = ThreadPoolExecutor(count, "whisper-live")
        self.files = TurnTaker(_FETCHERS, max(1, count // 2), "whisper-file")
        self.s3 = ThreadPoolExecutor(_FETCHERS, "whisper-s3")
        self.web = ThreadPoolExecutor(_FETCHERS, "whisper-web")


async def run(threads: ThreadPoolExecutor, work: Callable[[], _T], seconds: float) -> _T:
    """Do some work in a thread.

    Raises
    ------
    DeadlineExceeded
        504: it was not done after some seconds.
    """
    running = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        # Unlike `wait_for` of Python 3.11, it does not lose a cancellation at the end of the work.
        async with asyncio.timeout(seconds):
            return await running
    except TimeoutError:
        raise DeadlineExceeded(
            "The audio could not be prepared in time: send shorter audio, or fewer requests at "
            "once."
        ) from None
    finally:
        # An error that it holds would hold this frame, and all the audio with it, in a cycle.
        del running
