# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.sessions.idle``: measure the cost of sessions in which nobody speaks."""

import argparse
import asyncio
import resource
import subprocess
import sys
import time

import psutil
import uvicorn
import websockets
from starlette.responses import PlainTextResponse

from benchmarks.processes import cpu_seconds
from scripts.publish.build import ROOT
from whisper_endpoint.proxy import connections
from whisper_endpoint.proxy.realtime.middleware import RealtimeMiddleware
from whisper_endpoint.settings import EndpointSettings

_AT_ONCE = 50


def main() -> None:
    """Open sessions, leave them idle, and print their cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sessions.idle", description=__doc__)
    parser.add_argument("--sockets", type=int, default=10_000)
    parser.add_argument(
        "--seconds", type=float, default=60.0, help="seconds to leave them idle (default: 60)"
    )
    parser.add_argument(
        "--spoken", action="store_true", help="send one second of audio on each first"
    )
    parser.add_argument("--port", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    _raise_limit()
    if options.port:
        _host(options.port, options.sockets)
        return
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "benchmarks.sessions.idle"),
            *("--port", "8871", "--sockets", str(options.sockets)),
        ],
        cwd=ROOT,
    ) as server:
        try:
            asyncio.run(_measure(server.pid, options.sockets, options.seconds, options.spoken))
        finally:
            server.terminate()


def _host(port: int, sockets: int) -> None:
    """Serve sessions as Serve's proxy does, without a backend."""
    connections.install()
    settings = EndpointSettings(max_sessions=sockets, session_idle_s=3600)
    app = RealtimeMiddleware(PlainTextResponse("nothing"), settings)
    uvicorn.run(app, host="127.0.0.1", port=port, lifespan="off", log_level="error")


def _raise_limit() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _measure(pid: int, sockets: int, seconds: float, has_spoken: bool) -> None:
    url = "ws://127.0.0.1:8871/v1/realtime"
    await _until_there(url)
    before = psutil.Process(pid).memory_info().rss
    limit = asyncio.Semaphore(_AT_ONCE)

    async def connect() -> websockets.ClientConnection:
        async with limit:
            socket = await websockets.connect(
                url, ping_interval=None, compression=None, open_timeout=60
            )
            await socket.recv()
            if has_spoken:
                await socket.send(bytes(48_000))
            return socket

    began = time.monotonic()
    opened = await asyncio.gather(*(connect() for _ in range(sockets)))
    print(f"{sockets} sessions opened in {time.monotonic() - began:.0f} s")
    await asyncio.sleep(5)
    grown = psutil.Process(pid).memory_info().rss - before
    print(f"resident memory: {before / 1e6:.0f} MB without, {grown / 1e6:.0f} MB more with them")
    print(f"{grown / sockets / 1000:.1f} kB a session")
    used = cpu_seconds(pid)
    await asyncio.sleep(seconds)
    print(f"CPU time, idle: {100 * (cpu_seconds(pid) - used) / seconds:.1f} % of a core")
    alive = sum(one.close_code is None for one in opened)
    print(f"{alive} sessions are still open after {seconds:.0f} s")


async def _until_there(url: str) -> None:
    while True:
        try:
            async with websockets.connect(url):
                return
        except OSError:
            await asyncio.sleep(0.2)


if __name__ == "__main__":
    main()
