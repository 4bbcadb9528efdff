# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Ray Serve with the endpoint's program, started in the image's way from a model archive."""

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
from typing import Any

import pytest

from deploy_whisper.endpoint.serve_environment import SERVE_ENVIRONMENT

KILL_ENGINE = """
import time
import ray
ray.init(namespace="serve", log_to_driver=False)
print("ready", flush=True)
input()
names = []
while not names:
    time.sleep(0.1)
    names = [n for n in ray.util.list_named_actors() if n.startswith("SERVE_REPLICA::engine#")]
for name in names:
    ray.kill(ray.get_actor(name))
"""

# Generous: a busy machine is no failure.
_PATIENCE_S = 300.0


class Server:
    """A Ray head with Serve, all in one session of processes."""

    def __init__(self, archive: Path, scratch: Path, **settings: str) -> None:
        self._ports = _free_ports(5)
        self._log = (scratch / "ray.log").open("wb")
        self._scripts = Path(sys.executable).parent
        self._environment = {
            **os.environ,
            **SERVE_ENVIRONMENT,
            **settings,
            "PYTHONPATH": f"{archive}:{archive / 'code'}",
            "RAY_ADDRESS": f"127.0.0.1:{self._ports[0]}",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
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
        try:
            self.until(lambda: self._call("serve", "start", f"--http-port={http}") == 0)
        except BaseException:
            self.stop()
            raise

    def run(self) -> None:
        self._processes.append(self._start("serve", "run", "config.yaml"))

    def health(self) -> int:
        return self._status(self.url + "/-/healthz")

    def post(self, body: bytes) -> tuple[int, dict[str, Any]]:
        request = urllib.request.Request(
            self.url + "/", body, {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    @contextlib.contextmanager
    def engine_killer(self) -> Iterator[Callable[[], None]]:
        """Yield what kills the engine's process at once, or the one that is being started."""
        killer = subprocess.Popen(
            [sys.executable, "-c", KILL_ENGINE],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )

        def kill() -> None:
            killer.communicate(b"\n")

        with killer:
            assert killer.stdout is not None
            # Connecting to Ray takes seconds.
            assert killer.stdout.readline() == b"ready\n"
            yield kill
        assert killer.returncode == 0

    def kill_engine(self) -> None:
        with self.engine_killer() as kill:
            kill()

    def replicas(self, deployment: str) -> list[int]:
        """Processes of a Serve deployment's replicas, such as ``engine:Engine``."""
        return self._titled(f"ray::ServeReplica:{deployment}")

    def proxies(self) -> list[int]:
        """Processes of Serve's HTTP proxy: one, or none while it is replaced."""
        return self._titled("ray::ProxyActor")

    def _titled(self, beginning: str) -> list[int]:
        titled = []
        for pid in self.processes():
            with contextlib.suppress(OSError):  # It may have ended since.
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(beginning.encode()):
                    titled.append(pid)
        return titled

    def log(self) -> str:
        return Path(self._log.name).read_text(errors="replace")

    def says(self, sentence: str) -> int:
        """How many processes have written a sentence: in the log, equal lines are one."""
        files = (self._temporary / "session_latest/logs").glob("worker-*.err")
        return sum(sentence in path.read_text(errors="replace") for path in files)

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
        try:
            return process.wait(timeout=_PATIENCE_S)
        finally:
            process.kill()
            process.wait()

    def _status(self, url: str) -> int:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0

    def until(self, condition: Callable[[], bool], seconds: float = _PATIENCE_S) -> None:
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
