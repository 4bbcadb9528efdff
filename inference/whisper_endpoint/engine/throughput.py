# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How fast the device is: measured at the start, then learnt from every batch."""

import time
from collections.abc import Callable

from whisper_endpoint.engine.jobs import BatchKey

LARGEST_BATCH = 64
# A larger batch that saves no more of the time per window than this share only adds waiting.
_NEGLIGIBLE = 0.1
# How much longer than all threads together one may take for a window: the others decode others.
_TOLERABLE = 1.5
# How much the latest batch counts in what is remembered of earlier ones.
_WEIGHT = 0.3


class Throughput:
    """Seconds that windows take, by length and width of the search.

    Temperatures are a caller's to choose, and any number of them: all above 0 are one kind.

    Learnt from several threads without a lock: a lost update is one measurement less.

    Parameters
    ----------
    batch_size : int
        Windows that are decoded together, at most.
    workers : int
        Batches that are decoded at once.

    Attributes
    ----------
    measured_frames : int
        Length of the windows that the batch size was found with; 0: it is that of every length.
    """

    def __init__(self, batch_size: int, workers: int = 1) -> None:
        self.batch_size = batch_size
        self.workers = workers
        self.measured_frames = 0
        self._by_kind: dict[tuple[int, int, bool], float] = {}
        self._latest = 0.0

    def batch_size_for(self, frames: int) -> int:
        """Return how many windows of a length are decoded together, at most.

        A layer of width d takes ``24 d² T + 4 d T²`` operations for the T = F / 2 positions of a
        window of F frames, and memory for ``T`` times its width and ``T²`` times its heads: all
        of it grows at least as T does. So ``N * M / F`` windows of F frames, rounded down, take no
        more of the device than the N of M frames that were measured.
        """
        if not self.measured_frames:
            return self.batch_size
        scaled = self.batch_size * self.measured_frames // frames
        return max(1, min(scaled, max(LARGEST_BATCH, self.batch_size)))

    def learn(self, key: BatchKey, size: int, seconds: float) -> None:
        """Take note of the seconds that a batch of ``size`` windows took."""
        each = seconds / size
        known = self._by_kind.get(_kind(key), each)
        self._by_kind[_kind(key)] = self._latest = known + _WEIGHT * (each - known)

    def estimate(self, key: BatchKey, windows: int) -> float:
        """Return seconds for N windows at the recent rate; 0 if nothing was ever decoded.

        The rate is that of the batches there were. After small ones it is too careful for a
        large one; the next batch, larger for it, corrects that.
        """
        return self._by_kind.get(_kind(key), self._latest) * windows


def choose_batch_size(
    seconds_for: Callable[[int], float],
    budget_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> int:
    """Find the smallest batch size of which larger ones are hardly faster per window.

    Parameters
    ----------
    seconds_for : callable
        Decodes a batch of N windows of 30 s and returns its seconds.
    budget_s : float
        Seconds after which no further size is tried.

    Returns
    -------
    int
        1, 2, 4, ... 64.
    """
    begin = clock()
    seconds_for(1)  # the first run allocates, and on a GPU picks its kernels
    size, by_size = 1, {}
    while size <= LARGEST_BATCH:
        # The faster of two: a machine that starts up is busy with other things too.
        by_size[size] = min(seconds_for(size), seconds_for(size)) / size
        size *= 2
        # The next size takes at most twice the last one's time.
        if clock() - begin + 2 * size * by_size[size // 2] > budget_s:
            break
    enough = min(by_size.values()) * (1 + _NEGLIGIBLE)
    return next(size for size, each in by_size.items() if each <= enough)


def choose_workers(seconds_with: Callable[[int], float], threads: int) -> int:
    """Find out how many batches a CPU decodes at once: one with all threads, or one by each.

    The threads of one batch wait for each other after every small step. The demonstration model
    (width 192, two cores of a Zen without AVX-512) generates a text in 11 ms with one thread and in
    133 ms with two; Whisper-tiny (384) takes a fifth longer with one, and does two meanwhile.

    Parameters
    ----------
    seconds_with : callable
        Decodes a window where N are decoded at once, and returns its seconds.

    Returns
    -------
    int
        1 or `threads`.
    """
    return threads if seconds_with(threads) <= _TOLERABLE * seconds_with(1) else 1


def _kind(key: BatchKey) -> tuple[int, int, bool]:
    search = key.search
    return key.frames, search.beam_size * search.best_of, search.temperature > 0
