# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Lambda functions in processes of their own: the code and layers that were really uploaded."""

import hashlib
import io
import json
import logging
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import moto.backends

from local_cloud import ACCOUNT_ID
from local_cloud.cloudformation.provider import ResourceFailed
from local_cloud.processes import terminate

log = logging.getLogger(__name__)

BOOTSTRAP = Path(__file__).with_name("bootstrap.py")


class LambdaProcesses:
    """Runs functions that moto's Lambda knows, unpacked in `folder`.

    `environment` is added to every function's own: keys and address for its AWS SDK, and the like.
    """

    def __init__(self, region: str, folder: Path, environment: dict[str, str]) -> None:
        self._region = region
        self._folder = folder
        self._environment = environment
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._is_closed = False
        self.lines: list[str] = []

    def invoke(self, function_arn: str, event: dict[str, Any]) -> None:
        """Run a function to its end or its time limit; raises ResourceFailed if there is none."""
        backend = moto.backends.get_backend("lambda")[ACCOUNT_ID][self._region]
        try:
            function = backend.get_function(function_arn)
        except Exception as error:
            raise ResourceFailed(f"There is no function {function_arn}") from error
        code = self._unpacked(function.code_bytes)
        layers = [
            self._unpacked(backend.layers_versions_by_arn(layer["Arn"]).code_bytes)
            for layer in function.layers
        ]
        # The context is made from what the function would see of itself.
        context = {
            "function_name": function.function_name,
            "invoked_function_arn": function_arn,
            "seconds": int(function.timeout),
        }
        command = [sys.executable, str(BOOTSTRAP), function.handler, str(code), *map(str, layers)]
        process = self._begin(command, function, code)
        try:
            output, _ = process.communicate(
                json.dumps({"event": event, "context": context}), timeout=context["seconds"] + 5
            )
        except subprocess.TimeoutExpired:
            terminate(process.pid)
            output = "Task timed out"
        finally:
            with self._lock:
                self._running.discard(process)
        self._log(function.function_name, output)

    def close(self) -> None:
        """End what runs, and refuse everything that is asked for from now on."""
        with self._lock:
            self._is_closed = True
            running = list(self._running)
        for process in running:
            terminate(process.pid)

    def _begin(self, command: list[str], function: Any, code: Path) -> "subprocess.Popen[str]":
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
        return process

    def _variables(self, function: Any) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {
            **kept,
            **function.environment_vars,
            **self._environment,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def _unpacked(self, archive: bytes) -> Path:
        """Return the folder of a zip, unpacked once for each content."""
        folder = self._folder / hashlib.sha256(archive).hexdigest()[:16]
        if not folder.exists():
            partial = folder.with_suffix(".partial")
            with zipfile.ZipFile(io.BytesIO(archive)) as files:
                files.extractall(partial)
            partial.rename(folder)
        return folder

    def _log(self, function_name: str, output: str) -> None:
        for line in output.splitlines():
            self.lines.append(line)
            log.info("%s: %s", function_name, line)
