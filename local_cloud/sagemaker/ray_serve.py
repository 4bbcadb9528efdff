# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``serve start`` and ``serve run`` in one process, which imports Ray once: run as a program.

It is begun along with Ray's head node, whose address is RAY_ADDRESS, and imports while that starts.
"""

import os
import socket
import sys
import time

from ray.serve import scripts

_POLL_SECONDS = 0.1


def main() -> None:
    """Start Serve's proxy on a port, then run a configuration until the process is ended."""
    port, config = sys.argv[1:]
    _wait_for(os.environ["RAY_ADDRESS"])
    start = ["start", "--http-host=127.0.0.1", f"--http-port={port}"]
    for command in (start, ["run", config]):
        scripts.cli(command, standalone_mode=False)


def _wait_for(address: str) -> None:
    host, _, port = address.rpartition(":")
    while True:
        with socket.socket() as probe:
            if probe.connect_ex((host, int(port))) == 0:
                return
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    main()
