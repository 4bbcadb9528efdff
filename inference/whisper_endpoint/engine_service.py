# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The engine as the ingress sees it: recordings in, transcripts or refusals out."""

import asyncio
import time
from typing import TYPE_CHECKING

from whisper_endpoint import selftest
from whisper_endpoint.errors import DeadlineExceeded, EndpointError, EngineUnavailable
from whisper_endpoint.scheduler import Job, Scheduler
from whisper_endpoint.worker import Worker

if TYPE_CHECKING:
    from whisper_endpoint.engine import WhisperEngine
    from whisper_endpoint.model_facts import ModelFacts
    from whisper_endpoint.preparation import Prepared
    from whisper_endpoint.request import Parameters
    from whisper_endpoint.settings import EndpointSettings
    from whisper_endpoint.transcript import Transcript


class EngineService:
    """Scheduler, worker and engine behind an asynchronous face.

    Parameters
    ----------
    engine : WhisperEngine
        Has to recognise the self-test clip, or nothing starts.
    settings : EndpointSettings

    Raises
    ------
    SelfTestFailed
    """

    def __init__(self, engine: "WhisperEngine", settings: "EndpointSettings") -> None:
        selftest.run(engine, settings.self_test)
        self._facts = engine.facts
        self._settings = settings
        self._scheduler = Scheduler(settings.max_queued_windows)
        self._worker = Worker(
            engine, self._scheduler, lambda: selftest.run(engine, settings.self_test)
        )
        self._worker.start()

    async def transcribe(
        self, recording: "Prepared", parameters: "Parameters", seconds: float
    ) -> "Transcript | EndpointError":
        """Transcribe a recording within so many seconds.

        A refusal is returned, not raised: it is an answer, and Ray would log a traceback for it.
        """
        job = Job(recording.windows, parameters, time.monotonic() + seconds)
        try:
            self._scheduler.submit(job)
            return await asyncio.wait_for(asyncio.wrap_future(job.future), seconds)
        except TimeoutError:
            return DeadlineExceeded(
                f"There was no transcript after {seconds:.0f} s: send shorter audio, or fewer "
                "requests at once."
            )
        except EndpointError as refusal:
            return refusal
        finally:
            self._scheduler.forget(job)

    async def self_test(self) -> "ModelFacts":
        """Transcribe the known clip in the way of any request; return what the model is.

        Raises
        ------
        SelfTestFailed
        """
        clip = selftest.prepared_clip(self._facts.n_mels)
        answer = await self.transcribe(clip, selftest.PARAMETERS, self._settings.deadline_s)
        if isinstance(answer, EndpointError):
            raise answer
        selftest.judge(answer, self._settings.self_test)
        return self._facts

    def check_health(self) -> None:
        """Raise if the worker has given up, so that the process is replaced.

        Raises
        ------
        EngineUnavailable
        """
        if not self._worker.is_alive:
            raise EngineUnavailable("The engine's worker has stopped.")

    def stop(self) -> None:
        """Answer what waits with 503 and end the thread."""
        self._worker.stop()
