# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import pytest

from benchmarks.lca_client.client import UtteranceResult
from benchmarks.lca_client.report import latency_lines, transcript_lines
from live_whisper.sinks.terminal import clock_time, latency_percentiles


def result(
    channel: int, start: float, text: str, *, partial: bool = False, error: str | None = None
) -> UtteranceResult:
    return UtteranceResult(channel, start, start + 1.5, text, partial, start / 100, 1000, error)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], "p50 5.000 s, p95 10.000 s"),
        ([0.25], "p50 0.250 s, p95 0.250 s"),
        (range(1, 101), "p50 50.000 s, p95 95.000 s"),
    ],
)
def test_percentiles_are_nearest_rank(seconds: list[float], said: str) -> None:
    assert latency_percentiles(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00.0"), (59.94, "00:59.9"), (59.96, "01:00.0"), (754.3, "12:34.3")],
)
def test_times_are_rounded_once(seconds: float, text: str) -> None:
    assert clock_time(seconds) == text


def test_the_transcript_is_by_channel_with_times_and_without_partials() -> None:
    results = [
        result(0, 1.0, "hel", partial=True),
        result(0, 1.0, "hello"),
        result(0, 3.0, ""),
        result(0, 5.0, "", error="HTTP 503 ServiceUnavailable: busy"),
    ]
    assert list(transcript_lines(results)) == [
        "channel 0",
        "  00:01.0-00:02.5  hello",
        "  00:05.0-00:06.5  (HTTP 503 ServiceUnavailable: busy)",
        "channel 1",
        "  (nothing)",
    ]


def test_latency_is_told_for_partials_and_finals_apart() -> None:
    results = [result(0, at, "x", partial=True) for at in (10, 20, 30)]
    results += [result(1, 40, "y"), result(1, 60, "", error="no")]
    partials, finals = latency_lines(results)
    assert " ".join(partials.split()) == ("partial 3 requests p50 0.200 s p95 0.300 s 0 failed")
    assert " ".join(finals.split()) == ("final 2 requests p50 0.400 s p95 0.600 s 1 failed")
    assert list(latency_lines([])) == []
