# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Packs spans of speech into windows for the model."""

from collections.abc import Iterable, Iterator

from whisper_endpoint.audio.vad import quietest
from whisper_endpoint.messages import SAMPLE_RATE, Samples, Span, Window

# The length of audio that Whisper was trained on.
WINDOW_SAMPLES = 30 * SAMPLE_RATE
# A long span is cut in the last third of a window, at the quietest 0.1 s.
_SEARCH_SAMPLES = 10 * SAMPLE_RATE
# With more room than this left, a window also takes the beginning of the next span: encoding 2 s
# takes as long as 30 s, and a recording's language is detected in its first window.
_MOST_LEFT_SAMPLES = 20 * SAMPLE_RATE


def make_windows(
    samples: Samples,
    spans: Iterable[Span],
    *,
    is_joining: bool = True,
    longest_s: float | None = None,
) -> Iterator[Window]:
    """Pack spans, in order, into as few windows of at most 30 s as possible.

    A window that would be under 10 s also takes the start of the next span, up to a quiet place.

    Parameters
    ----------
    samples : Samples, 16 kHz mono
    spans : iterable of Span
        In order, not overlapping; one over 30 s is cut at its quietest places.
    is_joining : bool
        If false, each span gets its own window.
    longest_s : float, optional
        Maximum seconds of joined spans, if less than 30.
    """
    room = WINDOW_SAMPLES
    if longest_s is not None:
        room = min(room, round(longest_s * SAMPLE_RATE))
    current: list[Span] = []
    for span in spans:
        rest = span
        while rest.start < rest.end:
            left = room - _length(current) if current else WINDOW_SAMPLES
            if rest.end - rest.start <= left:
                current.append(rest)
                break
            if not current or left > _MOST_LEFT_SAMPLES:
                cut = quietest(samples, rest.start + left - _SEARCH_SAMPLES, rest.start + left)
                current.append(Span(rest.start, cut))
                rest = Span(cut, rest.end)
            yield Window(tuple(current))
            current = []
        if current and not is_joining:
            yield Window(tuple(current))
            current = []
    if current:
        yield Window(tuple(current))


def _length(spans: Iterable[Span]) -> int:
    return sum(span.end - span.start for span in spans)
