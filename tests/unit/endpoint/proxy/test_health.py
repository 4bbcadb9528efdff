# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The health route fails when the engine fails again and again, or no ingress runs."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import whisper_endpoint as endpoint_program
from whisper_endpoint.metrics import emf
from whisper_endpoint.proxy.body import BodyMiddleware
from whisper_endpoint.proxy.dispatch import DispatchMiddleware
from whisper_endpoint.proxy.engine_restarts import EngineRestarts
from whisper_endpoint.proxy.health import HealthMiddleware
from whisper_endpoint.proxy.middlewares import middlewares
from whisper_endpoint.proxy.origins import OriginsMiddleware
from whisper_endpoint.proxy.readiness import ReadinessMiddleware
from whisper_endpoint.proxy.realtime.middleware import RealtimeMiddleware
from whisper_endpoint.proxy.realtime.secret_routes import SecretsMiddleware
from whisper_endpoint.proxy.routes import RoutesMiddleware


class Memory:
    def __init__(self) -> None:
        self.content: set[str] = set()

    def add(self, key: str) -> None:
        self.content.add(key)

    def remove(self, key: str) -> None:
        self.content.remove(key)

    def keys(self) -> list[str]:
        return list(self.content)


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def test_the_first_start_of_each_replica_is_no_failure() -> None:
    clock = Clock()
    starts = EngineRestarts(Memory(), clock)
    assert starts.failures(2, 600) == 0
    for expected in (0, 0, 1, 2):
        starts.record()
        clock.now += 1
        assert starts.failures(2, 600) == expected


def test_failures_age() -> None:
    clock = Clock()
    starts = EngineRestarts(Memory(), clock)
    for _ in range(4):
        starts.record()
        clock.now += 100
    assert starts.failures(1, 250) == 2
    clock.now += 1000
    assert starts.failures(1, 250) == 0
    starts.record()
    assert starts.failures(1, 250) == 1


def test_the_record_is_bounded_and_keeps_first_and_last() -> None:
    clock, memory = Clock(), Memory()
    starts = EngineRestarts(memory, clock)
    for _ in range(2000):
        starts.record()
        clock.now += 1
    assert len(memory.content) <= 1100
    assert starts.failures(1, 100) == 100
    assert starts.failures(1, 10_000) >= 1000


async def serve(scope: Scope, receive: Receive, send: Send) -> None:
    """What Serve's proxy does: well, whatever the engine does."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


def test_the_route_fails_from_the_given_number_on_and_nothing_else_does() -> None:
    failures = 0
    ingresses = 1
    client = TestClient(HealthMiddleware(serve, lambda: failures, 3, lambda: ingresses))
    assert client.get("/-/healthz").status_code == 200
    failures = 2
    assert client.get("/-/healthz").status_code == 200
    failures = 3
    answer = client.get("/-/healthz")
    assert answer.status_code == 503
    assert "restarted 3 times" in answer.text
    assert client.get("/").text == "/"
    failures, ingresses = 0, 0
    answer = client.get("/-/healthz")
    assert (answer.status_code, answer.text) == (503, "No ingress process accepts requests.")
    ingresses = 2
    assert client.get("/-/healthz").text == "/-/healthz"


def test_what_is_not_http_passes() -> None:
    passed: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        return None

    gate = HealthMiddleware(app, lambda: 10, max_failures=1, count_ingresses=lambda: 0)
    asyncio.run(gate({"type": "lifespan"}, nothing, nothing))
    assert passed == ["lifespan"]


def test_health_stays_as_it_was_while_nothing_can_be_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("whisper_endpoint.proxy.health._WAIT_S", 0.01)
    hanging, go_on = 0, threading.Event()

    def count() -> int:
        nonlocal hanging
        hanging += 1
        assert go_on.wait(30)
        raise OSError("Ray is starting")

    async def ask() -> list[int]:
        gate = HealthMiddleware(serve, count, max_failures=1, count_ingresses=lambda: 1)
        try:
            return [await _health(gate) for _ in range(3)]
        finally:
            go_on.set()

    assert asyncio.run(ask()) == [200, 200, 200]
    assert hanging == 1


def test_nobody_waits_for_what_is_looked_up_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whisper_endpoint.proxy.health._PERIOD_S", 0)
    monkeypatch.setattr("whisper_endpoint.proxy.health._WAIT_S", 600)
    is_busy, go_on = threading.Event(), threading.Event()
    go_on.set()
    ingresses = 1

    def count() -> int:
        is_busy.set()
        assert go_on.wait(30)
        return ingresses

    async def ask() -> None:
        nonlocal ingresses
        gate = HealthMiddleware(serve, lambda: 0, max_failures=1, count_ingresses=count)
        assert await _health(gate) == 200
        try:
            go_on.clear()
            is_busy.clear()
            assert await asyncio.to_thread(is_busy.wait, 30)
            assert await _health(gate) == 200  # the controller takes its time
            ingresses = 0
        finally:
            go_on.set()
        while await _health(gate) == 200:  # it is told in time without having been waited for
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(ask(), 30))


class Proxy:
    """Serve's proxy: it answers its health route at once, and the rest as it is told."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[bytes] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status = 200
        if scope["path"] == "/":
            request = Request(scope, receive)
            assert (request.method, request.headers["content-type"]) == ("POST", "audio/wav")
            self.bodies.append(await request.body())
            await self.may_answer.wait()
            status = self.statuses.pop(0)
        await PlainTextResponse("", status)(scope, receive, send)


async def _health(gate: ASGIApp) -> int:
    statuses: list[int] = []

    async def send(message: Message) -> None:
        statuses.extend([message["status"]] if "status" in message else [])

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "GET", "path": "/-/healthz", "headers": []}
    await gate(scope, nothing, send)
    return statuses[0]


@pytest.mark.parametrize("answer", [200, 400])
def test_health_waits_for_a_first_request_and_no_longer(answer: int) -> None:
    serve_proxy = Proxy(404, 503, answer)
    gate = ReadinessMiddleware(serve_proxy, b"a clip", Memory())

    async def ask() -> list[int]:
        return [await _health(gate) for _ in range(5)]

    assert asyncio.run(ask()) == [503, 503, 200, 200, 200]
    assert serve_proxy.bodies == [b"a clip"] * 3


def test_health_is_answered_while_the_first_request_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whisper_endpoint.proxy.readiness._WAIT_S", 0.01)

    async def ask() -> None:
        serve_proxy = Proxy(200)
        gate = ReadinessMiddleware(serve_proxy, b"a clip", Memory())
        serve_proxy.may_answer.clear()
        assert [await _health(gate) for _ in range(3)] == [503] * 3
        serve_proxy.may_answer.set()
        while await _health(gate) == 503:
            pass
        assert serve_proxy.bodies == [b"a clip"]

    asyncio.run(asyncio.wait_for(ask(), 30))


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """What Serve's proxy does when its replica dies over a request."""


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise OSError("Ray is starting")


@pytest.mark.parametrize("app", [silent, broken])
def test_health_fails_while_the_first_request_gets_no_answer(
    app: ASGIApp, caplog: pytest.LogCaptureFixture
) -> None:
    memory = Memory()
    assert asyncio.run(_health(ReadinessMiddleware(app, b"a clip", memory))) == 503
    assert "the first request" in caplog.text
    assert memory.content == set()


def test_a_proxy_that_replaces_another_one_does_not_try_again() -> None:
    first, second, memory = Proxy(200), Proxy(), Memory()
    assert asyncio.run(_health(ReadinessMiddleware(first, b"a clip", memory))) == 200
    assert asyncio.run(_health(ReadinessMiddleware(second, b"a clip", memory))) == 200
    assert (first.bodies, second.bodies) == ([b"a clip"], [])


def test_nobody_else_waits_for_the_first_request() -> None:
    serve_proxy = Proxy(200)
    client = TestClient(ReadinessMiddleware(serve_proxy, b"a clip", Memory()))
    answer = client.post("/", content=b"theirs", headers={"content-type": "audio/wav"})
    assert (answer.status_code, serve_proxy.bodies) == (200, [b"theirs"])


def test_the_gates_and_the_carrier_stand_before_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whisper_endpoint.logs.configure", lambda: None)
    published: list[tuple[object, ...]] = []
    monkeypatch.setattr(emf, "publish", lambda *arguments: published.append(arguments))
    found = middlewares()
    classes: list[object] = [one.cls for one in found]
    # What a session asks for, and the first request, come with their bodies.
    gates = [ReadinessMiddleware, HealthMiddleware]
    doors = [OriginsMiddleware, RoutesMiddleware]
    carriers = [DispatchMiddleware, SecretsMiddleware, BodyMiddleware, RealtimeMiddleware]
    assert classes == [*carriers, *gates, *doors]
    clip = found[4].kwargs["clip"]
    assert isinstance(clip, bytes)
    assert clip[:4] == b"RIFF"
    # What the carrier counts is written down, as by the others.
    ((signals, process, _, archive),) = published
    assert signals is found[0].kwargs["signals"]
    assert process == "proxy"
    assert archive == Path(endpoint_program.__file__).parents[1]
