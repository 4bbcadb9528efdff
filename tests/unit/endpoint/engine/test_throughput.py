# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors

import pytest

from tests.unit.endpoint.engine.waiting import first_tasks, job
from whisper_endpoint.engine.attempts import fallback
from whisper_endpoint.engine.jobs import BatchKey
from whisper_endpoint.engine.throughput import (
    LARGEST_BATCH,
    Throughput,
    choose_batch_size,
    choose_workers,
)


def key(frames: int) -> BatchKey:
    return first_tasks(job(), frames)[0].key


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


def test_the_rate_is_the_recent_one_for_the_same_kind_of_window() -> None:
    throughput, short, long = Throughput(4), key(1000), key(3000)
    assert throughput.estimate(long, 3) == 0
    throughput.learn(long, 2, 2.0)
    assert throughput.estimate(long, 3) == 3.0
    assert throughput.estimate(short, 3) == 3.0
    throughput.learn(short, 1, 0.1)
    assert throughput.estimate(short, 10) == pytest.approx(1.0)
    for _ in range(30):
        throughput.learn(long, 1, 5.0)
    assert throughput.estimate(long, 1) == pytest.approx(5.0, rel=0.01)


def test_temperatures_that_callers_invent_are_one_kind_of_window() -> None:
    throughput, plain = Throughput(4), key(3000)
    for step in range(1_000, 0, -1):
        parameters = job(temperature=(step / 1_000,)).parameters
        throughput.learn(plain._replace(search=fallback.search(parameters, 0)), 1, 2.0)
    throughput.learn(plain, 1, 0.5)
    assert len(throughput._by_kind) == 2
    assert throughput.estimate(plain, 1) == 0.5
    unseen = fallback.search(job(temperature=(0.12345,)).parameters, 0)
    assert throughput.estimate(plain._replace(search=unseen), 1) == 2.0


@pytest.mark.parametrize(("alone", "workers"), [(0.5, 4), (1.5, 4), (1.6, 1), (4.0, 1)])
def test_a_cpu_decodes_side_by_side_where_one_thread_is_nearly_as_fast(
    alone: float, workers: int
) -> None:
    assert choose_workers({1: 1.0, 4: alone}.__getitem__, 4) == workers


def test_a_batch_of_shorter_windows_is_as_much_larger_where_lengths_count() -> None:
    throughput = Throughput(8)
    lengths = (3000, 1500, 1000, 500, 100)
    assert [throughput.batch_size_for(frames) for frames in lengths] == [8] * 5
    throughput.measured_frames = 3000
    assert [throughput.batch_size_for(frames) for frames in lengths] == [8, 16, 24, 48, 64]
    # Found with short windows, a batch of longer ones is smaller.
    throughput.measured_frames = 1000
    assert throughput.batch_size_for(3000) == 2
    throughput.batch_size = 1
    assert throughput.batch_size_for(3000) == 1
