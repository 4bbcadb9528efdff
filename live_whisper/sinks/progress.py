# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One line on a terminal that says what is going on, and goes away when it is over."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PATIENCE_S = 2.0


@contextmanager
def waiting(what: str, stream: TextIO | None = None) -> Iterator[None]:
    """Show what is waited for, from the third second on, where the stream is a terminal."""
    text = TextColumn("{task.description}", markup=False)
    columns = (SpinnerColumn(), text, TimeElapsedColumn())
    console = Console(file=stream, stderr=True)
    progress = Progress(*columns, console=console, transient=True)
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
