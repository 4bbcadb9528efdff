# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``WhisperModel.transcribe`` behind a lock, served like SageMaker Runtime.

Serves like the stack that ships with LCA: one request at a time. Without proxy, queue or other
process in between, it is faster than the original.
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
    """Load the model; return a server that is ready; port 0 picks a free one."""
    model = Locked(DEMO_MODEL)

    class InvocationHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Send headers and body together: the body must not wait for the headers' ACK.
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
