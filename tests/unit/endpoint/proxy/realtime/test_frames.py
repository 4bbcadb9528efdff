# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Clients that want to hurt: frames in pieces, floods, and answers that nobody reads."""

import asyncio
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

import pytest

from tests.unit.endpoint.proxy.realtime.conftest import CountingIngress, SessionHost, speech
from whisper_endpoint.proxy.realtime import session as realtime_session

Start = Callable[..., SessionHost]

_COMPLETED = "conversation.item.input_audio_transcription.completed"
_TEXT, _BYTES, _PING, _FIN, _COMPRESSED = 1, 2, 9, 0x80, 0x40


def run(scenario: Coroutine[object, object, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 60))


def frame(first: int, data: bytes = b"") -> bytes:
    """Return a frame as a client sends it; its mask is 0."""
    is_short = len(data) < 126
    size = bytes([0x80 | len(data)]) if is_short else struct.pack(">BH", 0x80 | 126, len(data))
    return bytes([first]) + size + bytes(4) + data


class RawClient:
    """A socket after the handshake, of which nothing is read that is not asked for."""

    def __init__(self, host: SessionHost) -> None:
        self.socket = socket.create_connection(("127.0.0.1", host.proxy.port), timeout=30)
        self.socket.sendall(
            b"GET /v1/realtime HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
        )
        self._read = self.socket.makefile("rb")
        while self._read.readline().strip():
            pass
        assert self.next()[1]["type"] == "session.created"

    def send(self, frames: Iterable[bytes]) -> None:
        self.socket.sendall(b"".join(frames))

    def next(self) -> tuple[int, Any]:
        """Return the next message's opcode, and what is in it: an event, or a code of close."""
        first, size = self._read.read(2)
        if size == 126:
            (size,) = struct.unpack(">H", self._read.read(2))
        data = self._read.read(size)
        kind = first & 15
        return kind, json.loads(data) if kind == _TEXT else data

    def closing_code(self) -> int:
        """Read up to the end; returns the code."""
        while (message := self.next())[0] != 8:
            pass
        (code,) = struct.unpack(">H", message[1][:2])
        return int(code)

    def close(self) -> None:
        self._read.close()
        self.socket.close()


@pytest.fixture
def raw(host: Start) -> Any:
    opened = []

    def connect(ping_s: float = 20.0) -> tuple[SessionHost, RawClient]:
        url = _pinging(host(), ping_s)
        opened.append(RawClient(url))
        return url, opened[-1]

    yield connect
    for one in opened:
        one.close()


def _pinging(host: SessionHost, seconds: float) -> SessionHost:
    config = host.proxy.server.config
    config.ws_ping_interval = config.ws_ping_timeout = seconds
    return host


Connect = Callable[..., tuple[SessionHost, RawClient]]


def test_a_message_in_fragments_is_one_however_small_they_are(raw: Connect) -> None:
    _, client = raw()
    event = b'{"type": "session.checkpoint.create", "padding": "%s"}' % (b"x" * 3_000)
    pieces = [event[at : at + 1] for at in range(len(event))]
    audio = speech().tobytes()[:9_600]
    client.send([frame(_TEXT, pieces[0]), *(frame(0, one) for one in pieces[1:]), frame(_FIN)])
    client.send([frame(_BYTES, audio[:101]), frame(_FIN | _PING, b"mid"), frame(_FIN, audio[101:])])
    # The event is refused, as there was no audio to make a checkpoint of; the ping is answered.
    assert {client.next()[0] for _ in range(2)} == {1, 10}
    client.send([frame(_FIN | _TEXT, b'{"type": "session.checkpoint.create"}')])
    assert client.next()[1]["type"] == "session.checkpoint.created"


def test_fragments_without_end_are_held_as_one(raw: Connect) -> None:
    host, client = raw()
    client.send([frame(_TEXT, b"{"), *(frame(0, b" ") for _ in range(20_000))])
    client.send([frame(_FIN | _PING, b"there")])
    assert client.next() == (10, b"there")
    protocol: Any = next(iter(host.proxy.server.server_state.connections))
    assert sum(len(one) for one in protocol.frames) == 20_001
    assert len(protocol.frames) == 1


def test_pings_of_a_client_that_reads_nothing_fill_no_memory(raw: Connect) -> None:
    host, client = raw()
    protocol = _reads_little(host, client)
    flood = frame(_FIN | _PING, os.urandom(125)) * 500
    for _ in range(60):
        client.socket.sendall(flood)
        assert protocol.transport.get_write_buffer_size() < 1_000_000
    # Who reads again has the session as before.
    client.send([frame(_FIN | _TEXT, b'{"type": "session.checkpoint"}')])
    while (message := client.next())[0] != _TEXT:
        pass
    assert message[1]["type"] == "error"


def test_who_reads_nothing_and_answers_no_ping_loses_the_session(raw: Connect) -> None:
    host, client = raw(ping_s=0.2)
    _reads_little(host, client)
    client.send([frame(_FIN | _TEXT, b'{"type": "session.other"}')] * 1_000)
    patience = time.monotonic() + 20
    while host.proxy.server.server_state.connections:
        assert time.monotonic() < patience
        time.sleep(0.05)


def _reads_little(host: SessionHost, client: RawClient) -> Any:
    """Make the buffers between a client and the server small; returns the server's side."""
    protocol: Any = next(iter(host.proxy.server.server_state.connections))
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    mine = protocol.transport.get_extra_info("socket")
    mine.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
    return protocol


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([frame(_FIN | _COMPRESSED | _TEXT, b"bomb")], 1002),
        ([frame(0, b"of nothing")], 1002),
        ([frame(_TEXT, b"one"), frame(_TEXT, b"in another")], 1002),
        ([frame(_FIN | _TEXT, b"\xff")], 1007),
        ([frame(_FIN | 8, struct.pack(">H", 999))], 1002),
        ([frame(_FIN | 3)], 1002),
    ],
    ids=["compressed", "continued", "interleaved", "not UTF-8", "close code", "opcode"],
)
def test_what_is_no_websocket_ends_the_session_with_the_protocols_code(
    raw: Connect, frames: list[bytes], code: int
) -> None:
    _, client = raw()
    client.send(frames)
    assert client.closing_code() == code


def test_a_session_that_waits_for_its_finals_is_not_taken_for_dead(
    host: Start, ingress: CountingIngress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime_session, "_MOST_FINALS", 1)
    ingress.delays = [0.0, 0.0, 1.5]
    # Pings are answered at once, but nothing is read while a final is waited for.
    url = _pinging(host(), 0.2)

    async def scenario() -> None:
        async with url.client() as client:
            await client.append(speech(times=3).tobytes())
            for _ in range(3):
                await client.until(_COMPLETED)

    run(scenario())


_LONG = "x" * 1_000_000


def _update(**session: object) -> str:
    return json.dumps({"type": "session.update", "session": session})


def _transcription(**said: object) -> str:
    return _update(input_audio_transcription=said)


def _resume(call_id: str, evidence: dict[str, int]) -> str:
    row = {"heard_until": 0, "listen_from": 0, "pending": [], "kept": [], "evidence": evidence}
    return _update(resume={"call_id": call_id, "sample_rate": 16_000, "channels": [row]})


HOSTILE = {
    "lists in lists": _update(include=0).replace("0", "[" * 1_000 + "]" * 1_000),
    "too deep": "[" * 5_000 + "]" * 5_000,
    "a long id": json.dumps({"type": "session.other", "event_id": _LONG}),
    "a long type": json.dumps({"type": _LONG}),
    "a long name": _update(**{_LONG: 1}),
    "a long language": _transcription(language=_LONG),
    "a long prompt": _transcription(prompt=_LONG),
    "a long keyword": _transcription(keywords=["Ana", _LONG]),
    "an empty keyword": _transcription(keywords=[""]),
    "a model that is none": _transcription(model={"a": _LONG}),
    "a redaction that is text": _transcription(redaction="yes"),
    "a long call": _resume(_LONG, {}),
    "many languages": _resume("a", {str(number): 1 for number in range(1_000)}),
    "half a character": '{"type": "session.other", "event_id": "\\ud800"}',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_is_hostile_is_refused_shortly_and_the_session_goes_on(host: Start, case: str) -> None:
    url = host()

    async def scenario() -> None:
        async with url.client() as client:
            await client.socket.send(HOSTILE[case])
            refused = await client.until("error")
            assert len(json.dumps(refused)) < 1_000
            assert refused["error"]["message"].endswith(".")
            await client.append(speech().tobytes())
            await client.until(_COMPLETED)

    run(scenario())
