# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Play a recorded two-channel call as a live call and show its captions as they grow."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from live_whisper.audio.call_file import Call, read_call
from live_whisper.audio.playback import Player, frames
from live_whisper.call import CallTranscriber, InlineExecutor
from live_whisper.commands import (
    DONE,
    FAILED,
    add_endpoint,
    add_languages,
    add_redaction,
    add_terms,
    language,
    say,
    terms_of,
)
from live_whisper.errors import SinkFailed
from live_whisper.sinks.amazon_transcribe import transcript_event
from live_whisper.sinks.lca_kinesis import KinesisSink
from live_whisper.sinks.terminal import LiveView
from live_whisper.transport.protobuf import ProtobufTransport
from live_whisper.transport.sagemaker import SageMakerEndpoint
from whisper_stream.events import CallEnded, Event, TranscriptResult, UtteranceLost
from whisper_stream.settings import CallSettings

# Seconds that an interrupted call waits for the text of what was said last.
_LAST_S = 1.0

NAME, HELP = "live", "play a recorded two-channel call as a live call"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("call", type=Path, help="two-channel WAV file at 8 or 16 kHz")
    add_endpoint(parser)
    parser.add_argument(
        "--partials",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="show partial results (default: yes)",
    )
    parser.add_argument(
        "--fast", action="store_true", help="as fast as possible instead of in real time"
    )
    parser.add_argument(
        "--json", action="store_true", help="print Amazon Transcribe streaming events, one per line"
    )
    parser.add_argument(
        "--language",
        metavar="CODE",
        type=language,
        help="spoken language, such as en (default: detected)",
    )
    add_languages(parser)
    add_terms(parser)
    add_redaction(parser)
    parser.add_argument(
        "--agent-channel",
        type=int,
        choices=(0, 1),
        default=0,
        help="channel of the agent (default: 0)",
    )
    parser.add_argument(
        "--kinesis-stream",
        metavar="NAME",
        help="also write LCA's call events to this stream; set AWS_ENDPOINT_URL_KINESIS for an "
        "address other than AWS",
    )


def run(arguments: argparse.Namespace) -> int:
    """Transcribe the call."""
    recording = read_call(arguments.call)
    roles = ("AGENT", "CUSTOMER") if arguments.agent_channel == 0 else ("CUSTOMER", "AGENT")
    settings = CallSettings(
        sample_rate=recording.sample_rate,
        partials=arguments.partials,
        roles=roles,
        languages=(arguments.language,) * 2,
        allowed_languages=arguments.languages,
        terms=terms_of(arguments),
        redaction=arguments.redaction,
    )
    endpoint = SageMakerEndpoint(
        arguments.endpoint_name,
        arguments.endpoint_url,
        arguments.region,
        attempts=1,
        read_timeout=settings.read_timeout_s,
    )
    failed = False
    view = LiveView(sys.stdout)
    show: Callable[[Event], None] = _JsonLines() if arguments.json else view
    executor = InlineExecutor() if arguments.fast else None
    with CallTranscriber(ProtobufTransport(endpoint), settings, executor=executor) as call:
        stream = _CallEventStream(arguments, call.call_id)
        try:
            for event in _events(call, recording, is_fast=arguments.fast):
                show(event)
                stream.write(event)
                failed |= isinstance(event, UtteranceLost)
        finally:
            # After an early end, report lost utterances and the end to the stream, too.
            view.erase()
            if executor is None:
                call.finish()
                call.wait(_LAST_S)
            endpoint.stop()
            call.close()
            for event in call.waiting_events():
                stream.write(event)
            stream.sum_up()
    return FAILED if failed or stream.missing else DONE


class _CallEventStream:
    """LCA's stream, if configured; its failures do not stop a call that has begun."""

    def __init__(self, arguments: argparse.Namespace, call_id: str) -> None:
        self.missing = 0
        self._sink: KinesisSink | None = None
        if arguments.kinesis_stream is None:
            return
        of_kinesis = ("AWS_ENDPOINT_URL_KINESIS", "AWS_ENDPOINT_URL")
        if arguments.endpoint_url and not any(os.environ.get(name) for name in of_kinesis):
            say(
                "--endpoint-url applies only to SageMaker Runtime: call events are sent "
                "to Kinesis at AWS, or at AWS_ENDPOINT_URL_KINESIS."
            )
        self._sink = KinesisSink(arguments.kinesis_stream, call_id, region=arguments.region)
        self._sink.start()

    def write(self, event: Event) -> None:
        """Write an event; print only the first failure."""
        if self._sink is None:
            return
        try:
            self._sink.write(event)
        except SinkFailed as failure:
            if not self.missing:
                say(str(failure))
            self.missing += 1

    def sum_up(self) -> None:
        """Print the number of missing events."""
        if self.missing:
            say(f"{self.missing} call events are missing from the stream.")


def _events(call: CallTranscriber, recording: Call, *, is_fast: bool) -> Iterator[Event]:
    return call.transcribe(frames(recording)) if is_fast else Player(call, recording).play()


class _JsonLines:
    """Prints results as JSON; events unknown to Amazon Transcribe go to standard error."""

    def __init__(self) -> None:
        self._warned: set[str] = set()

    def __call__(self, event: Event) -> None:
        if isinstance(event, TranscriptResult):
            print(json.dumps(transcript_event(event)), flush=True)
            for warning in set(event.warnings) - self._warned:
                say(warning)
            self._warned.update(event.warnings)
        elif not isinstance(event, CallEnded):
            say(f"{type(event).__name__}: {event}")
