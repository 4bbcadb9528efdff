# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import asyncio
import socket

import grpc
import pytest
import ray.util
from grpc.aio._server import Server

from whisper_endpoint.serve_ports import listen_at_node_only


def answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


@pytest.mark.parametrize("asked", ["[::]:0", "0.0.0.0:0", "127.0.0.2:0"])
def test_a_server_for_every_interface_listens_at_the_node(
    asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listening() -> tuple[bool, bool]:
        server = grpc.aio.server()
        port = server.add_insecure_port(asked)
        await server.start()
        found = answers("127.0.0.1", port), answers("127.0.0.2", port)
        await server.stop(None)
        return found

    monkeypatch.setattr(Server, "add_insecure_port", Server.add_insecure_port)
    if not asked.startswith("127"):
        assert asyncio.run(listening()) == (True, True)
    monkeypatch.setattr(ray.util, "get_node_ip_address", lambda: "127.0.0.1")
    listen_at_node_only()
    # What asks for an address of its own has it. Its port may be a stranger's at another address,
    # but not each time.
    wanted = (False, True) if "127" in asked else (True, False)
    assert wanted in [asyncio.run(listening()) for _ in range(5)]
