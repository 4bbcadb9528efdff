# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A time limit on a whole exchange.

Socket timeouts restart with every byte, so a trickling response never reaches them.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, TypeVar

from live_whisper.errors import InvocationFailed

INTERRUPTED = "The client was stopped before the answer arrived."

_MOST_HANGING = 32

_T = TypeVar("_T")


class Exchanges:
    """Runs exchanges with a total time limit. Thread-safe.

    An abandoned exchange keeps its thread until the peer ends it, so no new ones start while many
    hang.
    """

    def __init__(self) -> None:
        self._given_up: list[Future[object]] = []
        self._stopped: Future[None] = Future()

    def stop(self) -> None:
        """Give up every exchange, those in progress and later ones."""
        if not self._stopped.done():
            self._stopped.set_result(None)

    def within(self, seconds: float, exchange: Callable[[], _T]) -> _T:
        """Run an exchange; return its result or raise its error.

        Raises
        ------
        InvocationFailed
            It took too long, was not started, or was given up by `stop`.
        """
        if self._stopped.done():
            raise InvocationFailed(INTERRUPTED, is_passing=False)
        self._given_up = [one for one in self._given_up if not one.done()]
        if len(self._given_up) >= _MOST_HANGING:
            raise InvocationFailed(
                f"{_MOST_HANGING} earlier requests hang, so this one was not sent; check the "
                "network and the endpoint URL."
            )
        future: Future[_T] = Future()
        threading.Thread(target=_run, args=(exchange, future), name="exchange", daemon=True).start()
        ends: tuple[Future[Any], ...] = (future, self._stopped)
        wait(ends, seconds, FIRST_COMPLETED)
        if future.done():
            return future.result()
        self._given_up.append(future)  # type: ignore[arg-type]
        if self._stopped.done():
            raise InvocationFailed(INTERRUPTED, is_passing=False)
        raise InvocationFailed(f"The endpoint's answer was not complete after {seconds:.1f} s.")


def _run(exchange: Callable[[], _T], future: Future[_T]) -> None:
    try:
        future.set_result(exchange())
    except BaseException as failure:
        future.set_exception(failure)
