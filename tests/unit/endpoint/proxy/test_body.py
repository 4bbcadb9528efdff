# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whatever way a body takes from the proxy to the ingress, it arrives whole or not at all."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

import whisper_contract
from tests.schemas import validate
from whisper_endpoint.errors import Overloaded
from whisper_endpoint.ingress.handler import HttpRequest
from whisper_endpoint.metrics.collector import PROXY_COUNTS, Metric, Reading, Signals
from whisper_endpoint.proxy.body import BodyMiddleware
from whisper_endpoint.proxy.uploads import Uploads

DISCONNECT = {"type": "http.disconnect"}
SCOPE: dict[str, Any] = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "headers": [],
    "server": ("endpoint", 80),
    "query_string": b"",
}


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Proxy:
    """What is behind the carrier: notes what comes to it, as the ingress would see it."""

    def __init__(self) -> None:
        self.body = b""
        self.came_with_it = False
        self.last: Message = {}
        self.abandoned = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del send
        taken = 0

        async def counted() -> Message:
            nonlocal taken
            taken += 1
            return await receive()

        async for part in HttpRequest.of(Request(scope, counted)).body:
            self.body += part
        self.came_with_it = taken == 0
        if self.came_with_it:
            await receive()
        self.last = await receive()


def carry(messages: list[Message], most_bytes: int = 100) -> Proxy:
    waiting = iter([*messages, DISCONNECT])
    proxy = Proxy()

    async def receive() -> Message:
        return next(waiting)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    uploads, signals = Uploads(10_000, timeout_s=60), Signals(PROXY_COUNTS)
    asyncio.run(BodyMiddleware(proxy, uploads, signals, 1_000, most_bytes)(SCOPE, receive, send))
    proxy.abandoned = signals.read().counts[Metric.ABANDONED]
    assert uploads.bytes_held == 0
    return proxy


def test_a_body_comes_with_its_request_and_who_hangs_up_is_seen() -> None:
    proxy = carry([piece(b"a" * 60), piece(b"b" * 39), piece(b"c", more=False)])
    assert proxy.body == b"a" * 60 + b"b" * 39 + b"c"
    assert proxy.came_with_it
    assert proxy.last == DISCONNECT
    assert proxy.abandoned == 0  # who hangs up from now on is the ingress's to count


def test_a_request_without_a_body_has_none() -> None:
    proxy = carry([piece(b"", more=False)])
    assert proxy.body == b""
    assert proxy.last == DISCONNECT


@pytest.mark.parametrize("pieces", [[101], [60, 41], [60, 41, 500], [999, 1, 1, 1]])
def test_a_large_body_is_fetched_and_nothing_of_it_is_lost(pieces: list[int]) -> None:
    messages = [piece(b"x" * size, more=True) for size in pieces]
    messages[-1]["more_body"] = False
    proxy = carry(messages)
    assert proxy.body == b"x" * sum(pieces)
    assert not proxy.came_with_it
    assert proxy.last == DISCONNECT


def test_a_large_body_is_given_on_a_little_at_a_time() -> None:
    """Serve writes all that waits of a body into one message, and answers nobody meanwhile."""
    waiting, taken = list[int](), list[int]()

    async def ingress() -> None:
        while True:
            taken.append(sum(waiting))
            waiting.clear()
            await asyncio.sleep(0)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        asking = asyncio.create_task(ingress())
        while (message := await receive()) != DISCONNECT:
            waiting.append(len(message["body"]))
        await asyncio.sleep(0)
        asking.cancel()

    messages = iter([*(piece(bytes(65_536)) for _ in range(64)), piece(b"", more=False)])

    async def receive() -> Message:
        return next(messages, DISCONNECT)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    body = BodyMiddleware(serve, Uploads(16 * MIB, 60), Signals(PROXY_COUNTS), 8 * MIB, 100)
    asyncio.run(body(SCOPE, receive, send))
    assert sum(taken) == 4 * MIB
    assert max(taken) == MIB


def test_who_hangs_up_before_the_end_has_sent_no_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    proxy = carry([piece(b"half")])
    assert (proxy.body, proxy.last) == (b"", {})
    assert "hung up after 4 bytes" in caplog.text
    assert proxy.abandoned == 1


def test_what_is_no_request_is_passed_on() -> None:
    seen = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        del receive, send
        seen.append(scope)

    async def never() -> Message:
        raise AssertionError

    async def nothing(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "lifespan"}
    asyncio.run(BodyMiddleware(app, Uploads(1, 1), Signals(()), 1)(scope, never, nothing))
    assert seen == [scope]


class Caller:
    """Sends a body of which the rest comes when it is told to."""

    def __init__(self, middleware: BodyMiddleware, *sizes: int) -> None:
        self._pieces = [piece(bytes(size)) for size in sizes]
        self._rest = asyncio.Event()
        self.sent: list[Message] = []
        self.answered = asyncio.create_task(
            asyncio.wait_for(middleware(SCOPE, self._receive, self._send), 30)
        )

    def finish(self) -> None:
        self._rest.set()

    @property
    def refusal(self) -> tuple[int, str]:
        start, body = self.sent
        document = json.loads(body["body"])
        validate(document, whisper_contract.error_schema())
        assert (b"connection", b"close") in start["headers"]
        return start["status"], document["code"]

    async def _receive(self) -> Message:
        if self._pieces:
            return self._pieces.pop(0)
        await self._rest.wait()
        return piece(b"", more=False)

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


def in_proxy(
    scenario: Callable[[BodyMiddleware, Uploads, list[Scope]], Awaitable[None]],
    max_bytes: int,
    timeout_s: float = 60,
) -> Reading:
    """Run a scenario before a proxy that notes what comes to it; return what was counted."""
    uploads, came = Uploads(max_bytes, timeout_s), list[Scope]()
    signals = Signals(PROXY_COUNTS)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        came.append(scope)

    async def run() -> None:
        proxy = BodyMiddleware(app, uploads, signals, 100 * MIB, 8 * MIB)
        await scenario(proxy, uploads, came)

    asyncio.run(run())
    assert uploads.bytes_held == 0
    return signals.read()


MIB = 1024 * 1024


def test_who_stops_in_the_middle_is_refused() -> None:
    async def scenario(proxy: BodyMiddleware, uploads: Uploads, came: list[Scope]) -> None:
        stalled = [Caller(proxy, 1_000) for _ in range(3)]
        for one in stalled:
            await one.answered
            assert one.refusal == (408, "BodyTooSlow")
        assert came == []

    assert in_proxy(scenario, MIB, timeout_s=0.01).errors == {"BodyTooSlow": 3}


def test_bodies_that_stop_in_the_middle_give_way_and_live_ones_arrive() -> None:
    async def scenario(proxy: BodyMiddleware, uploads: Uploads, came: list[Scope]) -> None:
        stalled = []
        for _ in range(200):
            stalled.append(Caller(proxy, *[64 * 1024] * 126))
            live = Caller(proxy, 500_000)
            live.finish()
            await live.answered
            assert uploads.bytes_held <= 64 * MIB
        assert len(came) == 200
        await asyncio.sleep(0.05)  # the last one learns of it
        refused = [one for one in stalled if one.answered.done()]
        assert refused == stalled[: len(refused)]
        assert 190 <= len(refused) < 200
        assert {one.refusal for one in refused} == {(503, "Overloaded")}
        for one in stalled[len(refused) :]:
            one.finish()
            await one.answered
        assert len(came) == 400 - len(refused)

    errors = in_proxy(scenario, 64 * MIB).errors
    assert errors.keys() == {"Overloaded"}
    assert 190 <= errors["Overloaded"] < 200


def test_bodies_that_are_being_answered_keep_their_memory_and_leave_some_to_live_ones() -> None:
    answer = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await answer.wait()

    async def scenario() -> None:
        uploads = Uploads(8 * MIB, 60)
        proxy = BodyMiddleware(app, uploads, Signals(PROXY_COUNTS), 100 * MIB)
        callers = [Caller(proxy, 3 * MIB), Caller(proxy, 3 * MIB), Caller(proxy, MIB)]
        for one in callers:
            one.finish()
        await asyncio.sleep(0.01)
        assert uploads.bytes_held == 7 * MIB
        for size in (3 * MIB, 2 * MIB):
            more = Caller(proxy, size)
            more.finish()
            await more.answered
            assert more.refusal == (503, "Overloaded")
        answer.set()
        for one in callers:
            await one.answered
        assert uploads.bytes_held == 0

    asyncio.run(scenario())


def test_what_is_not_live_leaves_a_quarter_of_the_memory() -> None:
    uploads = Uploads(8 * MIB, 60)
    with uploads.request() as held, uploads.request() as large:
        uploads.grow(held, 4 * MIB)
        with pytest.raises(Overloaded):
            uploads.grow(large, 2 * MIB + 1)
    with uploads.request() as held, uploads.request() as live:
        uploads.grow(held, 6 * MIB)
        uploads.grow(live, 2 * MIB)
        assert uploads.bytes_held == 8 * MIB
    assert uploads.bytes_held == 0
