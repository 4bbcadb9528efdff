# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Show a call on a terminal: finals stay, partials are redrawn below them."""

import os
import shutil
from collections.abc import Iterator, Sequence
from typing import TextIO

import numpy as np
from rich.cells import cell_len

from whisper_stream.events import (
    AudioMissing,
    CallEnded,
    Event,
    TranscriptResult,
    UtteranceEvent,
    UtteranceLost,
)
from whisper_stream.requests import text_of

_NARROWEST = 40
_DIM, _PLAIN, _ERASE, _UP = "\x1b[2m", "\x1b[0m", "\r\x1b[K", "\x1b[A"


class LiveView:
    """Shows events as they arrive; partials only on a terminal that is wide enough.

    Parameters
    ----------
    columns : int, optional
        Width; default: the terminal's.
    """

    def __init__(self, stream: TextIO, columns: int | None = None) -> None:
        self._stream = stream
        self._columns = columns or shutil.get_terminal_size().columns
        # Where a line wraps, or nothing can be erased, each redrawing would leave a rest.
        is_able = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._has_partials = is_able and self._columns >= _NARROWEST
        self._growing: dict[str, TranscriptResult] = {}
        self._drawn = 0
        self._warned: set[str] = set()
        self._latencies: dict[bool, list[float]] = {True: [], False: []}

    def __call__(self, event: Event) -> None:
        """Show an event."""
        lines = []
        if isinstance(event, TranscriptResult):
            # Every answer repeats the warning about terms that do not fit.
            new = dict.fromkeys(one for one in event.warnings if one not in self._warned)
            self._warned.update(new)
            lines += [f"{_head(event)}  ({warning})" for warning in new]
            self._latencies[event.is_partial].append(event.latency_s)
            self._growing.pop(event.result_id, None)
            if event.is_partial:
                self._growing[event.result_id] = event
            elif event.words:
                lines.append(f"{_head(event)}  {event.text}")
        elif isinstance(event, UtteranceLost):
            self._growing.pop(event.result_id, None)
            times = "1 attempt" if event.attempts == 1 else f"{event.attempts} attempts"
            lines.append(f"{_head(event)}  (lost after {times}: {event.reason})")
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
        """Erase the partials."""
        self._growing.clear()
        self._draw([])

    def _draw(self, lines: list[str]) -> None:
        self._stream.write(f"{_UP}{_ERASE}" * self._drawn)
        self._drawn = 0
        for line in lines:
            self._stream.write(f"{line}\n")
        if self._has_partials:
            for result in sorted(self._growing.values(), key=lambda one: one.start):
                self._stream.write(f"{self._growing_line(result)}\n")
                self._drawn += 1
        self._stream.flush()

    def _growing_line(self, result: TranscriptResult) -> str:
        """Format a partial in one line, cut at the front if too long."""
        head = f"{clock_time(result.start)}-{'':7}  {result.role:8}  "
        room = self._columns - len(head) - 1
        stable = text_of(word for word in result.words if word.is_stable)
        text = result.text
        cut = next(at for at in range(len(text) + 1) if cell_len(text[at:]) <= room)
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


def _head(event: UtteranceEvent) -> str:
    return f"{clock_time(event.start)}-{clock_time(event.end)}  {event.role:8}"


def _latency(seconds: list[float]) -> str:
    return f"; {latency_percentiles(seconds)}" if seconds else ""


def latency_percentiles(seconds: Sequence[float], between: str = ", ") -> str:
    """Format the median and 95th percentile, each a measured value (no interpolation)."""
    p50, p95 = np.percentile(seconds, [50, 95], method="inverted_cdf")
    return f"p50 {p50:.3f} s{between}p95 {p95:.3f} s"


def clock_time(seconds: float) -> str:
    """Format seconds as mm:ss.s, rounded before splitting so that 59.96 is 01:00.0."""
    tenths = round(seconds * 10)
    return f"{tenths // 600:02d}:{tenths // 10 % 60:02d}.{tenths % 10}"
