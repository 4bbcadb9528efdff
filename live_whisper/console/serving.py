# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The console of one endpoint, served on this machine alone."""

import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from live_whisper.console.library import Library
from live_whisper.console.server import Console
from live_whisper.console.signals import EndpointSignals
from live_whisper.errors import ConsoleUnusable
from live_whisper.transport.protobuf import ProtobufTransport
from live_whisper.transport.sagemaker import SageMakerEndpoint
from whisper_stream.settings import CallSettings

_CONNECTIONS = 32


def application(
    endpoint_name: str,
    signals: EndpointSignals,
    calls: Path | None = None,
    *,
    region: str | None = None,
    url: str | None = None,
) -> Starlette:
    """Return the console's application for an endpoint.

    Parameters
    ----------
    signals : EndpointSignals
        Of the same endpoint.
    calls : Path, optional
        Folder of two-channel WAV files that the page offers.
    region, url : str, optional
        See `live_whisper.transport.sagemaker.SageMakerEndpoint`.
    """
    endpoint = SageMakerEndpoint(
        endpoint_name,
        url,
        region,
        attempts=1,
        read_timeout=CallSettings().read_timeout_s,
        connections=_CONNECTIONS,
    )
    return Console(ProtobufTransport(endpoint), Library(calls), signals, endpoint_name).app()


def listen(port: int) -> socket.socket:
    """Return a listener for the page; browsers that come before it is served wait.

    Raises
    ------
    ConsoleUnusable
        The port cannot be used.
    """
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError):
        raise ConsoleUnusable(f"Port {port} cannot be used; give another with --port.") from None


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve the page until Ctrl-C."""
    port = listener.getsockname()[1]
    print(f"Open http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
