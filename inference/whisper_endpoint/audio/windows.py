# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Speech is cut into windows that the model can take, and times are put back."""

import itertools

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.audio.vad import quietest
from whisper_endpoint.messages import SAMPLE_RATE, Span, Window

# The length of audio that Whisper was trained on.
WINDOW_SAMPLES = 30 * SAMPLE_RATE
# A cut is looked for in the last third of a window, at the quietest tenth of a second.
_SEARCH_SAMPLES = 10 * SAMPLE_RATE


def make_windows(
    samples: NDArray[np.float32],
    spans: list[Span],
    *,
    is_joining: bool = True,
    longest_s: float | None = None,
) -> list[Window]:
    """Pack spans into windows, as few as keep the order, none over 30 s.

    Parameters
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
    spans : list of Span
        In order, not overlapping; one over 30 s is cut at its quietest places.
    is_joining : bool
        Otherwise each span gets a window of its own.
    longest_s : float, optional
        Seconds that are joined at most, where that is less than 30.
    """
    room = WINDOW_SAMPLES
    if longest_s is not None:
        room = min(room, round(longest_s * SAMPLE_RATE))
    windows: list[Window] = []
    current: list[Span] = []
    length = 0
    for span in itertools.chain.from_iterable(_cut(samples, span) for span in spans):
        size = span.end - span.start
        if current and (not is_joining or length + size > room):
            windows.append(Window(tuple(current)))
            current, length = [], 0
        current.append(span)
        length += size
    if current:
        windows.append(Window(tuple(current)))
    return windows


def _cut(samples: NDArray[np.float32], span: Span) -> list[Span]:
    parts = []
    start, end = span
    while end - start > WINDOW_SAMPLES:
        limit = start + WINDOW_SAMPLES
        cut = quietest(samples, limit - _SEARCH_SAMPLES, limit)
        parts.append(Span(start, cut))
        start = cut
    if end > start:
        parts.append(Span(start, end))
    return parts
