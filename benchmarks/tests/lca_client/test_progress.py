# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import io
import time

from benchmarks.lca_client.progress import call_progress
from tests.unit.live.sinks.test_progress import Terminal, is_erased, lines, terminal

__all__ = ["terminal"]


def test_progress_of_a_call_is_drawn_and_taken_away() -> None:
    stream = Terminal()
    with call_progress(30.0, stream) as tell:
        tell(6.5)
        time.sleep(0.3)
        tell(6.7)
    assert {"transcribing 00:06.5 of 00:30.0", "transcribing 00:06.7 of 00:30.0"} <= set(
        map(str.strip, lines(stream))
    )
    assert is_erased(stream)


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    stream = io.StringIO()
    with call_progress(30.0, stream) as tell:
        tell(6.5)
        time.sleep(0.1)
    assert stream.getvalue() == ""
