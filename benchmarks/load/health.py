# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How long a health route takes to answer, beside a web server that has nothing else to do.

A process of its own asks both in turns, twenty times a second, so that callers in this one delay
neither. What the other web server takes is the machine's.
"""

import http.client
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Final

from starlette.responses import PlainTextResponse

from benchmarks.processes import serving
from local_cloud.sagemaker.container import free_port
from scripts.publish.build import ROOT

_ROUTE: Final = "/-/healthz"
_PERIOD_S: Final = 0.05
_PATIENCE_S: Final = 10.0

idle = PlainTextResponse("")
"""The web server that does nothing else, for uvicorn, which Ray Serve's proxy runs too."""


@dataclass
class HealthTimes:
    """Milliseconds of each answer; infinite where there was none, or one that is not 200."""

    health: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


@contextmanager
def idle_server() -> Iterator[int]:
    """Run a web server that does nothing else; gives its port."""
    port = free_port()
    line = ["uvicorn", f"{__name__}:idle", f"--port={port}", "--log-level=warning"]
    with serving(line, f"http://127.0.0.1:{port}{_ROUTE}", patience_s=_PATIENCE_S):
        yield port


@contextmanager
def asked(port: int, idle_port: int, answers: HealthTimes) -> Iterator[None]:
    """Ask until the end of the block; what comes of it is added to `answers`."""
    line = [sys.executable, "-m", __name__, str(port), str(idle_port)]
    with subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as asking:
        try:
            yield
        finally:
            found, _ = asking.communicate()
        health, idle_ms = json.loads(found)
        answers.health += health
        answers.idle += idle_ms


def main() -> int:
    """Ask until standard input ends, then write all times."""
    ports = [int(one) for one in sys.argv[1:]]
    times: list[list[float]] = [[] for _ in ports]
    while not select.select([sys.stdin], [], [], _PERIOD_S)[0]:
        for port, mine in zip(ports, times, strict=True):
            mine.append(_asked(port))
    json.dump(times, sys.stdout)
    return 0


def _asked(port: int) -> float:
    began = time.monotonic()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)) as connection:
        try:
            connection.request("GET", _ROUTE)
            is_well = connection.getresponse().status == http.client.OK
        except OSError:
            is_well = False
    return 1000 * (time.monotonic() - began) if is_well else float("inf")


if __name__ == "__main__":
    sys.exit(main())
