# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A process that runs tests in forks of itself: what is imported from packages is imported once.

That is most of the time that a short test takes. Nothing of the checkout is imported before a fork.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable

# Not hypothesis and xdist: pytest wants to see its plugins before they are imported.
_PACKAGES = ("pytest", "numpy", "av", "faster_whisper", "jsonschema", "boto3", "soxr")
_LOOK_S = 0.02
_BROKEN = 3  # pytest's for an error of its own


def main() -> None:
    """Answer lines of JSON, each with tests and seconds, until there are no more."""
    sys.path[0] = str(os.getcwd())  # noqa: PTH109 - the checkout's, where it was this file's
    for name in _PACKAGES:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        status, said = judged(**json.loads(line))
        print(json.dumps([status, said]), flush=True)


def judged(tests: Iterable[str], seconds: float) -> tuple[int | None, str]:
    """Run tests; returns pytest's status, None where they did not end, and what it wrote last."""
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if not child:
            _run(list(tests), output.fileno())
        status = _ended(child, time.monotonic() + seconds)
        output.seek(0)
        said = output.read().decode(errors="replace")[-2_000:]
    return status, said if status is not None else f"not over after {seconds:g} s\n{said}"


def _run(tests: list[str], output: int) -> None:
    """Run tests and end the process."""
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    status = _BROKEN
    try:
        import pytest

        status = pytest.main(["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", *tests])
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(int(status))


def _ended(child: int, deadline: float) -> int | None:
    while time.monotonic() < deadline:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(_LOOK_S)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


if __name__ == "__main__":
    main()
