# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.load.diarized``: measure live requests while a recording is diarized.

A few callers send partials of the demonstration model's calls once a second to a container on this
machine: alone, while a recording is transcribed repeatedly, and while it is transcribed with
speakers, in turns. Each turn is compared with the one before it, so that other load on the machine
matters little. Meanwhile the health route is polled, and so is an idle web server, for comparison.
"""

import argparse
import statistics
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

import numpy as np

from benchmarks.bench.variants import SETTINGS
from benchmarks.bench.variants.served import Served
from benchmarks.load import health
from benchmarks.load.stalled import live, said
from benchmarks.real_calls.transcripts import request_body
from benchmarks.references import DEMO_MODEL
from benchmarks.reporting import percentile, target
from benchmarks.speakers import mixes
from benchmarks.speakers.mixes import MixRecipe
from benchmarks.speakers.voices import MEASURED_ON
from scripts import command
from scripts.speaker_models.fetching import speaker_models
from whisper_endpoint.messages import SAMPLE_RATE
from whisper_stream.audio.samples import wav_bytes

WANTED: Final = 1.3
HEALTH_WITHIN_MS: Final = 100.0
_WARM_UP_S = 5.0
_KINDS: Final = {"alone": None, "transcribed": False, "with speakers": True}


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.diarized", description=__doc__)
    parser.add_argument(
        "--callers", type=int, default=2, help="number of live callers (default: 2)"
    )
    parser.add_argument(
        "--minutes", type=float, default=4, help="length of the recording in minutes (default: 4)"
    )
    parser.add_argument(
        "--seconds", type=float, default=30, help="length of each turn in seconds (default: 30)"
    )
    parser.add_argument("--turns", type=int, default=5, help="turns of each kind (default: 5)")
    options = parser.parse_args()
    return command.run("diarized", lambda: _measure(options))


def _measure(options: argparse.Namespace) -> None:
    wav = _recording(options.minutes)
    live_ms: dict[str, list[list[float]]] = {kind: [] for kind in _KINDS}
    answers = {kind: health.HealthTimes() for kind in _KINDS}
    with (
        health.idle_server() as idle,
        closing(Served(DEMO_MODEL, SETTINGS, speaker_models())) as served,
    ):
        live(served, options.callers, _WARM_UP_S)
        for turn in range(options.turns):
            print(f"turn {turn + 1} of {options.turns} …", file=sys.stderr, flush=True)
            for kind, diarize in _KINDS.items():
                body = None if diarize is None else request_body(wav, diarize=diarize)
                asking = health.asked(served.port, idle, answers[kind])
                with _transcribing(served, body), asking:
                    live_ms[kind].append(live(served, options.callers, options.seconds))
    for kind, turns in live_ms.items():
        print(f"{kind}: {said([one for turn in turns for one in turn])}")
    with_speakers = live_ms.pop("with speakers")
    for kind, turns in live_ms.items():
        times = ratios(turns, with_speakers)
        print(f"p95 with speakers / {kind}: " + ", ".join(f"{one:.2f}" for one in times) + " x")
        ratio = statistics.median(times)
        print(target("median", f"{ratio:.2f} x", f"at most {WANTED:g} x", ratio <= WANTED))
    for kind, found in answers.items():
        slowest, idle_ms = max(found.health), max(found.idle)
        shown = f"p99 {percentile(found.health, 99):.0f} ms, slowest of {len(found.health)} "
        shown += f"{slowest:.0f} ms, of an idle web server {idle_ms:.0f} ms"
        is_met = slowest <= HEALTH_WITHIN_MS
        print(target(f"health, {kind}", shown, f"at most {HEALTH_WITHIN_MS:.0f} ms", is_met))


def ratios(before: list[list[float]], after: list[list[float]]) -> list[float]:
    """Return the ratio of each turn's p95 to that of the turn before."""
    turns = zip(before, after, strict=True)
    return [percentile(late, 95) / percentile(early, 95) for early, late in turns]


def _recording(minutes: float) -> bytes:
    mix = mixes.make(MixRecipe(1, MEASURED_ON[:2], minutes * 60))
    samples = np.clip(mix.samples * 32767, -32768, 32767).astype(np.int16)
    return wav_bytes(samples, SAMPLE_RATE)


@contextmanager
def _transcribing(served: Served, body: bytes | None) -> Iterator[None]:
    """Transcribe a recording repeatedly in the background; None: nothing."""
    is_over = threading.Event()
    failures: list[Exception] = []

    def ask() -> None:
        try:
            while not is_over.is_set():
                served.answer(body or b"")
        except Exception as failure:
            failures.append(failure)

    asking = threading.Thread(target=ask)
    if body is not None:
        asking.start()
    try:
        yield
    finally:
        is_over.set()
        if body is not None:
            asking.join()
    if failures:
        raise failures[0]


if __name__ == "__main__":
    sys.exit(main())
