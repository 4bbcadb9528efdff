# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.recordings``: measure preparation of a long recording, without the engine.

The sample calls as MP3, agent and caller mixed, are repeated to the wanted length. As in the
ingress, the object is fetched from S3 in ranges and decoded to disk, speech is detected, and the
features of the windows are computed piece by piece. Measures memory, processor and disk of this
machine; the ranges come from memory.
"""

import argparse
import itertools
import os
import resource
import subprocess
import sys
import time

from benchmarks.long_audio import calls_as_mp3
from benchmarks.reporting import columns, target
from whisper_endpoint.audio.content import BytesElsewhere
from whisper_endpoint.audio.decode import Limits, decode
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.features import Features
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.messages import Parameters

MOST_MB = 300


def repeated(data: bytes, times: int) -> BytesElsewhere:
    """Return a file of repeated data, fetched on reading."""

    def fetch(start: int, end: int) -> bytes:
        at = start % len(data)
        rest = end - start
        return (data[at:] + data * (rest // len(data) + 1))[:rest]

    return BytesElsewhere(len(data) * times, fetch)


def measure(hours: float) -> tuple[float, float, float, float]:
    """Return added memory in MB, and CPU seconds of decoding, speech detection, features."""
    data, seconds = calls_as_mp3()
    decode(data, Limits(seconds=600))  # warm-up
    content, limit = repeated(data, round(hours * 3600 / seconds)), Limits(seconds=86_400)
    before = _peak_mb()
    times = [time.process_time()]
    audio = decode(content, limit, disk=Disk(2**36))
    times.append(time.process_time())
    recording = record(audio, Features(80), Parameters())
    pieces = recording.pieces
    times.append(time.process_time())
    for number in range(pieces):
        recording.piece(number)
    times.append(time.process_time())
    decoding, finding, features = (b - a for a, b in itertools.pairwise(times))
    return _peak_mb() - before, decoding, finding, features


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure each length in a separate process; print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, nargs="+", default=[0.25, 1, 4])
    parser.add_argument("--in-this-process", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_this_process:
        print(*measure(arguments.hours[0]))
        return
    rows: list[tuple[str, ...]] = [("hours", "MB", "decoding", "finding speech", "features")]
    most = 0.0
    for hours in arguments.hours:
        command = [sys.executable, "-m", "benchmarks.recordings", "--in-this-process"]
        answer = subprocess.run(
            [*command, "--hours", str(hours)],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        )
        megabytes, *seconds = map(float, answer.stdout.split())
        most = max(most, megabytes)
        speeds = [f"{hours * 3600 / one:,.0f} x" for one in seconds]
        rows.append((f"{hours:g}", f"{megabytes:.0f}", *speeds))
    print(*columns(rows, ">"), sep="\n")
    print(target("memory over idle", f"{most:.0f} MB", f"{MOST_MB} MB", most <= MOST_MB))


if __name__ == "__main__":
    main()
