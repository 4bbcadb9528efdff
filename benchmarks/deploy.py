# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``make bench-deploy``: how fast a model is staged from a hub, and in how much memory.

A stand-in hub on this machine serves one file of random bytes; the deployer streams it to a sink
that takes S3's multipart calls, counts and hashes. It is ended once in the middle and goes on, as
after a poll that Lambda has ended. What is measured is this machine's loopback and hashing, not a
hub and not S3: it says whether memory stays constant and what the function itself costs.
"""

import argparse
import hashlib
import os
import resource
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import ClientError

from deploy_whisper.archive.hub import Hub
from deploy_whisper.archive.source_file import SourceFile
from deploy_whisper.archive.upload import Destination, upload
from deploy_whisper.budget import Budget

LIMIT_MB = 300
_BLOCK = 1 << 20


class _Sink:
    """S3 as far as a staged file needs it; parts are hashed in their order and dropped."""

    class exceptions:  # noqa: N801 - boto3's name
        """The errors of the client."""

        ClientError = ClientError

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.size = 0
        self.parts: list[dict[str, Any]] = []
        self.is_complete = self.is_open = False
        self._block = b""

    def list_multipart_uploads(self, **_: Any) -> Any:
        key = {"Key": "model.bin", "UploadId": "u"}
        return {"Uploads": [key] if self.is_open else []}

    def create_multipart_upload(self, **_: Any) -> Any:
        self.is_open = True
        return {"UploadId": "u"}

    def upload_part(self, PartNumber: int, Body: Any, **_: Any) -> Any:  # noqa: N803
        self.digest.update(Body)
        self.size += len(Body)
        self.parts.append({"PartNumber": PartNumber, "Size": len(Body), "ETag": str(PartNumber)})
        return {"ETag": str(PartNumber)}

    def get_paginator(self, _: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Any:
        return [{"Parts": self.parts}]

    def complete_multipart_upload(self, **_: Any) -> Any:
        self.is_complete, self.is_open = True, False

    def head_object(self, **_: Any) -> Any:
        if not self.is_complete:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        return {"ContentLength": self.size}

    def get_object(self, **_: Any) -> Any:
        return {"Body": self}

    def iter_chunks(self, size: int) -> Any:
        for start in range(0, self.size, size):
            yield _bytes(start, min(size, self.size - start))

    def put_object_tagging(self, **_: Any) -> Any:
        return {}


_RANDOM = os.urandom(_BLOCK)


def _bytes(start: int, count: int) -> bytes:
    """Return a piece of an endless file that repeats one random block."""
    offset = start % _BLOCK
    return (_RANDOM * (count // _BLOCK + 2))[offset : offset + count]


class _Hub(BaseHTTPRequestHandler):
    """Serves ranges of the file."""

    size = 0

    def do_GET(self) -> None:
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").split("-")[0])
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("Content-Length", str(self.size - start))
        self.send_header("Content-Range", f"bytes {start}-{self.size - 1}/{self.size}")
        self.end_headers()
        try:
            for position in range(start, self.size, _BLOCK):
                self.wfile.write(_bytes(position, min(_BLOCK, self.size - position)))
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *arguments: Any) -> None:
        """Keep requests out of the terminal."""


def measure(megabytes: int) -> tuple[float, float, bool]:
    """Stage a file, ended once in the middle.

    Returns MB per second, this process's peak memory in MB, and whether the digest was right.
    """
    _Hub.size = size = megabytes * _BLOCK
    wanted = hashlib.sha256()
    for position in range(0, size, _BLOCK):
        wanted.update(_bytes(position, _BLOCK))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sink = _Sink()
    file = SourceFile("model.bin", size, "sha256:" + wanted.hexdigest())
    destination = Destination(sink, "bucket", "model.bin", {})
    hub = Hub(f"http://127.0.0.1:{server.server_port}", "owner/model", "main", "", time.sleep)
    begin = time.monotonic()
    try:
        polls = 1
        # The first ends after one part; the hash begins anew, so the file is read back in the end.
        done = upload(hub, file, destination, Budget(0))
        while not done:
            polls += 1
            done = upload(hub, file, destination, Budget(95))
    finally:
        server.shutdown()
        server.server_close()
    seconds = time.monotonic() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    is_right = sink.digest.hexdigest() == wanted.hexdigest() and polls > 1
    return megabytes / seconds, peak, is_right


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deploy", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--megabytes", type=int, default=3000, help="size of the file (3,000)")
    options = parser.parse_args(arguments)
    speed, peak, is_right = measure(options.megabytes)
    print(f"staged {options.megabytes} MB from a stand-in hub, ended once and resumed")
    print(f"{speed:.0f} MB/s, hub, hashing and reading back included, on this machine")
    print(f"{peak:.0f} MB peak memory, of which the limit is {LIMIT_MB}")
    print(f"digest {'right' if is_right else 'WRONG'}")
    return 0 if is_right and peak <= LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
