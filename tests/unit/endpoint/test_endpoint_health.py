# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The health route fails after repeated failures of the engine, and recovers when they age."""

import asyncio
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from whisper_endpoint import proxy
from whisper_endpoint.body_carrier import BodyCarrier
from whisper_endpoint.engine_starts import EngineStarts
from whisper_endpoint.health_gate import HealthGate


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
    starts = EngineStarts(Memory(), clock)
    assert starts.failures(2, 600) == 0
    for expected in (0, 0, 1, 2):
        starts.record()
        clock.now += 1
        assert starts.failures(2, 600) == expected


def test_failures_age() -> None:
    clock = Clock()
    starts = EngineStarts(Memory(), clock)
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
    starts = EngineStarts(memory, clock)
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


def test_the_route_fails_from_the_given_number_on_and_nothing_else_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("whisper_endpoint.health_gate._MEMORY_S", 0)
    failures = 0
    client = TestClient(HealthGate(serve, lambda: failures, max_failures=3))
    assert client.get("/-/healthz").status_code == 200
    failures = 2
    assert client.get("/-/healthz").status_code == 200
    failures = 3
    answer = client.get("/-/healthz")
    assert answer.status_code == 503
    assert "started again 3 times" in answer.text
    assert client.get("/").text == "/"
    failures = 0
    assert client.get("/-/healthz").text == "/-/healthz"


def test_what_is_not_http_passes() -> None:
    passed: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        passed.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        return None

    gate = HealthGate(app, lambda: 10, max_failures=1)
    asyncio.run(gate({"type": "lifespan"}, nothing, nothing))
    assert passed == ["lifespan"]


def test_the_gate_and_the_carrier_stand_before_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("whisper_endpoint.logs.configure", lambda: None)
    assert [one.cls for one in proxy.middlewares()] == [HealthGate, BodyCarrier]
