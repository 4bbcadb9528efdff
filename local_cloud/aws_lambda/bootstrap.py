# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What Lambda's runtime does, run as a program of its own, for one invocation after another.

Arguments: handler, folder of the code, folders of the layers. Standard input: a line for each
invocation, with event and context; standard output: what the handler prints, then a line with what
it returned or raised. Third-party packages come from this environment, whose pins are the layer's:
the layer's own are built for the runtime's Python, which may not be ours.
"""

import http.client
import importlib
import json
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

RESULT = "\0result "
"""What the line of an invocation's result begins with."""


class _PlainConnection(http.client.HTTPConnection):
    """Answers custom resources without TLS; crhelper asks for HTTPS and nothing else."""

    def __init__(self, host: str, context: Any = None) -> None:  # noqa: ARG002 - crhelper's call
        super().__init__(host)


def _end_with_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def main() -> None:
    """Run the handler on every event."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    handler, code, *layers = sys.argv[1:]
    # The folder of this file is the local cloud's, which no function has.
    sys.path[0] = code
    sys.path += [os.path.join(layer, "python") for layer in layers]  # noqa: PTH118 - import path
    for layer in layers:
        tree = os.path.join(layer, "endpoint")  # noqa: PTH118
        if os.path.isdir(tree):  # noqa: PTH112
            # A function sees its layers below /opt, which is not ours to write.
            os.environ["ENDPOINT_TREE"] = tree
    run: Callable[[Any, Any], Any] | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            run = run or _imported(handler)
            result = {"payload": json.dumps(run(request["event"], _context(request["context"])))}
        except Exception as error:
            traceback.print_exc()
            result = {"error": json.dumps(_described(error, request["context"]))}
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
    """Return what Lambda answers in place of a result."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": context["aws_request_id"],
        "stackTrace": traceback.format_tb(error.__traceback__)[1:],
    }


if __name__ == "__main__":
    main()
