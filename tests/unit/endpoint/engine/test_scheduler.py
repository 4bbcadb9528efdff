# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import threading
import time
from dataclasses import replace

import pytest

from tests.unit.endpoint.engine.waiting import (
    ManualClock,
    Seen,
    first_tasks,
    job,
    partial,
    said,
    scheduler,
    take,
)
from whisper_endpoint import errors
from whisper_endpoint.engine.jobs import Job, Scheduling, Superseded
from whisper_endpoint.engine.scheduler import FILE_BATCH_S, Batch, Scheduler
from whisper_endpoint.engine.throughput import (
    Throughput,
)
from whisper_endpoint.messages import Priority
from whisper_endpoint.transcript import Transcript


def jobs_of(batch: Batch) -> list[Job]:
    return [task.job for task in batch.tasks]


def test_finals_go_before_partials_before_files_and_equals_in_order() -> None:
    queue, jobs = scheduler(), [job(2), partial(), job(), job(2), partial(), job()]
    for one in jobs:
        queue.submit(first_tasks(one))
    order = [take(queue).tasks[0] for _ in range(8)]
    got = [(jobs.index(task.job), task.position) for task in order]
    assert got == [(2, 0), (5, 0), (1, 0), (4, 0), (0, 0), (0, 1), (3, 0), (3, 1)]


def test_what_is_queued_with_an_equal_key_goes_together() -> None:
    queue = scheduler(batch_size=4)
    plain, french, translated = job(), job(language="fr"), job(task="translate")
    beam, prompted, short = job(beam_size=2), job(), job()
    queue.submit(first_tasks(plain))
    queue.submit(first_tasks(beam))
    queue.submit(first_tasks(prompted, prompt=(7, 8)))
    queue.submit(first_tasks(short, frames=1000))
    queue.submit(first_tasks(french))
    queue.submit(first_tasks(translated))
    assert jobs_of(take(queue)) == [plain, french, translated]
    assert [jobs_of(take(queue)) for _ in range(3)] == [[beam], [prompted], [short]]


def test_a_batch_is_no_larger_than_the_device_likes() -> None:
    queue = scheduler(batch_size=2)
    jobs = [job() for _ in range(5)]
    for one in jobs:
        queue.submit(first_tasks(one))
    assert [jobs_of(take(queue)) for _ in range(3)] == [jobs[:2], jobs[2:4], jobs[4:]]


def test_a_batch_says_how_long_its_windows_waited() -> None:
    clock = ManualClock()
    queue = scheduler(batch_size=2, clock=clock)
    queue.submit(first_tasks(job()))
    clock.now = 2.0
    queue.submit(first_tasks(job()))
    clock.now = 5.0
    assert take(queue).waited_s == (5.0, 3.0)


def test_a_full_queue_takes_none_of_a_jobs_windows() -> None:
    queue = scheduler(max_windows=3)
    queue.submit(first_tasks(job(2)))
    with pytest.raises(errors.Overloaded, match="2 windows are waiting, and with 2 more") as caught:
        queue.submit(first_tasks(job(2)))
    assert caught.value.status == 503
    queue.submit(first_tasks(job(1)))


def test_files_leave_room_for_live_calls_and_the_newest_gives_way_to_them() -> None:
    queue, files = scheduler(max_windows=16), [job(4) for _ in range(3)]
    for one in files:
        queue.submit(first_tasks(one))
    with pytest.raises(errors.Overloaded, match="with 4 more the limit of 12 would be exceeded"):
        queue.submit(first_tasks(job(4)))
    live = [job(), partial("a"), job(), partial("b")]
    for one in live:
        queue.submit(first_tasks(one))
    assert not any(one.is_over for one in files)
    queue.submit(first_tasks(more := job()))
    refused = files[2].future.result(timeout=0)
    assert isinstance(refused, errors.Overloaded)
    assert "to make room for live calls" in refused.message
    order = [job_ for _ in range(13) for job_ in jobs_of(take(queue))]
    assert order[:5] == [live[0], live[2], more, live[1], live[3]]
    assert set(order[5:]) == set(files[:2])


def test_what_waits_has_bounded_memory_of_which_files_leave_some_to_live_calls() -> None:
    window = job().windows[0].features.nbytes
    queue, files = scheduler(max_windows=1_000, max_bytes=16 * window), [job(4) for _ in range(3)]
    for one in files:
        queue.submit(first_tasks(one))
    with pytest.raises(
        errors.Overloaded, match="MiB of audio are waiting, and with this recording the limit"
    ):
        queue.submit(first_tasks(job(2)))
    take(queue)  # what was decoded of a recording is held until all of it is
    with pytest.raises(errors.Overloaded):
        queue.submit(first_tasks(job(2)))
    for _ in range(4):
        queue.submit(first_tasks(job()))
    assert not any(one.is_over for one in files)
    queue.submit(first_tasks(job()))
    assert [one.is_over for one in files] == [False, False, True]
    assert isinstance(files[2].future.result(timeout=0), errors.Overloaded)


def test_live_calls_do_not_give_way_to_one_another() -> None:
    queue, live = scheduler(max_windows=2), [job(), partial("a")]
    for one in live:
        queue.submit(first_tasks(one))
    with pytest.raises(errors.Overloaded, match="2 windows are waiting"):
        queue.submit(first_tasks(job()))
    assert not any(one.is_over for one in live)


def test_what_is_past_its_deadline_is_answered_and_not_decoded() -> None:
    clock, seen = ManualClock(), Seen()
    queue, late, good = scheduler(clock=clock, observer=seen), job(2, 49.0), job(deadline=51.0)
    queue.submit(first_tasks(late))
    queue.submit(first_tasks(good))
    clock.now = 50.0
    assert jobs_of(take(queue)) == [good]
    queue.submit(first_tasks(after := job(2, 51.0)))
    assert jobs_of(take(queue)) == [after]
    answer = late.future.result(timeout=0)
    assert isinstance(answer, errors.DeadlineExceeded)
    assert answer.status == 504
    assert seen.late == [late]


@pytest.mark.parametrize("windows", [1, 2])
def test_an_optional_retry_past_its_deadline_leaves_the_text_it_was_to_replace(
    windows: int,
) -> None:
    clock, seen = ManualClock(), Seen()
    queue, late = scheduler(clock=clock, observer=seen), job(windows, 49.0)
    first, *rest = first_tasks(late)
    queue.submit([replace(first, in_context=said("hello")), *rest])
    clock.now = 50.0
    queue.submit(first_tasks(job(deadline=51.0)))
    take(queue)
    answer = late.future.result(timeout=0)
    # Other windows of the recording were still to come.
    assert isinstance(answer, Transcript if windows == 1 else errors.DeadlineExceeded)
    assert seen.late == ([] if windows == 1 else [late])


def test_a_newer_partial_takes_the_place_of_an_older_one_that_waits() -> None:
    seen = Seen()
    queue = scheduler(observer=seen)
    older, other, newer = partial("a"), partial("b"), partial("a")
    for one in (older, other, newer):
        queue.submit(first_tasks(one))
    assert older.future.result(timeout=0) == Superseded()
    assert seen.gone == [older]
    assert [jobs_of(take(queue)) for _ in range(2)] == [[newer], [other]]


def test_a_final_takes_the_place_of_its_partial_and_nothing_of_a_final() -> None:
    queue = scheduler()
    waiting, final = (
        partial("a"),
        job(scheduling=Scheduling(priority=Priority.FINAL, utterance="a")),
    )
    queue.submit(first_tasks(waiting))
    queue.submit(first_tasks(final))
    assert waiting.is_over
    queue.submit(first_tasks(partial("a")))
    assert not final.is_over
    assert jobs_of(take(queue)) == [final]


def test_a_partial_that_is_being_decoded_is_left_alone() -> None:
    queue, older = scheduler(), partial("a")
    queue.submit(first_tasks(older))
    take(queue)
    queue.submit(first_tasks(partial("a")))
    assert not older.is_over


def test_partials_of_no_utterance_replace_nothing() -> None:
    queue, jobs = scheduler(), [partial(), partial()]
    for one in jobs:
        queue.submit(first_tasks(one))
    assert [jobs_of(take(queue)) for _ in range(2)] == [[jobs[0]], [jobs[1]]]


def known_throughput(throughput: Throughput, seconds_each: float) -> None:
    throughput.learn(first_tasks(job())[0].key, 1, seconds_each)


def test_while_somebody_is_live_a_files_batch_is_short() -> None:
    clock, throughput = ManualClock(), Throughput(16)
    known_throughput(throughput, FILE_BATCH_S / 4)
    queue = Scheduler(100, throughput, clock)
    queue.submit(first_tasks(job(16)))
    queue.submit(first_tasks(live := job()))
    batch = take(queue)
    # One live window, and as much of the file as there is time for.
    assert jobs_of(batch)[0] is live
    assert len(batch.tasks) == 4
    assert len(take(queue).tasks) == 4
    clock.now = 60.0
    assert len(take(queue).tasks) == 9


def test_a_live_batch_is_as_large_as_it_can_be() -> None:
    throughput = Throughput(16)
    known_throughput(throughput, FILE_BATCH_S)
    queue = Scheduler(100, throughput, ManualClock())
    for _ in range(10):
        queue.submit(first_tasks(job()))
    assert len(take(queue).tasks) == 10


def test_what_waits_is_divided_among_the_workers_that_are_free() -> None:
    queue = Scheduler(100, Throughput(8, workers=2), ManualClock())
    taken: list[Batch] = []
    threads = [
        threading.Thread(target=lambda: taken.append(take(queue)), daemon=True) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    while queue._idle < len(threads):
        time.sleep(0.001)
    queue.submit(first_tasks(job(5)))
    for thread in threads:
        thread.join(timeout=10)
    assert sorted(len(batch.tasks) for batch in taken) == [2, 3]
    queue.submit(first_tasks(job(5)))
    assert len(take(queue).tasks) == 5


def test_files_may_have_smaller_batches_than_calls_of_the_longest_windows_above_all() -> None:
    queue = scheduler(max_windows=40, batch_size=8, max_file_frames=6000)
    for one in (files := job(5)), (live := job()):
        queue.submit(first_tasks(one))
    assert jobs_of(take(queue)) == [live, files]
    assert [len(take(queue).tasks) for _ in range(2)] == [2, 2]
    queue.submit(first_tasks(job(8), frames=1000))
    assert [len(take(queue).tasks) for _ in range(2)] == [6, 2]
    for one in [job() for _ in range(8)]:
        queue.submit(first_tasks(one))
    assert len(take(queue).tasks) == 8


def test_one_window_is_decoded_however_long_it_is() -> None:
    queue = scheduler(batch_size=8, max_file_frames=1000)
    queue.submit(first_tasks(job(2)))
    assert [len(take(queue).tasks) for _ in range(2)] == [1, 1]


def test_a_file_that_takes_too_long_is_refused_on_arrival() -> None:
    throughput = Throughput(4, workers=2)
    known_throughput(throughput, 10.0)
    queue = Scheduler(100, throughput, ManualClock())
    with pytest.raises(errors.TakesTooLong, match=r"22 windows .* 110 s, more than the 100 s") as e:
        queue.submit(first_tasks(job(2)), windows_to_come=20)
    assert "asynchronous endpoint (InvokeEndpointAsync)" in e.value.message
    assert e.value.status == 413
    queue.submit(first_tasks(job(2)), windows_to_come=17)
    queue.submit(first_tasks(job(1, deadline=1.0)))


def test_the_first_window_finds_the_language_for_the_others() -> None:
    queue, unknown = scheduler(batch_size=4), job(3, language=None)
    queue.submit(first_tasks(unknown))
    (first,) = take(queue).tasks
    assert first.position == 0
    taken: list[Batch] = []
    thread = threading.Thread(target=lambda: taken.append(take(queue)))
    thread.start()
    unknown.add(0, said(" a", "es"))
    queue.wake()
    thread.join(timeout=10)
    assert [task.position for task in taken[0].tasks] == [1, 2]
    assert {task.job.language for task in taken[0].tasks} == {"es"}


def test_a_next_attempt_keeps_its_position_in_the_order() -> None:
    queue, jobs = scheduler(max_windows=2), [job(), job()]
    for one in jobs:
        queue.submit(first_tasks(one))
    batch = take(queue)
    queue.submit(first_tasks(third := job()))
    queue.requeue(batch.tasks[0])
    assert [jobs_of(take(queue)) for _ in range(3)] == [[jobs[0]], [jobs[1]], [third]]


def test_a_forgotten_job_makes_room() -> None:
    queue, gone, other = scheduler(max_windows=2), job(2), job(2)
    queue.submit(first_tasks(gone))
    queue.forget(gone)
    queue.submit(first_tasks(other))
    assert jobs_of(take(queue)) == [other]
    gone.resolve(Transcript("en", ()))
    assert gone.future.cancelled()


def test_closing_answers_what_waits_and_takes_nothing_more() -> None:
    queue, waiting, decoded = scheduler(), job(), job()
    queue.submit(first_tasks(decoded))
    batch = take(queue)
    queue.submit(first_tasks(waiting))
    queue.close()
    assert isinstance(waiting.future.result(timeout=0), errors.EngineUnavailable)
    assert queue.take() is None
    with pytest.raises(errors.EngineUnavailable):
        queue.submit(first_tasks(job()))
    queue.requeue(batch.tasks[0])
    assert isinstance(decoded.future.result(timeout=0), errors.EngineUnavailable)


def test_taking_waits_for_work() -> None:
    queue = scheduler()
    taken: list[Batch] = []
    thread = threading.Thread(target=lambda: taken.append(take(queue)))
    thread.start()
    queue.submit(first_tasks(expected := job()))
    thread.join(timeout=10)
    assert jobs_of(taken[0]) == [expected]


def test_more_short_windows_than_long_ones_go_together() -> None:
    throughput = Throughput(4)
    throughput.measured_frames = 3000
    queue = Scheduler(100, throughput, ManualClock())
    for frames in (3000, 1000):
        for _ in range(20):
            queue.submit(first_tasks(job(), frames))
    assert [len(take(queue).tasks) for _ in range(7)] == [4, 4, 4, 4, 4, 12, 8]
