# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Function processes: one invocation at a time, kept warm for the next."""

import json
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_cloud.aws_lambda.bootstrap import RESULT
from local_cloud.processes import terminate

_END_SECONDS = 5


@dataclass(frozen=True)
class FunctionAnswer:
    """The outcome of an invocation: JSON of the result or of Lambda's error description."""

    payload: str
    is_error: bool


class FunctionProcess:
    """A process of `bootstrap`."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process

    @property
    def is_alive(self) -> bool:
        """Whether it can run another invocation."""
        return self.process.poll() is None

    def run(
        self, event: Any, context: dict[str, Any], log: Callable[[str], None]
    ) -> FunctionAnswer:
        """Invoke the function and wait; after its ``seconds`` it is killed, which is an error."""
        said = f"RequestId: {context['aws_request_id']} Error: "
        late = threading.Event()

        def end() -> None:
            late.set()
            terminate(self.process.pid)

        timer = threading.Timer(context["seconds"], end)
        timer.start()
        try:
            result = self._ask({"event": event, "context": context}, log)
        finally:
            timer.cancel()
        if result:
            kind, payload = result.popitem()
            return FunctionAnswer(payload, is_error=kind == "error")
        if late.is_set():
            log("Task timed out")
            said += f"Task timed out after {context['seconds']:.2f} seconds"
            return _failed("Sandbox.Timedout", said)
        status = self.process.wait()
        return _failed(
            "Runtime.ExitError", f"{said}Runtime exited with error: exit status {status}"
        )

    def close(self) -> None:
        """Wait for it to exit, or terminate it."""
        try:
            self.process.communicate(timeout=_END_SECONDS)
        except (subprocess.TimeoutExpired, ValueError, OSError):
            terminate(self.process.pid)

    def _ask(self, request: dict[str, Any], log: Callable[[str], None]) -> dict[str, str]:
        """Return the parsed result line; empty if the process died."""
        process = self.process
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(f"{json.dumps(request)}\n")
            process.stdin.flush()
        except OSError:
            return {}
        for line in process.stdout:
            if line.startswith(RESULT):
                result: dict[str, str] = json.loads(line.removeprefix(RESULT))
                return result
            log(line.rstrip("\n"))
        return {}


def _failed(kind: str, message: str) -> FunctionAnswer:
    detail = {"errorType": kind, "errorMessage": message}
    return FunctionAnswer(json.dumps(detail), is_error=True)
