# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A call on a terminal: finals stay, what is being said is redrawn below them."""

from __future__ import annotations

import shutil
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from live_whisper.events import AudioMissing, CallEnded, TranscriptResult, UtteranceLost
from live_whisper.sinks.percentiles import percentile
from live_whisper.sinks.times import clock_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from live_whisper.events import Event

_PATIENCE_S = 2.0
_DIM, _PLAIN, _ERASE, _UP = "\x1b[2m", "\x1b[0m", "\r\x1b[K", "\x1b[A"


class LiveView:
    """Shows events as they come. Partials only on a terminal.

    Parameters
    ----------
    stream : TextIO
    columns : int, optional
        Width; default: the terminal's.
    """

    def __init__(self, stream: TextIO, columns: int | None = None) -> None:
        self._stream = stream
        self._columns = columns or shutil.get_terminal_size().columns
        self._growing: dict[str, TranscriptResult] = {}
        self._drawn = 0
        self._latencies: dict[bool, list[float]] = {True: [], False: []}

    def __call__(self, event: Event) -> None:
        """Show an event."""
        lines = []
        if isinstance(event, TranscriptResult):
            self._latencies[event.is_partial].append(event.latency_s)
            self._growing.pop(event.result_id, None)
            if event.is_partial:
                self._growing[event.result_id] = event
            elif event.words:
                lines.append(f"{_head(event)}  {event.text}")
        elif isinstance(event, UtteranceLost):
            self._growing.pop(event.result_id, None)
            lines.append(f"{_head(event)}  (lost after {event.attempts} attempts: {event.reason})")
        elif isinstance(event, AudioMissing):
            lines.append(
                f"{clock_time(event.start)}-{clock_time(event.end)}  "
                f"(no audio on channel {event.channel})"
            )
        elif isinstance(event, CallEnded):
            self._growing.clear()
            lines += self._summary(event)
        self._draw(lines)

    def erase(self) -> None:
        """Take away what is being said."""
        self._growing.clear()
        self._draw([])

    def _draw(self, lines: list[str]) -> None:
        self._stream.write(f"{_UP}{_ERASE}" * self._drawn)
        self._drawn = 0
        for line in lines:
            self._stream.write(f"{line}\n")
        if self._stream.isatty():
            for result in sorted(self._growing.values(), key=lambda one: one.start):
                self._stream.write(f"{self._growing_line(result)}\n")
                self._drawn += 1
        self._stream.flush()

    def _growing_line(self, result: TranscriptResult) -> str:
        """Lay out a partial in one line: its end, where there is no room for all of it."""
        head = f"{clock_time(result.start)}-{'':7}  {result.role:8}  "
        room = self._columns - len(head) - 1
        stable = " ".join(word.text for word in result.words if word.is_stable)
        text = result.text
        cut = max(0, len(text) - room)
        return f"{head}{text[cut : len(stable)]}{_DIM}{text[max(cut, len(stable)) :]}{_PLAIN}"

    def _summary(self, event: CallEnded) -> Iterator[str]:
        counts = event.counts
        yield (
            f"partials: {counts.partials_asked} asked, {counts.partials_shown} shown, "
            f"{counts.partials_superseded} superseded, {counts.partials_dropped} dropped, "
            f"{counts.partials_late} late{_latency(self._latencies[True])}"
        )
        yield (
            f"finals:   {counts.utterances} utterances, {counts.finals} answered, "
            f"{counts.finals_lost} lost, {counts.retries} retries{_latency(self._latencies[False])}"
        )


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show on standard error's terminal what is waited for, from the third second on."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    progress = Progress(*columns, console=console, transient=True)
    progress.add_task(what, total=None)
    timer = threading.Timer(_PATIENCE_S, progress.start)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        progress.stop()


def _head(event: TranscriptResult | UtteranceLost) -> str:
    return f"{clock_time(event.start)}-{clock_time(event.end)}  {event.role:8}"


def _latency(seconds: list[float]) -> str:
    if not seconds:
        return ""
    return f"; p50 {percentile(seconds, 50):.3f} s, p95 {percentile(seconds, 95):.3f} s"
