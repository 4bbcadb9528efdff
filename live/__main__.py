# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""`python -m live call.wav --endpoint-name NAME`: transcribe a recorded two-channel call."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from live.clock import AudioClock, WallClock
from live.endpoint import SageMakerEndpoint
from live.errors import LiveError
from live.frames import read_call
from live.lca import LcaClient
from live.progress import Progress
from live.report import latency_lines, transcript_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from live.lca import UtteranceResult

DONE, SOME_FINALS_FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m live",
        description="Send a recorded two-channel call to a SageMaker endpoint the way Live Call "
        "Analytics does, and print what was said on each channel.",
    )
    parser.add_argument("call", type=Path, help="two-channel 16-bit WAV at 8 or 16 kHz")
    parser.add_argument("--endpoint-name", required=True, metavar="NAME")
    parser.add_argument("--endpoint-url", metavar="URL", help="SageMaker Runtime, if not AWS's")
    parser.add_argument("--region", help="AWS region (default: from the environment)")
    parser.add_argument(
        "--partials",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also ask for each utterance so far every second, as LCA does (default: yes)",
    )
    parser.add_argument("--pace", action="store_true", help="play the call in real time")
    return parser.parse_args(argv)


def _transcribe(arguments: argparse.Namespace) -> list[UtteranceResult]:
    call = read_call(arguments.call)
    endpoint = SageMakerEndpoint(arguments.endpoint_name, arguments.endpoint_url, arguments.region)
    progress = Progress(sys.stderr, call.seconds)
    client = LcaClient(
        endpoint,
        clock=WallClock() if arguments.pace else AudioClock(),
        partials=arguments.partials,
        heard=progress,
    )
    try:
        return list(client.transcribe(call))
    finally:
        progress.erase()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0 when done; 1 when the endpoint failed on at least one final; 2 when the call or the
        endpoint cannot be used; 130 after Ctrl-C.
    """
    arguments = _arguments(argv)
    try:
        results = _transcribe(arguments)
    except LiveError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED
    for line in (*transcript_lines(results), *latency_lines(results)):
        print(line)
    failed = any(result.error for result in results if not result.is_partial)
    return SOME_FINALS_FAILED if failed else DONE


if __name__ == "__main__":
    sys.exit(main())
