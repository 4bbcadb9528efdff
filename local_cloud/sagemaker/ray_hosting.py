# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Run endpoints as the Ray Serve image does, each in its own local processes."""

import logging
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

from local_cloud.processes import terminate
from local_cloud.sagemaker.container import free_port
from local_cloud.sagemaker.hosting import Container, Health

log = logging.getLogger(__name__)

_CHECKOUT = Path(__file__).resolve().parents[2]
_PING = urllib3.Timeout(connect=0.25, read=2)
"""SageMaker's own limits for ``/ping``."""

_GRACE_SECONDS = 30

_REFUSAL = re.compile(r"whisper_endpoint\.errors\.\w+: ([^\x1b\n]{1,300})")
_LAST_WORDS = re.compile(r"\n\w*(?:Error|Exception): ([^\n]{1,300})\s*\Z")
"""Of a container whose program never began, such as when Ray cannot start on a busy machine."""


@dataclass
class _Host:
    """A requested container and its state."""

    folder: Path
    port: int
    give_up: float
    process: "subprocess.Popen[bytes] | None" = None
    failure: str = ""
    stopped: threading.Event = field(default_factory=threading.Event)


class RayHosting:
    """Runs containers from archives in S3, with files and logs in `folder`.

    `credentials` are variables for the container's AWS SDK, in place of the execution role's. An
    unresponsive container is given up after `patience` seconds, or its own limit if
    earlier.
    """

    def __init__(
        self,
        s3: Callable[[], Any],
        folder: Path,
        credentials: dict[str, str],
        *,
        patience: float = 3600,
    ) -> None:
        self._s3 = s3
        self._folder = folder
        self._credentials = credentials
        self._patience = patience
        self._hosts: dict[str, _Host] = {}
        self._ending: dict[str, threading.Thread] = {}
        self._http = urllib3.PoolManager(retries=False, timeout=_PING)

    def start(self, container: Container) -> None:
        """Unpack the archive and start Ray Serve, in a thread."""
        host = _Host(
            folder=self._folder / container.name.replace("/", "-"),
            port=free_port(),
            give_up=time.monotonic() + min(container.startup_seconds, self._patience),
        )
        self._hosts[container.name] = host
        threading.Thread(
            target=self._start, args=(host, container), name=f"start {container.name}", daemon=True
        ).start()

    def health(self, container: Container) -> tuple[Health, str]:
        """Query Serve's health route, as the image's ``/ping`` does."""
        host = self._hosts[container.name]
        if host.process and host.process.poll() is not None and not host.failure:
            host.failure = (
                "The primary container for production variant AllTraffic ended with status "
                f"{host.process.returncode}. Please check CloudWatch logs for this endpoint."
            )
        if host.failure:
            return Health.FAILED, host.failure
        if host.process and self._answers(host):
            return Health.READY, ""
        if time.monotonic() > host.give_up:
            return Health.FAILED, (
                "The primary container for production variant AllTraffic did not pass the ping "
                "health check. Please check CloudWatch logs for this endpoint."
            )
        return Health.STARTING, ""

    def address(self, container: Container) -> str:
        """Return Serve's address."""
        return f"http://127.0.0.1:{self._hosts[container.name].port}"

    def first_error(self) -> str:
        """Return the endpoint's first error sentence in any container's log.

        Where it has none, it is the exception that the log ends with.
        """
        for path in sorted(self._folder.glob("*/container.log")):
            said = path.read_text(errors="replace")
            found = _REFUSAL.search(said) or _LAST_WORDS.search(said)
            if found:
                return found[1].strip()
        return ""

    def stop(self, container: Container) -> None:
        """Stop the container and delete its archive, in a thread; the log stays."""
        host = self._hosts.pop(container.name, None)
        if host:
            ending = threading.Thread(target=self._end, args=(host,), name=f"end {container.name}")
            self._ending[container.name] = ending
            ending.start()

    def is_stopped(self, container: Container) -> bool:
        """Return whether it has ended, with all its processes."""
        ending = self._ending.get(container.name)
        return container.name not in self._hosts and not (ending and ending.is_alive())

    def close(self) -> None:
        """Stop every container, and wait."""
        for host in list(self._hosts.values()):
            self._end(host)
        self._hosts.clear()
        for ending in self._ending.values():
            ending.join()

    def _start(self, host: _Host, container: Container) -> None:
        try:
            root = self._lay_out(host, container.model_data_uri)
            if not host.stopped.is_set():
                self._launch(host, root, container.environment)
        except Exception as error:
            log.exception("starting %s", container.name)
            host.failure = f"The container could not be started: {error}"
        if host.stopped.is_set():
            self._end(host)

    def _lay_out(self, host: _Host, uri: str) -> Path:
        """Copy the archive from S3 to a read-only folder."""
        root = host.folder / "opt" / "ml" / "model"
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        s3, count = self._s3(), 0
        if not uri.endswith("/"):  # ModelDataUrl: a file to unpack
            return _unpacked(s3, bucket, prefix, root)
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                path = root / item["Key"].removeprefix(prefix)
                path.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, item["Key"], str(path))
                path.chmod(0o444)
                count += 1
        if not count:
            raise FileNotFoundError(f"Could not find model data at {uri}")
        return _read_only(root)

    def _launch(self, host: _Host, root: Path, environment: dict[str, str]) -> None:
        command = [
            sys.executable,
            "-m",
            "local_cloud.sagemaker.container",
            str(root),
            "--port",
            str(host.port),
        ]
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        with (host.folder / "container.log").open("wb") as output:
            host.process = subprocess.Popen(
                command,
                cwd=_CHECKOUT,
                env={
                    **kept,
                    **self._credentials,
                    # The default is the output of process 1: here, init's.
                    "WHISPER_METRICS_FILE": str(host.folder / "metrics.jsonl"),
                    **environment,
                },
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _end(self, host: _Host) -> None:
        host.stopped.set()
        if host.process:
            # On SIGTERM the container cleans up its own processes and files.
            host.process.terminate()
            try:
                host.process.wait(_GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                terminate(host.process.pid)
        _remove_read_only(host.folder / "opt")

    def _answers(self, host: _Host) -> bool:
        try:
            answer = self._http.request("GET", f"http://127.0.0.1:{host.port}/-/healthz")
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status == 200


_KEPT = ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS")
"""Variables the container inherits; all others come from the model's Environment."""


def _unpacked(s3: Any, bucket: str, key: str, root: Path) -> Path:
    """Unpack a ``.tar.gz`` from S3 into a folder."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as file:
        s3.download_fileobj(bucket, key, file)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            archive.extractall(root, filter="data")
    for path in root.rglob("*"):
        if path.is_file():
            path.chmod(0o444)
    return _read_only(root)


def _read_only(root: Path) -> Path:
    for folder in sorted(path for path in root.rglob("*") if path.is_dir()):
        folder.chmod(0o555)
    root.chmod(0o555)
    return root


def _remove_read_only(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)
