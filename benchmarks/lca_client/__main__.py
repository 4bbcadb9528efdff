# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.lca_client call.wav …``: transcribe a call as Live Call Analytics does."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.lca_client.client import LcaClient
from benchmarks.lca_client.clock import AudioClock
from benchmarks.lca_client.progress import call_progress
from benchmarks.lca_client.report import latency_lines, transcript_lines
from live_whisper.audio.call_file import read_call
from live_whisper.audio.playback import WallClock
from live_whisper.commands import DONE, FAILED, add_endpoint, exit_status
from live_whisper.transport.sagemaker import SageMakerEndpoint


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit statuses are those of `live_whisper.commands.exit_status`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lca_client", description=__doc__)
    parser.add_argument("call", type=Path, help="two-channel WAV file at 8 or 16 kHz")
    add_endpoint(parser)
    parser.add_argument(
        "--partials",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="request partial results (default: yes)",
    )
    parser.add_argument("--pace", action="store_true", help="play the call in real time")
    arguments = parser.parse_args(argv)
    return exit_status(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    recording = read_call(arguments.call)
    endpoint = SageMakerEndpoint(arguments.endpoint_name, arguments.endpoint_url, arguments.region)
    clock = WallClock() if arguments.pace else AudioClock()
    with call_progress(recording.seconds) as heard:
        client = LcaClient(endpoint, clock=clock, partials=arguments.partials, heard=heard)
        results = list(client.transcribe(recording))
    for line in (*transcript_lines(results), *latency_lines(results)):
        print(line)
    failed = any(result.error for result in results if not result.is_partial)
    return FAILED if failed else DONE


if __name__ == "__main__":
    sys.exit(main())
