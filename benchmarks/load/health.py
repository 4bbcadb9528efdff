# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Latency of a health route, next to that of an idle web server.

A separate process polls both alternately, twenty times a second, so that callers in this process
delay neither. The idle server's latency is due to the machine.
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
"""The idle web server, for uvicorn, which Ray Serve's proxy also uses."""


@dataclass
class HealthTimes:
    """Latency of each response in ms; infinite without a response of status 200."""

    health: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


@contextmanager
def idle_server() -> Iterator[int]:
    """Run an idle web server; yield its port."""
    port = free_port()
    line = ["uvicorn", f"{__name__}:idle", f"--port={port}", "--log-level=warning"]
    with serving(line, f"http://127.0.0.1:{port}{_ROUTE}", patience_s=_PATIENCE_S):
        yield port


@contextmanager
def asked(port: int, idle_port: int, answers: HealthTimes) -> Iterator[None]:
    """Poll until the end of the block; add the latencies to `answers`."""
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
    """Poll until standard input ends, then print all latencies."""
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
