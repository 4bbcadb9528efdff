# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Thread pools of the ingress: files and network waits never occupy the threads of live calls."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from whisper_endpoint.errors import DeadlineExceeded

_T = TypeVar("_T")

# Sources of one kind read at the same time, in threads that mostly wait.
_FETCHERS = 16


class TurnTaker(ThreadPoolExecutor):
    """A thread pool in which only a few threads compute at a time while others wait for a network.

    Parameters
    ----------
    threads, turns : int
        Number of threads in all, and of those that may compute at once.
    """

    def __init__(self, threads: int, turns: int, name: str) -> None:
        super().__init__(threads, name)
        self._turns = threading.Semaphore(turns)

    def submit(self, work: Callable[..., _T], /, *given: Any, **named: Any) -> Future[_T]:
        """Run some work as soon as it may compute."""

        def in_turn() -> _T:
            with self._turns:
                return work(*given, **named)

        return super().submit(in_turn)

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Let other threads compute while this one waits."""
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
        For audio that may be live.
    files : TurnTaker
        For all other audio.
    s3, web : ThreadPoolExecutor
        For reading sources; separate, so that slow DNS look-ups of web hosts do not delay S3.
    """

    def __init__(self) -> None:
        count = min(4, os.cpu_count() or 1)
        self.live = ThreadPoolExecutor(count, "whisper-live")
        self.files = TurnTaker(_FETCHERS, max(1, count // 2), "whisper-file")
        self.s3 = ThreadPoolExecutor(_FETCHERS, "whisper-s3")
        self.web = ThreadPoolExecutor(_FETCHERS, "whisper-web")


async def run(threads: ThreadPoolExecutor, work: Callable[[], _T], seconds: float) -> _T:
    """Run some work in a thread.

    Raises
    ------
    DeadlineExceeded
        504: it did not finish within ``seconds``.
    """
    running = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        # Unlike Python 3.11's `wait_for`, it does not lose a cancellation as the work ends.
        async with asyncio.timeout(seconds):
            return await running
    except TimeoutError:
        raise DeadlineExceeded(
            "The audio could not be prepared in time: send shorter audio, or fewer requests at "
            "once."
        ) from None
    finally:
        # Its error refers to this frame, and so to all the audio: break the reference cycle.
        del running
