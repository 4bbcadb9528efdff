# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One line on a terminal that says what is going on, and goes away when it is over."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

from live_whisper.sinks.terminal import clock_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 2.0


@contextmanager
def call_progress(
    seconds: float, stream: TextIO | None = None
) -> Iterator[Callable[[float], None]]:
    """Yield what is to be told how many seconds of a call have been sent.

    Parameters
    ----------
    seconds : float
        Of the whole call.
    stream : TextIO, optional
        Default: standard error. Nothing is drawn if it is no terminal.
    """
    progress = _progress(stream, TextColumn("{task.description}"))
    task = progress.add_task("", total=None)
    if progress.console.is_terminal:
        progress.start()

    def tell(done: float) -> None:
        progress.update(
            task, description=f"transcribing {clock_time(done)} of {clock_time(seconds)}"
        )

    try:
        yield tell
    finally:
        progress.live.stop()


@contextmanager
def waiting(what: str, stream: TextIO | None = None) -> Iterator[None]:
    """Show what is waited for, from the third second on, where the stream is a terminal."""
    text = TextColumn("{task.description}", markup=False)
    progress = _progress(stream, SpinnerColumn(), text, TimeElapsedColumn())
    progress.add_task(what, total=None)
    timer = threading.Timer(PATIENCE_S, progress.start)
    if progress.console.is_terminal:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if timer.ident:
            timer.join()
        progress.live.stop()


def _progress(stream: TextIO | None, *columns: ProgressColumn) -> Progress:
    console = Console(file=stream, stderr=True)
    return Progress(*columns, console=console, transient=True)
