# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Jobs, tasks and queues for the tests of what waits in the engine."""

from typing import Any

import numpy as np

from whisper_endpoint.engine.attempts import fallback
from whisper_endpoint.engine.jobs import DecodeTask, Job, Scheduling
from whisper_endpoint.engine.observer import BatchReport, Observer
from whisper_endpoint.engine.scheduler import Batch, Scheduler
from whisper_endpoint.engine.throughput import Throughput
from whisper_endpoint.messages import Parameters, PreparedWindow, Priority, Span, Window
from whisper_endpoint.transcript import Segment, WindowResult

WINDOW = PreparedWindow(Window((Span(0, 16_000),)), np.zeros((80, 100), np.float32))


class ManualClock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Seen(Observer):
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.reports: list[BatchReport] = []
        self.gone: list[Job] = []
        self.late: list[Job] = []

    def batch_decoded(self, report: BatchReport) -> None:
        self.reports.append(report)

    def superseded(self, job: Job) -> None:
        self.gone.append(job)

    def expired(self, job: Job) -> None:
        self.late.append(job)


def job(
    windows: int = 1,
    deadline: float = 100.0,
    scheduling: Scheduling | None = None,
    **parameters: Any,
) -> Job:
    given = Parameters(**{"language": "en"} | parameters)
    return Job((WINDOW,) * windows, given, deadline, scheduling)


def partial(utterance: str | None = None) -> Job:
    return job(scheduling=Scheduling(priority=Priority.PARTIAL, utterance=utterance))


def first_tasks(one: Job, frames: int = 3000, prompt: tuple[int, ...] = ()) -> list[DecodeTask]:
    return [
        DecodeTask(
            job=one,
            position=number,
            frames=frames,
            search=fallback.search(one.parameters, 0),
            max_new_tokens=fallback.most_tokens(100),
            prompt=prompt,
        )
        for number in range(len(one.windows))
    ]


def said(text: str, language: str = "en") -> WindowResult:
    segment = Segment(
        seek=0,
        start=0.0,
        end=1.0,
        text=text,
        tokens=(1,),
        temperature=0.0,
        avg_logprob=-0.1,
        compression_ratio=1.0,
        no_speech_prob=0.0,
    )
    return WindowResult(language, (segment,))


def scheduler(max_windows: int = 10, batch_size: int = 1, **given: Any) -> Scheduler:
    return Scheduler(max_windows, Throughput(batch_size), **{"clock": ManualClock()} | given)


def take(queue: Scheduler) -> Batch:
    batch = queue.take()
    assert batch is not None
    return batch
