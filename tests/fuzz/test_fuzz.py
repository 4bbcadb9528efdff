# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import random
import sys
from pathlib import Path

import pytest

from tests import fuzz
from tests.fuzz import lines, seeds
from tests.fuzz.__main__ import FuzzReport, table
from tests.fuzz.__main__ import fuzz as run
from tests.fuzz.child import MOST_MB
from tests.fuzz.targets import TARGETS, Broken, bounded
from whisper_endpoint import errors
from whisper_endpoint import parsing as wire
from whisper_endpoint.ingress.handler import HttpResponse


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_is_taken_or_refused(target: str, tmp_path: Path) -> None:
    seeds.write(target, tmp_path)
    found = sorted(tmp_path.iterdir())
    assert len(found) > 5
    for path in found:
        TARGETS[target](path.read_bytes())
    for data in (b"", b"\0", b"\xff\xff"):
        TARGETS[target](data)


def test_an_engine_answers_what_the_contract_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(7)
    for _ in range(24):
        TARGETS["engine"](chance.randbytes(200))
    failed = HttpResponse(500, b"it failed", "application/json")
    monkeypatch.setattr("tests.fuzz.real_engine.transcribe", lambda _: failed)
    with pytest.raises(Broken, match="answered with 500"):
        TARGETS["engine"](b"")


@pytest.mark.skipif(sys.platform != "linux", reason="atheris is for Linux")
@pytest.mark.parametrize(
    ("target", "runs", "seconds"),
    [("parser", 2_000, 60), ("decoder", 2_000, 60), ("together", 20, 120)],
)
def test_a_short_run_breaks_nothing(target: str, runs: int, seconds: int, tmp_path: Path) -> None:
    outcome = run(target, tmp_path, runs=runs, seconds=seconds)
    assert outcome.failure == "", (tmp_path / "log.txt").read_text()[-3_000:]
    assert outcome.executions >= 20
    assert outcome.corpus > 10
    assert outcome.covered > outcome.lines / 2
    assert 0 <= outcome.grown_mb < MOST_MB


def test_what_takes_too_long_by_the_cpus_clock_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    bounded("parser")(b"\0\0{}")
    monkeypatch.setattr("tests.fuzz.targets.SECONDS", {"parser": 0.0})
    with pytest.raises(Broken, match="more than 0"):
        bounded("parser")(b"\0\0{}")


def test_a_crowd_that_is_answered_with_503_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    failed = [HttpResponse(200, b"{}"), HttpResponse(503, b"no room")]
    monkeypatch.setattr("tests.fuzz.crowd.answers", lambda _: failed)
    with pytest.raises(Broken, match="answered with 503"):
        TARGETS["together"](b"\0x")


@pytest.mark.parametrize(
    "error",
    [
        errors.InternalError("It failed."),
        errors.MalformedBody(""),
        errors.MalformedBody("x" * 5_000),
        errors.MalformedBody("Traceback (most recent call last)"),
    ],
)
def test_a_refusal_that_should_not_be_is_noticed(
    error: errors.EndpointError, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(wire, "parse", fail)
    with pytest.raises(Broken):
        TARGETS["parser"](b"\0\0{}")


def test_lines_are_counted_where_they_are_reached(tmp_path: Path) -> None:
    module = tmp_path / "sample.py"
    module.write_text("A = 1\n\ndef f(x):\n    if x:\n        return 1\n    return 2\n")
    names: dict[str, object] = {}
    exec(compile(module.read_text(), str(module), "exec"), names)
    f = names["f"]
    assert callable(f)
    assert lines.reached(f, [b"a"], [module]) == {module: (2, 3)}
    assert lines.reached(f, [b"a", b""], [module]) == {module: (3, 3)}


def test_the_table_names_what_broke() -> None:
    good = FuzzReport("parser", 1_000_000, 900, 500, 90, 100, 120, "")
    bad = FuzzReport("decoder", 10, 1, 5, 9, 100, 120, "build/fuzz/decoder/crash-1")
    said = "\n".join(table([good, bad]))
    assert "1,000,000" in said
    assert "90/100 90%" in said
    assert "decoder: broken by build/fuzz/decoder/crash-1" in said
    assert fuzz.__doc__
