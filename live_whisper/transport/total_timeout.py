# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A limit on the whole of an exchange, whatever its parts may take.

A timeout of a socket counts from one byte to the next: an answer that drips never reaches it.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from live_whisper.errors import InvocationFailed

_MOST_HANGING = 32

_T = TypeVar("_T")


class Exchanges:
    """Waits for exchanges no longer than they are worth. Safe for threads.

    One that is given up goes on in its thread, which nothing can end but its peer; so no other is
    begun while there are many of these.
    """

    def __init__(self) -> None:
        self._given_up: list[Future[object]] = []

    def within(self, seconds: float, exchange: Callable[[], _T]) -> _T:
        """Return what an exchange returns, or raise what it raises.

        Raises
        ------
        InvocationFailed
            It was not over in time, or was not begun.
        """
        self._given_up = [one for one in self._given_up if not one.done()]
        if len(self._given_up) >= _MOST_HANGING:
            raise InvocationFailed(
                f"{_MOST_HANGING} earlier requests hang, so this one was not sent; check the "
                "network and the endpoint URL."
            )
        future: Future[_T] = Future()
        threading.Thread(target=_run, args=(exchange, future), name="exchange", daemon=True).start()
        wait([future], seconds)
        if not future.done():
            self._given_up.append(future)  # type: ignore[arg-type]
            raise InvocationFailed(f"The endpoint's answer was not whole after {seconds:.1f} s.")
        return future.result()


def _run(exchange: Callable[[], _T], future: Future[_T]) -> None:
    try:
        future.set_result(exchange())
    except BaseException as failure:
        future.set_exception(failure)
