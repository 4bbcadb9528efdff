# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Tests of the benchmark's arithmetic, not of speed."""

import json
import os
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from benchmarks.bench import __main__ as command
from benchmarks.bench import (
    capacity_and_cost,
    checks,
    clips,
    compare,
    device,
    growth,
    overhead,
    profile,
    quality,
    shapes,
    variants,
)
from benchmarks.bench.load import Load, Measurement, TimedReply
from benchmarks.bench.rows import COLUMNS, BenchRow, cpu_ratio, median, ratio, row, saved, table
from benchmarks.bench.variants import Reply, RequestFailed, read_answer
from benchmarks.bench.variants.baseline import Locked
from benchmarks.bench.variants.in_process import InProcess
from benchmarks.processes import bytes_of
from benchmarks.references import DEMO_MODEL, sample_calls
from benchmarks.reporting import Countdown
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError
from whisper_endpoint.settings import EndpointSettings

HEADER = 44
SETTINGS = EndpointSettings.from_environment(variants.SETTINGS)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("toy")
    shapes.make(folder, shapes.SHAPES["toy"], compare.TOKENIZER, "int8")
    return folder


def made(variant: str, per_s: float, **other: object) -> BenchRow:
    usual: dict[str, Any] = {
        "model": "tiny-shape",
        "policy": "equal",
        "concurrency": 16,
        "p50_ms": 10.0,
        "p95_ms": 20.0,
        "superseded": 0,
        "tokens": 17.0,
        "peak_mb": 100.0,
        "cpu_ms": 50.0,
    }
    return BenchRow(variant=variant, requests_per_s=per_s, **{**usual, **other})


def test_a_row_counts_what_was_decoded_and_only_that() -> None:
    decoded = [
        TimedReply(10.0, 10.0 + ms / 1000, Reply(tokens, ""))
        for ms, tokens in ((10, 4), (20, 6), (90, 5))
    ]
    overtaken = [TimedReply(10.0, 10.001, Reply(0, "", is_superseded=True))] * 2
    measured = Measurement((*decoded, *overtaken), 2.0, 123_000_000, 0.6)
    summary = row(measured, "engine", "demo", "live", 4)
    assert summary.cpu_ms == 200.0
    assert saved(summary) == {
        "variant": "engine",
        "model": "demo",
        "policy": "live",
        "concurrency": 4,
        "requests_per_s": 1.5,
        "p50_ms": 20.0,
        "p95_ms": 90.0,
        "superseded": 2,
        "tokens": 5.0,
        "peak_mb": 123.0,
    }
    with pytest.raises(CommandError, match="decoded nothing"):
        row(Measurement(tuple(overtaken), 2.0, 0, 0.0), "engine", "demo", "live", 4)


def test_of_several_rounds_the_median_counts() -> None:
    assert median([made("lock", 3), made("lock", 1), made("lock", 2)]).requests_per_s == 2


def test_the_table_has_every_column_and_what_a_row_is_in_locks() -> None:
    lines = table([made("lock", 2), made("engine", 5), made("engine", 7, concurrency=1)])
    assert lines[0].split() == [*COLUMNS, "cpu_ms", "x_lock"]
    assert [line.split()[-1] for line in lines[1:3]] == ["1.00", "2.50"]
    assert len(lines[3].split()) == len(COLUMNS) + 1


def test_targets_are_told_from_rows_of_the_same_load() -> None:
    rows = [made("lock", 2), made("engine", 4), made("http", 3)]
    assert ratio(rows, "engine", "lock", ("tiny-shape", "equal", 16)) == 2
    assert ratio(rows, "engine", "lock", ("demo", "live", 16)) is None
    heavy = [made("lock", 2, cpu_ms=90.0), made("engine", 4, cpu_ms=30.0)]
    assert cpu_ratio(heavy, "engine", "lock", ("tiny-shape", "equal", 16)) == 3
    said = list(checks.lines(rows))
    assert [line.rpartition("; ")[2] for line in said] == ["met)", "NOT met)", "met)"]
    uneven = [made("engine", 1, concurrency=1), made("lock", 1, tokens=16.0)]
    assert any("16 and 17" in line and "NOT met" in line for line in checks.lines(uneven))


def samples(body: bytes) -> np.ndarray:
    wav = bytes(json.loads(body)["audio_input"])
    assert int.from_bytes(wav[40:44], "little") == len(wav) - HEADER
    return np.frombuffer(wav[HEADER:], "<i2")


def test_live_utterances_are_sent_as_lca_sends_them() -> None:
    said = clips.utterances("live", {"log_prob_threshold": None})
    requests = [clip for utterance in said for clip in utterance]
    finals = [clip for clip in requests if not clip.is_partial]
    assert len(requests) == 5 * len(finals)
    assert all(1 <= seconds <= 12 for seconds in clips.LIVE_SECONDS)
    document = json.loads(finals[0].body(1))
    assert document["parameters"]["beam_size"] == 5
    assert document["parameters"]["log_prob_threshold"] is None
    for utterance in said:
        heard = [samples(clip.body(77)) for clip in utterance]
        for shorter, longer in pairwise(heard):
            assert (longer[: len(shorter)] == shorter).all()
        assert not heard[-1][-8_640:].any()
        assert heard[0].any()


def test_no_two_utterances_begin_alike() -> None:
    clip = clips.utterances("equal", {})[0][0]
    assert len({samples(clip.body(number))[:8].tobytes() for number in range(300)}) == 300
    assert max(abs(samples(clip.body(2**28 - 1))[:8])) == 127
    numbers = clips.Numbers()
    assert [numbers.next() for _ in range(3)] == [1, 2, 3]


@pytest.mark.parametrize("kind", ["lock", "engine"])
def test_random_weights_say_as_many_tokens_whatever_they_hear(toy: Path, kind: str) -> None:
    variant = Locked(toy) if kind == "lock" else InProcess(toy, SETTINGS)
    try:
        bodies = [said[-1].body(5) for said in clips.utterances("equal", variants.GATES_OFF)[:4]]
        assert {variant.answer(body).tokens for body in bodies} == {shapes.TOKENS}
    finally:
        variant.close()


def test_the_demonstration_model_is_heard_through_the_baseline_and_the_engine() -> None:
    body = clips.utterances("equal", {})[0][0].body(3)
    batched = Locked(DEMO_MODEL, is_batched=True)
    for variant in (Locked(DEMO_MODEL), batched, InProcess(DEMO_MODEL, SETTINGS)):
        try:
            assert "we are open from" in variant.answer(body).text
        finally:
            variant.close()


def test_an_answer_is_read_for_what_it_is() -> None:
    segments = [{"tokens": [1, 2]}, {"tokens": [3]}]
    body = json.dumps({"text": "a b", "segments": segments}).encode()
    assert read_answer(200, body) == Reply(3, "a b")
    late = json.dumps({"text": "a", "segments": segments, "superseded": True}).encode()
    assert read_answer(200, late) == Reply(0, "", is_superseded=True)
    with pytest.raises(RequestFailed, match="HTTP 503: busy"):
        read_answer(503, b'{"code": "Overloaded", "error": "busy"}')


class Counting:
    """Answers immediately, every other request as superseded; can be told to fail."""

    def __init__(self, fails_at: int = -1) -> None:
        self.bodies: list[bytes] = []
        self.most = 0
        self.was_abandoned = False
        self._at_once = 0
        self._fails_at = fails_at
        self._lock = threading.Lock()
        self._pause = threading.Event()

    def answer(self, body: bytes) -> Reply:
        with self._lock:
            self._at_once += 1
            self.most = max(self.most, self._at_once)
            self.bodies.append(body)
            count = len(self.bodies)
        self._pause.wait(0.005)
        with self._lock:
            self._at_once -= 1
        if count == self._fails_at:
            raise RequestFailed("HTTP 500: broken")
        return Reply(7, "text", is_superseded=count % 2 == 0)

    def abandon(self) -> None:
        self.was_abandoned = True
        self._pause.set()

    def close(self) -> None:
        pass


def test_callers_call_at_once_and_only_the_measured_span_counts() -> None:
    variant = Counting()
    load = Load(variant, clips.utterances("live", {}), clips.Numbers())
    seen: list[int] = []
    load.began = lambda: seen.append(len(variant.bodies))
    load.ended = lambda: seen.append(len(variant.bodies))
    measured = load.run(3, 0.1, 0.3, os.getpid())
    assert variant.most == 3
    assert variant.was_abandoned
    assert 0 < len(measured.answers) < len(variant.bodies)
    assert abs(len(measured.answers) - (seen[1] - seen[0])) <= 6
    assert len(set(variant.bodies)) == len(variant.bodies)
    assert {answer.reply.is_superseded for answer in measured.answers} == {True, False}
    assert measured.peak_bytes > 1_000_000


def test_a_slow_machine_is_waited_for_until_it_has_decoded_a_request() -> None:
    load = Load(Counting(), clips.utterances("equal", {}), clips.Numbers())
    measured = load.run(1, 0, 0, os.getpid())
    assert measured.answers
    assert measured.seconds > 0


def test_a_run_with_a_failure_has_no_figures() -> None:
    load = Load(Counting(fails_at=5), clips.utterances("equal", {}), clips.Numbers())
    with pytest.raises(RequestFailed, match="broken"):
        load.run(2, 0.05, 30, os.getpid())


def test_growth_compares_the_last_quarter_with_the_first() -> None:
    assert growth.growth([100] * 4 + [500] * 4 + [300] * 4 + [110] * 4) == pytest.approx(0.1)
    assert "NOT met" in growth.line([100] * 8 + [103] * 8, 20_000)
    assert "NOT met" not in growth.line([100] * 8 + [101] * 8, 20_000)
    assert bytes_of(os.getpid()) > 1_000_000


def test_growth_with_a_refused_request_has_no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "start", lambda *_: (Counting(fails_at=150), os.getpid()))
    with pytest.raises(RequestFailed, match="broken"):
        growth.measure(DEMO_MODEL, 400)
    quiet = Counting()
    monkeypatch.setattr(growth, "start", lambda *_: (quiet, os.getpid()))
    assert len(growth.measure(DEMO_MODEL, 400)) == 41
    assert len(quiet.bodies) == 400


def test_a_quick_run_measures_what_the_targets_are_about() -> None:
    def loads(*arguments: str) -> set[tuple[str, str, int]]:
        plans = command._plans(command._parser().parse_args(arguments))
        return {
            (model, policy, callers)
            for plan in plans
            for model in plan.models
            for policy in plan.policies
            for callers in plan.concurrency
        }

    # Stock weights and unusual policies are only measured on request.
    wanted = {load for _, _, load, _ in checks.RATIOS if load[0] in command.MODELS}
    assert loads("--quick") == wanted
    assert wanted < loads()
    assert loads("--quick", "--models", "demo") == {("demo", "live", 16)}


class Clockwork:
    """Answers after a fixed time on the test clock; the first requests take much longer."""

    now = 0.0

    def __init__(self, seconds: float) -> None:
        self.bodies: list[bytes] = []
        self._seconds = seconds

    def answer(self, body: bytes) -> Reply:
        self.bodies.append(body)
        Clockwork.now += self._seconds if len(self.bodies) > 20 else 60
        return Reply(7, "text")

    def abandon(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_what_http_adds_is_the_difference_on_the_same_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("benchmarks.bench.overhead.time.perf_counter", lambda: Clockwork.now)
    engine, http = Clockwork(0.1), Clockwork(0.12)
    found = overhead.compare(engine, http, 30)
    assert engine.bodies == http.bodies
    assert len(set(engine.bodies)) == 50
    assert (found.pairs, found.engine_ms, found.http_ms) == pytest.approx((30, 100, 120))
    assert overhead.line(found).endswith("20.0 ms on 100.0 (wanted: at most 25 ms; met)")
    assert overhead.line(overhead.Overhead(30, 100, 126)).endswith("NOT met)")


def test_progress_is_told_part_by_part(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Countdown(2)
    progress.done("lock 1: 3.0 requests/s")
    progress.done("lock 4: 5.0 requests/s")
    first, last = capsys.readouterr().err.splitlines()
    assert first.startswith("  1 of 2, lock 1: 3.0 requests/s; about ")
    assert last.endswith("about 0 min left")


def test_the_share_that_is_ours_is_judged() -> None:
    def said(ours: float) -> str:
        steps = {"features": ours, "encode": 0.5, "generate": 0.5 - ours}
        measured = profile.Profile(steps, requests=9, callers=16, busy=0.9, batch=4.0)
        (line,) = (one for one in profile.lines(measured) if "not encode" in one)
        return line

    assert said(0.1) == "not encode and generate: 10.0% (wanted: at most 15%; met)"
    assert said(0.2).endswith("NOT met)")


def test_a_device_is_measured_by_window_batch_and_callers() -> None:
    options = device.Options(
        shape="toy", device="cpu", seconds=0.2, windows=(10, 30), batches=(1, 2), concurrency=(1, 3)
    )
    result = device.measure(options, compare.TOKENIZER)
    stages = [(row["window_s"], row["batch"]) for row in result["stages"]]
    assert stages == [(10, 1), (10, 2), (30, 1), (30, 2)]
    loads = [(row["window_s"], row["concurrency"]) for row in result["loads"]]
    assert loads == [(30, 1), (30, 3), (10, 1), (10, 3)]
    assert {row["tokens"] for row in result["loads"]} == {shapes.TOKENS}
    assert len(device.lines(result)) == len(stages) + len(loads) + 3


def test_the_command_refuses_a_device_that_is_not_there(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctranslate2.get_cuda_device_count", lambda: 0)
    assert command.main(["--device", "cuda", "--shape", "toy"]) == 1
    assert "no CUDA device" in capsys.readouterr().err


def test_the_picture_shows_every_step() -> None:
    steps = {"parse": 0.01, "encode": 0.2, "a & b": 0.0}
    root = ET.fromstring(profile.draw(steps, "One <request>"))
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "One <request>: 210 ms"
    assert set(steps) <= set(texts)


def test_the_page_shows_the_table_that_the_formula_gives() -> None:
    page = (ROOT / "docs" / "capacity.md").read_text(encoding="utf-8")
    assert "\n".join(capacity_and_cost.table()) in page


def test_calls_follow_from_the_slower_of_gpu_and_cpu() -> None:
    assert (
        capacity_and_cost.mean_tflop(0)
        < capacity_and_cost.mean_tflop(30)
        < capacity_and_cost.WINDOW_TFLOP[30]
    )
    small = capacity_and_cost.Instance("small", "any", 1, 1000, 1000, 3.0)
    large = capacity_and_cost.Instance("large", "any", 64, 1000, 1000, 3.0)
    held = [capacity_and_cost.estimate(one, "turbo", 30) for one in (small, large)]
    assert [one.limit for one in held] == ["CPU", "GPU"]
    assert held[0].requests_per_s == pytest.approx(1 / capacity_and_cost.CPU_S)
    assert held[1].calls == int(capacity_and_cost.UTILISATION * held[1].device_per_s)
    assert held[1].dollars_per_call_hour == pytest.approx(3.0 / held[1].calls)


@pytest.mark.parametrize(("variant", "arenas"), [("engine", "1"), ("http", None)])
def test_what_is_measured_alone_has_the_environment_of_its_process(
    monkeypatch: pytest.MonkeyPatch, variant: str, arenas: str | None
) -> None:
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    assert compare.in_own_process(variant, os.getenv, "MALLOC_ARENA_MAX") == arenas
    assert "MALLOC_ARENA_MAX" not in os.environ
    with pytest.raises(CommandError, match=f"The process of {variant} ended"):
        compare.in_own_process(variant, os._exit, 1)


@pytest.mark.slow
def test_the_command_writes_its_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shortest = min(sample_calls(), key=lambda sample: len(sample.reference.utterances))
    monkeypatch.setattr(quality, "sample_calls", lambda: [shortest])
    # The rows were measured over HTTP: another container would add nothing.
    begin = variants.start
    monkeypatch.setattr(overhead, "start", lambda _, *where: begin("engine", *where))
    # Times are not looked at, so few will do.
    monkeypatch.setattr(overhead, "_WARM_UP", 2)
    monkeypatch.setattr(command, "PAIRS_PER_SECOND", 5)
    chosen = ["--variants", "lock", "engine", "http", "--models", "demo", "--policies", "live"]
    short = ["--concurrency", "2", "--seconds", "2", "--warm-up", "0.5", "--out", str(tmp_path)]
    assert command.main([*chosen, *short]) == 0
    rows = json.loads((tmp_path / "bench.json").read_text())
    assert [one["variant"] for one in rows] == ["lock", "engine", "http"]
    assert all(tuple(one) == COLUMNS for one in rows)
    shown = capsys.readouterr().out
    assert "x_lock" in shown
    assert "json/endpoint" in shown
    assert "1 caller, 10 requests in turns" in shown
    assert "word error rate of the sample calls, engine" in shown


@pytest.mark.slow
def test_a_run_with_random_weights_shows_where_the_time_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--variants", "engine", "--models", "tiny-shape", "--policies", "equal"]
    short = ["--concurrency", "1", "--seconds", "3", "--warm-up", "0.5", "--out", str(tmp_path)]
    assert command.main([*chosen, *short]) == 0
    shown = capsys.readouterr()
    assert all(step in shown.out for step in (*profile.STEPS, *profile.ALIGNED, profile.REST))
    assert "1 of 1, engine tiny-shape equal 1" in shown.err
    assert json.loads((tmp_path / "bench-profile-tiny-shape.json").read_text())["requests"] >= 1
