# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Tests of the load test's scripts and arithmetic."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import replace
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.load import __main__ as load
from benchmarks.load import diarized, handler, health, maximum, report
from benchmarks.load.__main__ import client
from benchmarks.load.callers import LcaCaller, OurCaller, run
from benchmarks.load.maximum import CallSearch, targets
from benchmarks.load.results import CallSeen, LoadRow, Result, row, word_latencies
from benchmarks.load.script import Said, calls_for, read_samples, script
from benchmarks.real_calls import prompts
from benchmarks.references import ReferenceUtterance, ReferenceWord
from live_whisper.audio.call_file import Call
from live_whisper.errors import EndpointUnusable
from local_cloud.sagemaker.container import free_port
from scripts.local_stack import aws_settings
from tests.unit.live.spoken import Reader
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from pathlib import Path

SAMPLES = read_samples()
HELLO = ReferenceUtterance(
    0,
    1.0,
    2.0,
    "hello my name",
    (
        ReferenceWord("hello", 1.0, 1.3),
        ReferenceWord("my", 1.4, 1.5),
        ReferenceWord("name", 1.6, 2.0),
    ),
)
SAID = Said(Call(8000, np.zeros((24000, 2), np.int16)), (HELLO,))


def result(text: str, until: float, at: float, *, is_partial: bool) -> Result:
    return Result(0, 1.0, until, text, is_partial, until, at)


@given(caller=st.integers(0, 40), seconds=st.floats(1, 90))
def test_a_caller_says_whole_utterances_for_as_long_as_asked(caller, seconds):
    said = script(SAMPLES, caller, seconds)
    assert said.call.seconds >= seconds - 0.01
    for one in said.utterances:
        assert 0 <= one.start < one.end <= said.call.seconds
        samples = said.call.samples[:, one.channel]
        inside = samples[round(one.start * 8000) : round(one.end * 8000)]
        assert np.abs(inside).max() > 1000, "the reference has moved away from its audio"


@pytest.mark.parametrize("missing", ["", "Real voices are not installed."])
def test_calls_for_real_models_have_utterances_of_real_lengths(
    monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    """With real voices, or with joined sentences of the sample calls."""
    missing = missing or prompts.missing()
    monkeypatch.setattr("benchmarks.real_calls.sample_calls.missing", lambda: missing)
    said = [one for call in calls_for("base") for one in call.reference.utterances]
    lengths = [one.end - one.start for one in said]
    assert 3.5 <= np.median(lengths) <= 8.5
    assert 12 <= max(lengths) <= 29
    assert np.median([one.end - one.start for one in SAMPLES[0].reference.utterances]) < 3.5
    assert len(calls_for("demo")) == len(SAMPLES)


def test_callers_differ_and_two_clients_hear_the_same() -> None:
    lengths = {script(SAMPLES, caller, 20).call.samples.tobytes() for caller in range(6)}
    assert len(lengths) == 6
    assert np.array_equal(script(SAMPLES, 3, 20).call.samples, script(SAMPLES, 3, 20).call.samples)


def test_latency_is_from_the_newest_audio_and_from_the_word() -> None:
    seen = CallSeen(SAID)
    seen.results = [
        result("hello mine", 1.5, 1.7, is_partial=True),
        result("hello my", 2.0, 2.3, is_partial=True),
        result("hello my name", 2.6, 3.0, is_partial=False),
    ]
    found = row("ours", "endpoint", 2, [seen])
    assert (found.partial_p50_ms, found.partial_p95_ms) == (200.0, 300.0)
    assert (found.final_p50_ms, found.final_p95_ms) == (400.0, 400.0)
    assert word_latencies(seen) == pytest.approx([0.4, 0.8, 1.0])
    assert found.word_p95_ms == 1000.0
    assert found.wer == 0.0
    assert found.is_held


def test_a_word_that_was_never_shown_is_an_error_and_has_no_latency() -> None:
    seen = CallSeen(SAID, [result("hello", 2.6, 3.0, is_partial=False)])
    assert len(word_latencies(seen)) == 1
    assert row("ours", "endpoint", 2, [seen]).wer == pytest.approx(2 / 3, abs=1e-3)


def test_dropped_partials_count_as_never_come() -> None:
    seen = CallSeen(SAID, [result("hello", 1.5, 1.6, is_partial=True)] * 9, partials_dropped=1)
    seen.results.append(result("hello my name", 2.6, 2.7, is_partial=False))
    found = row("ours", "endpoint", 2, [seen])
    assert found.partial_p95_ms == 100.0
    assert found.partial_p95_with_dropped_ms is None
    assert not found.is_held


@pytest.mark.parametrize(
    "change",
    [{"finals_lost": 1}, {"final_p95_ms": 1500.0}, {"partial_p95_with_dropped_ms": 1000.0}],
)
def test_a_run_that_misses_a_limit_is_not_held(change) -> None:
    seen = CallSeen(
        SAID,
        [
            result("hello", 1.5, 1.6, is_partial=True),
            result("hello my name", 2.6, 2.7, is_partial=False),
        ],
    )
    held = row("ours", "endpoint", 2, [seen])
    assert held.is_held
    assert not replace(held, **change).is_held


def a_row(calls: int, *, is_held: bool) -> LoadRow:
    late = None if not is_held else 300.0
    return LoadRow(
        client="ours",
        server="endpoint",
        calls=calls,
        seconds=1,
        partial_p50_ms=100.0,
        partial_p95_ms=300.0,
        final_p50_ms=100.0,
        final_p95_ms=200.0,
        word_p95_ms=None,
        partials=9,
        partials_dropped=0,
        finals=3,
        finals_lost=0,
        errors=0,
        wer=0.05,
        partial_p95_with_dropped_ms=late,
    )


@given(limit=st.integers(0, 300))
def test_the_search_finds_the_limit_to_an_eighth(limit):
    told: list[LoadRow] = []
    search = CallSearch(lambda calls: a_row(calls, is_held=calls <= limit), told.append)
    found = search.largest()
    assert found <= limit
    assert min(limit, 128) - found <= max(1, found // 8)
    assert told == search.rows
    assert len(told) < 14


def test_targets_are_judged_one_by_one() -> None:
    overload = replace(a_row(40, is_held=False), finals_lost=0)
    assert [is_met for _, is_met in targets(20, 10, 5, overload)] == [True] * 5
    assert [is_met for _, is_met in targets(15, 9, 5, overload)] == [
        True,
        False,
        False,
        False,
        True,
    ]
    assert not targets(20, 10, 1, None)[0][1]
    assert not targets(20, 10, 5, replace(overload, finals_lost=1))[-1][1]


def test_rows_are_written_and_drawn(tmp_path: Path) -> None:
    rows = [a_row(1, is_held=True), a_row(2, is_held=False)]
    data, *plots = report.write(rows, tmp_path)
    written = json.loads(data.read_text())
    assert [(one["calls"], one["held"]) for one in written] == [(1, True), (2, False)]
    needed = {"client", "calls", "partial_p50_ms", "partial_p95_ms", "final_p50_ms", "final_p95_ms"}
    needed |= {"word_p95_ms", "partials_dropped", "finals_lost", "errors", "wer"}
    assert needed <= set(written[0])
    assert [plot.read_bytes()[1:4] for plot in plots] == [b"PNG", b"PNG"]
    assert report.line(rows[0]).count("|") == report.heading().splitlines()[0].count("|")


def test_figures_are_put_into_the_page_in_place_of_the_old(tmp_path: Path) -> None:
    before = (report.DOCS / "live.md").read_text()
    (tmp_path / "live.md").write_text(before)
    rows = [a_row(1, is_held=True)]
    report.publish(rows, ["met: all"], "A machine, one day.", tmp_path)
    report.publish(rows, ["met: most"], "Another machine.", tmp_path)
    page = (tmp_path / "live.md").read_text()
    assert "A machine" not in page
    assert report.line(rows[0]) in page
    assert "- met: most" in page
    assert page.startswith(before.split("<!-- load")[0])
    for plot in ("live-partials.png", "live-finals.png"):
        assert f"({plot})" in page
        assert (tmp_path / plot).exists()


def test_callers_of_ours_are_counted_completely(monkeypatch) -> None:
    monkeypatch.setattr(
        "live_whisper.audio.playback.WallClock.wait_until", lambda _self, _position: None
    )
    found = run(lambda calls: OurCaller(Reader(), calls), SAMPLES, 3, 5, ("ours", "none"))
    assert (found.client, found.server, found.calls) == ("ours", "none", 3)
    assert found.finals_lost == found.errors == 0


def test_callers_of_lca_are_counted_completely(monkeypatch) -> None:
    monkeypatch.setattr(
        "live_whisper.audio.playback.WallClock.wait_until", lambda _self, _position: None
    )
    found = run(
        lambda _calls: LcaCaller(lambda _body: b'{"text": "hello"}'), SAMPLES, 2, 5, ("lca", "none")
    )
    assert found.finals > 2
    assert found.finals_lost == 0


class OneAnswer:
    def __init__(self, weights: Path) -> None:
        pass

    def answer(self, body: bytes) -> object:
        text = json.loads(body)["audio_input"]
        return type("Outcome", (), {"text": f"{len(text)} bytes"})


def test_the_handler_speaks_sagemaker_runtime(monkeypatch) -> None:
    monkeypatch.setattr(handler, "Locked", OneAnswer)
    server = handler.server(0)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        connection.request("POST", "/endpoints/any/invocations", b'{"audio_input": [1, 2]}')
        assert json.loads(connection.getresponse().read()) == {"text": "2 bytes"}
        connection.request("POST", "/endpoints/any/invocations", b"{")
        assert connection.getresponse().status == 400
        connection.close()
    finally:
        server.shutdown()
        server.server_close()


def test_the_handlers_client_needs_nothing_of_the_users_settings(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    make = client("lca", "handler", url="http://127.0.0.1:1")
    with pytest.raises(EndpointUnusable, match="AWS_REGION"):
        make(1)
    with aws_settings(maximum.NOBODY):
        assert isinstance(make(1), LcaCaller)


def test_our_client_leaves_time_to_ask_again_where_a_connection_hangs(monkeypatch):
    made = []
    monkeypatch.setattr(load, "SageMakerEndpoint", lambda *_, **options: made.append(options))
    client("ours", "whisper")(2)
    assert made[0]["attempts"] == 1
    assert made[0]["read_timeout"] <= CallSettings().final_limit_s / 2


def test_what_was_measured_stays_when_the_search_is_ended(monkeypatch, tmp_path):
    written = []

    def measure(rows, _seconds):
        rows.append("a row")
        raise KeyboardInterrupt

    def write(rows):
        written.extend(rows)
        return []

    monkeypatch.setattr(maximum, "measure", measure)
    monkeypatch.setattr(report, "write", write)
    with pytest.raises(KeyboardInterrupt):
        maximum.search(1)
    assert written == ["a row"]


def test_turns_are_compared_one_by_one() -> None:
    before, after = [[100.0] * 20, [200.0] * 20], [[150.0] * 20, [200.0] * 20]
    assert diarized.ratios(before, after) == [1.5, 1.0]


def test_a_health_route_that_does_not_answer_is_no_quick_one() -> None:
    assert health._asked(free_port()) == float("inf")
