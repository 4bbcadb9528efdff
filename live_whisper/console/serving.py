# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Serve the console of one endpoint, on this machine only."""

import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import uvicorn
from starlette.applications import Starlette

from live_whisper.console import models
from live_whisper.console.library import Library
from live_whisper.console.models import ModelFacts
from live_whisper.console.recording_view import WholeFiles
from live_whisper.console.request_code import EndpointAddress
from live_whisper.console.server import Console
from live_whisper.console.signals import EndpointSignals
from live_whisper.errors import ConsoleUnusable
from live_whisper.transport.protobuf import ProtobufTransport
from live_whisper.transport.sagemaker import SageMakerEndpoint
from whisper_stream.settings import CallSettings

_CONNECTIONS = 32


@dataclass(frozen=True)
class LocalEndpoint:
    """Facts about an endpoint in the local cloud.

    Attributes
    ----------
    plain_url : str
        URL that accepts unsigned requests, for the code samples.
    model : str
        Its ``WhisperModelSize``, or ``demo``.
    """

    plain_url: str
    model: str


def application(
    endpoint_name: str,
    signals: EndpointSignals,
    calls: Path | None = None,
    *,
    region: str | None = None,
    url: str | None = None,
    local: LocalEndpoint | None = None,
) -> Starlette:
    """Return the console's application for an endpoint.

    Parameters
    ----------
    signals : EndpointSignals
        Metrics of the same endpoint.
    calls : Path, optional
        Folder of recordings to offer.
    region, url : str, optional
        See `live_whisper.transport.sagemaker.SageMakerEndpoint`.
    local : LocalEndpoint, optional
        Default: the endpoint is on SageMaker, and its stack tells the model.
    """
    live = SageMakerEndpoint(
        endpoint_name,
        url,
        region,
        attempts=1,
        read_timeout=CallSettings().read_timeout_s,
        connections=_CONNECTIONS,
    )
    whole = SageMakerEndpoint(endpoint_name, url, region, attempts=1)
    address = EndpointAddress(
        endpoint_name, whole.region, whole.url, local.plain_url if local else None
    )

    @cache
    def facts() -> ModelFacts:
        return models.of_size(local.model) if local else models.of_endpoint(endpoint_name, region)

    files = WholeFiles(whole, address)
    console = Console(ProtobufTransport(live), files, Library(calls), signals, endpoint_name, facts)
    return console.app()


def listen(port: int) -> socket.socket:
    """Return a listening socket; early connections wait until the page is served.

    Raises
    ------
    ConsoleUnusable
        The port cannot be used.
    """
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError):
        raise ConsoleUnusable(f"Port {port} cannot be used; choose another with --port.") from None


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve the page until Ctrl-C."""
    port = listener.getsockname()[1]
    print(f"Open http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
