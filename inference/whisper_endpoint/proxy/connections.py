# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Limits for connections that never send a complete request: uvicorn would wait forever.

Serve has no option for this, and middlewares see a request only once its headers are complete. Nor
do they see invalid HTTP, which uvicorn refuses with a body that is not the contract's.
"""

import asyncio
import re
import resource
import time
from typing import Any

import uvicorn.config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.auto import AutoWebSocketsProtocol

from whisper_endpoint.errors import InvalidRequest
from whisper_endpoint.proxy.refusals import refusal

# Seconds from the connection, or the first byte of a further request, to the end of the headers.
_HEADERS_S = 10.0
# Requests through SageMaker have a few thousand bytes of headers.
_HEADER_BYTES = 64 * 1024
# Colon, space and CRLF of a header line.
_BETWEEN_BYTES = 4
_MOST_CONNECTIONS = 1_000
_UPGRADE = re.compile(rb"(?i)(?<=\r\n)upgrade(?=:)")
_WEBSOCKET = re.compile(rb"(?i)\r\nupgrade:[ \t]*websocket[ \t]*(\r\n|$)")
_HAS_BODY = re.compile(rb"(?i)\r\n(content-length|transfer-encoding):")
_BODY_HEADERS = {b"content-length", b"transfer-encoding"}
_NO_HTTP = (
    "The request is not valid HTTP/1.1: send header lines of the form name: value, one "
    "length of the body (Content-Length, or Transfer-Encoding: chunked), and nothing "
    "after the body."
)
_TOO_MANY_HEADERS = "The request's headers have more than 64 KB: send fewer or shorter ones."
_INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"
# Seconds between two looks at whether a caller that sends nothing more is still there.
_PROBE_S = 0.25
# Seconds until it is checked again whether a ping was answered, while we do not read.
_PONG_S = 1.0
# Maximum size of a WebSocket message: a minute of 24 kHz PCM in base64.
_MESSAGE_BYTES = 4 * 1024 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's connection, closed if its headers take too long or are too large.

    If there are too many connections, the oldest that has not sent a complete request is closed,
    then the oldest idle one; a connection whose request is being answered stays.
    """

    _made = 0.0
    _header_bytes = 0
    _named_bytes = 0
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start waiting for the headers of the first request."""
        super().connection_made(transport)
        self._made = time.monotonic()
        self._await_headers()
        if len(self.connections) > _most_connections():
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Stay open for a caller that sends nothing more and waits for its answer.

        A caller that hung up looks the same until something is sent to it: an interim response,
        which every client of HTTP/1.1 skips (RFC 9110, 15.2), and which resets its connection.
        """
        cycle: Any = self.cycle  # None until there is one
        if not self.is_being_answered or self.scope["http_version"] != "1.1":
            return False
        cycle.keep_alive = False
        self._probe(cycle)
        return True

    def _probe(self, cycle: Any) -> None:
        if not cycle.response_started and not self.transport.is_closing():
            self.transport.write(_INTERIM)
            self.loop.call_later(_PROBE_S, self._probe, cycle)

    def data_received(self, data: bytes) -> None:
        """Parse data, unless the headers are too large."""
        cycle: Any = self.cycle  # None until there is one
        is_first = not self._header_bytes and (cycle is None or not cycle.more_body)
        super().data_received(_without_upgrade(data) if is_first else data)
        if self._closing is not None:
            self._header_bytes += len(data)
            if self._header_bytes > _HEADER_BYTES:
                self._refuse(_TOO_MANY_HEADERS)

    def on_message_begin(self) -> None:
        """Start waiting for the headers of a further request."""
        super().on_message_begin()
        self._named_bytes = 0
        self._await_headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Record a header; the parser reports an exception raised here as invalid HTTP."""
        super().on_header(name, value)
        self._named_bytes += len(name) + len(value) + _BETWEEN_BYTES
        if self._named_bytes > _HEADER_BYTES:
            raise ValueError

    def on_headers_complete(self) -> None:
        """Stop waiting: the body has its own time-out."""
        self._stop_waiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse invalid HTTP, or headers that are too large, with status 400."""
        del msg
        is_large = self._named_bytes > _HEADER_BYTES
        self._refuse(_TOO_MANY_HEADERS if is_large else _NO_HTTP)

    def _refuse(self, sentence: str) -> None:
        self._stop_waiting()
        answer = refusal(InvalidRequest(sentence))
        lines = [b"%s: %s\r\n" % header for header in answer.raw_headers]
        self.transport.write(b"".join([STATUS_LINE[400], *lines, b"\r\n", answer.body]))
        self.transport.close()

    def _should_upgrade(self) -> bool:
        """Whether this is a WebSocket handshake; with a body or another method it would hang."""
        names = {name for name, _ in self.headers}
        is_handshake = self.parser.get_method() == b"GET" and not names & _BODY_HEADERS
        return bool(is_handshake and super()._should_upgrade())

    def _unsupported_upgrade_warning(self) -> None:
        """Refuse an upgrade that was not filtered out: the parser has skipped the body."""
        self._refuse(_NO_HTTP)

    @property
    def is_being_answered(self) -> bool:
        """Whether a complete request is waiting for its response."""
        cycle: Any = self.cycle  # None until there is one
        return cycle is not None and not cycle.more_body and not cycle.response_complete

    def _await_headers(self) -> None:
        self._stop_waiting()
        self._closing = self.loop.call_later(_HEADERS_S, self._expire)

    def _stop_waiting(self) -> None:
        self._header_bytes = 0
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _expire(self) -> None:
        if self.is_being_answered:  # the next request was pipelined
            self._await_headers()
        else:
            self.transport.close()

    def _make_room(self) -> None:
        """Abort one of too many connections; WebSockets have their own limit and do not count."""
        others = [one for one in self.connections if isinstance(one, BoundedProtocol)]
        if len(others) <= _most_connections():
            return
        idle = (one for one in others if not one.is_being_answered)
        oldest = min(idle, key=lambda one: (one.cycle is not None, one._made))
        oldest.transport.abort()
        self.connections.discard(oldest)  # connection_lost comes later; do not choose it again


class BoundedWebSocket(AutoWebSocketsProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's WebSocket, with bounded memory.

    Compression is off, because it would take more memory than everything else in a session.
    """

    frames: list[bytes | bytearray]

    def __init__(self, config: uvicorn.config.Config, *others: Any, **more: Any) -> None:
        config.ws_per_message_deflate = False
        config.ws_max_size = _MESSAGE_BYTES
        super().__init__(config, *others, **more)

    def handle_cont(self, event: Any) -> None:
        """Join fragments as they arrive: a million of one byte each would take 60 MB as objects."""
        message: bytes | bytearray = self.frames[0]
        if not isinstance(message, bytearray):
            message = bytearray(message)
        message += event.data
        self.frames = [bytes(message) if event.fin else message]
        if event.fin:
            self.send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer, unless the client does not read: RFC 6455 requires only the latest pong."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """Close the connection, unless we have paused reading and the pong may have arrived."""
        if self.read_paused and self.writable.is_set():
            self.pong_timer = self.loop.call_later(_PONG_S, self.keepalive_timeout)
            return
        super().keepalive_timeout()
        if not self.writable.is_set():
            self.transport.abort()  # unread data would keep the connection open


def _without_upgrade(data: bytes) -> bytes:
    """Return a request without its Upgrade header, unless it is a WebSocket handshake.

    Java's client offers HTTP/2 with every request to an http:// address, and the parser would take
    the body for data of the other protocol. A server may ignore the header (RFC 9110, 7.8).
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if head.startswith(b"GET ") and _WEBSOCKET.search(head) and not _HAS_BODY.search(head):
        return data
    return _UPGRADE.sub(b"x-not-upgraded", head) + end + body


def install() -> None:
    """Use these protocols in every uvicorn server started in this process from now on."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = _path(BoundedProtocol)
    uvicorn.config.WS_PROTOCOLS["auto"] = _path(BoundedWebSocket)


def _path(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _most_connections() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MOST_CONNECTIONS, files // 2)
