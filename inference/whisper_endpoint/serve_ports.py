# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Makes Serve's own servers listen at the node's address instead of on every interface.

A replica's gRPC server executes whatever it receives (it unpickles it), without authentication.
Serve 2.57 makes it listen on every interface and has no setting for that. The replica process
starts it after the deployment's constructor, where this can be corrected.
"""

from typing import Any

import ray.util
from grpc.aio._server import Server

_EVERYWHERE = ("[::]:", "0.0.0.0:")
_listen = Server.add_insecure_port


def listen_at_node_only() -> None:
    """Make gRPC servers that this process starts from now on listen at its node's address.

    That is the loopback address if Ray's head node is configured so (``serve_environment.py`` of
    the deployment function), else the address of the container's network interface.
    """
    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    host = f"[{address}]" if ":" in address else address

    def add_insecure_port(server: Any, asked: str) -> int:
        if asked.startswith(_EVERYWHERE):
            asked = f"{host}:{asked.rpartition(':')[2]}"
        port: int = _listen(server, asked)
        return port

    Server.add_insecure_port = add_insecure_port
