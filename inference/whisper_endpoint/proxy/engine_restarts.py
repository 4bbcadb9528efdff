# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How often the engine was started again: written by engines, read by the health route."""

import time
import uuid
from collections.abc import Callable
from typing import Protocol

# Starts beyond these tell nothing more.
_KEPT = 1100


class Store(Protocol):
    """Keys that outlive the process that wrote them."""

    def add(self, key: str) -> None:
        """Add a key."""

    def remove(self, key: str) -> None:
        """Remove a key."""

    def keys(self) -> list[str]:
        """Return all keys."""


class EngineRestarts:
    """When engines were started, of which the starts after a failure are counted.

    The first start of each replica is the deployment's own; every other one follows a failure,
    for nothing else ends an engine while the container lives.

    Parameters
    ----------
    clock : callable
        Seconds since 1970: the processes that write and read have no other clock in common.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def record(self) -> None:
        """Take note that an engine starts now."""
        self._store.add(f"{self._clock():017.6f}-{uuid.uuid4().hex}")
        # The first ones stay: they are the deployment's own.
        for key in sorted(self._store.keys())[_KEPT // 2 : -_KEPT // 2]:
            self._store.remove(key)

    def failures(self, replicas: int, window_s: float) -> int:
        """Return how many starts followed a failure, in the last ``window_s`` seconds.

        Parameters
        ----------
        replicas : int
            Engines that run at once.
        """
        times = [float(key.partition("-")[0]) for key in sorted(self._store.keys())]
        since = self._clock() - window_s
        return sum(1 for started in times[replicas:] if started >= since)
