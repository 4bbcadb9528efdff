# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The thread that lets the engine decode what the scheduler says."""

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from whisper_endpoint.errors import EndpointError, EngineUnavailable, InternalError

if TYPE_CHECKING:
    from whisper_endpoint.preparation import PreparedWindow
    from whisper_endpoint.request import Parameters
    from whisper_endpoint.scheduler import Scheduler, Work
    from whisper_endpoint.transcript import WindowResult

logger = logging.getLogger(__name__)


class Transcriber(Protocol):
    """What the worker needs of an engine."""

    def transcribe(
        self,
        prepared: "PreparedWindow",
        parameters: "Parameters",
        *,
        language: str | None,
        is_first: bool,
        deadline: float,
    ) -> "WindowResult":
        """Transcribe one window."""


class Worker:
    """Owns the engine once it is started; nobody else may call it.

    Parameters
    ----------
    engine : Transcriber
    scheduler : Scheduler
    check : callable
        Raises if the engine does not work any more; called after an unexpected failure.
    """

    def __init__(
        self, engine: Transcriber, scheduler: "Scheduler", check: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._scheduler = scheduler
        self._check = check
        self._thread = threading.Thread(target=self._run, name="whisper-engine", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Close the scheduler and wait for the window in hand."""
        self._scheduler.close()
        self._thread.join()

    @property
    def is_alive(self) -> bool:
        """Whether windows are decoded; once false, it stays so."""
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (work := self._scheduler.take()) is not None:
                if not self._do(work):
                    return
        finally:
            self._scheduler.close()

    def _do(self, work: "Work") -> bool:
        """Decode one window; return whether the engine still works."""
        job = work.job
        try:
            result = self._engine.transcribe(
                job.windows[work.position],
                job.parameters,
                language=job.language,
                is_first=work.position == 0,
                deadline=job.deadline,
            )
        except EndpointError as refusal:
            job.resolve(refusal)
        except Exception:
            logger.exception("decoding a window failed")
            return self._survive(work)
        else:
            job.add(work.position, result)
        return True

    def _survive(self, work: "Work") -> bool:
        """After a device fault every later result is lost or wrong: find out which it was."""
        try:
            self._check()
        except Exception:
            logger.exception("the engine does not pass its self-test any more and stops")
            work.job.resolve(
                EngineUnavailable(
                    "The speech engine failed and is starting again: try again in a moment."
                )
            )
            return False
        work.job.resolve(
            InternalError(
                "The speech engine could not decode this audio: try other parameters, and report "
                "it with the request id."
            )
        )
        return True
