# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who may open a session, how many there are, and how they end."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import websockets

from tests.unit.endpoint.proxy.realtime.conftest import CountingIngress, SessionHost, speech
from whisper_endpoint.proxy import connections
from whisper_endpoint.proxy.realtime import session as realtime_session
from whisper_endpoint.proxy.realtime.middleware import RealtimeMiddleware
from whisper_endpoint.settings import EndpointSettings

Start = Callable[..., SessionHost]


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


@pytest.mark.parametrize(
    ("path", "options", "status", "code"),
    [
        ("/v1/other", {}, 404, "NotFound"),
        ("/v1/realtime", {"origin": "https://evil.example"}, 403, "OriginNotAllowed"),
        ("/invocations-bidirectional-stream", {"origin": "null"}, 403, "OriginNotAllowed"),
    ],
)
def test_who_may_not_connect_is_told_why(
    host: Start, path: str, options: dict[str, str], status: int, code: str
) -> None:
    url = host(allowed_origins=("https://desk.example",))

    async def scenario() -> None:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with url.client(path, **options):
                pass
        assert refused.value.response.status_code == status
        assert code.encode() in (refused.value.response.body or b"")

    run(scenario())


def test_pages_that_the_operator_allows_and_programs_may_connect(host: Start) -> None:
    url = host(allowed_origins=("https://desk.example",))

    async def scenario() -> None:
        async with url.client(origin="https://desk.example") as client:
            assert client.events[0]["type"] == "session.created"
        path = "/invocations-bidirectional-stream/v1/realtime?intent=transcription"
        async with url.client(path) as client:
            assert client.events[0]["type"] == "session.created"

    run(scenario())


def test_too_many_sessions_are_refused_until_one_ends(host: Start) -> None:
    url = host(max_sessions=1)

    async def scenario() -> None:
        async with url.client():
            with pytest.raises(websockets.InvalidStatus, match="503"):
                async with url.client():
                    pass
        while True:
            try:
                async with url.client():
                    return
            except websockets.InvalidStatus:
                await asyncio.sleep(0.01)

    run(scenario())


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"session_s": 1.5}, "The session reached its maximum of 1.5 s"),
        ({"session_idle_s": 1.0}, "The session was idle for 1 s"),
    ],
)
def test_a_session_ends_with_its_reason_and_where_another_goes_on(
    host: Start, settings: dict[str, float], sentence: str
) -> None:
    url = host(**settings)

    async def scenario() -> None:
        async with url.client() as client:
            await client.append(speech().tobytes()[:48_000])
            stood = await client.until("session.checkpoint.created")
            assert stood["checkpoint"]["channels"][0]["pending"]
            error = (await client.next())["error"]
            assert error["code"] == "SessionEnded"
            assert error["message"].startswith(sentence)
            with pytest.raises(websockets.ConnectionClosed):
                await client.next()
            assert client.socket.close_code == 1001

    run(scenario())


async def _messages(
    ingress: CountingIngress, receive: Callable[[], Coroutine[object, object, dict[str, object]]]
) -> list[Any]:
    """Return what a session sends to a client, within a moment after its end."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    settings = EndpointSettings.model_validate({"session_s": 1})
    scope = {"type": "websocket", "path": "/v1/realtime", "headers": []}
    await RealtimeMiddleware(ingress, settings)(scope, receive, send)
    await asyncio.sleep(0.5)
    return sent


def test_a_client_that_never_pauses_does_not_outstay_its_time(ingress: CountingIngress) -> None:
    async def scenario() -> None:
        async def receive() -> dict[str, object]:
            return {"bytes": bytes(960), "type": "websocket.receive"}  # it is there already

        sent = await _messages(ingress, receive)
        assert sent[-1] == {"type": "websocket.close", "code": 1001}
        assert "SessionEnded" in sent[-2]["text"]

    run(scenario())


def test_nothing_is_sent_after_a_session_has_ended(ingress: CountingIngress) -> None:
    ingress.delays = [0.2]
    audio = dict[str, object](type="websocket.receive", bytes=speech().tobytes()[:24_000])
    commit, end = (
        dict[str, object](type="websocket.receive", text=json.dumps({"type": kind}))
        for kind in ("input_audio_buffer.commit", "session.end")
    )
    coming = [dict[str, object](type="websocket.connect"), audio, commit, end]

    async def scenario() -> None:
        async def receive() -> dict[str, object]:
            while coming[0] is end and not ingress.finals:
                await asyncio.sleep(0.01)
            return coming.pop(0)

        sent = await _messages(ingress, receive)
        assert sent[-1] == {"type": "websocket.close", "code": 1000}

    run(scenario())


def test_what_is_asked_for_a_client_that_has_gone_is_given_up(
    host: Start, ingress: CountingIngress
) -> None:
    ingress.is_waiting = True
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.configure(turn_detection=None)
            await client.append(speech().tobytes()[:24_000])
            await client.send("input_audio_buffer.commit")
            await client.until("conversation.item.done")
        while ingress.hung_up < len(ingress.asked):
            await asyncio.sleep(0.01)

    run(scenario())
    assert len(ingress.finals) == 1


def test_a_final_is_asked_for_again_where_the_proxy_fails(
    host: Start, ingress: CountingIngress
) -> None:
    url = host()

    async def fail(*_: object) -> None:
        raise RuntimeError("no replica")

    async def scenario() -> None:
        async with url.client() as client:
            await client.configure(turn_detection=None)
            await client.append(speech().tobytes()[:24_000])
            ingress.refusals = [fail]
            await client.send("input_audio_buffer.commit")
            await client.until("conversation.item.input_audio_transcription.completed")

    run(scenario())


def test_no_more_audio_is_taken_while_too_many_finals_are_waited_for(
    host: Start, ingress: CountingIngress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime_session, "_MOST_FINALS", 2)
    ingress.is_waiting = True
    url = host()

    async def scenario() -> None:
        async with url.client(close_timeout=0.1) as client:
            await client.append(speech(times=5).tobytes())
            await client.until("conversation.item.done")
            await client.until("conversation.item.done")
            await client.send("session.checkpoint.create")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.until("session.checkpoint.created")

    run(scenario())
    assert len(ingress.finals) == 2


def test_a_message_that_is_too_large_ends_the_session(
    host: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_MESSAGE_BYTES", 10_000)
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.socket.send(bytes(10_002))
            with pytest.raises(websockets.ConnectionClosed):
                await client.until("never")
            assert client.socket.close_code == 1009

    run(scenario())


def test_sessions_take_no_connections_from_requests(
    host: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_MOST_CONNECTIONS", 3)
    url = host()

    async def scenario() -> None:
        opened = [url.client() for _ in range(8)]
        clients = [await one.__aenter__() for one in opened]
        for client in clients:
            # Compression would cost each of them more memory than all else.
            assert client.socket.response is not None
            assert "Sec-WebSocket-Extensions" not in client.socket.response.headers
            await client.send("session.checkpoint.create")
            await client.append(bytes(480))
            await client.send("session.checkpoint.create")
            await client.until("session.checkpoint.created")
        for one in opened:
            await one.__aexit__(None, None, None)

    run(scenario())
