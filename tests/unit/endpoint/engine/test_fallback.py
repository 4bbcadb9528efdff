# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from typing import Any

import numpy as np
import pytest

from whisper_endpoint.engine import fallback
from whisper_endpoint.engine.fallback import Verdict, judge
from whisper_endpoint.engine.gates import Attempt
from whisper_endpoint.engine.jobs import DecodeTask, Job, Scheduling
from whisper_endpoint.engine.throughput import (
    LARGEST_BATCH,
    Throughput,
    choose_batch_size,
    choose_workers,
)
from whisper_endpoint.messages import Parameters, PreparedWindow, Priority, Span, Window

WINDOW = PreparedWindow(Window((Span(0, 48_000),)), np.zeros((80, 300), np.float32))
LADDER = (0.0, 0.2, 0.4, 0.6)


def task(frames: int = 3000, priority: Priority = Priority.FINAL, **parameters: Any) -> DecodeTask:
    given = Parameters(language="en", temperature=LADDER)
    job = Job((WINDOW,), given, 100.0, Scheduling(priority=priority))
    return DecodeTask(
        job=job, position=0, frames=frames, search=fallback.search(given, 0, 300), **parameters
    )


def attempt(log_prob: float = -0.2, text: str = "hello", no_speech: float = 0.0) -> Attempt:
    return Attempt(
        tokens=(1,), text=text, temperature=0.0, avg_logprob=log_prob, no_speech_prob=no_speech
    )


GOOD, UNSURE, LOOP = attempt(), attempt(-1.5), attempt(text="thank you " * 50)


def course(first: DecodeTask, tried: Attempt, max_fallbacks: int = 2) -> list[tuple[int, float]]:
    """Frames and temperature of each attempt at a window that is refused again and again."""
    seen, now = [], first
    while True:
        seen.append((now.frames, now.search.temperature))
        verdict = judge(now, tried, max_fallbacks=max_fallbacks, is_late=False)
        if verdict.fallback is None:
            assert verdict.accepted is tried
            return seen
        now = verdict.fallback


def test_what_the_gates_pass_is_believed() -> None:
    assert judge(task(1000), GOOD, max_fallbacks=2, is_late=False) == Verdict(accepted=GOOD)


@pytest.mark.parametrize("tried", [UNSURE, LOOP])
def test_a_refused_short_window_is_decoded_at_30_s_and_then_at_the_next_temperatures(
    tried: Attempt,
) -> None:
    assert course(task(1000), tried) == [(1000, 0.0), (3000, 0.0), (3000, 0.2), (3000, 0.4)]
    assert course(task(3000), tried) == [(3000, 0.0), (3000, 0.2), (3000, 0.4)]
    assert course(task(3000), tried, max_fallbacks=9)[-1] == (3000, 0.6)


def test_a_partial_is_decoded_at_30_s_and_no_further() -> None:
    partial = task(1000, Priority.PARTIAL)
    assert course(partial, UNSURE) == [(1000, 0.0), (3000, 0.0)]


def test_a_forced_prefix_is_given_up_when_what_follows_is_refused() -> None:
    verdict = judge(task(3000, forced_prefix=(5, 6)), LOOP, max_fallbacks=0, is_late=False)
    assert verdict.fallback is not None
    assert verdict.fallback.forced_prefix == ()
    assert verdict.gate == "repetitive"


def test_when_it_is_late_the_best_there_is_counts() -> None:
    better = attempt(-1.2)
    tried = task(3000, attempts=(better, attempt(-1.9)))
    verdict = judge(tried, UNSURE, max_fallbacks=5, is_late=True)
    assert (verdict.accepted, verdict.fallback, verdict.gate) == (better, None, "unsure")


def test_silence_has_no_text_and_is_not_decoded_again() -> None:
    silent = attempt(-1.5, no_speech=0.9)
    assert judge(task(1000), silent, max_fallbacks=2, is_late=False) == Verdict(gate="silent")


def test_an_invented_phrase_is_dropped_where_it_is_likely_silent() -> None:
    phrase = "Thanks for watching!"
    invented = attempt(-0.1, phrase, no_speech=0.7)
    assert judge(task(), invented, max_fallbacks=2, is_late=False) == Verdict(gate="invented")
    for heard in (attempt(-0.1, phrase, 0.5), attempt(-0.1, "thanks for waiting", 0.7)):
        assert judge(task(), heard, max_fallbacks=2, is_late=False).accepted is heard


def test_search_settings_that_do_not_apply_are_alike() -> None:
    one = Parameters(temperature=(0.0, 0.4), beam_size=2, best_of=3, patience=2.0)
    other = Parameters(temperature=(0.0, 0.4), beam_size=4, best_of=3)
    assert fallback.search(one, 1, 300) == fallback.search(other, 1, 300)
    assert fallback.search(one, 0, 300) != fallback.search(other, 0, 300)


def test_tokens_are_capped_by_the_length_of_the_audio() -> None:
    caps = [fallback.search(Parameters(), 0, frames).max_new_tokens for frames in (10, 400, 401)]
    assert caps == [100, 100, 224]


class Device:
    """Takes some seconds for a batch and some for each window in it."""

    def __init__(self, fixed: float, each: float) -> None:
        self.fixed, self.each, self.now = fixed, each, 0.0
        self.sizes: list[int] = []

    def decode(self, size: int) -> float:
        self.sizes.append(size)
        seconds = self.fixed + self.each * size
        self.now += seconds
        return seconds

    def clock(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("fixed", "each", "size"),
    [(0.0, 0.01, 1), (0.008, 0.01, 8), (0.05, 0.001, LARGEST_BATCH), (0.01, 0.0, LARGEST_BATCH)],
)
def test_batches_are_as_large_as_they_help(fixed: float, each: float, size: int) -> None:
    device = Device(fixed, each)
    assert choose_batch_size(device.decode, 60.0, device.clock) == size


def test_one_disturbance_does_not_decide() -> None:
    device, seen = Device(0.05, 0.001), []

    def disturbed(size: int) -> float:
        seen.append(size)
        return device.decode(size) * (10 if len(seen) == 4 else 1)

    assert choose_batch_size(disturbed, 60.0, device.clock) == LARGEST_BATCH
    assert seen[3] == 2


def test_measuring_ends_when_its_time_is_up() -> None:
    device = Device(0.5, 0.0)
    assert choose_batch_size(device.decode, 4.0, device.clock) < LARGEST_BATCH
    assert device.now <= 4.0
    slow = Device(50.0, 0.0)
    assert choose_batch_size(slow.decode, 4.0, slow.clock) == 1
    assert slow.sizes == [1, 1, 1]


def test_the_pace_is_that_of_late_for_the_same_kind_of_window() -> None:
    throughput, short, long = Throughput(4), task(1000).key, task(3000).key
    assert throughput.estimate(long, 3) == 0
    throughput.learn(long, 2, 2.0)
    assert throughput.estimate(long, 3) == 3.0
    assert throughput.estimate(short, 3) == 3.0
    throughput.learn(short, 1, 0.1)
    assert throughput.estimate(short, 10) == pytest.approx(1.0)
    for _ in range(30):
        throughput.learn(long, 1, 5.0)
    assert throughput.estimate(long, 1) == pytest.approx(5.0, rel=0.01)


@pytest.mark.parametrize(("alone", "workers"), [(0.5, 4), (1.5, 4), (1.6, 1), (4.0, 1)])
def test_a_cpu_decodes_side_by_side_where_one_thread_is_nearly_as_fast(
    alone: float, workers: int
) -> None:
    assert choose_workers({1: 1.0, 4: alone}.__getitem__, 4) == workers
