# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Connections that send no whole request: uvicorn, Serve's web server, would wait for ever.

Serve has no option for it, and no middleware sees a connection before its headers are complete. Nor
does any see what is no HTTP, which uvicorn refuses in words that are not the contract's.
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

# Seconds from the connection, or a further request's first byte, to the end of the headers.
_HEADERS_S = 10.0
# A caller of SageMaker has a few thousand bytes of them.
_HEADER_BYTES = 64 * 1024
# A colon and a blank in a header's line, and its end.
_BETWEEN_BYTES = 4
_MOST_CONNECTIONS = 1_000
_UPGRADE = re.compile(rb"(?i)(?<=\r\n)upgrade(?=:)")
_WEBSOCKET = re.compile(rb"(?i)\r\nupgrade:[ \t]*websocket[ \t]*(\r\n|$)")
_HAS_BODY = re.compile(rb"(?i)\r\n(content-length|transfer-encoding):")
_BODY_HEADERS = {b"content-length", b"transfer-encoding"}
_NO_HTTP = (
    "The request is no HTTP/1.1 that can be read: send header lines of name: value, one length of "
    "the body (Content-Length, or Transfer-Encoding: chunked), and nothing behind the body."
)
_TOO_MANY_HEADERS = "The request's headers have more than 64 KB: send fewer or shorter ones."
# After which it is looked again whether a ping was answered that nobody has read the answer of.
_PONG_S = 1.0
# Of a WebSocket's message: as base64 a minute of PCM at 24 kHz.
_MESSAGE_BYTES = 4 * 1024 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's connection, closed when its headers take too long, are too large, or too many.

    When there are too many connections, one that has had no answer gives way first, and of these
    the oldest; one whose answer is being made stays.
    """

    _made = 0.0
    _header_bytes = 0
    _named_bytes = 0
    _closing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request's headers."""
        super().connection_made(transport)
        self._made = time.monotonic()
        self._await_headers()
        if len(self.connections) > _most_connections():
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless the headers have no end."""
        cycle: Any = self.cycle  # None until there is one
        is_first = not self._header_bytes and (cycle is None or not cycle.more_body)
        super().data_received(_without_upgrade(data) if is_first else data)
        if self._closing is not None:
            self._header_bytes += len(data)
            if self._header_bytes > _HEADER_BYTES:
                self._refuse(_TOO_MANY_HEADERS)

    def on_message_begin(self) -> None:
        """Wait for the headers of a request that begins."""
        super().on_message_begin()
        self._named_bytes = 0
        self._await_headers()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what is raised here comes out as a request that is no HTTP."""
        super().on_header(name, value)
        self._named_bytes += len(name) + len(value) + _BETWEEN_BYTES
        if self._named_bytes > _HEADER_BYTES:
            raise ValueError

    def on_headers_complete(self) -> None:
        """Let the request take its way: its body has a deadline of its own."""
        self._stop_waiting()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
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
        """Whether a WebSocket begins: what has a body, or another method, would wait for ever."""
        names = {name for name, _ in self.headers}
        is_handshake = self.parser.get_method() == b"GET" and not names & _BODY_HEADERS
        return bool(is_handshake and super()._should_upgrade())

    def _unsupported_upgrade_warning(self) -> None:
        """Refuse what was not recognised in time: the parser has left its body out."""
        self._refuse(_NO_HTTP)

    @property
    def is_being_answered(self) -> bool:
        """Whether a whole request waits for its answer."""
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
        if self.is_being_answered:  # the next request came before the answer to this one
            self._await_headers()
        else:
            self.transport.close()

    def _make_room(self) -> None:
        """Abort one of too many; WebSockets, which have a limit of their own, do not count."""
        others = [one for one in self.connections if isinstance(one, BoundedProtocol)]
        if len(others) <= _most_connections():
            return
        idle = (one for one in others if not one.is_being_answered)
        oldest = min(idle, key=lambda one: (one.cycle is not None, one._made))
        oldest.transport.abort()
        self.connections.discard(oldest)  # it would be told later, and chosen again until then


class BoundedWebSocket(AutoWebSocketsProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's WebSocket, whose memory its client cannot make grow.

    It is without compression, which would take more memory than all else of one.
    """

    frames: list[bytes | bytearray]

    def __init__(self, config: uvicorn.config.Config, *others: Any, **more: Any) -> None:
        config.ws_per_message_deflate = False
        config.ws_max_size = _MESSAGE_BYTES
        super().__init__(config, *others, **more)

    def handle_cont(self, event: Any) -> None:
        """Add a fragment to its message: as objects, a million of a byte each would take 60 MB."""
        message: bytes | bytearray = self.frames[0]
        if not isinstance(message, bytearray):
            message = bytearray(message)
        message += event.data
        self.frames = [bytes(message) if event.fin else message]
        if event.fin:
            self.send_receive_event_to_app()

    def handle_ping(self) -> None:
        """Answer, unless earlier answers are not read yet: RFC 6455 asks for the last alone."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def keepalive_timeout(self) -> None:
        """Hang up, unless the answer may be there and it is us who do not read."""
        if self.read_paused and self.writable.is_set():
            self.pong_timer = self.loop.call_later(_PONG_S, self.keepalive_timeout)
            return
        super().keepalive_timeout()
        if not self.writable.is_set():
            self.transport.abort()  # what nobody reads would keep it open


def _without_upgrade(data: bytes) -> bytes:
    """Return a request that asks for no other protocol, unless it is a WebSocket's.

    Java's client asks for HTTP/2 with every request to a plain address, and the parser would take
    the body for what the other protocol sends. A server may take no notice of it (RFC 9110, 7.8).
    """
    head, end, body = data.partition(b"\r\n\r\n")
    if head.startswith(b"GET ") and _WEBSOCKET.search(head) and not _HAS_BODY.search(head):
        return data
    return _UPGRADE.sub(b"x-not-upgraded", head) + end + body


def install() -> None:
    """Let every web server that is started in this process from now on use them."""
    uvicorn.config.HTTP_PROTOCOLS["auto"] = _path(BoundedProtocol)
    uvicorn.config.WS_PROTOCOLS["auto"] = _path(BoundedWebSocket)


def _path(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _most_connections() -> int:
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(_MOST_CONNECTIONS, files // 2)
