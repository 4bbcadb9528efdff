# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m live_whisper transcribe call.wav --endpoint-name NAME``: a call as if it were live.

``python -m live_whisper lca call.wav …`` sends the same call the way Live Call Analytics does.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from live_whisper.audio.call_file import read_call
from live_whisper.audio.clock import AudioClock, WallClock
from live_whisper.audio.playback import Player, frames
from live_whisper.call import CallTranscriber, InTurn
from live_whisper.errors import LiveError
from live_whisper.events import CallEnded, TranscriptResult, UtteranceLost
from live_whisper.lca_client.client import LcaClient
from live_whisper.settings import CallSettings
from live_whisper.sinks.amazon_transcribe import transcript_event
from live_whisper.sinks.lca_kinesis import KinesisSink
from live_whisper.sinks.progress import Progress
from live_whisper.sinks.report import latency_lines, transcript_lines
from live_whisper.sinks.terminal import LiveView
from live_whisper.transport.protobuf import ProtobufTransport
from live_whisper.transport.sagemaker import ATTEMPTS, READ_TIMEOUT_S, SageMakerEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from live_whisper.audio.call_file import Call
    from live_whisper.events import Event

DONE, SOME_FINALS_FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m live_whisper", description=__doc__)
    ways = parser.add_subparsers(dest="way", required=True)
    ours = ways.add_parser("transcribe", help="captions that grow while the call plays")
    lca = ways.add_parser("lca", help="the same call as Live Call Analytics sends it")
    for way in (ours, lca):
        way.add_argument("call", type=Path, help="two-channel WAV at 8 or 16 kHz")
        way.add_argument("--endpoint-name", required=True, metavar="NAME")
        way.add_argument("--endpoint-url", metavar="URL", help="SageMaker Runtime, if not AWS's")
        way.add_argument("--region", help="AWS region (default: from the environment)")
        way.add_argument(
            "--partials",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="also ask for what is being said (default: yes)",
        )
    ours.add_argument(
        "--fast", action="store_true", help="as fast as it is answered, not in real time"
    )
    ours.add_argument(
        "--json", action="store_true", help="print Amazon Transcribe's streaming events, one a line"
    )
    ours.add_argument(
        "--language", metavar="CODE", help="Whisper's code, such as en (default: detected)"
    )
    ours.add_argument(
        "--agent-channel", type=int, choices=(0, 1), default=0, help="channel of the agent (0)"
    )
    ours.add_argument(
        "--kinesis-stream", metavar="NAME", help="also write LCA's call events to this stream"
    )
    lca.add_argument("--pace", action="store_true", help="play the call in real time")
    return parser.parse_args(argv)


def _endpoint(arguments: argparse.Namespace, attempts: int, timeout: float) -> SageMakerEndpoint:
    return SageMakerEndpoint(
        arguments.endpoint_name,
        arguments.endpoint_url,
        arguments.region,
        attempts=attempts,
        read_timeout=timeout,
    )


def _transcribe(arguments: argparse.Namespace) -> int:
    recording = read_call(arguments.call)
    roles = ("AGENT", "CUSTOMER") if arguments.agent_channel == 0 else ("CUSTOMER", "AGENT")
    settings = CallSettings(
        sample_rate=recording.sample_rate,
        partials=arguments.partials,
        roles=roles,
        languages=(arguments.language,) * 2,
    )
    transport = ProtobufTransport(_endpoint(arguments, 1, settings.read_timeout_s))
    failed = False
    show: Callable[[Event], None] = _print_json if arguments.json else LiveView(sys.stdout)
    executor = InTurn() if arguments.fast else None
    with CallTranscriber(transport, settings, executor=executor) as call:
        sink = _sink(arguments, call.call_id)
        try:
            for event in _events(call, recording, is_fast=arguments.fast):
                show(event)
                sink(event)
                failed |= isinstance(event, UtteranceLost)
        finally:
            # Ended early: who reads the stream is told of what is lost, and of the end.
            call.close()
            for event in call.waiting_events():
                sink(event)
    return SOME_FINALS_FAILED if failed else DONE


def _sink(arguments: argparse.Namespace, call_id: str) -> Callable[[Event], None]:
    if arguments.kinesis_stream is None:
        return lambda _event: None
    sink = KinesisSink(arguments.kinesis_stream, call_id, region=arguments.region)
    sink.start()
    return sink.write


def _events(call: CallTranscriber, recording: Call, *, is_fast: bool) -> Iterator[Event]:
    return call.transcribe(frames(recording)) if is_fast else Player(call, recording).play()


def _print_json(event: Event) -> None:
    if isinstance(event, TranscriptResult):
        print(json.dumps(transcript_event(event)), flush=True)
    elif not isinstance(event, CallEnded):
        print(f"{type(event).__name__}: {event}", file=sys.stderr)


def _as_lca(arguments: argparse.Namespace) -> int:
    recording = read_call(arguments.call)
    progress = Progress(sys.stderr, recording.seconds)
    client = LcaClient(
        _endpoint(arguments, ATTEMPTS, READ_TIMEOUT_S),
        clock=WallClock() if arguments.pace else AudioClock(),
        partials=arguments.partials,
        heard=progress,
    )
    try:
        results = list(client.transcribe(recording))
    finally:
        progress.erase()
    for line in (*transcript_lines(results), *latency_lines(results)):
        print(line)
    failed = any(result.error for result in results if not result.is_partial)
    return SOME_FINALS_FAILED if failed else DONE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns
    -------
    int
        0 when done; 1 when an utterance has no transcript because the endpoint failed; 2 when
        the call or the endpoint cannot be used; 130 after Ctrl-C.
    """
    arguments = _arguments(argv)
    try:
        return (_transcribe if arguments.way == "transcribe" else _as_lca)(arguments)
    except LiveError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("Stopped; nothing is left running.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
