# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

from live_whisper.__main__ import main
from live_whisper.commands import console as command
from scripts import console, local_stack
from tests.unit.live.conftest import without_region

if TYPE_CHECKING:
    import pytest

    from tests.unit.live.conftest import RuntimeServer


def test_the_console_without_a_region_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_region(monkeypatch)
    monkeypatch.setattr(sys, "argv", ["console", "--endpoint-name", "whisper"])
    assert console.main() == 1
    said = capsys.readouterr().err
    assert said == "console: No AWS region is set; give --region or set AWS_REGION.\n"


def test_the_command_without_a_region_is_refused_in_the_same_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without_region(monkeypatch)
    assert main(["console", "--endpoint-name", "whisper"]) == 2
    said = capsys.readouterr().err
    assert said == "No AWS region is set; give --region or set AWS_REGION.\n"


def test_a_port_that_is_taken_is_refused_in_a_sentence(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert main(["console", "--endpoint-name", "whisper", "--port", port]) == 2
    assert capsys.readouterr() == ("", f"Port {port} cannot be used; choose another with --port.\n")


def test_a_folder_that_is_not_there_is_refused_in_a_sentence(
    runtime: RuntimeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["console", "--endpoint-name", "whisper", "--calls", "missing"]) == 2
    said = "There is no folder missing; give a folder with recordings with --calls.\n"
    assert capsys.readouterr() == ("", said)


def test_without_its_packages_it_says_how_to_get_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert main(["console", "--endpoint-name", "whisper"]) == 2
    assert 'pip install ".[console]"' in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_before_anything_is_deployed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(local_stack, "local_cloud", None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["console", "--port", port])
        assert console.main() == 1
    said = f"console: Port {port} cannot be used; choose another with --port.\n"
    assert capsys.readouterr() == ("", said)
