# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Callers: N concurrent two-channel calls in real time, by one of two clients."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from benchmarks.lca_client.client import LcaClient
from benchmarks.load.results import CallSeen, LoadRow, row
from benchmarks.load.script import Said, script
from benchmarks.references import SampleCall
from live_whisper.audio.playback import FRAME_MS, WallClock, frames
from live_whisper.call import CallTranscriber
from live_whisper.errors import EndpointUnusable
from live_whisper.transport.transport import Transport
from scripts.publish.errors import CommandError
from whisper_stream.events import CallEnded, Event, TranscriptResult, UtteranceLost
from whisper_stream.settings import CallSettings

_STAGGER_S = 2.0
"""Calls start within this many seconds."""
_THREADS_PER_CALL = 3
_PATIENCE_S = 90.0


class OurCaller:
    """Calls by this project's client, with a shared thread pool."""

    def __init__(self, transport: Transport, calls: int) -> None:
        self._transport = transport
        self._threads = ThreadPoolExecutor(_THREADS_PER_CALL * calls, "load")

    def __call__(self, said: Said) -> CallSeen:
        """Play a call; return when everything is answered."""
        seen, clock = CallSeen(said), WallClock()

        def take(event: Event) -> None:
            if isinstance(event, TranscriptResult):
                seen.show(event, clock.now())
            elif isinstance(event, UtteranceLost):
                seen.errors += 1
            elif isinstance(event, CallEnded):
                counts = event.counts
                seen.partials_dropped = counts.partials_dropped + counts.partials_superseded
                seen.finals_lost = counts.finals_lost

        settings = CallSettings(sample_rate=said.call.sample_rate)
        call = CallTranscriber(self._transport, settings, executor=self._threads, on_event=take)
        fed = 0.0
        for frame in frames(said.call):
            fed = min(fed + FRAME_MS / 1000, said.call.seconds)
            clock.wait_until(fed)
            call.feed(frame)
        call.finish()
        if not call.wait(_PATIENCE_S):
            raise CommandError("A call did not end; the endpoint holds requests without answer.")
        return seen

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()


class LcaCaller:
    """Calls as made by Live Call Analytics."""

    def __init__(self, invoke: Callable[[bytes], bytes]) -> None:
        self._invoke = invoke

    def __call__(self, said: Said) -> CallSeen:
        """Play a call; return when everything is answered."""
        seen, clock = CallSeen(said), WallClock()
        for result in LcaClient(self._invoke, clock=clock).transcribe(said.call):
            if result.error is not None:
                seen.errors += 1
                seen.partials_dropped += result.is_partial
                seen.finals_lost += not result.is_partial
                continue
            seen.show(result, clock.now())
        return seen

    def close(self) -> None:
        """Do nothing."""


def run(
    make: Callable[[int], OurCaller | LcaCaller],
    samples: Sequence[SampleCall],
    calls: int,
    seconds: float,
    names: tuple[str, str],
) -> LoadRow:
    """Run N concurrent calls; raises CommandError if one did not end."""
    client, chance = make(calls), random.Random(calls)  # noqa: S311 - nothing secret
    seen: list[CallSeen] = []
    failures: list[Exception] = []

    def play(caller: int, wait: float) -> None:
        time.sleep(wait)
        try:
            seen.append(client(script(samples, caller, seconds)))
        except Exception as failure:
            failures.append(failure)

    threads = [
        threading.Thread(target=play, args=(caller, chance.uniform(0, _STAGGER_S)), daemon=True)
        for caller in range(calls)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    client.close()
    for failure in failures:
        if isinstance(failure, EndpointUnusable | CommandError):
            raise failure
        raise CommandError(f"A caller failed: {failure!r}.") from failure
    return row(*names, seconds, seen)
