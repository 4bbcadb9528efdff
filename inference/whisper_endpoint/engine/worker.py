# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The threads that decode the scheduler's batches with the engine."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from whisper_endpoint.engine.decoder import Decoded
from whisper_endpoint.engine.jobs import DecodeTask
from whisper_endpoint.engine.scheduler import Batch, Scheduler
from whisper_endpoint.errors import EndpointError, EngineUnavailable, InternalError
from whisper_endpoint.transcript import WindowResult

logger = logging.getLogger(__name__)


class Decoder(Protocol):
    """The part of the engine that the worker uses."""

    def decode(self, batch: Sequence[DecodeTask]) -> Decoded:
        """Make one attempt at each window."""


class Worker:
    """Owns the engine once started; nothing else may call the engine then.

    Parameters
    ----------
    check : callable
        Raises if the engine no longer works; called after an unexpected failure.
    threads : int
        Number of batches decoded at once, at most as many as the engine supports.
    """

    def __init__(
        self,
        engine: Decoder,
        scheduler: Scheduler,
        check: Callable[[], None],
        threads: int = 1,
    ) -> None:
        self._engine = engine
        self._scheduler = scheduler
        self._check = check
        self._begun: dict[int, float] = {}
        self._threads = [
            threading.Thread(target=self._run, name=f"whisper-engine-{number}", daemon=True)
            for number in range(threads)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Close the scheduler and wait for the batches in progress."""
        self._scheduler.close()
        for thread in self._threads:
            thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether all threads still run; once false, it stays false."""
        return all(thread.is_alive() for thread in self._threads)

    @property
    def busy_s(self) -> float:
        """Seconds since the oldest batch in progress began; 0 if there is none."""
        begun = list(self._begun.values())
        return time.monotonic() - min(begun) if begun else 0.0

    def _run(self) -> None:
        try:
            while (batch := self._scheduler.take()) is not None:
                self._begun[threading.get_ident()] = time.monotonic()
                if not self._do(batch):
                    return
                del self._begun[threading.get_ident()]
        finally:
            self._scheduler.close()

    def _do(self, batch: Batch) -> bool:
        """Decode a batch and return whether the engine still works."""
        try:
            decoded = self._engine.decode(batch.tasks)
        except EndpointError as refusal:
            for task in batch.tasks:
                task.job.resolve(refusal)
        except Exception:
            logger.exception("decoding a batch of %d windows failed", len(batch.tasks))
            return self._survive(batch)
        else:
            self._hand_out(batch, decoded)
        return True

    def _hand_out(self, batch: Batch, decoded: Decoded) -> None:
        for task, outcome in zip(batch.tasks, decoded.outcomes, strict=True):
            if isinstance(outcome, WindowResult):
                task.job.add(task.position, outcome)
            else:
                self._scheduler.requeue(outcome)
        self._scheduler.note(replace(decoded.report, waited_s=batch.waited_s))

    def _survive(self, batch: Batch) -> bool:
        """Find out whether only this batch failed, or the device, which makes all results wrong."""
        try:
            self._check()
        except Exception:
            logger.exception("the engine no longer passes its self-test and stops")
            for task in batch.tasks:
                task.job.resolve(EngineUnavailable())
            return False
        if len(batch.tasks) > 1:
            return self._one_by_one(batch)
        batch.tasks[0].job.resolve(
            InternalError(
                "The speech engine could not decode this audio: try other parameters, and "
                "report the request ID."
            )
        )
        return True

    def _one_by_one(self, batch: Batch) -> bool:
        """Decode the windows of a failed batch one by one, so that only the bad one fails."""
        alone = [
            replace(batch, tasks=(task,), waited_s=(waited,))
            for task, waited in zip(batch.tasks, batch.waited_s, strict=True)
        ]
        while alone:
            if not self._do(alone.pop(0)):
                for one in alone:
                    one.tasks[0].job.resolve(EngineUnavailable())
                return False
        return True
