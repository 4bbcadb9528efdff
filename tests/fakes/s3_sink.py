# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An S3 that takes multipart uploads and keeps only their size, to measure the sender's memory."""

import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_XML = '<?xml version="1.0"?><{0} xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{1}</{0}>'


class S3Sink:
    """Serves one upload within a ``with`` block."""

    def __init__(self):
        self.received = 0
        self.tagged = 0
        sink = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self._answer(404)

            def do_GET(self):
                self._answer(200, _XML.format("ListMultipartUploadsResult", ""))

            def do_POST(self):
                query = urllib.parse.urlsplit(self.path).query
                self._drain()
                if query.startswith("uploads"):
                    body = _XML.format("InitiateMultipartUploadResult", "<UploadId>only</UploadId>")
                else:
                    body = _XML.format("CompleteMultipartUploadResult", "<ETag>e</ETag>")
                self._answer(200, body)

            def do_PUT(self):
                is_tagging = "tagging" in urllib.parse.urlsplit(self.path).query
                size = self._drain()
                sink.tagged += is_tagging
                sink.received += 0 if is_tagging else size
                self._answer(200)

            def _drain(self):
                size = left = int(self.headers["Content-Length"])
                while left:
                    left -= len(self.rfile.read(min(left, 1 << 16)))
                return size

            def _answer(self, status, body=""):
                self.send_response(status)
                self.send_header("ETag", '"etag"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
