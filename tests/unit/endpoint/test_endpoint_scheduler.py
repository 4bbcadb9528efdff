# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import threading
from typing import Any

import numpy as np
import pytest

from whisper_endpoint import errors
from whisper_endpoint.preparation import PreparedWindow
from whisper_endpoint.request import Parameters
from whisper_endpoint.scheduler import Job, Scheduler
from whisper_endpoint.speech import Span
from whisper_endpoint.transcript import Segment, Transcript, WindowResult
from whisper_endpoint.windows import Window
from whisper_endpoint.worker import Worker

WINDOW = PreparedWindow(Window((Span(0, 16_000),)), np.zeros((80, 100), np.float32))


def job(windows: int = 1, deadline: float = 100.0, **parameters: Any) -> Job:
    return Job((WINDOW,) * windows, Parameters(**parameters), deadline)


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


def scheduler(now: float = 0.0, max_windows: int = 10) -> Scheduler:
    return Scheduler(max_windows, clock=lambda: now)


def test_live_windows_go_before_files_and_equals_in_order() -> None:
    queue, jobs = scheduler(), [job(2), job(1), job(3), job(1)]
    for one in jobs:
        queue.submit(one)
    order = [queue.take() for _ in range(7)]
    got = [(jobs.index(work.job), work.position) for work in order if work]
    assert got == [(1, 0), (3, 0), (0, 0), (0, 1), (2, 0), (2, 1), (2, 2)]


def test_a_full_queue_takes_none_of_a_jobs_windows() -> None:
    queue = scheduler(max_windows=3)
    queue.submit(job(2))
    with pytest.raises(errors.Overloaded, match="2 windows are waiting and 2 more") as caught:
        queue.submit(job(2))
    assert caught.value.status == 503
    queue.submit(job(1))


def test_what_is_past_its_deadline_is_answered_and_not_decoded() -> None:
    queue, late, good = scheduler(now=50.0), job(2, deadline=49.0), job(deadline=51.0)
    queue.submit(late)
    queue.submit(good)
    work = queue.take()
    assert work is not None
    assert work.job is good
    queue.submit(after := job(2, deadline=51.0))
    work = queue.take()
    assert work is not None
    assert work.job is after
    answer = late.future.result(timeout=0)
    assert isinstance(answer, errors.DeadlineExceeded)
    assert answer.status == 504


def test_a_forgotten_job_makes_room() -> None:
    queue, gone, other = scheduler(max_windows=2), job(2), job(2)
    queue.submit(gone)
    queue.forget(gone)
    queue.submit(other)
    work = queue.take()
    assert work is not None
    assert work.job is other
    gone.resolve(Transcript("en", ()))
    assert gone.future.cancelled()


def test_closing_answers_what_waits_and_takes_nothing_more() -> None:
    queue, waiting = scheduler(), job()
    queue.submit(waiting)
    queue.close()
    assert isinstance(waiting.future.result(timeout=0), errors.EngineUnavailable)
    assert queue.take() is None
    with pytest.raises(errors.EngineUnavailable):
        queue.submit(job())


def test_taking_waits_for_work() -> None:
    queue, taken = scheduler(), []
    thread = threading.Thread(target=lambda: taken.append(queue.take()))
    thread.start()
    queue.submit(expected := job())
    thread.join(timeout=10)
    assert taken[0].job is expected


def test_results_come_together_in_order_and_language_is_kept() -> None:
    one = job(3)
    one.add(0, said(" a", "es"))
    one.add(2, said(" c", "es"))
    assert not one.is_over
    assert one.language == "es"
    one.add(1, said(" b", "es"))
    answer = one.future.result(timeout=0)
    assert isinstance(answer, Transcript)
    assert (answer.text, answer.language) == ("a b c", "es")
    assert [segment.id for segment in answer.segments] == [1, 2, 3]


def test_a_job_of_no_windows_is_over_at_once() -> None:
    assert job(0, language="en").future.result(timeout=0) == Transcript("en", ())
    assert job(0).future.result(timeout=0) == Transcript("", ())


class FakeEngine:
    """Answers with what it was asked; fails when told to."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.asked: list[tuple[str | None, bool, float]] = []

    def transcribe(
        self,
        prepared: PreparedWindow,
        parameters: Parameters,
        *,
        language: str | None,
        is_first: bool,
        deadline: float,
    ) -> WindowResult:
        self.asked.append((language, is_first, deadline))
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        return said(f" {parameters.initial_prompt}", language or "es")


def works() -> None:
    """A self-test that passes."""


def broken() -> None:
    raise errors.SelfTestFailed("no text")


def answer_of(one: Job) -> Transcript | errors.EndpointError:
    return one.future.result(timeout=10)


def test_the_first_windows_language_is_that_of_the_others() -> None:
    engine, queue = FakeEngine(), scheduler()
    worker = Worker(engine, queue, works)
    queue.submit(one := job(3))
    worker.start()
    answer_of(one)
    worker.stop()
    assert engine.asked == [(None, True, 100.0), ("es", False, 100.0), ("es", False, 100.0)]


def test_a_refusal_of_one_does_not_touch_the_next() -> None:
    engine, queue = FakeEngine(errors.DeadlineExceeded("late")), scheduler()
    worker = Worker(engine, queue, broken)
    jobs = [job(initial_prompt="a"), job(initial_prompt="b")]
    for one in jobs:
        queue.submit(one)
    worker.start()
    refused, transcript = (answer_of(one) for one in jobs)
    worker.stop()
    assert isinstance(refused, errors.DeadlineExceeded)
    assert isinstance(transcript, Transcript)
    assert transcript.text == "b"


def test_a_fault_with_an_engine_that_still_works_is_that_requests_alone() -> None:
    queue = scheduler()
    worker = Worker(FakeEngine(RuntimeError("odd audio")), queue, works)
    jobs = [job(), job(initial_prompt="b")]
    for one in jobs:
        queue.submit(one)
    worker.start()
    failed, transcript = (answer_of(one) for one in jobs)
    assert worker.is_alive
    worker.stop()
    assert isinstance(failed, errors.InternalError)
    assert "odd audio" not in failed.message
    assert isinstance(transcript, Transcript)


def test_a_lost_engine_answers_everybody_with_503_and_stops() -> None:
    queue = scheduler()
    worker = Worker(FakeEngine(RuntimeError("CUDA failed")), queue, broken)
    jobs = [job(), job(2), job()]
    for one in jobs:
        queue.submit(one)
    worker.start()
    answers = [answer_of(one) for one in jobs]
    worker.stop()
    assert [type(answer) for answer in answers] == [errors.EngineUnavailable] * 3
    assert not worker.is_alive
    with pytest.raises(errors.EngineUnavailable):
        queue.submit(job())
