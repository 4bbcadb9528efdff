# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What Serve has no answer to, or one in its own words, is refused as the contract has it."""

import asyncio
import json
from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import whisper_contract
from tests.schemas import validate
from whisper_endpoint.metrics.collector import PROXY_COUNTS, Signals
from whisper_endpoint.proxy.dispatch import TRIAL, DispatchMiddleware

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "path": "/", "headers": []}
LONG_S = 60.0


def dispatch(app: ASGIApp, seconds: float = LONG_S, places: int = 0) -> DispatchMiddleware:
    return DispatchMiddleware(app, Signals(PROXY_COUNTS), seconds, lambda: places)


async def ask(app: ASGIApp, *gone: Message, **scope: Any) -> list[Message]:
    """Send a request whose caller stays, unless it is gone."""
    sent: list[Message] = []

    async def receive() -> Message:
        return gone[0] if gone else await asyncio.Future()

    async def send(message: Message) -> None:
        sent.append(message)

    await app({**SCOPE, **scope}, receive, send)
    return sent


def refused(sent: list[Message]) -> tuple[int, str]:
    document = json.loads(sent[1]["body"])
    validate(document, whisper_contract.error_schema())
    return sent[0]["status"], document["code"]


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """What Serve's proxy does when a process dies over a request."""


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise UnicodeDecodeError("utf-8", b"", 0, 1, "a header of its own")


@pytest.mark.parametrize(
    "app", [silent, broken, PlainTextResponse("No path", 404), PlainTextResponse("No app", 503)]
)
def test_what_serve_does_not_answer_is_refused(app: ASGIApp) -> None:
    sent = asyncio.run(ask(dispatch(app)))
    assert refused(sent) == (503, "EngineUnavailable")


def test_openais_clients_are_refused_in_their_form() -> None:
    sent = asyncio.run(ask(dispatch(silent), path="/v1/audio/transcriptions"))
    assert "try again" in json.loads(sent[1]["body"])["error"]["message"]


@pytest.mark.parametrize(
    "answer", [JSONResponse({"error": "a"}, 404), PlainTextResponse("hello"), Response(b"pb")]
)
def test_what_the_ingress_answers_is_left_as_it_is(answer: Response) -> None:
    start, body = asyncio.run(ask(dispatch(answer)))
    assert (start["status"], body["body"]) == (answer.status_code, answer.body)


def test_the_first_request_of_all_hears_what_serve_says() -> None:
    app = dispatch(PlainTextResponse("No path", 404))
    for scope in ({TRIAL: True}, {"path": "/-/routes"}):
        assert asyncio.run(ask(app, **scope))[0]["status"] == 404


def test_nobody_waits_for_a_process_for_ever() -> None:
    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await receive()
        except asyncio.CancelledError:
            return  # as Serve does, which takes it for a caller that hung up

    sent = asyncio.run(ask(dispatch(waits, seconds=0.01)))
    assert refused(sent) == (504, "DeadlineExceeded")


def test_an_answer_that_has_begun_has_all_the_time_it_takes() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": b"text"})

    assert asyncio.run(ask(dispatch(slow, seconds=0.01)))[1]["body"] == b"text"


def test_nobody_is_told_who_has_hung_up() -> None:
    async def listens(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()

    assert asyncio.run(ask(dispatch(listens), {"type": "http.disconnect"})) == []


def test_what_is_beyond_the_places_is_refused_at_once() -> None:
    async def three() -> list[list[Message]]:
        go = asyncio.Event()

        async def works(scope: Scope, receive: Receive, send: Send) -> None:
            await go.wait()
            await PlainTextResponse("done")(scope, receive, send)

        app = dispatch(works, places=2)
        first = [asyncio.create_task(ask(app)) for _ in range(2)]
        await asyncio.sleep(0)
        beyond = await ask(app)
        go.set()
        return [beyond, *await asyncio.gather(*first), await ask(app)]

    beyond, *answers = asyncio.run(three())
    assert refused(beyond) == (503, "Overloaded")
    assert b"2 requests are in progress" in beyond[1]["body"]
    assert [sent[1]["body"] for sent in answers] == [b"done"] * 3


def test_callers_do_not_steer_serve() -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def looks(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend(scope["headers"])

    kept = [(b"x-request-id", b"a-1"), (b"accept", b"\xff")]
    steering = [
        (b"x-request-timeout-seconds", b"0.001"),
        (b"X-Request-Disconnect-Disabled", b"?1"),
        (b"x-session-id", b"\xff"),
        (b"serve-multiplexed-model-id", b"a"),
        (b"serve_multiplexed_model_id", b"a"),
        (b"x-request-id", b"\xff"),
        (b"x-request-id", b"a" * 129),
    ]
    asyncio.run(ask(dispatch(looks), headers=[*steering, *kept]))
    assert seen == kept
