# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The engine's asynchronous interface for the ingress: recordings in, transcripts or errors out."""

import asyncio
import logging
import time
from dataclasses import replace

from whisper_endpoint import selftest
from whisper_endpoint.audio.features import MAX_FRAMES
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.jobs import Job, Superseded
from whisper_endpoint.engine.observer import Observer
from whisper_endpoint.engine.scheduler import Scheduler
from whisper_endpoint.engine.throughput import Throughput, choose_batch_size
from whisper_endpoint.engine.utterance_states import LiveCalls, newest_text
from whisper_endpoint.engine.worker import Worker
from whisper_endpoint.errors import (
    DeadlineExceeded,
    EndpointError,
    EngineUnavailable,
)
from whisper_endpoint.messages import Parameters, Prepared, Priority
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript, assemble

logger = logging.getLogger(__name__)

# Seconds that measuring the batch size may add to the start.
_MEASURING_S = 4.0
# Long enough for the largest model on a slow CPU; a hang is detected elsewhere.
_SELF_TEST_S = 300.0
# Maximum frames of files' windows that a CPU decodes at once, over all workers; each may always
# have one window. It is two of 30 s: with tiny.en on one thread, four are no faster per window and
# take 88 MB more (docs/measurements/2026-11-29-recordings.md).
_CPU_FILE_FRAMES = 2 * MAX_FRAMES
# In deadlines. Callers give up after one; a batch that takes two is assumed to hang.
_STUCK = 2


class EngineService:
    """Scheduler, worker and engine behind an asynchronous interface.

    Parameters
    ----------
    engine : WhisperEngine
        Must recognise the self-test clip.
    observer : Observer, optional
        Receives the engine's events.

    Attributes
    ----------
    facts : ModelInfo
        Properties of the model.

    Raises
    ------
    SelfTestFailed
        The clip was not recognised.
    """

    def __init__(
        self,
        engine: WhisperEngine,
        settings: EndpointSettings,
        observer: Observer | None = None,
    ) -> None:
        self_test(engine, settings)
        logger.info("the known clip was transcribed")
        self._engine = engine
        self.facts = engine.facts
        self._settings = settings
        self._observer = observer or Observer()
        self._calls = LiveCalls(engine.end_token, force_prefix=settings.partial_prefix == "on")
        throughput = _measure(engine, settings)
        self._scheduler = Scheduler(
            settings.max_queued_windows,
            throughput,
            observer=observer,
            max_file_frames=_file_frames(engine, settings),
        )
        self._worker = Worker(
            engine,
            self._scheduler,
            lambda: self_test(engine, settings),
            engine.workers,
        )
        self._worker.start()

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript | EndpointError:
        """Transcribe a recording within a number of seconds.

        Errors are returned, not raised: Ray would log a traceback for each refusal.
        """
        scheduling, ref = self._calls.arrange(recording, parameters)
        deadline = time.monotonic() + seconds
        job = Job(recording.windows, parameters, deadline, scheduling, recording.language)
        if ref is not None and ref.is_outdated and scheduling.priority == Priority.PARTIAL:
            self._observer.superseded(job)
            return newest_text(ref, parameters)
        answer = await self._decode(job, recording, seconds)
        if isinstance(answer, Transcript) and not recording.windows_before:
            answer = replace(answer, warnings=self._engine.unfit(parameters))
        if isinstance(answer, Superseded):
            return newest_text(ref, parameters)
        if isinstance(answer, Transcript) and ref is not None:
            self._calls.learn(ref, recording, parameters, answer)
        return answer

    async def _decode(
        self, job: Job, recording: Prepared, seconds: float
    ) -> Transcript | Superseded | EndpointError:
        try:
            self._scheduler.submit(
                self._engine.tasks(job),
                # Only the first part of a recording can be refused for its length.
                None if recording.windows_before else recording.windows_to_come,
            )
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(job.future)
        except TimeoutError:
            # Jobs that the scheduler drops itself, between batches, it reports itself.
            if self._scheduler.forget(job):
                self._observer.expired(job)
            return DeadlineExceeded(
                f"The transcript was not finished after {seconds:.0f} s: send shorter "
                "audio, or fewer requests at once."
            )
        except EndpointError as refusal:
            return refusal
        finally:
            self._scheduler.forget(job)

    async def check_health(self) -> None:
        """Raise if the worker has stopped or hangs, so that the process is replaced.

        Raises
        ------
        EngineUnavailable
        """
        if not self._worker.is_alive:
            raise EngineUnavailable("The engine's worker has stopped.")
        if self._worker.busy_s > _STUCK * self._settings.deadline_s:
            raise EngineUnavailable("The engine is stuck in decoding.")

    def stop(self) -> None:
        """Answer queued requests with 503 and end the threads."""
        self._worker.stop()


def self_test(engine: WhisperEngine, settings: EndpointSettings) -> None:
    """Transcribe the known clip with an engine.

    Raises
    ------
    SelfTestFailed
        The clip was not recognised.
    """
    clip = selftest.clip_window(engine.facts.n_mels)
    heard = selftest.parameters(settings, engine.facts.languages)
    job = Job((clip,), heard, time.monotonic() + _SELF_TEST_S)
    transcript = assemble(heard.language or "", engine.transcribe(job))
    selftest.judge(transcript, settings.self_test, heard.language)
    logger.info("the known clip was transcribed")


def _file_frames(engine: WhisperEngine, settings: EndpointSettings) -> int | None:
    """Return the frame limit of batches with files' windows: on a CPU, if no batch size is set."""
    is_bounded = not engine.takes_batches and not settings.max_batch_size
    return _CPU_FILE_FRAMES // engine.workers if is_bounded else None


def _measure(engine: WhisperEngine, settings: EndpointSettings) -> Throughput:
    """Measure the best batch size on this device, and the time per window."""
    clip = selftest.clip_window(engine.facts.n_mels)
    heard = selftest.parameters(settings, engine.facts.languages)
    throughput = Throughput(settings.max_batch_size or 1, engine.workers)

    def seconds_for(size: int) -> float:
        job = Job((clip,) * size, heard, float("inf"))
        decoded = engine.decode(engine.tasks(job))
        throughput.learn(decoded.report.key, size, decoded.report.total_s)
        if engine.takes_batches and not settings.max_batch_size:
            throughput.measured_frames = decoded.report.key.frames
        return decoded.report.total_s

    if settings.max_batch_size:
        seconds_for(1)
    else:
        throughput.batch_size = choose_batch_size(seconds_for, _MEASURING_S)
    logger.info("%d windows are decoded together, at most", throughput.batch_size)
    return throughput
