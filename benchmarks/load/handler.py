# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``WhisperModel.transcribe`` behind a lock, as a SageMaker Runtime of its own.

The way the stack that ships with LCA serves: one request at a time. There is no proxy, no queue
and no other process between it and the caller, which is kinder than the original.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benchmarks.bench.variants.baseline import Locked
from benchmarks.references import DEMO_MODEL


class _OneAtATimeServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def server(port: int) -> ThreadingHTTPServer:
    """Load the model and return a server that is ready to serve; port 0 for a free one."""
    model = Locked(DEMO_MODEL)

    class InvocationHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body leave together: an answer must not wait for the acknowledgement of its head.
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self._answer(200, b"{}")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            try:
                reply = model.answer(body)
            except (ValueError, KeyError, OSError) as error:
                self._answer(400, json.dumps({"error": str(error)}).encode())
                return
            self._answer(200, json.dumps({"text": reply.text}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Keep requests out of the terminal."""

    return _OneAtATimeServer(("127.0.0.1", port), InvocationHandler)


if __name__ == "__main__":
    server(int(sys.argv[1])).serve_forever()
