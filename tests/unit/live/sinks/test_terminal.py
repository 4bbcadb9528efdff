# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len

from live_whisper.sinks.terminal import LiveView
from tests.unit.live.sinks.test_amazon_transcribe import LOST, result
from whisper_stream.events import AudioMissing, CallEnded, Counts


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_what_is_being_said_grows_below_the_finals() -> None:
    stream = Terminal()
    view = LiveView(stream, columns=60)
    view(result(is_partial=True))
    assert stream.getvalue() == "00:01.2-         CUSTOMER  Hello,\x1b[2m Ana.\x1b[0m\n"
    view(result(is_partial=False))
    assert stream.getvalue().endswith("\x1b[A\r\x1b[K00:01.2-00:01.9  CUSTOMER  Hello, Ana.\n")


def test_a_long_partial_shows_its_end_in_one_line() -> None:
    stream = Terminal()
    LiveView(stream, columns=40)(
        replace(result(is_partial=True), words=result(is_partial=True).words * 9)
    )
    (line,) = stream.getvalue().splitlines()
    assert len(line.replace("\x1b[2m", "").replace("\x1b[0m", "")) <= 40
    assert line.endswith("Ana.\x1b[0m")


def test_a_long_partial_of_wide_characters_shows_its_end_in_one_line() -> None:
    stream = Terminal()
    first, *_ = result(is_partial=True).words
    words = (replace(first, text=" 字幕" * 20), replace(first, text="です", is_stable=False))
    LiveView(stream, columns=60)(replace(result(is_partial=True), words=words))
    (line,) = stream.getvalue().splitlines()
    assert 50 < cell_len(line.replace("\x1b[2m", "").replace("\x1b[0m", "")) < 60
    assert line.endswith("字幕\x1b[2m です\x1b[0m")


@pytest.mark.parametrize(("columns", "kind"), [(39, "xterm"), (80, "dumb")])
def test_where_no_line_can_be_redrawn_only_finals_are_shown(
    monkeypatch: pytest.MonkeyPatch, columns: int, kind: str
) -> None:
    monkeypatch.setenv("TERM", kind)
    stream = Terminal()
    view = LiveView(stream, columns=columns)
    view(result(is_partial=True))
    view(result(is_partial=False))
    assert stream.getvalue() == "00:01.2-00:01.9  CUSTOMER  Hello, Ana.\n"


def test_elsewhere_only_what_stays_is_written() -> None:
    stream = io.StringIO()
    view = LiveView(stream, columns=80)
    view(result(is_partial=True))
    assert stream.getvalue() == ""
    view(result(is_partial=False, words=()))
    view(LOST)
    view(AudioMissing(call_id="call-1", channel=1, start=5, end=6.5))
    view(CallEnded(call_id="call-1", counts=Counts(partials_asked=1, utterances=2, finals_lost=1)))
    lost, missing, partials, finals = stream.getvalue().splitlines()
    assert lost == "00:03.0-00:04.0  AGENT     (lost after 4 attempts: HTTP 503: away.)"
    assert missing == "00:05.0-00:06.5  (no audio on channel 1)"
    assert partials.startswith("partials: 1 asked")
    assert "1 lost" in finals


def test_nothing_is_left_behind_when_it_is_erased() -> None:
    stream = Terminal()
    view = LiveView(stream, columns=60)
    view(result(is_partial=True))
    view.erase()
    assert stream.getvalue().endswith("\x1b[A\r\x1b[K")
