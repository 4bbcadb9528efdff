# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint behind HTTP and Ray Serve: a container as SageMaker would run it."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.bench.outcome import Outcome, read_answer
from deploy_whisper.endpoint.serve_environment import SERVE_ENVIRONMENT
from live_whisper.lca_client.client import CONTENT_TYPE
from local_cloud.sagemaker.container import free_port
from scripts.publish.build import ROOT
from scripts.publish.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATIENCE_S = 180.0
_POLL_S = 0.5
_GRACE_S = 60.0


class Served:
    """A container and one connection to it for each calling thread.

    Parameters
    ----------
    weights : Path
    environment : mapping of str to str
        The endpoint's ``WHISPER_*`` settings.

    Attributes
    ----------
    pid : int
        Of the container, whose descendants are all there is.
    """

    def __init__(self, weights: Path, environment: Mapping[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bench-"))
        root = _lay_out(self._folder / "model", weights)
        self._port = free_port()
        command = [sys.executable, "-m", "local_cloud.sagemaker.container", str(root)]
        self._log = self._folder / "container.log"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--port", str(self._port)],
                cwd=ROOT,
                env={**os.environ, **SERVE_ENVIRONMENT, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._mine = threading.local()
        self._connections: set[http.client.HTTPConnection] = set()
        try:
            self._wait()
        except BaseException:
            self.close()
            raise

    def answer(self, body: bytes) -> Outcome:
        """Send the body on this thread's connection."""
        connection = self._connection()
        connection.request("POST", "/", body, {"Content-Type": CONTENT_TYPE})
        answer = connection.getresponse()
        return read_answer(answer.status, answer.read())

    def abandon(self) -> None:
        """Hang up on what is in hand."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._mine = threading.local()

    def close(self) -> None:
        """Close every thread's connection and end the container."""
        for connection in list(self._connections):
            connection.close()
        self._process.terminate()
        try:
            self._process.wait(_GRACE_S)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=600)
            connection.connect()
            # Small writes must not wait for the acknowledgement of the last one.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._mine.connection = connection
            self._connections.add(connection)
        return connection

    def _wait(self) -> None:
        give_up = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up and self._process.poll() is None:
            if self._is_healthy():
                return
            time.sleep(_POLL_S)
        said = self._log.read_text(encoding="utf-8", errors="replace")[-1000:]
        raise CommandError(f"The endpoint's container did not start; its log ends: {said}")

    def _is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
        try:
            connection.request("GET", "/-/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()


def _lay_out(root: Path, weights: Path) -> Path:
    """Lay the model archive out as it is in the container; wheels are those of this Python."""
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "inference", root, ignore=unwanted)
    shutil.copytree(ROOT / "whisper_contract", root / "whisper_contract", ignore=unwanted)
    shutil.copytree(weights, root / "weights")
    return root
