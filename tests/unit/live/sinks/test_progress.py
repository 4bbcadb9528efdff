# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import io
import re
import time

import pytest

from live_whisper.sinks import progress
from live_whisper.sinks.progress import waiting


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


def lines(stream: io.StringIO) -> list[str]:
    """What was drawn, one after the other, without the terminal's codes."""
    plain = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", stream.getvalue())
    return [line for line in re.split(r"[\r\n]+", plain) if line.strip()]


def is_erased(stream: io.StringIO) -> bool:
    """Whether the last line was erased, and the cursor shown again."""
    return stream.getvalue().rstrip().endswith("\x1b[2K") and "\x1b[?25h" in stream.getvalue()


def test_what_is_waited_for_is_shown_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Terminal()
    with waiting("transcribing [a].mp3", stream):
        pass
    assert stream.getvalue() == ""
    monkeypatch.setattr(progress, "PATIENCE_S", 0.1)
    with pytest.raises(KeyboardInterrupt), waiting("transcribing [a].mp3", stream):
        time.sleep(0.5)
        raise KeyboardInterrupt
    assert "transcribing [a].mp3 0:00:00" in lines(stream)[0]
    assert is_erased(stream)


def test_nothing_is_drawn_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PATIENCE_S", 0.0)
    stream = io.StringIO()
    with waiting("transcribing", stream):
        time.sleep(0.1)
    assert stream.getvalue() == ""
