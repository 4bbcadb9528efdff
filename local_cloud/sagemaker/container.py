# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The container of an endpoint, as a separate program: does what the Ray Serve image does.

Starts Ray's head node, Serve's proxy, then the archive's ``config.yaml``, with only the archive's
folder of this checkout on the import path. Stops all of them when it is told to, when one of the
three ends, and when its parent process is gone.
"""

import argparse
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from local_cloud.processes import adopt_orphans, terminate_descendants, watch_parent

_RAY_HEAD = Path(__file__).with_name("ray_head.py")
_RAY_SERVE = Path(__file__).with_name("ray_serve.py")

SERVE_PORT = 8000
"""Serve's port in the image; here each container has its own."""


class Asked(BaseException):
    """A signal asked this process to end."""


def main() -> int:
    """Run until asked to end; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "root", type=Path, help="folder with the model archive, as in /opt/ml/model"
    )
    parser.add_argument("--port", type=int, default=SERVE_PORT)
    parser.add_argument(
        "--install", action="store_true", help="install code/requirements.txt first"
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, _ask)
    signal.signal(signal.SIGINT, _ask)
    adopt_orphans()
    watch_parent(lambda: os.kill(os.getpid(), signal.SIGTERM))
    # Ray creates sockets there; socket paths are limited to 107 characters.
    sessions = Path(tempfile.mkdtemp(prefix=f"wls-{os.getpid()}-", dir="/tmp"))
    try:
        return _run(arguments.root, arguments.port, sessions, install=arguments.install)
    except Asked:
        return 0
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        terminate_descendants()
        shutil.rmtree(sessions, ignore_errors=True)


def _run(root: Path, port: int, sessions: Path, *, install: bool) -> int:
    head_port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": f"{root}{os.pathsep}{root / 'code'}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "RAY_ADDRESS": f"127.0.0.1:{head_port}",
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray executes code it receives, so it must only listen on loopback (by default it does so
        # only on macOS and Windows), and require a token from other users.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        # Instances are dedicated; here other processes would starve the replicas.
        "RAY_worker_niceness": "0",
    }
    if install:
        requirements = str(root / "code" / "requirements.txt")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "-r", requirements]
        subprocess.run(pip, env=environment, cwd=sessions, check=True)
    head = subprocess.Popen(
        [
            # -P: this file's folder must not be on the import path.
            *(sys.executable, "-P", str(_RAY_HEAD)),
            "--head",
            "--block",
            "--disable-usage-stats",
            "--include-dashboard=false",
            "--node-ip-address=127.0.0.1",
            f"--port={head_port}",
            f"--temp-dir={sessions}",
        ],
        env=environment,
        cwd=sessions,
    )
    # "serve run" adds its working directory to the import path: it must not be ours.
    application = subprocess.Popen(
        [sys.executable, "-P", str(_RAY_SERVE), str(port), str(root / "config.yaml")],
        env=environment,
        cwd=sessions,
    )
    return _wait_for_end([head, application])


def _wait_for_end(processes: Sequence["subprocess.Popen[bytes]"]) -> int:
    while True:
        for process in processes:
            if process.poll() is not None:
                return process.returncode or 1
        time.sleep(0.5)


def free_port() -> int:
    """Return a free TCP port on the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _ask(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Asked


if __name__ == "__main__":
    sys.exit(main())
