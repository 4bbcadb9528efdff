# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whatever way a body takes from the proxy to the ingress, it arrives whole."""

import asyncio
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive, Scope, Send

from whisper_endpoint.ingress.handler import HttpRequest
from whisper_endpoint.proxy.body import BodyMiddleware

DISCONNECT = {"type": "http.disconnect"}


def piece(body: bytes, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


class Proxy:
    """What is behind the carrier: notes what comes to it, as the ingress would see it."""

    def __init__(self) -> None:
        self.body = b""
        self.came_with_it = False
        self.last: Message = {}

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

    scope: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}
    scope |= {"server": ("endpoint", 80), "query_string": b""}
    asyncio.run(BodyMiddleware(proxy, most_bytes)(scope, receive, send))
    return proxy


def test_a_body_comes_with_its_request_and_who_hangs_up_is_seen() -> None:
    proxy = carry([piece(b"a" * 60), piece(b"b" * 39), piece(b"c", more=False)])
    assert proxy.body == b"a" * 60 + b"b" * 39 + b"c"
    assert proxy.came_with_it
    assert proxy.last == DISCONNECT


def test_a_request_without_a_body_has_none() -> None:
    proxy = carry([piece(b"", more=False)])
    assert proxy.body == b""
    assert proxy.last == DISCONNECT


@pytest.mark.parametrize("pieces", [[101], [60, 41], [60, 41, 500]])
def test_a_large_body_is_fetched_and_nothing_of_it_is_lost(pieces: list[int]) -> None:
    messages = [piece(b"x" * size, more=True) for size in pieces]
    messages[-1]["more_body"] = False
    proxy = carry(messages)
    assert proxy.body == b"x" * sum(pieces)
    assert not proxy.came_with_it
    assert proxy.last == DISCONNECT


def test_who_hangs_up_before_the_end_has_sent_no_request() -> None:
    with pytest.raises(ClientDisconnect):
        carry([piece(b"half")])


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
    asyncio.run(BodyMiddleware(app)(scope, never, nothing))
    assert seen == [scope]
