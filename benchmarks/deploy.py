# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make bench-deploy``: measure speed and memory of staging a model from a hub.

A stand-in hub on this machine serves one file of repeated random bytes; the deployer streams it to
an S3 in memory that keeps equal blocks once. Staging is interrupted once half-way and resumed, as
after Lambda's time limit. Measures this machine's loopback and hashing, not a hub or S3: whether
memory stays constant, and the cost of the function itself.
"""

import argparse
import os
import resource
import sys
import time

from deploy_whisper.archive.hub import Hub
from deploy_whisper.archive.upload import Destination, upload
from deploy_whisper.budget import Budget
from tests.fakes.content import BLOCK, Content
from tests.fakes.object_store import Bucket, Client, ObjectStore
from tests.fakes.stand_ins import StandInHub

LIMIT_MB = 300


def measure(megabytes: int) -> tuple[float, float, bool]:
    """Stage a file, interrupted once; return MB/s, peak MB, and whether the digest is right."""
    content = Content([os.urandom(BLOCK)] * megabytes)
    stand_in = StandInHub("owner/model", "main", {"model.bin": content})
    hub = Hub(stand_in.url, "owner/model", "main")
    (file,) = hub.files()
    store = ObjectStore(time.time)
    store.buckets["bucket"] = Bucket()
    destination = Destination(Client(store.call), "bucket", "model.bin", {})
    begin = time.monotonic()
    try:
        polls = 1
        # The first poll ends after one part; hashing restarts, so the file is read back at the end.
        done = upload(hub, file, destination, Budget(0))
        while not done:
            polls += 1
            done = upload(hub, file, destination, Budget(95))
    finally:
        stand_in.close()
    seconds = time.monotonic() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (stored,) = store.buckets["bucket"].keys["model.bin"]
    is_right = stored.data == content and destination.holds(file.digest) and polls > 1
    return megabytes / seconds, peak, is_right


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deploy", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--megabytes", type=int, default=3000, help="size of the file in MB (default: 3,000)"
    )
    options = parser.parse_args(arguments)
    speed, peak, is_right = measure(options.megabytes)
    print(f"staged {options.megabytes} MB from a stand-in hub, ended once and resumed")
    print(f"{speed:.0f} MB/s, hub, hashing and reading back included, on this machine")
    print(f"{peak:.0f} MB peak memory, of which the limit is {LIMIT_MB}")
    print(f"digest {'right' if is_right else 'WRONG'}")
    return 0 if is_right and peak <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
