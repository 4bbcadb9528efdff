# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How a command ends: with a sentence in place of a traceback, and nothing left running."""

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
    """Run a command's work, and return its exit status: 1 after an error that has a sentence.

    `name` stands before what is said on standard error, `stopped` is said after Ctrl-C.
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
    """Raise KeyboardInterrupt within the block, also where a shell had SIGINT ignored."""
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
