# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Throughput of the device: measured at the start, then learnt from every batch."""

import time
from collections.abc import Callable

from whisper_endpoint.engine.jobs import BatchKey

LARGEST_BATCH = 64
# A larger batch has to save more than this share of the time per window; else it only adds latency.
_NEGLIGIBLE = 0.1
# Slowdown tolerated when each window gets one thread, since several are then decoded at once.
_TOLERABLE = 1.5
# Weight of the latest batch in the exponential moving average.
_WEIGHT = 0.3


class Throughput:
    """Seconds per window, by window length and width of the search.

    Callers may choose any temperatures, so all above 0 count as one kind.

    Updated from several threads without a lock: a lost update is one measurement less.

    Parameters
    ----------
    batch_size : int
        Maximum number of windows decoded together.
    workers : int
        Number of batches decoded at once.

    Attributes
    ----------
    measured_frames : int
        Length of the windows that the batch size was measured with; 0: it holds for every length.
    """

    def __init__(self, batch_size: int, workers: int = 1) -> None:
        self.batch_size = batch_size
        self.workers = workers
        self.measured_frames = 0
        self._by_kind: dict[tuple[int, int, bool], float] = {}
        self._latest = 0.0

    def batch_size_for(self, frames: int) -> int:
        """Return the maximum number of windows of this length that are decoded together.

        A layer of width d takes ``24 d² T + 4 d T²`` operations for the T = F / 2 positions of a
        window of F frames, and memory for ``T`` times its width and ``T²`` times its heads: both
        grow at least linearly with T. So ``N * M / F`` windows of F frames, rounded down, need no
        more than the N windows of M frames that were measured.
        """
        if not self.measured_frames:
            return self.batch_size
        scaled = self.batch_size * self.measured_frames // frames
        return max(1, min(scaled, max(LARGEST_BATCH, self.batch_size)))

    def learn(self, key: BatchKey, size: int, seconds: float) -> None:
        """Record the seconds that a batch of ``size`` windows took."""
        each = seconds / size
        known = self._by_kind.get(_kind(key), each)
        self._by_kind[_kind(key)] = self._latest = known + _WEIGHT * (each - known)

    def estimate(self, key: BatchKey, windows: int) -> float:
        """Return the seconds for N windows at the recent rate; 0 if nothing was decoded yet.

        After small batches the rate is too pessimistic for a large one; the next batch, which is
        larger, corrects that.
        """
        return self._by_kind.get(_kind(key), self._latest) * windows


def choose_batch_size(
    seconds_for: Callable[[int], float],
    budget_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Find the smallest batch size that larger ones hardly beat in time per window.

    Parameters
    ----------
    seconds_for : callable
        Decodes a batch of N windows and returns its seconds.
    budget_s : float
        Seconds after which no further size is tried.

    Returns
    -------
    int
        1, 2, 4, ... 64.
    """
    begin = clock()
    seconds_for(1)  # the first run allocates memory, and on a GPU selects kernels
    size, by_size = 1, {}
    while size <= LARGEST_BATCH:
        # The faster of two runs: a starting machine is busy with other things too.
        by_size[size] = min(seconds_for(size), seconds_for(size)) / size
        size *= 2
        # The next size takes at most twice the last one's time.
        if clock() - begin + 2 * size * by_size[size // 2] > budget_s:
            break
    enough = min(by_size.values()) * (1 + _NEGLIGIBLE)
    return next(size for size, each in by_size.items() if each <= enough)


def choose_workers(seconds_with: Callable[[int], float], threads: int) -> int:
    """Choose how many batches a CPU decodes at once: one with all threads, or one per thread.

    The threads of one batch synchronise after every small step. The demonstration model (width 192,
    two cores of a Zen without AVX-512) generates a text in 11 ms with one thread and in 133 ms with
    two; Whisper tiny (384) takes a fifth longer with one thread, but decodes two batches meanwhile.

    Parameters
    ----------
    seconds_with : callable
        Returns the seconds for a window with a model set up for N batches at once.

    Returns
    -------
    int
        1 or `threads`.
    """
    return threads if seconds_with(threads) <= _TOLERABLE * seconds_with(1) else 1


def _kind(key: BatchKey) -> tuple[int, int, bool]:
    search = key.search
    return key.frames, search.beam_size * search.best_of, search.temperature > 0
