# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Replay live calls in virtual time: latencies and words do not depend on the machine's load.

``python -m benchmarks.load.replay base --calls 2 --seconds 40`` plays the load test's calls
through the client's channels, the endpoint's preparation, and the engine's scheduler and decoder.
Nothing waits: an event queue is the clock, and decoding takes as long as `decode_times` says. To
account for HTTP, Ray and threads, which are left out, decoding takes a quarter longer; so rows are
comparable, but are not latencies to expect.
"""

import argparse
import heapq
import itertools
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.load import decode_times, report
from benchmarks.load.results import CallSeen, LoadRow, row
from benchmarks.load.script import Said, calls_for, script
from live_whisper.audio.call_file import read_call
from live_whisper.audio.playback import FRAME_MS
from scripts import command
from scripts.weights import NAMES, weights
from whisper_contract import formats
from whisper_contract import transcription_pb2 as wire
from whisper_endpoint import parsing
from whisper_endpoint.audio import sources
from whisper_endpoint.audio.content import BytesInMemory
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.features import FRAMES_PER_SECOND, Features
from whisper_endpoint.engine.decoder import Decoded, WhisperEngine
from whisper_endpoint.engine.jobs import DecodeTask, Job, Superseded
from whisper_endpoint.engine.scheduler import Scheduler
from whisper_endpoint.engine.throughput import Throughput
from whisper_endpoint.engine.utterance_states import LiveCalls, UtteranceRef, newest_text
from whisper_endpoint.errors import EndpointError
from whisper_endpoint.ingress.planning.request_plan import make_plan
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters, Prepared, Priority
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript, WindowResult
from whisper_stream import protobuf
from whisper_stream.audio.samples import CHANNELS, Samples
from whisper_stream.channel import Channel
from whisper_stream.checkpoint import ChannelCheckpoint
from whisper_stream.events import Event, TranscriptResult
from whisper_stream.requests import TranscriptionRequest
from whisper_stream.settings import CallSettings
from whisper_stream.transcript.stability import plain

_PROTOBUF = "application/x-protobuf"
_WORKERS, _BATCH, _QUEUE = 2, 2, 256
_THERE_S, _BACK_S = 0.05, 0.01
"""Seconds from the client to the engine and back, besides decoding."""
_SLOWER = 1.25
"""Factor on decoding times: client and web servers share the cores."""
_STAGGER_S = 2.0
_LONGEST_S = 60.0


@dataclass
class Agreement:
    """Counts words marked stable in partials, and those missing from the final."""

    stable: int = 0
    contradicted: int = 0
    _shown: dict[str, list[str]] = field(default_factory=dict)

    def show(self, result: TranscriptResult) -> None:
        """Record a partial or final."""
        if result.is_partial:
            words = [plain(word.text) for word in result.words if word.is_stable]
            self._shown[result.result_id] = [word for word in words if word]
            return
        stable = self._shown.pop(result.result_id, [])
        final = [plain(word.text) for word in result.words]
        matches = SequenceMatcher(a=stable, b=final, autojunk=False).get_matching_blocks()
        self.stable += len(stable)
        self.contradicted += len(stable) - sum(match.size for match in matches)


@dataclass
class _Line:
    """A call being played."""

    seen: CallSeen
    begin: float
    settings: CallSettings
    channels: tuple[Channel, ...]
    is_over: bool = False


class _VirtualScheduler(Scheduler):
    """Returns ready tasks, and never waits."""

    def take_now(self, free: int) -> list[DecodeTask]:
        """Return the next batch of tasks for the given number of free workers, if any."""
        self._idle = free
        return [entry.task for entry in self._gather()]


class Replay:
    """Plays calls against an engine in virtual time.

    Parameters
    ----------
    engine : WhisperEngine
        Provides texts; its real decoding time is ignored.
    settings : EndpointSettings
        Settings of the endpoint.
    said : sequence of Said
        One per call.
    call_settings : CallSettings
        Client settings of every call.

    Attributes
    ----------
    windows : Counter
        Number decoded, by priority and length in seconds.
    cpu_s : float
        Single-core seconds of decoding.
    """

    def __init__(
        self,
        engine: WhisperEngine,
        settings: EndpointSettings,
        said: Sequence[Said],
        call_settings: CallSettings,
    ) -> None:
        self._engine, self._settings = engine, settings
        # The decoder checks deadlines against the real clock: none must have passed.
        self._epoch = time.monotonic() + 1e6
        self._now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._scheduler = _VirtualScheduler(
            _QUEUE, Throughput(_BATCH, _WORKERS), clock=lambda: self._epoch + self._now
        )
        forces = settings.partial_prefix == "on"
        self._states = LiveCalls(engine.end_token, force_prefix=forces)
        self._features = Features(engine.facts.n_mels)
        self._free = _WORKERS
        self.windows = Counter[tuple[str, int]]()
        self.cpu_s = 0.0
        self.agreement = Agreement()
        chance = random.Random(len(said))  # noqa: S311 - nothing secret
        self._lines = [
            self._line(number, one, call_settings, chance.uniform(0, _STAGGER_S))
            for number, one in enumerate(said)
        ]

    def run(self) -> LoadRow:
        """Play all calls; return the results as a row."""
        while self._events:
            self._now, _, happen = heapq.heappop(self._events)
            happen()
        for line in self._lines:
            counts = [channel.counts for channel in line.channels]
            dropped = (one.partials_dropped + one.partials_superseded for one in counts)
            line.seen.partials_dropped = sum(dropped)
            line.seen.finals_lost = sum(one.finals_lost for one in counts)
        seconds = max(line.seen.said.call.seconds for line in self._lines)
        return row("ours", "replay", seconds, self.seen)

    @property
    def seen(self) -> list[CallSeen]:
        """The results of each call."""
        return [line.seen for line in self._lines]

    def _line(self, number: int, said: Said, settings: CallSettings, begin: float) -> _Line:
        how = replace(settings, sample_rate=said.call.sample_rate)
        channels = tuple(
            Channel(one, f"call-{number}", how, ChannelCheckpoint()) for one in range(CHANNELS)
        )
        line = _Line(CallSeen(said), begin, how, channels)
        fed = 0.0
        for chunk in said.call.chunks(FRAME_MS):
            fed = min(fed + FRAME_MS / 1000, said.call.seconds)
            self._at(begin + fed, partial(self._feed, line, chunk))
        self._at(begin + fed, partial(self._finish, line))
        return line

    def _at(self, when: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), happen))

    def _feed(self, line: _Line, chunk: Samples) -> None:
        for number, channel in enumerate(line.channels):
            samples = np.ascontiguousarray(chunk[:, number])
            self._go_on(line, *channel.feed(samples, None, self._now))

    def _finish(self, line: _Line) -> None:
        line.is_over = True
        for channel in line.channels:
            self._go_on(line, *channel.finish(self._now))

    def _go_on(
        self, line: _Line, requests: Sequence[TranscriptionRequest], events: Sequence[Event]
    ) -> None:
        for event in events:
            if isinstance(event, TranscriptResult):
                line.seen.show(event, self._now - line.begin)
                self.agreement.show(event)
        for request in requests:
            self._at(self._now + _THERE_S, partial(self._arrive, line, request))

    def _arrive(self, line: _Line, request: TranscriptionRequest) -> None:
        settings = line.settings
        limit_s = settings.partial_deadline_s if request.is_partial else settings.final_limit_s
        asked = parsing.parse(
            protobuf.encode(request, limit_s),
            _PROTOBUF,
            accept=_PROTOBUF,
            attributes="",
            path="/invocations",
        )
        plan = make_plan(asked, "replay", self._settings, self._engine.facts)
        assert isinstance(asked.source, sources.InlineAudio)
        data = BytesInMemory(asked.source.data)
        audio = decode(data, Limits(seconds=_LONGEST_S), sources.raw_form(plan.source, data))
        prepared = record(
            audio,
            self._features,
            plan.parameters,
            pause_s=self._engine.facts.pause_s,
            utterance=plan.utterance(audio),
        ).piece(0)
        how = plan.partial_parameters if request.is_partial else plan.parameters

        def answer(found: Transcript | Superseded | EndpointError) -> None:
            if isinstance(found, Superseded):
                found = newest_text(ref, how)
            if isinstance(found, EndpointError):
                self._at(self._now + _BACK_S, partial(self._failed, line, request, str(found)))
                return
            if ref is not None and not found.is_superseded:
                self._states.learn(ref, prepared, how, found)
            body = formats.render(replace(found, duration=audio.duration), plan.form)
            self._at(self._now + _BACK_S, partial(self._answered, line, request, body))

        ref = self._submit(prepared, how, request.asked_at + limit_s, answer)
        self._dispatch()

    def _submit(
        self,
        prepared: Prepared,
        how: Parameters,
        deadline: float,
        answer: Callable[[Transcript | Superseded | EndpointError], None],
    ) -> UtteranceRef | None:
        scheduling, ref = self._states.arrange(prepared, how)
        job = Job(prepared.windows, how, self._epoch + deadline, scheduling, prepared.language)

        def resolved(future: Future[Transcript | Superseded | EndpointError]) -> None:
            # Deferred: an immediate answer comes before the caller knows `ref`.
            self._at(self._now, lambda: answer(future.result()))

        job.future.add_done_callback(resolved)
        if ref is not None and ref.is_outdated and scheduling.priority == Priority.PARTIAL:
            job.resolve(Superseded())
        else:
            self._scheduler.submit(self._engine.tasks(job))
        return ref

    def _dispatch(self) -> None:
        while self._free and (tasks := self._scheduler.take_now(self._free)):
            self._free -= 1
            decoded = self._engine.decode(tasks)
            seconds = decode_times.seconds(tasks, decoded.report)
            self.cpu_s += seconds
            self.windows[tasks[0].priority.name.lower(), tasks[0].frames // FRAMES_PER_SECOND] += (
                len(tasks)
            )
            self._at(self._now + _SLOWER * seconds, partial(self._decoded, tasks, decoded))

    def _decoded(self, tasks: Sequence[DecodeTask], decoded: Decoded) -> None:
        self._free += 1
        for task, outcome in zip(tasks, decoded.outcomes, strict=True):
            if isinstance(outcome, WindowResult):
                task.job.add(task.position, outcome)
            else:
                self._scheduler.requeue(outcome)
        self._dispatch()

    def _answered(self, line: _Line, request: TranscriptionRequest, body: bytes) -> None:
        answer = wire.TranscribeResponse()
        answer.ParseFromString(body)
        channel = line.channels[request.channel]
        response = protobuf.decode(answer, request)
        self._taken(line, channel, channel.answered(request, response, self._now))

    def _failed(self, line: _Line, request: TranscriptionRequest, reason: str) -> None:
        channel = line.channels[request.channel]
        self._taken(line, channel, channel.failed(request, 1, reason, self._now))

    def _taken(self, line: _Line, channel: Channel, events: Sequence[Event]) -> None:
        due = None if line.is_over else channel.due(self._now)
        self._go_on(line, [due] if due else [], events)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.replay")
    parser.add_argument("model", choices=NAMES)
    parser.add_argument(
        "--calls", type=int, default=2, help="concurrent two-channel calls (default: 2)"
    )
    parser.add_argument(
        "--seconds", type=float, default=40.0, help="length of each call in seconds (default: 40)"
    )
    parser.add_argument("--recording", type=Path, help="play this two-channel WAV file instead")
    parser.add_argument(
        "--settings",
        type=json.loads,
        default={},
        help='client settings as JSON, such as {"long_utterance_s": 8}',
    )
    parser.add_argument("--texts", type=Path, help="file to write the finals to, as JSON")
    options = parser.parse_args(arguments)
    return command.run("replay", lambda: _play(options))


def _play(options: argparse.Namespace) -> None:
    print("Decoding, about as long as the calls are …", file=sys.stderr, flush=True)
    settings = EndpointSettings(compute_type="int8", cpu_threads=1, engine_workers=1)
    engine = WhisperEngine.load(weights(options.model), "cpu", settings)
    how = CallSettings(**options.settings)
    replay = Replay(engine, settings, _said(options), how)
    found = replay.run()
    _print(replay, found)
    if options.texts:
        options.texts.write_text(json.dumps(_finals(replay.seen), indent=1))


def _said(options: argparse.Namespace) -> list[Said]:
    if options.recording:
        return [Said(read_call(options.recording), ())] * options.calls
    samples = calls_for(options.model)
    return [script(samples, number, options.seconds) for number in range(options.calls)]


def _print(replay: Replay, found: LoadRow) -> None:
    print(report.heading())
    print(report.line(found))
    played = sum(one.said.call.seconds for one in replay.seen)
    print(f"engine: {replay.cpu_s / played:.3f} seconds of a core per second of a call")
    for (kind, seconds), number in sorted(replay.windows.items()):
        print(f"  {number} windows of {seconds} s, {kind}")
    agreed = replay.agreement
    print(f"stable words: {agreed.stable}, of which finals lack {agreed.contradicted}")


def _finals(calls: Sequence[CallSeen]) -> list[dict[str, Any]]:
    return [
        {
            "call": number,
            "channel": one.channel,
            "start": one.start,
            "end": one.end,
            "text": one.text,
        }
        for number, call in enumerate(calls)
        for one in sorted(call.results, key=lambda one: (one.channel, one.start))
        if not one.is_partial
    ]


if __name__ == "__main__":
    sys.exit(main())
