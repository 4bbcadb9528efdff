# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Serve a page in the browser that transcribes recordings and live calls."""

import argparse
from importlib.util import find_spec
from pathlib import Path

from live_whisper.commands import DONE, add_endpoint
from live_whisper.errors import ConsoleUnusable

NAME, HELP = "console", "transcribe recordings and live calls in the browser"
PORT = 8080


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    add_endpoint(parser)
    parser.add_argument("--port", type=int, default=PORT, help=f"local port (default: {PORT})")
    parser.add_argument(
        "--calls", type=Path, metavar="FOLDER", help="folder with recordings to choose from"
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    if not all(find_spec(name) for name in ("starlette", "uvicorn", "websockets")):
        raise ConsoleUnusable(
            "The console's packages are not installed; run this in the checkout: pip install "
            '".[console]"'
        )
    from live_whisper.console import serving  # noqa: PLC0415 - needs the packages checked above
    from live_whisper.console.signals import CloudWatchSignals  # noqa: PLC0415

    if arguments.calls is not None and not arguments.calls.is_dir():
        raise ConsoleUnusable(
            f"There is no folder {arguments.calls}; give a folder with recordings with --calls."
        )
    name, region = arguments.endpoint_name, arguments.region
    signals = CloudWatchSignals(name, region)
    app = serving.application(
        name, signals, arguments.calls, region=region, url=arguments.endpoint_url
    )
    with serving.listen(arguments.port) as listener:
        serving.serve(app, listener)
    return DONE
