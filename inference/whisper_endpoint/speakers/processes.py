# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Runs diarization in a subprocess per recording, at a lower priority than live calls.

In the ingress, the models would block other threads while they compute; and a process gives all its
memory back when it ends. Input: a line of JSON (``length`` in samples, ``least`` and ``most``
speakers, the lengths of ``known`` voices), then the samples of each known voice and of the
recording, float32, at the pace of the process. Output: the fields of a ``Diarization``.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from whisper_endpoint.errors import DeadlineExceeded, InternalError
from whisper_endpoint.messages import SAMPLE_RATE, Parameters, Samples
from whisper_endpoint.speakers import models
from whisper_endpoint.speakers.diarization import SpeakerModels
from whisper_endpoint.speakers.turns import Diarization, SpeakerCount, Turn

# Samples sent at once: a minute, 4 MB.
_BLOCK = 60 * SAMPLE_RATE
# One thread per four cores, but no more than the models can use.
_CORES_PER_THREAD, _MOST_THREADS = 4, 4
# Otherwise glibc raises its threshold after the first large block, and what is freed between blocks
# that stay is not given back: 970 MB instead of 190 with a recording of nine minutes.
_MALLOC = {"MALLOC_MMAP_THRESHOLD_": "1000000"}
# Live calls go first: at this niceness they get nearly all of a core.
_NICENESS, _LEAST_NICENESS = 15, 19


def diarizer(folder: Path) -> "SpeakerProcesses | None":
    """Return a diarizer with the models in a folder; None if it has none.

    Raises
    ------
    ModelNotLoadable
        The files are not such models.
    """
    if not models.are_in(folder):
        return None
    # Load them once, so that the deployment fails instead of every request.
    SpeakerModels(folder)
    return SpeakerProcesses(folder)


class SpeakerProcesses:
    """Diarizes recordings, one at a time.

    Parameters
    ----------
    folder : Path
        Folder of the models.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        cores = os.cpu_count() or 1
        self._compute = max(1, min(_MOST_THREADS, cores // _CORES_PER_THREAD))
        self._threads = ThreadPoolExecutor(1, "whisper-speakers")

    async def diarize(
        self,
        samples: Samples,
        parameters: Parameters,
        seconds: float,
        known: Sequence[Samples] = (),
    ) -> Diarization:
        """Return who speaks when, and how similar each speaker is to each known voice.

        Raises
        ------
        DeadlineExceeded
            504: it took longer than ``seconds``.
        InternalError
            500: the process failed.
        """
        count = SpeakerCount.of(
            parameters.num_speakers, parameters.min_speakers, parameters.max_speakers
        )
        is_over = threading.Event()
        running = asyncio.get_running_loop().run_in_executor(
            self._threads, self._run, [*known, samples], count, is_over
        )
        try:
            async with asyncio.timeout(seconds):
                return await running
        except TimeoutError:
            raise DeadlineExceeded(
                "The speakers could not be identified in time: send a shorter recording or fewer "
                "at once, or leave diarize out."
            ) from None
        finally:
            is_over.set()

    def _run(
        self, recordings: Sequence[Samples], count: SpeakerCount, is_over: threading.Event
    ) -> Diarization:
        *known, length = map(len, recordings)
        asked = {"known": known, "length": length, "least": count.least, "most": count.most}
        with self._process(is_over) as process:
            assert process.stdin is not None and process.stdout is not None
            try:
                process.stdin.write(json.dumps(asked).encode() + b"\n")
                for samples in recordings:
                    for begin in range(0, len(samples), _BLOCK):
                        process.stdin.write(samples[begin : begin + _BLOCK].astype("<f4").tobytes())
                process.stdin.close()
            except BrokenPipeError:
                pass  # the process has ended; its status is checked below
            answer = process.stdout.read()
            if process.wait():
                raise InternalError(
                    "The speakers could not be identified: try again, or leave diarize out."
                )
        turns, exclusive, alike = json.loads(answer)
        return Diarization(
            tuple(Turn(*one) for one in turns),
            tuple(Turn(*one) for one in exclusive),
            tuple(map(tuple, alike)),
        )

    def _line(self) -> list[str]:
        return [sys.executable, "-m", __package__, str(self._folder), str(self._compute)]

    @contextmanager
    def _process(self, is_over: threading.Event) -> Iterator[subprocess.Popen[bytes]]:
        """Start a process, and kill it when it is done or the caller has given up."""
        # Let the process find the same packages as this one.
        environment = _MALLOC | os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        with subprocess.Popen(
            self._line(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        ) as process:
            assert process.stdin is not None
            # Set here, not in the process: its imports alone take a second of CPU time.
            niceness = min(_LEAST_NICENESS, os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS)
            os.setpriority(os.PRIO_PROCESS, process.pid, niceness)
            ending = threading.Thread(target=_end, args=(process, is_over), daemon=True)
            ending.start()
            try:
                yield process
            finally:
                is_over.set()
                ending.join()
                with suppress(BrokenPipeError):  # it may not have read everything
                    process.stdin.close()


def _end(process: subprocess.Popen[bytes], is_over: threading.Event) -> None:
    is_over.wait()
    process.kill()
