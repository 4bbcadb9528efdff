# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Lambda's runtime as a separate program, for one invocation after another.

Arguments: ``warm`` or ``fresh``, handler, code folder, layer folders. Standard input: one line per
invocation, with event and context. Standard output: what the handler prints, then a line with its
result or error. A fresh invocation runs in a fork, in which only the imports have happened: no
state carries over, and the imports, most of its time, are not repeated.
Third-party packages come from this environment, with the layer's pins: the layer's own are built
for the runtime's Python version, which may differ from ours.
"""

import http.client
import importlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

RESULT = "\0result "
"""Prefix of the line with an invocation's result."""


class _PlainConnection(http.client.HTTPConnection):
    """Sends custom-resource responses without TLS: crhelper only supports HTTPS."""

    def __init__(self, host: str, context: Any = None) -> None:  # noqa: ARG002 - crhelper's call
        super().__init__(host)


_WATCH_SECONDS = 0.5
_POLL_SECONDS = 0.02


def main() -> None:
    """Run the handler on every event."""
    mode, handler, code, *layers = sys.argv[1:]
    # Real functions cannot import from this file's folder.
    sys.path[0] = code
    sys.path += [os.path.join(layer, "python") for layer in layers]  # noqa: PTH118 - import path
    for layer in layers:
        tree = os.path.join(layer, "endpoint")  # noqa: PTH118
        if os.path.isdir(tree):  # noqa: PTH112
            # On Lambda, layers are below /opt, which we cannot write.
            os.environ["ENDPOINT_TREE"] = tree
    parent = os.getppid()
    if mode == "warm":
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    run: Callable[[Any, Any], Any] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            run = run or _imported(handler)
        except Exception as error:
            _answer_error(error, request)
            continue
        if mode == "warm":
            _answer(run, request)
        else:
            _fork(run, request, parent)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_WATCH_SECONDS)
    os._exit(1)


def _fork(run: Callable[[Any, Any], Any], request: dict[str, Any], parent: int) -> None:
    """Answer in a fork, and wait; if that fails to answer, exit with its status."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if not child:
        status = 1
        try:
            _answer(run, request)
            status = 0
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.stdout.flush()
            os._exit(status)
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if os.getppid() != parent:
            os.kill(child, signal.SIGKILL)
            os._exit(1)
        time.sleep(_POLL_SECONDS)
    if status := os.waitstatus_to_exitcode(ended[1]):
        os._exit(abs(status))


def _answer(run: Callable[[Any, Any], Any], request: dict[str, Any]) -> None:
    try:
        result = json.dumps(run(request["event"], _context(request["context"])))
    except Exception as error:
        _answer_error(error, request)
    else:
        _write({"payload": result})


def _answer_error(error: Exception, request: dict[str, Any]) -> None:
    traceback.print_exception(error)
    _write({"error": json.dumps(_described(error, request["context"]))})


def _write(result: dict[str, str]) -> None:
    sys.stderr.flush()
    sys.stdout.write(f"{RESULT}{json.dumps(result)}\n")
    sys.stdout.flush()


def _imported(handler: str) -> Callable[[Any, Any], Any]:
    module, _, name = handler.rpartition(".")
    function: Callable[[Any, Any], Any] = getattr(importlib.import_module(module), name)
    if utils := sys.modules.get("crhelper.utils"):
        setattr(utils, "HTTPSConnection", _PlainConnection)  # noqa: B010
    return function


def _context(given: dict[str, Any]) -> SimpleNamespace:
    end = time.monotonic() + given["seconds"]
    return SimpleNamespace(
        log_group_name=f"/aws/lambda/{given['function_name']}",
        log_stream_name="local",
        get_remaining_time_in_millis=lambda: int((end - time.monotonic()) * 1000),
        **{key: given[key] for key in given if key != "seconds"},
    )


def _described(error: Exception, context: dict[str, Any]) -> dict[str, Any]:
    """Return Lambda's description of an error."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": context["aws_request_id"],
        "stackTrace": traceback.format_tb(error.__traceback__)[1:],
    }


if __name__ == "__main__":
    main()
