# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Run commands: errors end with a sentence instead of a traceback, and nothing is left running."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from live_whisper.errors import LiveError
from scripts.publish.errors import CommandError


def run(
    name: str,
    work: Callable[[], int | None],
    *,
    stopped: str = "nothing is left running",
    status_after_ctrl_c: int = 130,
) -> int:
    """Run a command's work; return its exit status, 1 after a CommandError or LiveError.

    `name` prefixes messages on standard error; `stopped` is printed after Ctrl-C.
    """
    try:
        with _terminate_as_interrupt():
            return work() or 0
    except (CommandError, LiveError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\n{name}: stopped; {stopped}.", file=sys.stderr)
        return status_after_ctrl_c


@contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Turn signals into KeyboardInterrupt in the block, even if the shell ignores SIGINT."""
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = [signal.signal(number, _interrupt) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, previous, strict=True):
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt
