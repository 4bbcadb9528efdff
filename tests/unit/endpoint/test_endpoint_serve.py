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
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.endpoint.helpers import SENTENCE, WEIGHTS, lca_body

pytestmark = pytest.mark.slow

ROOT = WEIGHTS.parents[1]
KILL_ENGINE = """
import ray
ray.init(namespace="serve", log_to_driver=False)
name = next(n for n in ray.util.list_named_actors() if n.startswith("SERVE_REPLICA::engine#"))
ray.kill(ray.get_actor(name))
"""


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
        command = [sys.executable, "-c", KILL_ENGINE]
        subprocess.run(command, env=self._environment, check=True, capture_output=True)

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
