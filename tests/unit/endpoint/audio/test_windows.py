# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import itertools
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from whisper_endpoint.audio import windows as endpoint_windows
from whisper_endpoint.audio.vad import within
from whisper_endpoint.audio.windows import WINDOW_SAMPLES
from whisper_endpoint.messages import Span, Window

RATE = 16_000


def noise(seconds: float) -> np.ndarray:
    samples = np.random.default_rng(1).uniform(-0.5, 0.5, round(seconds * RATE))
    return samples.astype(np.float32)


@st.composite
def spans(draw: st.DrawFn) -> list[Span]:
    edges = draw(st.lists(st.integers(0, 200 * RATE), max_size=20, unique=True))
    edges = sorted(edges)[: len(edges) // 2 * 2]
    return [Span(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]


SAMPLES = noise(200)


def make_windows(samples: np.ndarray, spans: list[Span], **how: Any) -> list[Window]:
    return list(endpoint_windows.make_windows(samples, spans, **how))


@given(spans())
@settings(deadline=None)
def test_windows_hold_all_speech_once_in_order_and_none_is_too_long(found: list[Span]) -> None:
    windows = make_windows(SAMPLES, found)
    heard = [part for window in windows for part in window.spans]
    assert all(a.end <= b.start for a, b in itertools.pairwise(heard))
    assert sum(part.end - part.start for part in heard) == sum(s.end - s.start for s in found)
    for window in windows:
        assert 0 < len(window.cut_from(SAMPLES)) <= WINDOW_SAMPLES
    for part in heard:
        assert any(s.start <= part.start and part.end <= s.end for s in found)
    # Only the last may be short: an encoder's time is lost on the others, and a language misheard.
    for window in windows[:-1]:
        assert len(window.cut_from(SAMPLES)) >= 10 * RATE


@given(spans(), st.floats(0, 40))
@settings(deadline=None)
def test_times_go_back_to_speech(found: list[Span], seconds: float) -> None:
    for window in make_windows(SAMPLES, found):
        time = window.in_recording(seconds)
        inside = [s for s in window.spans if s.start <= round(time * RATE) <= s.end]
        assert inside
        assert window.in_recording(seconds + 1) >= time


def test_short_stretches_share_a_window() -> None:
    assert make_windows(SAMPLES, [Span(0, 10 * RATE), Span(50 * RATE, 60 * RATE)]) == [
        Window((Span(0, 10 * RATE), Span(50 * RATE, 60 * RATE)))
    ]


def test_the_cut_is_in_the_pause() -> None:
    samples = noise(50)
    samples[round(23.4 * RATE) : round(23.8 * RATE)] = 0
    first, second = make_windows(samples, [Span(0, len(samples))])
    cut = first.spans[-1].end
    assert 23.4 <= cut / RATE <= 23.8
    assert second.spans == (Span(cut, len(samples)),)


def test_a_short_window_takes_what_follows_up_to_a_pause() -> None:
    samples = noise(50)
    samples[round(33.4 * RATE) : round(33.8 * RATE)] = 0
    greeting, story = Span(0, 2 * RATE), Span(10 * RATE, 39 * RATE)
    first, second = make_windows(samples, [greeting, story])
    cut = first.spans[-1].end
    assert 33.4 <= cut / RATE <= 33.8
    assert first == Window((greeting, Span(story.start, cut)))
    assert second == Window((Span(cut, story.end),))


def test_a_joint_is_the_start_of_the_second_span() -> None:
    window = Window((Span(RATE, 2 * RATE), Span(10 * RATE, 12 * RATE)))
    assert window.in_recording(0.5) == 1.5
    assert window.in_recording(1.0) == 10.0
    assert window.in_recording(2.5) == 11.5
    assert window.in_recording(29.0) == 12.0
    assert [window.in_window(at) for at in (0.5, 1.5, 5.0, 11.5, 29.0)] == [0, 0.5, 1, 2.5, 3]


def test_samples_of_a_window_are_joined() -> None:
    samples = np.arange(100, dtype=np.float32)
    window = Window((Span(1, 3), Span(50, 52)))
    assert window.cut_from(samples).tolist() == [1, 2, 50, 51]


def test_each_stretch_gets_a_window_of_its_own_where_the_model_wants_it() -> None:
    spans = [Span(0, 2 * RATE), Span(3 * RATE, 40 * RATE)]
    first, *rest = make_windows(SAMPLES, spans, is_joining=False)
    assert first == Window((spans[0],))
    assert all(len(window.spans) == 1 for window in rest)
    assert rest[0].spans[0].start == 3 * RATE
    assert rest[-1].spans[0].end == 40 * RATE


@given(spans(), spans())
def test_what_lies_within_clips_is_kept_and_nothing_else(
    found: list[Span], clips: list[Span]
) -> None:
    kept = list(within(found, clips))
    assert all(a.end <= b.start for a, b in itertools.pairwise(kept))
    overlap = sum(
        max(0, min(one.end, clip.end) - max(one.start, clip.start))
        for one in found
        for clip in clips
    )
    assert sum(part.end - part.start for part in kept) == overlap


def test_windows_can_be_shorter() -> None:
    found = [Span(second * RATE, (second + 2) * RATE) for second in range(0, 30, 3)]
    assert len(make_windows(SAMPLES, found)) == 1
    lengths = [
        sum(span.end - span.start for span in window.spans)
        for window in make_windows(SAMPLES, found, longest_s=5.0)
    ]
    assert lengths == [4 * RATE] * 5
