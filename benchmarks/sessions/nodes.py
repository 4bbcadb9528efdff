# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``python -m benchmarks.sessions.nodes``: kill a node of a Ray cluster during live calls.

Three nodes on this machine run the archive's ``config.yaml``: the head with proxy and ingress, and
two with one engine each. During live calls one of the two is killed. Every utterance must get its
final exactly once.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.bench.variants.served import lay_out
from benchmarks.references import CALLS, DEMO_MODEL
from benchmarks.reporting import target
from benchmarks.sessions.calls import DirectTransport
from deploy_whisper.endpoint.serve_environment import SERVE_ENVIRONMENT
from live_whisper.audio.call_file import read_call
from live_whisper.audio.playback import FRAME_MS, WallClock, frames
from live_whisper.call import CallTranscriber
from local_cloud.sagemaker.container import free_port
from whisper_stream.events import Event, TranscriptResult, UtteranceLost
from whisper_stream.settings import CallSettings

_PATIENCE_S = 300.0
_LOST_AFTER_S = 12.0
# Ray's message once a node has joined.
_JOINED = "will now block forever"


def main() -> int:
    """Run; return 0 if nothing was lost or duplicated."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sessions.nodes", description=__doc__
    )
    parser.add_argument("--weights", type=Path, default=DEMO_MODEL)
    parser.add_argument("--calls", type=int, default=3, help="number of concurrent calls")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nodes-", dir="/tmp") as folder:
        cluster = Cluster(Path(folder), options.weights)
        try:
            print("starting a head and two nodes, a minute or two", flush=True)
            cluster.start()
            return _measure(cluster, options.calls)
        finally:
            cluster.stop()


class Cluster:
    """A head and two engine nodes, each in its own process group."""

    def __init__(self, folder: Path, weights: Path) -> None:
        self._folder = folder
        self._root = lay_out(folder / "model", weights)
        self._port, self.http = free_port(), free_port()
        self._environment = os.environ | SERVE_ENVIRONMENT
        self._environment |= {
            "PYTHONPATH": str(self._root),
            "RAY_ADDRESS": f"127.0.0.1:{self._port}",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",
            # Several nodes do not work with Ray's loopback-only mode.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "1",
            "WHISPER_CPU_THREADS": "1",
            "WHISPER_ENGINE_WORKERS": "1",
        }
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start nodes and application; wait until healthy."""
        head = [f"--port={self._port}", "--include-dashboard=false", "--num-cpus=2"]
        self._node("head", ["--head", *head, f"--temp-dir={self._folder / 'ray'}"])
        self._serve("start", "--proxy-location=HeadOnly", f"--http-port={self.http}")
        place = '--resources={"whisper_engine": 1}'
        for name in ("first", "second"):
            self._node(name, [f"--address=127.0.0.1:{self._port}", "--num-cpus=1", place])
        self._run("serve", "-m", "ray.serve.scripts", "run", str(self._root / "config.yaml"))
        self._until(self._is_healthy)

    def lose(self, name: str) -> None:
        """Kill a node and all its processes, like a power failure."""
        self._check()
        os.killpg(self._running.pop(name).pid, signal.SIGKILL)

    def stop(self) -> None:
        """Stop everything."""
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        shutil.rmtree(self._folder / "ray", ignore_errors=True)

    def _node(self, name: str, options: list[str]) -> None:
        """Start a node and wait until it has joined: concurrent starts may pick the same ports."""
        self._run(name, "-m", "ray.scripts.scripts", "start", *options, "--block")
        self._until(lambda: _JOINED in (self._folder / f"{name}.log").read_text())

    def _run(self, name: str, *arguments: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                [sys.executable, *arguments],
                env=self._environment,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _serve(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "ray.serve.scripts", *arguments]

        def is_done() -> bool:
            done = subprocess.run(
                command, env=self._environment, cwd=self._folder, check=False, capture_output=True
            )
            return done.returncode == 0

        self._until(is_done)

    def _is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http}/ping", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def _until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not condition():
            self._check()
            if time.monotonic() > deadline:
                raise self._failure("The cluster did not start")
            time.sleep(0.5)

    def _check(self) -> None:
        """Stop if a process exited by itself, for example for lack of memory."""
        ended = [name for name, one in self._running.items() if one.poll() is not None]
        if ended:
            raise self._failure(f"Nobody stopped {' and '.join(ended)}, which ended")

    def _failure(self, what: str) -> SystemExit:
        logs = "\n".join(one.read_text()[-1500:] for one in self._folder.glob("*.log"))
        return SystemExit(f"{what}; the logs end:\n{logs}")


class CallsHeard:
    """The results of some calls.

    Attributes
    ----------
    finals : list of tuple
        Call number and utterance id.
    lost : list of str
        The reason for each utterance without a final.
    utterances : int
        Number of ended utterances.
    """

    def __init__(self) -> None:
        self.finals: list[tuple[int, str]] = []
        self.lost: list[str] = []
        self.utterances = 0

    def play(self, number: int, port: int) -> None:
        """Play a call in real time and record its results."""
        recording = read_call(CALLS / "agent-and-caller-overlap.wav")
        settings = CallSettings(sample_rate=recording.sample_rate)
        with CallTranscriber(DirectTransport(f"http://127.0.0.1:{port}/"), settings) as call:
            clock, fed = WallClock(), 0.0
            for frame in frames(recording):
                fed += FRAME_MS / 1000
                clock.wait_until(fed)
                call.feed(frame)
            call.finish()
            call.wait(60)
            for event in call.waiting_events():
                self._take(number, event)
            self.utterances += call.counts().utterances

    def _take(self, number: int, event: Event) -> None:
        if isinstance(event, UtteranceLost):
            self.lost.append(event.reason)
        elif isinstance(event, TranscriptResult) and not event.is_partial:
            self.finals.append((number, event.result_id))


def _measure(cluster: Cluster, calls: int) -> int:
    heard = CallsHeard()
    with ThreadPoolExecutor(calls) as threads:
        played = [threads.submit(heard.play, number, cluster.http) for number in range(calls)]
        print(f"{calls} calls are played in real time", flush=True)
        time.sleep(_LOST_AFTER_S)
        cluster.lose("second")
        print(f"a node with an engine is gone after {_LOST_AFTER_S:g} s", flush=True)
        for one in played:
            one.result()
    print(*heard.lost, sep="\n", end="\n" if heard.lost else "")
    finals = len(set(heard.finals))
    is_whole = finals == heard.utterances > 0
    twice = len(heard.finals) - finals
    print(target("utterances with a final", f"{finals}", f"{heard.utterances}", is_whole))
    print(target("finals that came again", f"{twice}", "0", not twice))
    return int(bool(twice) or not is_whole)


if __name__ == "__main__":
    sys.exit(main())
