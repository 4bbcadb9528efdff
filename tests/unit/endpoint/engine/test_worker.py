# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.unit.endpoint.engine.waiting import ManualClock, Seen, first_tasks, job, said, scheduler
from whisper_endpoint import errors
from whisper_endpoint.engine.decoder import Decoded
from whisper_endpoint.engine.jobs import DecodeTask, Job, Superseded
from whisper_endpoint.engine.observer import BatchReport
from whisper_endpoint.engine.scheduler import Scheduler
from whisper_endpoint.engine.throughput import Throughput
from whisper_endpoint.engine.worker import Worker
from whisper_endpoint.transcript import Transcript, WindowResult


class FakeEngine:
    """Answers with what it was asked; fails on a batch that holds a certain prompt."""

    def __init__(self, failure: Exception | None = None, fails_on: str = "bad") -> None:
        self.failure = failure
        self.fails_on = fails_on
        self.asked: list[list[str | None]] = []

    def decode(self, batch: Sequence[DecodeTask]) -> Decoded:
        prompts = [task.job.parameters.initial_prompt for task in batch]
        self.asked.append(prompts)
        if self.failure and self.fails_on in prompts:
            raise self.failure
        outcomes = [self._outcome(task) for task in batch]
        report = BatchReport(
            key=batch[0].key,
            size=len(batch),
            waited_s=(),
            encode_s=0.5,
            generate_s=0.5,
            align_s=0.0,
            total_s=1.0,
            tokens=len(batch),
        )
        return Decoded(outcomes, report)

    def _outcome(self, task: DecodeTask) -> WindowResult | DecodeTask:
        if task.job.parameters.initial_prompt == "twice" and not task.seek:
            return replace(task, seek=1)
        return said(f" {task.job.parameters.initial_prompt}", task.job.language or "es")


def works() -> None:
    """A self-test that passes."""


def broken() -> None:
    raise errors.SelfTestFailed("no text")


def answer_of(one: Job) -> Transcript | Superseded | errors.EndpointError:
    return one.future.result(timeout=10)


def text_of(one: Job) -> str:
    answer = answer_of(one)
    assert isinstance(answer, Transcript)
    return answer.text


def run(
    worker: Worker, queue: Scheduler, *jobs: Job
) -> list[Transcript | Superseded | errors.EndpointError]:
    for one in jobs:
        queue.submit(first_tasks(one))
    worker.start()
    return [answer_of(one) for one in jobs]


@pytest.mark.parametrize("threads", [1, 3])
def test_everybody_gets_their_own_text_and_a_window_as_many_attempts_as_it_needs(
    threads: int,
) -> None:
    queue, engine = scheduler(max_windows=100, batch_size=4), FakeEngine()
    worker = Worker(engine, queue, works, threads)
    jobs = [job(initial_prompt="twice" if n % 5 == 0 else f"text {n}") for n in range(40)]
    run(worker, queue, *jobs)
    worker.stop()
    assert [text_of(one) for one in jobs] == [one.parameters.initial_prompt for one in jobs]
    assert max(map(len, engine.asked)) <= 4


def test_the_observer_is_told_of_batches_and_the_pace_learns() -> None:
    seen, throughput = Seen(), Throughput(4)
    queue = Scheduler(10, throughput, ManualClock(), seen)
    worker = Worker(FakeEngine(), queue, works)
    jobs = [job(), job()]
    run(worker, queue, *jobs)
    worker.stop()
    assert [(report.size, report.waited_s) for report in seen.reports] == [(2, (0.0, 0.0))]
    assert throughput.estimate(seen.reports[0].key, 4) == 2.0


def test_a_language_found_lets_the_other_windows_be_decoded() -> None:
    queue = scheduler(batch_size=4)
    worker = Worker(FakeEngine(), queue, works)
    run(worker, queue, one := job(3, language=None))
    worker.stop()
    answer = answer_of(one)
    assert isinstance(answer, Transcript)
    assert answer.language == "es"


def test_a_fault_with_an_engine_that_still_works_is_that_requests_alone() -> None:
    queue = scheduler(batch_size=4)
    worker = Worker(FakeEngine(RuntimeError("odd audio")), queue, works)
    jobs = [job(initial_prompt=prompt) for prompt in ("a", "bad", "c")]
    first, failed, last = run(worker, queue, *jobs)
    assert worker.is_alive
    worker.stop()
    assert isinstance(failed, errors.InternalError)
    assert "odd audio" not in failed.message
    assert [text_of(jobs[0]), text_of(jobs[2])] == ["a", "c"]
    assert isinstance(first, Transcript)
    assert isinstance(last, Transcript)


def test_a_refusal_by_the_engine_is_an_answer() -> None:
    queue = scheduler()
    worker = Worker(FakeEngine(errors.DeadlineExceeded("late")), queue, broken)
    refused, transcript = run(worker, queue, job(initial_prompt="bad"), job(initial_prompt="b"))
    worker.stop()
    assert isinstance(refused, errors.DeadlineExceeded)
    assert isinstance(transcript, Transcript)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_lost_engine_answers_everybody_with_503_and_stops(batch_size: int) -> None:
    queue = scheduler(batch_size=batch_size)
    worker = Worker(FakeEngine(RuntimeError("CUDA failed")), queue, broken)
    bad = [job(initial_prompt="bad"), job(2, initial_prompt="bad"), job(initial_prompt="bad")]
    # What it would say after that is not to be believed.
    answers = run(worker, queue, *bad, job(initial_prompt="good"))
    worker.stop()
    assert [type(answer) for answer in answers] == [errors.EngineUnavailable] * 4
    assert not worker.is_alive
    with pytest.raises(errors.EngineUnavailable):
        queue.submit(first_tasks(job()))
