# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Sessions that are configured over HTTP, and opened with the secret that is answered."""

import asyncio
import base64
import json
from collections.abc import Callable, Coroutine
from http.client import HTTPConnection
from typing import Any

import openai
import pytest
import websockets

from tests.unit.endpoint.proxy.realtime.conftest import CountingIngress, SessionHost
from tests.unit.endpoint.proxy.test_connections import Proxy
from whisper_endpoint.metrics.collector import PROXY_COUNTS, Signals
from whisper_endpoint.proxy.body import BodyMiddleware
from whisper_endpoint.proxy.realtime import secrets
from whisper_endpoint.proxy.realtime.secret_routes import CURRENT, EARLIER, SecretsMiddleware
from whisper_endpoint.proxy.uploads import Uploads

Start = Callable[..., SessionHost]

_COMPLETED = "conversation.item.input_audio_transcription.completed"
HEARD: dict[str, Any] = {
    "format": {"type": "audio/pcmu"},
    "transcription": {"language": "fr", "keywords": ["Nguyen"]},
    "turn_detection": None,
}
SESSION: dict[str, Any] = {"type": "transcription", "audio": {"input": HEARD}}


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def post(port: int, path: str, body: bytes, method: str = "POST") -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def test_openai_s_client_asks_for_a_secret_and_connects_with_it(
    host: Start, ingress: CountingIngress
) -> None:
    at = host()

    async def scenario() -> None:
        base = f"http://127.0.0.1:{at.proxy.port}/v1"
        async with openai.AsyncOpenAI(api_key="none", base_url=base) as server:
            made = await server.realtime.client_secrets.create(
                session=SESSION,  # type: ignore[arg-type]
                expires_after={"anchor": "created_at", "seconds": 30},
            )
        assert made.session.type == "transcription"
        assert made.session.audio and made.session.audio.input
        assert made.session.audio.input.turn_detection is None
        options: dict[str, Any] = {"websocket_base_url": f"{at.url}/v1"}
        async with openai.AsyncOpenAI(api_key=made.value, **options) as client:
            query = {"intent": "transcription"}
            async with client.realtime.connect(extra_query=query) as call:
                begun: Any = await call.recv()
                assert begun.type == "session.created"
                effective = begun.session.to_dict()["audio"]["input"]
                assert effective["format"] == HEARD["format"]
                assert effective["transcription"]["keywords"] == ["Nguyen"]
                assert effective["turn_detection"] is None
                audio = base64.b64encode(b"\x10\xff" * 4_000).decode()
                await call.input_audio_buffer.append(audio=audio)
                await call.input_audio_buffer.commit()
                event: Any = begun
                while event.type != _COMPLETED:
                    event = await call.recv()
                    assert event.type != "error"
                assert event.transcript

    run(scenario())
    (final,) = ingress.finals
    assert (final.parameters.language, list(final.parameters.terms)) == ("fr", ["Nguyen"])


def test_the_earlier_api_s_client_does_the_same(host: Start, ingress: CountingIngress) -> None:
    at = host()

    async def scenario() -> None:
        base = f"http://127.0.0.1:{at.proxy.port}/v1"
        async with openai.AsyncOpenAI(api_key="none", base_url=base) as server:
            made = await server.beta.realtime.transcription_sessions.create(
                input_audio_format="g711_ulaw",
                input_audio_transcription={"model": "whisper-1", "language": "fr"},
                turn_detection={"type": "server_vad", "silence_duration_ms": 900},
                client_secret={"expires_at": {"anchor": "created_at", "seconds": 30}},
            )
        assert made.input_audio_format == "g711_ulaw"
        assert made.turn_detection and made.turn_detection.silence_duration_ms == 900
        options: dict[str, Any] = {"websocket_base_url": f"{at.url}/v1"}
        secret = made.client_secret.value
        client = openai.AsyncOpenAI(api_key=secret, **options)
        async with client, client.beta.realtime.connect(model="whisper-1") as call:
            begun = json.loads(await call.recv_bytes())
            assert begun["type"] == "transcription_session.created"
            assert begun["session"]["input_audio_format"] == "g711_ulaw"
            assert begun["session"]["input_audio_transcription"]["language"] == "fr"

    run(scenario())


def test_a_page_names_its_secret_as_a_protocol_and_may_change_what_it_carries(
    host: Start, ingress: CountingIngress
) -> None:
    at = host(allowed_origins=("https://desk.example",))
    status, made = post(at.proxy.port, EARLIER, json.dumps({"include": None}).encode())
    assert status == 200
    key = f"openai-insecure-api-key.{made['client_secret']['value']}"
    offered = ["realtime", key, "openai-beta.realtime-v1"]
    options = {"subprotocols": offered, "origin": "https://desk.example"}

    async def scenario() -> None:
        async with at.client("/v1/realtime", **options) as client:
            assert client.socket.subprotocol == "realtime"
            told = client.events[0]
            assert told["type"] == "transcription_session.created"
            kept = {name: made[name] for name in made if name not in ("id", "client_secret")}
            assert kept.items() <= told["session"].items()
            changed = {"input_audio_transcription": {"language": "it"}}
            await client.send("transcription_session.update", session=changed)
            effective = (await client.until("transcription_session.updated"))["session"]
            assert effective["input_audio_transcription"]["language"] == "it"

    run(scenario())


def test_riva_s_client_sends_back_the_session_that_it_got(
    host: Start, ingress: CountingIngress
) -> None:
    """As nvidia-riva-client 2.28.0 does: no body to speak of, then all of it as an update."""
    at = host()
    _, made = post(at.proxy.port, EARLIER, b"{}")
    protocols = ["realtime", f"realtime-token.{made['client_secret']['value']}"]
    params = {"input_audio_params": {"sample_rate_hz": 16_000, "num_channels": 1}}

    async def scenario() -> None:
        async with at.client(subprotocols=protocols) as client:
            session = made | {"input_audio_format": "none"} | params
            await client.send("transcription_session.update", session=session)
            effective = (await client.until("transcription_session.updated"))["session"]
            assert effective["input_audio_params"] == params["input_audio_params"]

    run(scenario())


WRONG: list[dict[str, Any]] = [
    {"type": "realtime", "model": "gpt-realtime"},
    {"audio": {"input": {"format": {"type": "audio/pcm", "rate": 11_025}}}},
    {"audio": {"input": {"transcription": {"language": "xx"}}}},
    {"audio": {"input": {"turn_detection": {"type": "by_ear"}}}},
    {"audio": {"output": {"voice": "alloy"}}},
    {"voice": "alloy"},
]


@pytest.mark.parametrize("session", WRONG, ids=str)
def test_a_session_is_refused_with_the_words_of_the_socket(
    host: Start, session: dict[str, Any]
) -> None:
    at = host()
    status, refused = post(at.proxy.port, CURRENT, json.dumps({"session": session}).encode())
    assert status == 400

    async def scenario() -> None:
        async with at.client() as client:
            await client.send("session.update", session=session)
            error = (await client.until("error"))["error"]
            same = ("message", "type", "param", "code")
            assert {name: refused["error"][name] for name in same} == {
                name: error[name] for name in same
            }

    run(scenario())


@pytest.mark.parametrize(
    ("path", "body", "status", "param"),
    [
        (CURRENT, {"expires_after": {"seconds": 9}}, 400, "expires_after.seconds"),
        (CURRENT, {"expires_after": {"anchor": "now"}}, 400, "expires_after.anchor"),
        (CURRENT, {"expires_after": 60}, 400, "expires_after"),
        (EARLIER, {"client_secret": {"expires_at": {"seconds": 7_201}}}, 400, "seconds"),
        (EARLIER, {"client_secret": {"value": "ek_1"}}, 400, "client_secret.value"),
        (CURRENT, {"session": []}, 400, "session"),
        (CURRENT, {"sessions": {}}, 400, "body.sessions"),
        (CURRENT, [], 400, None),
        (CURRENT, b"{", 400, None),
        (CURRENT, b" " * 70_000, 413, None),
        (EARLIER, {"input_audio_transcription": {"prompt": "ж" * 3_000}}, 400, "session"),
    ],
    ids=str,
)
def test_what_no_secret_is_made_of(
    host: Start, path: str, body: object, status: int, param: str | None
) -> None:
    at = host()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answered, refused = post(at.proxy.port, path, data)
    error = refused["error"]
    assert (answered, error["type"]) == (status, "invalid_request_error")
    assert (param or "") in (error["param"] or "")
    assert error["message"].endswith(".")
    assert sum(at.signals.read().errors.values()) == 1


def test_another_method_is_refused(host: Start) -> None:
    status, refused = post(host().proxy.port, CURRENT, b"", "GET")
    assert (status, refused["error"]["code"]) == (405, "MethodNotAllowed")


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        (secrets.made({}, 1_000_000_000), "expired"),
        (secrets.made({}, 4_000_000_000)[:-3], "complete and unchanged"),
        ("ek_session_é", "complete and unchanged"),
        ("ek_session_bnVsbA", "complete and unchanged"),
        (secrets.made({"voice": "alloy"}, 4_000_000_000), "session.voice is not known"),
        (secrets.made({"audio": [[]]}, 4_000_000_000), "session.audio is"),
    ],
)
def test_a_secret_that_is_of_no_use_opens_nothing(host: Start, secret: str, words: str) -> None:
    at = host()
    headers = {"Authorization": f"Bearer {secret}"}

    async def scenario() -> None:
        with pytest.raises(websockets.InvalidStatus) as refused:
            async with at.client(additional_headers=headers):
                pass
        assert refused.value.response.status_code == 400
        assert words in (refused.value.response.body or b"").decode()

    run(scenario())


@pytest.mark.parametrize("key", ["Bearer none", "Bearer ek_68af296e8e408191a1120ab6383263c2", "x"])
def test_a_key_of_others_means_nothing(host: Start, key: str) -> None:
    at = host()

    async def scenario() -> None:
        async with at.client(additional_headers={"Authorization": key}) as client:
            assert client.events[0]["type"] == "session.created"

    run(scenario())


def test_the_longest_secret_passes_the_web_server_as_a_header_and_as_a_protocol(
    host: Start, ingress: CountingIngress
) -> None:
    at = host()
    prompt = "a" * 4_000
    session = {"audio": {"input": {"transcription": {"prompt": prompt}}}}
    _, made = post(at.proxy.port, CURRENT, json.dumps({"session": session}).encode())
    assert len(made["value"]) > 5_000
    headers = {"Authorization": f"Bearer {made['value']}"}
    protocols = ["realtime", f"openai-insecure-api-key.{made['value']}"]

    async def scenario() -> None:
        for options in ({"additional_headers": headers}, {"subprotocols": protocols}):
            async with at.client(**options) as client:
                told = client.events[0]["session"]["audio"]["input"]
                assert told["transcription"]["prompt"] == prompt

    run(scenario())


def test_a_body_is_read_as_the_proxy_hands_it_on(ingress: CountingIngress) -> None:
    signals = Signals(PROXY_COUNTS)
    inner = SecretsMiddleware(ingress, signals)
    proxy = Proxy(BodyMiddleware(inner, Uploads(1_000_000, 30), signals, 1_000_000))
    try:
        status, made = post(proxy.port, CURRENT, json.dumps({"session": SESSION}).encode())
        assert (status, made["session"]["audio"]["input"]["format"]) == (200, HEARD["format"])
        assert post(proxy.port, CURRENT, b" " * 70_000)[0] == 413
    finally:
        proxy.stop()
