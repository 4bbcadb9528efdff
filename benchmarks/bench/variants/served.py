# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint behind HTTP and Ray Serve: a container as SageMaker would run it."""

import contextlib
import http.client
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from benchmarks.bench.variants import Reply, read_answer
from benchmarks.lca_client.client import CONTENT_TYPE
from benchmarks.processes import serving
from deploy_whisper.endpoint.serve_environment import SERVE_ENVIRONMENT
from local_cloud.sagemaker.container import free_port
from scripts.publish.build import ROOT

_PATIENCE_S = 180.0


class Served:
    """A container on `port`, with process tree `pid`; one connection per calling thread."""

    def __init__(
        self, weights: Path, environment: Mapping[str, str], speakers: Path | None = None
    ) -> None:
        self.port = free_port()
        self._mine = threading.local()
        self._connections: set[http.client.HTTPConnection] = set()
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
            root = lay_out(folder / "model", weights)
            if speakers is not None:
                shutil.copytree(speakers, root / "weights" / "speakers")
            container = serving(
                ["local_cloud.sagemaker.container", str(root), "--port", str(self.port)],
                f"http://127.0.0.1:{self.port}/-/healthz",
                patience_s=_PATIENCE_S,
                environment={**os.environ, **SERVE_ENVIRONMENT, **environment},
            )
            self.pid = stack.enter_context(container).pid
            self._running = stack.pop_all()

    def answer(self, body: bytes) -> Reply:
        """Send the body over this thread's connection."""
        connection = self._connection()
        connection.request("POST", "/", body, {"Content-Type": CONTENT_TYPE})
        answer = connection.getresponse()
        return read_answer(answer.status, answer.read())

    def abandon(self) -> None:
        """Hang up on requests in progress."""
        for connection in list(self._connections):
            with contextlib.suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._mine = threading.local()

    def close(self) -> None:
        """Close all connections and stop the container."""
        for connection in list(self._connections):
            connection.close()
        self._running.close()

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._mine, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
            connection.connect()
            # Small writes must not wait for the previous one's ACK.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._mine.connection = connection
            self._connections.add(connection)
        return connection


def lay_out(root: Path, weights: Path) -> Path:
    """Lay out the model archive as in the container, with this Python's packages as wheels."""
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "inference", root, ignore=unwanted)
    for shared in ("whisper_contract", "whisper_stream"):
        shutil.copytree(ROOT / shared, root / shared, ignore=unwanted)
    shutil.copytree(weights, root / "weights")
    return root
