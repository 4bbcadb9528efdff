# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Runs in the network namespace: starts a container, watches its health route, sends one body.

Prints as JSON which interfaces there are, every status that the health route gave, and the answer.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

PORT = 8000
TIMEOUT_SECONDS = 240


def main() -> None:
    archive, body, python, *options = sys.argv[1:]
    interfaces = [name for _, name in socket.if_nameindex()]
    process = subprocess.Popen(
        [python, "-m", "local_cloud.sagemaker.container", archive, "--port", str(PORT), *options],
        stdout=sys.stderr,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "AWS_EC2_METADATA_DISABLED": "true"},
    )
    try:
        health = watch(process)
        answer = post(body) if health[-1] == 200 else None
    finally:
        process.terminate()
        process.wait()
    print(json.dumps({"interfaces": interfaces, "health": health, "answer": answer}))


def watch(process: "subprocess.Popen[bytes]") -> list[int]:
    """Ask until 200; the statuses, 0 where nothing answered."""
    seen: list[int] = []
    end = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < end and process.poll() is None and seen[-1:] != [200]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/-/healthz", timeout=2) as answer:
                seen.append(answer.status)
        except urllib.error.HTTPError as error:
            seen.append(error.code)
        except OSError:
            seen.append(0)
        time.sleep(0.1)
    return seen


def post(body: str) -> object:
    with open(body, "rb") as file:  # noqa: PTH123 - a script of the standard library
        request = urllib.request.Request(
            f"http://127.0.0.1:{PORT}/", file.read(), {"Content-Type": "application/json"}
        )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
