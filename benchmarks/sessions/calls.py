# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.sessions.calls --weights FOLDER --calls 2``: measure CPU time of sessions.

Compares calls over one WebSocket each with the same calls as one request for each partial and
final. Both must get a final for each utterance. Prints how much less CPU time a session takes.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import urllib3
import websockets

from benchmarks.bench.variants.served import Served
from benchmarks.references import CALLS, DEMO_MODEL
from benchmarks.reporting import target
from live_whisper.audio.call_file import Call, read_call
from live_whisper.audio.playback import FRAME_MS, WallClock, frames
from live_whisper.call import CallTranscriber
from live_whisper.errors import InvocationFailed
from whisper_contract import transcription_pb2 as wire
from whisper_stream.events import TranscriptResult
from whisper_stream.protobuf import CONTENT_TYPE, decode, encode
from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse
from whisper_stream.settings import CallSettings

_PROCESSES = {
    "proxy": "ray::ProxyActor",
    "ingress": "ray::ServeReplica:api",
    "engine": "ray::ServeReplica:engine",
}
_DONE = "conversation.item.input_audio_transcription.completed"
_PARTIAL = "conversation.item.input_audio_transcription.partial"
_PATIENCE_S = 60.0
# Ratio of CPU time by requests to that by sessions.
_WANTED = 1.3


class DirectTransport:
    """Sends requests to a container over HTTP, without SageMaker's signature."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool = urllib3.PoolManager(maxsize=64)

    def transcribe(self, request: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        """Send a request for one state of an utterance."""
        headers = {"Content-Type": CONTENT_TYPE, "Accept": CONTENT_TYPE}
        body = encode(request, seconds)
        answer = self._pool.request("POST", self._url, body=body, headers=headers, retries=False)
        if answer.status != 200:
            raise InvocationFailed(answer.data.decode()[:200])
        return decode(wire.TranscribeResponse.FromString(answer.data), request)


def main() -> int:
    """Play the calls both ways, print a line per process; return 0 if all were transcribed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sessions.calls", description=__doc__
    )
    parser.add_argument("--weights", type=Path, default=DEMO_MODEL)
    parser.add_argument("--calls", type=int, default=1, help="number of concurrent calls")
    parser.add_argument(
        "--name", default="agent-and-caller-overlap.wav", help="name of a sample call"
    )
    options = parser.parse_args()
    call = read_call(CALLS / options.name)
    served = Served(options.weights, {"WHISPER_CPU_THREADS": "1", "WHISPER_ENGINE_WORKERS": "1"})
    try:
        played = {name: _measure(served, name, call, options.calls) for name in _WAYS}
    finally:
        served.close()
    (by_requests, dear), (by_sessions, cheap) = played["requests"], played["sessions"]
    finals, wanted = by_sessions["finals"], by_requests["finals"]
    is_whole = finals == wanted > 0
    print(target("finals of sessions", f"{finals}", f"{wanted}, as of requests", is_whole))
    ratio = dear / cheap
    print(
        target(
            "CPU time of requests, to that of sessions",
            f"{ratio:.2f} x",
            f"at least {_WANTED:g} x",
            ratio >= _WANTED,
        )
    )
    return int(not is_whole)


def _measure(served: Served, name: str, call: Call, calls: int) -> tuple[Counter[str], float]:
    """Play calls one way; return counts of results, and the CPU time of all processes."""
    play = _WAYS[name]
    print(f"{name}: {2 * call.seconds:.0f} s of calls in real time", flush=True)
    play(served.port, call, 1)  # warm-up
    before, began = _used(served.pid), time.monotonic()
    heard = play(served.port, call, calls)
    used = {key: value - before[key] for key, value in _used(served.pid).items()}
    _print(name, heard, used, calls * call.seconds, time.monotonic() - began)
    return heard, sum(used.values())


def _print(
    name: str, heard: Counter[str], used: dict[str, float], seconds: float, took: float
) -> None:
    total = sum(used.values())
    print(f"{name}: {heard['partials']} partials, {heard['finals']} finals in {took:.0f} s")
    for process, cpu in used.items():
        share = 100 * cpu / total
        print(f"  {process}: {1000 * cpu / seconds:.1f} ms a second of call, {share:.0f} %")
    print(f"  together: {1000 * total / seconds:.1f} ms", flush=True)


def _used(pid: int) -> dict[str, float]:
    used = dict.fromkeys(_PROCESSES, 0.0)
    for process in psutil.Process(pid).children(recursive=True):
        title = " ".join(process.cmdline())
        for name, beginning in _PROCESSES.items():
            if title.startswith(beginning):
                times = process.cpu_times()
                used[name] += times.user + times.system
    return used


def _together(calls: int, play: Callable[[], Counter[str]]) -> Counter[str]:
    with ThreadPoolExecutor(calls) as threads:
        heard = [future.result() for future in [threads.submit(play) for _ in range(calls)]]
    return sum(heard, Counter())


def _by_requests(port: int, recording: Call, calls: int) -> Counter[str]:
    transport = DirectTransport(f"http://127.0.0.1:{port}/")

    def play() -> Counter[str]:
        heard: Counter[str] = Counter()
        settings = CallSettings(sample_rate=recording.sample_rate)
        with CallTranscriber(transport, settings) as call:
            clock, fed = WallClock(), 0.0
            for frame in frames(recording):
                fed += FRAME_MS / 1000
                clock.wait_until(fed)
                call.feed(frame)
            call.finish()
            call.wait(_PATIENCE_S)
            for event in call.waiting_events():
                if isinstance(event, TranscriptResult):
                    heard["partials" if event.is_partial else "finals"] += 1
        return heard

    return _together(calls, play)


def _by_sessions(port: int, recording: Call, calls: int) -> Counter[str]:
    return _together(calls, lambda: asyncio.run(_session(port, recording)))


async def _session(port: int, recording: Call) -> Counter[str]:
    heard: Counter[str] = Counter()
    url = f"ws://127.0.0.1:{port}/v1/realtime"
    form = {"type": "audio/pcm", "rate": recording.sample_rate, "channels": 2}
    session = {
        "include": ["item.input_audio_transcription.partials"],
        "audio": {"input": {"format": form}},
    }
    async with websockets.connect(url) as socket:
        await socket.send(json.dumps({"type": "session.update", "session": session}))

        async def read() -> None:
            async for message in socket:
                event = json.loads(message)
                heard["partials"] += event["type"] == _PARTIAL
                # A commit right after the detector's creates an item without words.
                heard["finals"] += event["type"] == _DONE and bool(event["transcript"])

        reading = asyncio.create_task(read())
        clock, fed = WallClock(), 0.0
        for frame in frames(recording):
            fed += FRAME_MS / 1000
            await asyncio.sleep(max(0.0, fed - clock.now()))
            await socket.send(frame)
        await socket.send(json.dumps({"type": "input_audio_buffer.commit"}))
        await asyncio.sleep(3)
        reading.cancel()
    return heard


_WAYS = {"requests": _by_requests, "sessions": _by_sessions}


if __name__ == "__main__":
    sys.exit(main())
