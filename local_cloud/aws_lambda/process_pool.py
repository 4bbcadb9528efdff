# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Run Lambda functions in separate processes, from the uploaded code and layers."""

import hashlib
import io
import json
import logging
import os
import subprocess
import sys
import threading
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import moto.backends

from local_cloud import ACCOUNT_ID
from local_cloud.aws_lambda.function_process import FunctionAnswer, FunctionProcess
from local_cloud.cloudformation.provider import ResourceFailed
from local_cloud.processes import terminate

log = logging.getLogger(__name__)

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


_MOST_IDLE = 4
"""Maximum idle processes per function."""


class LambdaProcesses:
    """Runs functions that moto's Lambda knows, unpacked in `folder`.

    `environment` is added to every function's variables: keys and endpoint URL for its AWS SDK, for
    example.
    """

    def __init__(self, region: str, folder: Path, environment: dict[str, str]) -> None:
        self._region = region
        self._folder = folder
        self._environment = environment
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._idle: dict[tuple[str, ...], list[FunctionProcess]] = {}
        self._is_closed = False
        self.lines: list[str] = []

    def invoke(self, function_arn: str, event: dict[str, Any]) -> None:
        """Run a function in a process of its own until it ends or times out.

        Used for custom resources, so that no state carries over. Raises ResourceFailed if there is
        no such function.
        """
        try:
            function = self.backend.get_function(function_arn)
        except Exception as error:
            raise ResourceFailed(f"There is no function {function_arn}") from error
        self._invoked(
            "fresh", function, event, _context(function, function_arn, event["RequestId"])
        )

    def call(self, function: Any, event: Any) -> FunctionAnswer:
        """Run one of moto's functions, in a warm process if there is one."""
        context = _context(function, function.function_arn, str(uuid.uuid4()))
        return self._invoked("warm", function, event, context)

    def _invoked(
        self, mode: str, function: Any, event: Any, context: dict[str, Any]
    ) -> FunctionAnswer:
        kind = (mode, *_kind(function))
        worker = self._taken(kind) or self._begin(mode, function)
        invocation = worker.run(event, context, self._log_of(function))
        with self._lock:
            idle = self._idle.setdefault(kind, [])
            if worker.is_alive and not self._is_closed and len(idle) < _MOST_IDLE:
                idle.append(worker)
                return invocation
            self._running.discard(worker.process)
        worker.close()
        return invocation

    def end_idle(self) -> None:
        """End idle processes of functions that were deleted or changed."""
        there = {_kind(function) for function in self.backend.list_functions()}
        with self._lock:
            old = [kind for kind in self._idle if kind[1:] not in there]
            gone = [item for kind in old for item in self._idle.pop(kind)]
            self._running -= {worker.process for worker in gone}
        for worker in gone:
            worker.close()

    def close(self) -> None:
        """Terminate all processes, and refuse new invocations."""
        with self._lock:
            self._is_closed = True
            idle = [worker for kind in self._idle.values() for worker in kind]
            self._idle.clear()
            self._running -= {worker.process for worker in idle}
            running = list(self._running)
        for process in running:
            terminate(process.pid)
        for worker in idle:
            worker.close()

    @property
    def backend(self) -> Any:
        """The Lambda backend of moto."""
        return moto.backends.get_backend("lambda")[ACCOUNT_ID][self._region]

    def _taken(self, kind: tuple[str, ...]) -> FunctionProcess | None:
        with self._lock:
            idle = self._idle.get(kind, [])
            while idle:
                worker = idle.pop()
                if worker.is_alive:
                    return worker
                self._running.discard(worker.process)
        return None

    def _begin(self, mode: str, function: Any) -> FunctionProcess:
        code = self._unpacked(function.code_bytes)
        layers = [
            self._unpacked(self.backend.layers_versions_by_arn(layer["Arn"]).code_bytes)
            for layer in function.layers
        ]
        command = [sys.executable, str(BOOTSTRAP), mode, function.handler, str(code)]
        command += map(str, layers)
        with self._lock:
            if self._is_closed:
                raise ResourceFailed("The local cloud is being shut down")
            process = subprocess.Popen(
                command,
                env=self._variables(function),
                cwd=code,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running.add(process)
        return FunctionProcess(process)

    def _variables(self, function: Any) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            **function.environment_vars,
            **self._environment,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _unpacked(self, archive: bytes) -> Path:
        """Unpack a zip, once per content; return the folder."""
        folder = self._folder / hashlib.sha256(archive).hexdigest()[:16]
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                files.extractall(partial)
            partial.rename(folder)
        return folder

    def _log_of(self, function: Any) -> Callable[[str], None]:
        def add(line: str) -> None:
            self.lines.append(line)
            log.info("%s: %s", function.function_name, line)

        return add


def _context(function: Any, arn: str, request_id: str) -> dict[str, Any]:
    """Return the function's context, and its time limit in seconds."""
    return {
        "function_name": function.function_name,
        "function_version": function.version,
        "invoked_function_arn": arn,
        "memory_limit_in_mb": str(function.memory_size),
        "aws_request_id": request_id,
        "seconds": int(function.timeout),
    }


def _kind(function: Any) -> tuple[str, ...]:
    """Return the key of a warm process: any change requires a new process."""
    return (
        function.function_arn,
        function.code_sha_256,
        function.handler,
        json.dumps(function.environment_vars, sort_keys=True),
        *(layer["Arn"] for layer in function.layers),
    )
