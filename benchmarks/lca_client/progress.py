# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A transient terminal line with a call's progress."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, TextColumn

from live_whisper.sinks.terminal import clock_time


@contextmanager
def call_progress(
    seconds: float, stream: TextIO | None = None
) -> Iterator[Callable[[float], None]]:
    """Yield a callback for the seconds sent so far; draws only on a terminal."""
    console = Console(file=stream, stderr=True)
    progress = Progress(TextColumn("{task.description}"), console=console, transient=True)
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
