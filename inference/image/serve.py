#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a container of our own image runs: Ray, Serve's proxy on 8080, then ``config.yaml``.

SageMaker starts it as ``docker run IMAGE serve``, with the model archive at /opt/ml/model. Where
there is no archive, the image's own program is run, and only weights have to be put next to it.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

ARCHIVE = Path("/opt/ml/model")
PROGRAM = Path("/opt/whisper")

_POLL_S = 0.5
# Of the 30 s between SageMaker's SIGTERM and its SIGKILL.
_GRACE_S = 20.0


class EndAsked(BaseException):
    """We were asked to end."""


def main() -> int:
    """Run until asked to end, or until one of its processes ends; returns the exit status."""
    if sys.argv[1:] not in ([], ["serve"]):
        os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606 - docker run IMAGE command
    signal.signal(signal.SIGTERM, _ask)
    signal.signal(signal.SIGINT, _ask)
    root = Path(os.environ.get("WHISPER_PROGRAM", _root()))
    environment = os.environ | {"PYTHONPATH": f"{root}{os.pathsep}{root / 'code'}"}
    _install(root, environment)
    running: list[subprocess.Popen[bytes]] = []
    try:
        running.append(_ray(environment))
        # Asked for no address, Serve takes any Ray that it finds on the machine.
        own = f"127.0.0.1:{_port(environment)}"
        environment["RAY_ADDRESS"] = environment.get("RAY_ADDRESS") or own
        _start_proxy(environment)
        serve = [sys.executable, "-m", "ray.serve.scripts", "run", str(root / "config.yaml")]
        # "serve run" puts its working directory on the import path: it must hold nothing of ours.
        running.append(subprocess.Popen(serve, env=environment, cwd="/"))
        while all(process.poll() is None for process in running):
            time.sleep(_POLL_S)
        return next(process.returncode for process in running if process.returncode is not None)
    except EndAsked:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end(running)


def _root() -> str:
    return str(ARCHIVE if (ARCHIVE / "config.yaml").exists() else PROGRAM)


def _install(root: Path, environment: Mapping[str, str]) -> None:
    """Install what the archive brings; it names its own folder of wheels, and no network."""
    requirements = root / "code" / "requirements.txt"
    if requirements.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "-r", str(requirements)]
        subprocess.run(pip, env=environment, cwd=requirements.parent, check=True)


def _ray(environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
    """Start a head node of its own, or join the cluster that RAY_ADDRESS names."""
    options = ["--block", "--disable-usage-stats", f"--num-gpus={_gpus()}"]
    address = environment.get("RAY_ADDRESS")
    head = ["--head", f"--port={_port(environment)}", "--include-dashboard=false"]
    place = [f"--address={address}"] if address else head
    ray = [sys.executable, "-m", "ray.scripts.scripts", "start", *place, *options]
    return subprocess.Popen(ray, env=environment, cwd="/")


def _port(environment: Mapping[str, str]) -> str:
    return environment.get("WHISPER_RAY_PORT", "6379")


def _start_proxy(environment: Mapping[str, str]) -> None:
    port = environment.get("SAGEMAKER_BIND_TO_PORT", "8080")
    start = ["start", "--http-host=0.0.0.0", f"--http-port={port}"]
    serve = [sys.executable, "-m", "ray.serve.scripts", *start]
    deadline = time.monotonic() + 120
    while subprocess.run(serve, env=environment, cwd="/", check=False).returncode:
        if time.monotonic() > deadline:
            raise SystemExit("Ray Serve did not start: see the lines above.")
        time.sleep(_POLL_S)


def _gpus() -> int:
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    return listed.stdout.count(b"GPU ")


def _end(running: "list[subprocess.Popen[bytes]]") -> None:
    for process in reversed(running):
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def _ask(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise EndAsked


if __name__ == "__main__":
    sys.exit(main())
