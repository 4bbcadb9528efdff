# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``serve start`` and ``serve run`` in one process, to import Ray only once; run as a program.

Started together with Ray's head node (RAY_ADDRESS), so that imports overlap with its start.
"""

import os
import socket
import sys
import time

from ray.serve import scripts

_POLL_SECONDS = 0.1


def main() -> None:
    """Start Serve's proxy on a port, then run a configuration until terminated."""
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
