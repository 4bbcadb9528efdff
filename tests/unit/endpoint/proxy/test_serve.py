# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The program under Ray Serve, where it cannot start or fails again and again."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.sockets import beyond_loopback
from tests.unit.endpoint.emf import read_metrics
from tests.unit.endpoint.helpers import SENTENCE, clip_samples, lca_body, wav
from tests.unit.endpoint.server import Server

pytestmark = pytest.mark.slow


def test_a_model_that_cannot_start_is_never_healthy(archive: Path, tmp_path: Path) -> None:
    server = Server(archive, tmp_path, WHISPER_COMPUTE_TYPE="float16")
    try:
        server.run()
        server.until(lambda: "The engine did not start" in server.log())
        assert "WHISPER_COMPUTE_TYPE is 'float16'" in server.log()
        assert server.health() == 503
    finally:
        server.stop()
    assert server.processes() == []


class Callers:
    """Callers of two different texts, each asking again as soon as it is answered.

    One that is refused waits a second: otherwise they take the time in which the engine starts.
    """

    def __init__(self, server: Server, count: int) -> None:
        self._server = server
        beginning = np.concatenate([clip_samples()[:20_000], np.zeros(8_000, np.int16)])
        self.bodies = [lca_body(wav(beginning)), lca_body()]
        self.answers: list[list[tuple[int, str]]] = [[] for _ in range(count)]
        self._enough = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(number,)) for number in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, number: int) -> None:
        while not self._enough.is_set():
            status, body = self._server.post(self.bodies[number % 2])
            self.answers[number].append((status, str(body.get("text", body.get("code")))))
            if status != 200:
                self._enough.wait(1)

    def count(self, status: int) -> int:
        return sum(answer[0] == status for answers in self.answers for answer in answers)

    def stop(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()


class FirstProcess:
    """The container's first process: its standard output is what CloudWatch reads."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", "import time; time.sleep(3600)"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)
        self.output = f"/proc/{self._process.pid}/fd/1"
        self._lines: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        self._lines.extend(self._process.stdout)

    def metrics(self) -> dict[str, list[float]]:
        """Return what has been written until now."""
        return read_metrics(b"".join(self._lines).decode())

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def refusals(metrics: dict[str, list[float]]) -> float:
    return sum(metrics.get("Errors/EngineUnavailable", []))


def kill_under_load(server: Server, alone: list[object]) -> int:
    """Kill the engine while callers wait, until they are answered again; returns the refused.

    None may be: a call that Serve hands to the next engine within seconds waits for it.
    """
    with server.engine_killer() as kill:
        callers = Callers(server, 6)
        try:
            server.until(lambda: callers.count(200) >= 12)
            killed = server.replicas("engine:Engine")
            kill()
            server.until(lambda: not set(server.replicas("engine:Engine")) & set(killed))
            server.until(lambda: server.replicas("engine:Engine") != [])
            before = callers.count(200)
            server.until(lambda: callers.count(200) >= before + 12)
        finally:
            callers.stop()
    for number, answers in enumerate(callers.answers):
        assert set(answers) <= {(200, alone[number % 2]), (503, "EngineUnavailable")}
    return callers.count(503)


def test_repeated_failures_under_load_fail_the_health_route_and_reach_the_metrics(
    archive: Path, tmp_path: Path
) -> None:
    first = FirstProcess()
    server = Server(
        archive,
        tmp_path,
        WHISPER_MAX_ENGINE_FAILURES="2",
        WHISPER_INGRESS_REPLICAS="2",
        WHISPER_METRICS_FILE=first.output,
        WHISPER_METRICS_PERIOD_S="1",
        WHISPER_ENDPOINT_NAME="calls",
    )
    try:
        server.run()
        server.until(lambda: server.health() == 200)
        # As in a container whose security groups let everything in.
        assert beyond_loopback(map(psutil.Process, server.processes())) == {}
        alone = [server.post(body)[1]["text"] for body in Callers(server, 0).bodies]
        assert alone[0] not in ("", SENTENCE)

        # Whichever ingress process they come to, the engine knows their utterance.
        state = {"partial": True, "utterance_id": "u"}
        newest, *late = (
            server.post(json.dumps(json.loads(lca_body()) | state | {"sequence": number}).encode())
            for number in (2, *[1] * 10)
        )
        assert "superseded" not in newest[1]
        expected = newest[1] | {"superseded": True}
        assert late == [(200, expected)] * 10

        refused = kill_under_load(server, alone)
        assert server.health() == 200
        refused += kill_under_load(server, alone)
        server.until(lambda: server.health() == 503)
        # What happened is written once a second.
        server.until(lambda: refusals(first.metrics()) >= refused)
    finally:
        server.stop()
        first.end()
    metrics = first.metrics()
    assert server.processes() == []
    assert sum(metrics["Requests"]) > 40
    assert sum(metrics["AudioSeconds"]) > 60
    assert refusals(metrics) == refused
    assert sum(metrics["Windows"]) >= 24
    for name in ("QueueWait", "BatchSize", "EncodeTime", "DecodeTime", "FinalLatency"):
        assert max(metrics[name]) > 0
    assert sum(metrics["PartialsSuperseded"]) == 10
    assert sum(metrics["Partials"]) > 11
