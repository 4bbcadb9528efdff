# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where Serve's own servers listen: at the node's address instead of on every interface.

The gRPC server of a replica runs whatever it is sent (it unpickles it) and asks nobody who they
are. Serve 2.57 has it listen on every interface, without a setting. The replica's process starts it
after the constructor of what it serves, so that this can be corrected there.
"""

from typing import Any

import ray.util
from grpc.aio._server import Server

_EVERYWHERE = ("[::]:", "0.0.0.0:")
_listen = Server.add_insecure_port


def listen_at_node_only() -> None:
    """Have the gRPC servers that this process starts from now on listen at its node's address.

    It is the loopback interface's where Ray's head node was told so (``serve_environment.py`` of
    the deployment function), else that of the container's network interface.
    """
    address: str = ray.util.get_node_ip_address()  # type: ignore[no-untyped-call]
    host = f"[{address}]" if ":" in address else address

    def add_insecure_port(server: Any, asked: str) -> int:
        if asked.startswith(_EVERYWHERE):
            asked = f"{host}:{asked.rpartition(':')[2]}"
        port: int = _listen(server, asked)
        return port

    Server.add_insecure_port = add_insecure_port
