# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The program under Ray Serve, started from a model archive in the image's way."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.unit.endpoint.emf import read_metrics
from tests.unit.endpoint.helpers import (
    SENTENCE,
    WEIGHTS,
    clip_samples,
    lca_body,
    wav,
)

pytestmark = pytest.mark.slow

ROOT = WEIGHTS.parents[1]
KILL_ENGINE = """
import ray
ray.init(namespace="serve", log_to_driver=False)
names = [n for n in ray.util.list_named_actors() if n.startswith("SERVE_REPLICA::engine#")]
for name in names:
    ray.kill(ray.get_actor(name))
print(*names)
"""
GATE = "whisper_endpoint.health_gate:middlewares"


class Server:
    """A Ray head with Serve, all in one session of processes."""

    def __init__(self, archive: Path, scratch: Path, **settings: str) -> None:
        self._ports = _free_ports(5)
        self._log = (scratch / "ray.log").open("wb")
        self._scripts = Path(sys.executable).parent
        self._environment = {
            **os.environ,
            **settings,
            "PYTHONPATH": f"{archive}:{archive / 'code'}",
            "RAY_ADDRESS": f"127.0.0.1:{self._ports[0]}",
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._archive = archive
        head, client, agent, metrics, http = self._ports
        # Ray's socket paths may be 107 bytes long: pytest's folders are too deep.
        self._temporary = Path("/tmp") / f"ray-test-{os.getpid()}-{head}"
        self.url = f"http://127.0.0.1:{http}"
        options = [f"--port={head}", f"--ray-client-server-port={client}", "--num-gpus=0"]
        options += [f"--dashboard-agent-listen-port={agent}", f"--metrics-export-port={metrics}"]
        options += [f"--temp-dir={self._temporary}", "--include-dashboard=false", "--block"]
        self._processes = [self._start("ray", "start", "--head", *options)]
        self.until(lambda: self._call("serve", "start", f"--http-port={http}") == 0)

    def run(self) -> None:
        self._processes.append(self._start("serve", "run", "config.yaml"))

    def health(self) -> int:
        return self._status(self.url + "/-/healthz")

    def post(self, body: bytes) -> tuple[int, dict[str, object]]:
        request = urllib.request.Request(
            self.url + "/", body, {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def kill_engine(self) -> None:
        """Kill the engine's process; waits for one that is being started."""
        command = [sys.executable, "-c", KILL_ENGINE]
        while not subprocess.run(
            command, env=self._environment, check=True, capture_output=True
        ).stdout.strip():
            time.sleep(0.3)

    def log(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    def stop(self) -> None:
        # Asked nicely, Ray takes half a minute.
        while pids := self.processes():
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for process in self._processes:
                process.wait()
        self._log.close()
        shutil.rmtree(self._temporary, ignore_errors=True)

    def processes(self) -> list[int]:
        """Every process that has our address in its environment."""
        mark = f"RAY_ADDRESS={self._environment['RAY_ADDRESS']}\0".encode()
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if mark in path.read_bytes():
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    def _start(self, *command: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [str(self._scripts / command[0]), *command[1:]],
            cwd=self._archive,
            env=self._environment,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def _call(self, *command: str) -> int:
        process = self._start(*command)
        return process.wait(timeout=60)

    def _status(self, url: str) -> int:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def until(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                log = self.log()
                self.stop()
                pytest.fail(f"not in {seconds} s; the log ends:\n{log[-3000:]}")
            time.sleep(0.3)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Path]:
    """The model archive, which nobody may write to."""
    folder = tmp_path / "model"
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("whisper_endpoint", "config.yaml", "deployment.py"):
        source = ROOT / "inference" / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder / part)
    shutil.copytree(ROOT / "contract", folder / "contract", ignore=ignore)
    shutil.copytree(WEIGHTS, folder / "weights")
    (folder / "code").mkdir()
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in paths:
        path.chmod(0o755)


def test_health_is_honest_and_a_killed_engine_comes_back(archive: Path, tmp_path: Path) -> None:
    server = Server(archive, tmp_path)
    try:
        assert server.health() == 503
        server.run()
        server.until(lambda: server.health() == 200)
        server.until(lambda: "CALL self_test OK" in server.log())

        status, body = server.post(lca_body())
        assert (status, body["text"]) == (200, SENTENCE)
        assert server.post(b"{")[1]["code"] == "MalformedBody"
        server.until(lambda: server.log().count("status=400 code=MalformedBody") == 1)

        server.kill_engine()
        answers = []

        def is_back() -> bool:
            answers.append(server.post(lca_body()))
            return answers[-1][0] == 200

        server.until(is_back)
        assert answers[-1][1]["text"] == SENTENCE
        assert {status for status, _ in answers} <= {200, 503}
        assert SENTENCE not in server.log()
    finally:
        server.stop()
    assert server.processes() == []


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
    """Callers of two different texts, each asking again as soon as it is answered."""

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
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        return read_metrics(b"".join(self._lines).decode())


def kill_under_load(server: Server, alone: list[object]) -> None:
    """Kill the engine while callers wait for it, until they are answered again."""
    callers = Callers(server, 6)
    try:
        server.until(lambda: callers.count(200) >= 12)
        server.kill_engine()
        server.until(lambda: callers.count(503) >= 6)
        before = callers.count(200)
        server.until(lambda: callers.count(200) >= before + 12)
    finally:
        callers.stop()
    for number, answers in enumerate(callers.answers):
        assert set(answers) <= {(200, alone[number % 2]), (503, "EngineUnavailable")}


def test_repeated_failures_under_load_fail_the_health_route_and_reach_the_metrics(
    archive: Path, tmp_path: Path
) -> None:
    first = FirstProcess()
    server = Server(
        archive,
        tmp_path,
        RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=GATE,
        WHISPER_MAX_ENGINE_FAILURES="2",
        WHISPER_INGRESS_REPLICAS="2",
        WHISPER_METRICS_FILE=first.output,
        WHISPER_METRICS_PERIOD_S="1",
        WHISPER_ENDPOINT_NAME="calls",
    )
    try:
        server.run()
        server.until(lambda: server.health() == 200)
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

        kill_under_load(server, alone)
        assert server.health() == 200
        kill_under_load(server, alone)
        server.until(lambda: server.health() == 503)
    finally:
        server.stop()
        metrics = first.metrics()
    assert server.processes() == []
    assert sum(metrics["Requests"]) > 40
    assert sum(metrics["AudioSeconds"]) > 60
    assert sum(metrics["Errors/EngineUnavailable"]) >= 12
    assert sum(metrics["Windows"]) >= 24
    for name in ("QueueWait", "BatchSize", "EncodeTime", "DecodeTime", "FinalLatency"):
        assert max(metrics[name]) > 0
    assert sum(metrics["PartialsSuperseded"]) == 10
    assert sum(metrics["Partials"]) > 11
