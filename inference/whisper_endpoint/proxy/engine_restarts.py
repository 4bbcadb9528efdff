# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Counts engine restarts: written by engines, read by the health route."""

import time
import uuid
from collections.abc import Callable
from typing import Protocol

# Number of starts remembered; more would not change the result.
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
    """Records when engines start, and counts restarts after failures.

    The first start of each replica belongs to the deployment; every other one follows a failure,
    because nothing else ends an engine while the container runs.

    Parameters
    ----------
    clock : callable
        Seconds since 1970, the only clock that the writing and reading processes share.
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    def record(self) -> None:
        """Record that an engine starts now."""
        self._store.add(f"{self._clock():017.6f}-{uuid.uuid4().hex}")
        # Keep the first ones, which belong to the deployment, and the latest.
        for key in sorted(self._store.keys())[_KEPT // 2 : -_KEPT // 2]:
            self._store.remove(key)

    def failures(self, replicas: int, window_s: float) -> int:
        """Return the number of starts after a failure in the last ``window_s`` seconds.

        Parameters
        ----------
        replicas : int
            Number of engines that run at once.
        """
        times = [float(key.partition("-")[0]) for key in sorted(self._store.keys())]
        since = self._clock() - window_s
        return sum(1 for started in times[replicas:] if started >= since)
