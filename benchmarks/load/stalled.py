# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.load.stalled``: measure live requests while 200 uploads are stalled.

A few callers send partials of the demonstration model's calls once a second to a container on this
machine, alternately alone and while others have sent half a body and stopped. Because the load of
the machine varies, each turn is compared with the one before it, and the median of these
comparisons counts.
"""

import argparse
import itertools
import socket
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from benchmarks.bench import clips
from benchmarks.bench.variants import SETTINGS, parameters
from benchmarks.bench.variants.served import Served
from benchmarks.processes import bytes_of
from benchmarks.references import DEMO_MODEL
from benchmarks.reporting import percentile, target
from scripts import command

WANTED = 1.5
_WARM_UP_S = 5.0
_TURNS = 7
_PERIOD_S = 1.0
# Below and above the limit of Serve's proxy for one piece.
_SIZES = (7_900_000, 20_000_000)
_MIB = 1024 * 1024


def main() -> int:
    """Measure; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.stalled", description=__doc__)
    parser.add_argument(
        "--callers", type=int, default=2, help="number of live callers (default: 2)"
    )
    parser.add_argument(
        "--uploads", type=int, default=200, help="uploads that stall halfway (default: 200)"
    )
    parser.add_argument(
        "--seconds", type=float, default=10, help="length of each turn in seconds (default: 10)"
    )
    parser.add_argument("--turns", type=int, default=_TURNS, help="turns of each kind (default: 7)")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=_SIZES, help="sizes of an upload in bytes"
    )
    options = parser.parse_args()
    return command.run("stalled", lambda: _measure(options))


def _measure(options: argparse.Namespace) -> None:
    with closing(Served(DEMO_MODEL, SETTINGS)) as served:
        live(served, options.callers, _WARM_UP_S)
        before = bytes_of(served.pid)
        for size in options.sizes:
            alone, among, ratios = list[float](), list[float](), list[float]()
            for _ in range(options.turns):
                before_it = live(served, options.callers, options.seconds)
                with stalled(served.port, options.uploads, size):
                    meanwhile = live(served, options.callers, options.seconds)
                    after = bytes_of(served.pid)
                alone, among = alone + before_it, among + meanwhile
                ratios.append(percentile(meanwhile, 95) / percentile(before_it, 95))
            ratio = statistics.median(ratios)
            print(f"alone: {said(alone)}")
            print(f"among {options.uploads} of {size:,} bytes: {said(among)}")
            print("p95 of each turn: " + ", ".join(f"{one:.2f}" for one in ratios) + " x")
            print(target("median", f"{ratio:.2f} x", f"at most {WANTED:g} x", ratio <= WANTED))
            print(f"memory of all processes: {(after - before) / _MIB:+.0f} MiB", flush=True)


def live(served: Served, callers: int, seconds: float) -> list[float]:
    """Send a request per second from each caller; return each partial's latency in ms."""
    times: list[float] = []
    numbers, utterances = clips.Numbers(), clips.utterances("live", parameters("demo"))
    until = time.monotonic() + seconds

    def call() -> None:
        for utterance in itertools.cycle(utterances):
            number = numbers.next()
            for clip in utterance:
                began = time.monotonic()
                if began >= until:
                    return
                served.answer(clip.body(number))
                if clip.is_partial:
                    times.append(1000 * (time.monotonic() - began))
                time.sleep(max(0.0, began + _PERIOD_S - time.monotonic()))

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times


@contextmanager
def stalled(port: int, uploads: int, size: int) -> Iterator[None]:
    """Hold uploads open that lack ten bytes, or that the server stopped reading."""
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: audio/wav\r\nContent-Length: {size + 10}"
    with ExitStack() as stack:
        for _ in range(uploads):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            try:
                one.sendall(head.encode() + b"\r\n\r\n" + bytes(size))
            except OSError:
                continue  # already refused
        yield


def said(times: list[float]) -> str:
    """Format the number and latency of partials, in ms."""
    p50, p95 = percentile(times, 50), percentile(times, 95)
    return f"{len(times)} partials, p50 {p50:.0f} ms, p95 {p95:.0f} ms"


if __name__ == "__main__":
    sys.exit(main())
