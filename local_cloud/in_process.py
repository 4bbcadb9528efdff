# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests by clients in the cloud's own process, answered without a socket.

Half of such a request's time is HTTP. Signatures and everything else are checked as for others.
"""

from collections.abc import Callable, Iterable, Iterator
from email.message import Message
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from local_cloud.access import HEADERS

_Application = Callable[
    [dict[str, Any], Callable[[str, list[tuple[str, str]]], Any]], Iterable[bytes]
]

_WITH_TIMEOUTS = "sagemaker-runtime"
"""The service whose clients' timeouts matter, which only a socket has."""


class InProcessTransport:
    """Sends requests to `application`, a WSGI application that is served at `url`."""

    def __init__(self, application: _Application, url: str) -> None:
        self._application = application
        self._host = urlsplit(url).netloc

    def register(self, events: Any) -> None:
        """Take over the requests of a client or session, given its event emitter."""
        events.register("before-send", self._send)

    def _send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse | None:
        """Return the answer; None if the request is for a socket."""
        if urlsplit(request.url).netloc != self._host or _WITH_TIMEOUTS in event_name.split("."):
            return None
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
            begun.append((status, headers))

        chunks = self._application(_environ(request), start)
        body = _Body(b"".join(chunks))
        status, headers = begun[-1]
        return AWSResponse(request.url, int(status.split()[0]), dict(headers), body)


class _Body(BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, amt: int = 65536) -> Iterator[bytes]:
        while chunk := self.read(amt):
            yield chunk


def _environ(request: AWSPreparedRequest) -> dict[str, Any]:
    """Return the WSGI environ that the server makes of a request."""
    url, body = urlsplit(request.url), _content(request.body)
    raw = request.url.partition(url.netloc)[2]
    headers = Message()
    headers["Host"] = url.netloc
    for name, value in request.headers.items():
        headers[name] = value.decode("latin-1") if isinstance(value, bytes) else value
    del headers["Content-Length"], headers["Transfer-Encoding"]
    headers["Content-Length"] = str(len(body))
    variables = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return variables | {
        "CONTENT_LENGTH": headers["Content-Length"],
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "PATH_INFO": unquote(url.path).encode().decode("latin-1"),
        "QUERY_STRING": url.query,
        "RAW_URI": raw,
        "REMOTE_ADDR": "127.0.0.1",
        "REQUEST_METHOD": request.method,
        "REQUEST_URI": raw,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": BytesIO(body),
        "wsgi.multithread": True,
        "wsgi.url_scheme": url.scheme,
        HEADERS: headers,
    }


def _content(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode()
    return bytes(body.read() if hasattr(body, "read") else body or b"")
