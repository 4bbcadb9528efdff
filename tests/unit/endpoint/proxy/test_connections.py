# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Serve's web server, with connections that send half of something and stop."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection

import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from whisper_endpoint.metrics.collector import PROXY_COUNTS, Signals
from whisper_endpoint.proxy import connections
from whisper_endpoint.proxy.body import BodyMiddleware
from whisper_endpoint.proxy.uploads import Uploads

MIB = 1024 * 1024


async def ingress(scope: Scope, receive: Receive, send: Send) -> None:
    body = scope["extensions"]["whisper_endpoint.body"]
    await PlainTextResponse(str(len(body)))(scope, receive, send)


class Proxy:
    """The web server as Serve starts it, in a thread."""

    def __init__(self, app: ASGIApp) -> None:
        connections.install()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
        self.server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self.server.serve([self.socket]))
        )
        self._thread.start()

    def send(self, data: bytes) -> socket.socket:
        """Connect and send something."""
        one = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        one.sendall(data)
        return one

    def post(self, body: bytes) -> tuple[int, bytes]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", "/", body)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def stop(self) -> None:
        self.server.should_exit = self.server.force_exit = True
        self._thread.join()
        self.socket.close()


def everything(one: socket.socket) -> bytes:
    """What comes until the other side closes."""
    with one:
        received = b""
        try:
            while data := one.recv(65_536):
                received += data
        except ConnectionResetError:
            pass
        return received


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    monkeypatch.setattr(connections, "_HEADERS_S", 0.2)
    uploads = Uploads(64 * MIB, timeout_s=1)
    one = Proxy(BodyMiddleware(ingress, uploads, Signals(PROXY_COUNTS), 25 * MIB))
    yield one
    one.stop()


WHOLE = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"


@pytest.mark.parametrize(
    "sent", [b"", b"PO", WHOLE[:30], WHOLE + WHOLE[:30], b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500]
)
def test_headers_that_do_not_come_close_the_connection(proxy: Proxy, sent: bytes) -> None:
    received = everything(proxy.send(sent))
    assert received.count(b"200 OK") == sent.count(WHOLE)
    assert proxy.post(b"abc") == (200, b"3")


def test_headers_without_end_close_the_connection(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_HEADERS_S", 60)
    one = proxy.send(b"GET / HTTP/1.1\r\n")
    with pytest.raises(OSError, match=r"reset|Broken"):
        while True:
            one.sendall(b"a: b\r\n" * 1_000)
    one.close()


def test_a_body_that_does_not_come_is_refused_and_its_connection_closed(proxy: Proxy) -> None:
    received = everything(proxy.send(WHOLE[:-1]))
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"BodyTooSlow" in received


def test_200_uploads_that_stop_hold_up_nobody(proxy: Proxy) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n"
    stalled = [proxy.send(head + bytes(200_000)) for _ in range(200)]
    assert proxy.post(bytes(500_000)) == (200, b"500000")
    statuses = {everything(one)[9:12] for one in stalled}
    assert statuses == {b"408"}
    assert proxy.post(b"abc") == (200, b"3")


def test_of_too_many_connections_the_oldest_without_an_answer_gives_way(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_MOST_CONNECTIONS", 3)
    monkeypatch.setattr(connections, "_HEADERS_S", 60)
    known = HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    known.request("POST", "/", b"abc")
    assert known.getresponse().read() == b"3"
    idle = [proxy.send(b"PO") for _ in range(10)]
    assert [everything(one) for one in idle[:8]] == [b""] * 8
    known.request("POST", "/", b"abcd")
    assert known.getresponse().read() == b"4"
    known.close()
    for one in idle[8:]:
        one.close()


def test_a_request_that_is_being_answered_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_HEADERS_S", 0.1)
    monkeypatch.setattr(connections, "_MOST_CONNECTIONS", 2)

    begun = threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        begun.set()
        await asyncio.sleep(0.5)
        await PlainTextResponse("late")(scope, receive, send)

    proxy = Proxy(slow)
    try:
        waiting = proxy.send(WHOLE + WHOLE[:20])
        assert begun.wait(30)
        others = [proxy.send(b"") for _ in range(4)]
        assert b"late" in everything(waiting)
        for one in others:
            one.close()
    finally:
        proxy.stop()


def test_of_too_many_connections_none_gives_way_whose_answer_is_being_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(connections, "_MOST_CONNECTIONS", 2)
    begun, answer = threading.Semaphore(0), threading.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        begun.release()
        await asyncio.to_thread(answer.wait, 30)
        await PlainTextResponse("late")(scope, receive, send)

    proxy = Proxy(slow)
    try:
        waiting = [proxy.send(WHOLE) for _ in range(2)]
        assert all(begun.acquire(timeout=30) for _ in waiting)
        assert everything(proxy.send(b"")) == b""
        answer.set()
        for one in waiting:
            assert b"200 OK" in one.recv(65_536)
            one.close()
    finally:
        answer.set()
        proxy.stop()


class Waiting:
    """Answers once it is told to, unless its caller is gone."""

    def __init__(self) -> None:
        self.begun, self.answer, self.gone = (threading.Event() for _ in range(3))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        self.begun.set()
        leaving = asyncio.ensure_future(receive())
        while not self.answer.is_set():
            if leaving.done():
                self.gone.set()
                return
            await asyncio.sleep(0.01)
        leaving.cancel()
        await PlainTextResponse("late")(scope, receive, send)


@pytest.fixture
def waiting() -> Iterator[tuple[Waiting, Proxy]]:
    app = Waiting()
    proxy = Proxy(app)
    yield app, proxy
    app.answer.set()
    proxy.stop()


def test_a_caller_that_sends_nothing_more_has_its_answer(waiting: tuple[Waiting, Proxy]) -> None:
    app, proxy = waiting
    one = proxy.send(WHOLE)
    one.shutdown(socket.SHUT_WR)
    assert app.begun.wait(30)
    assert one.recv(12) == b"HTTP/1.1 100"
    app.answer.set()
    assert everything(one).endswith(b"late")
    assert not app.gone.is_set()


@pytest.mark.parametrize("is_half_closed", [False, True])
def test_a_caller_that_hangs_up_is_noticed(
    waiting: tuple[Waiting, Proxy], is_half_closed: bool
) -> None:
    app, proxy = waiting
    one = proxy.send(WHOLE)
    assert app.begun.wait(30)
    if is_half_closed:
        one.shutdown(socket.SHUT_WR)
        assert one.recv(12) == b"HTTP/1.1 100"
    one.close()
    assert app.gone.wait(30)


def test_half_a_request_has_no_answer(waiting: tuple[Waiting, Proxy]) -> None:
    app, proxy = waiting
    one = proxy.send(WHOLE[:-1])
    one.shutdown(socket.SHUT_WR)
    assert everything(one) == b""
    assert not app.answer.is_set()
