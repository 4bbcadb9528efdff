# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What Lambda's runtime does for one invocation, run as a program of its own.

Arguments: handler, folder of the code, folders of the layers. Standard input: event and context.
Third-party packages come from this environment, whose pins are the layer's: the layer's own are
built for the runtime's Python, which may not be ours.
"""

import http.client
import importlib
import json
import os
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any


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
    """Run the handler on the event."""
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
    request = json.load(sys.stdin)
    end = time.monotonic() + request["context"].pop("seconds")
    context = SimpleNamespace(
        aws_request_id=request["event"]["RequestId"],
        log_group_name=f"/aws/lambda/{request['context']['function_name']}",
        log_stream_name="local",
        get_remaining_time_in_millis=lambda: int((end - time.monotonic()) * 1000),
        **request["context"],
    )
    module, _, name = handler.rpartition(".")
    setattr(importlib.import_module("crhelper.utils"), "HTTPSConnection", _PlainConnection)  # noqa: B010
    getattr(importlib.import_module(module), name)(request["event"], context)


if __name__ == "__main__":
    main()
