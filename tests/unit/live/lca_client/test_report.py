# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import io

import pytest

from live_whisper.lca_client.client import UtteranceResult
from live_whisper.lca_client.report import latency_lines, transcript_lines
from live_whisper.sinks.percentiles import percentile
from live_whisper.sinks.progress import Progress
from live_whisper.sinks.times import clock_time


def result(
    channel: int, start: float, text: str, *, partial: bool = False, error: str | None = None
) -> UtteranceResult:
    return UtteranceResult(channel, start, start + 1.5, text, partial, start / 100, 1000, error)


@pytest.mark.parametrize(
    ("percent", "expected"), [(50, 5), (95, 10), (90, 9), (91, 10), (100, 10), (1, 1)]
)
def test_percentiles_are_nearest_rank(percent: float, expected: float) -> None:
    assert percentile([10, 1, 9, 2, 8, 3, 7, 4, 6, 5], percent) == expected


def test_a_percentile_of_one_value_is_that_value() -> None:
    assert percentile([0.25], 50) == percentile([0.25], 95) == 0.25


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_there_is_no_percentile_of_nothing_or_out_of_range(
    values: list[float], percent: float
) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, percent)


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


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_progress_is_drawn_now_and_then_and_only_on_a_terminal(stream: io.StringIO) -> None:
    now = [0.0]
    progress = Progress(stream, 30.0, lambda: now[0])
    progress.erase()
    assert stream.getvalue() == ""
    progress(6.5)
    progress(6.6)
    now[0] = 0.2
    progress(6.7)
    progress.erase()
    lines = ("transcribing 00:06.5 of 00:30.0", "transcribing 00:06.7 of 00:30.0", "")
    shown = "".join(f"\r\x1b[K{line}" for line in lines)
    assert stream.getvalue() == (shown if isinstance(stream, Terminal) else "")
