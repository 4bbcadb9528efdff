# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import pytest

from benchmarks.lca_client.__main__ import main
from tests.unit.live.conftest import CALLS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.live.conftest import RuntimeServer

CALL = str(CALLS / "agent-and-caller-overlap.wav")


def as_main(runtime: RuntimeServer) -> list[str]:
    return [CALL, "--endpoint-name", "whisper", "--endpoint-url", runtime.url]


def test_help_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "usage: python -m benchmarks.lca_client" in capsys.readouterr().out


def test_a_call_is_printed_by_channel_with_times_and_latency(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    rc = main([*as_main(runtime), "--no-partials"])
    out, err = capsys.readouterr()
    assert rc == 0
    assert err == ""
    lines = out.splitlines()
    assert lines[0] == "channel 0"
    assert "  00:11.6-" in out
    assert lines.count("channel 1") == 1
    assert sum(line.endswith("  hello") for line in lines) == len(runtime.requests)
    assert lines[-1].startswith("final")
    assert "p50" in lines[-1]
    assert "p95" in lines[-1]


def test_partials_are_sent_unless_refused(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(as_main(runtime)) == 0
    assert "\npartial" in capsys.readouterr().out


def test_a_failing_endpoint_is_told_and_shows_in_the_exit_status(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime.fail(424, "ModelError", Message="m", OriginalMessage='{"error": "Out of memory."}')
    rc = main([*as_main(runtime), "--no-partials"])
    assert rc == 1
    assert "(HTTP 424 ModelError: Out of memory.)" in capsys.readouterr().out


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main([*arguments, "--endpoint-name", "whisper"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_a_missing_file_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "There is no file absent.wav" in refusal(capsys, "absent.wav")


def test_one_channel_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with wave.open(str(tmp_path / "mono.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\0" * 100)
    assert "a call needs two" in refusal(capsys, str(tmp_path / "mono.wav"))


def test_an_unreachable_endpoint_is_refused(
    runtime: RuntimeServer,
    dead_url: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    said = refusal(capsys, CALL, "--endpoint-url", dead_url)
    assert f"Nothing answers at {dead_url}" in said


def test_an_unknown_endpoint_is_refused(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    runtime.fail(400, "ValidationError", Message="Endpoint whisper of account 1 not found.")
    said = refusal(capsys, CALL, "--endpoint-url", runtime.url)
    assert "There is no endpoint whisper" in said
    assert len(runtime.requests) == 1
