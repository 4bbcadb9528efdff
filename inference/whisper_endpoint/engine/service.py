# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The engine as the ingress sees it: recordings in, transcripts or refusals out."""

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
from whisper_endpoint.engine.utterances import LiveCalls, newest_text
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

# Seconds that finding the batch size may add to the start.
_MEASURING_S = 4.0
# Long enough for the largest model on a slow CPU; a hang is noticed elsewhere.
_SELF_TEST_S = 300.0
# Frames of files' windows that a CPU decodes at once in all, a window of each worker apart: two of
# 30 s. With tiny.en on one thread four take no less each, and 88 MB more
# (docs/measurements/2026-11-29-recordings.md).
_CPU_FILE_FRAMES = 2 * MAX_FRAMES
# A caller that waits for a batch has given up after one deadline; after two it will never end.
_STUCK = 2


class EngineService:
    """Scheduler, worker and engine behind an asynchronous face.

    Parameters
    ----------
    engine : WhisperEngine
        Has to recognise the self-test clip, or nothing starts.
    observer : Observer, optional
        Is told what happens in the engine.

    Attributes
    ----------
    facts : ModelInfo
        Of the model, which has transcribed the known clip.

    Raises
    ------
    SelfTestFailed
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

        A refusal is returned, not raised: it is an answer, and Ray would log a traceback for it.
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
                # Only the first part of a recording may be refused for its length.
                None if recording.windows_before else recording.windows_to_come,
            )
            async with asyncio.timeout(seconds):
                return await asyncio.wrap_future(job.future)
        except TimeoutError:
            # The scheduler tells what it drops itself, which it does when a batch is over.
            if self._scheduler.forget(job):
                self._observer.expired(job)
            return DeadlineExceeded(
                f"There was no transcript after {seconds:.0f} s: send shorter audio, or fewer "
                "requests at once."
            )
        except EndpointError as refusal:
            return refusal
        finally:
            self._scheduler.forget(job)

    def check_health(self) -> None:
        """Raise if the worker has given up or hangs, so that the process is replaced.

        Raises
        ------
        EngineUnavailable
        """
        if not self._worker.is_alive:
            raise EngineUnavailable("The engine's worker has stopped.")
        if self._worker.busy_s > _STUCK * self._settings.deadline_s:
            raise EngineUnavailable("The engine does not come back from decoding.")

    def stop(self) -> None:
        """Answer what waits with 503 and end the thread."""
        self._worker.stop()


def self_test(engine: WhisperEngine, settings: EndpointSettings) -> None:
    """Have an engine transcribe the known clip.

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
    """Return what bounds a batch with files' windows, unless the operator says what does."""
    is_bounded = not engine.takes_batches and not settings.max_batch_size
    return _CPU_FILE_FRAMES // engine.workers if is_bounded else None


def _measure(engine: WhisperEngine, settings: EndpointSettings) -> Throughput:
    """Find out how many windows go together on this device, and how long they take."""
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
