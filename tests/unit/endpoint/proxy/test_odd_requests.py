# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests that no ordinary client sends: each has its answer, and none becomes another."""

import json
import re
import socket
import time
from collections.abc import Iterator

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

import whisper_contract
from tests.schemas import validate
from tests.unit.endpoint.helpers import silence, wav
from tests.unit.endpoint.proxy.test_connections import MIB, Proxy, everything
from whisper_endpoint.ingress.handler import HttpRequest, RequestHandler
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.metrics.collector import PROXY_COUNTS, Signals
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.proxy.body import BodyMiddleware
from whisper_endpoint.proxy.realtime.middleware import RealtimeMiddleware
from whisper_endpoint.proxy.routes import RoutesMiddleware
from whisper_endpoint.proxy.uploads import Uploads
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

BODY = wav(silence(0.1))
LENGTH = f"Content-Length: {len(BODY)}"
CHUNKED = "Transfer-Encoding: chunked"
WEBSOCKET = "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
WEBSOCKET += "Sec-WebSocket-Version: 13\r\nConnection: Upgrade"
HTTP2 = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk"
NO_HTTP = "is not valid HTTP/1.1"


class Mute:
    """An engine that hears nothing."""

    async def transcribe(self, *_: Prepared | Parameters | float) -> Transcript:
        return Transcript("en", ())


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    settings = EndpointSettings(max_body_bytes=MIB)
    handler = RequestHandler(settings, ModelInfo(80, ("en",), multilingual=False), Mute())

    async def ingress(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"].startswith("/")  # Serve has no route for anything else
        answer = await handler.answer(HttpRequest.of(Request(scope, receive)))
        response = Response(answer.body, answer.status, answer.headers, answer.content_type)
        await response(scope, receive, send)

    uploads = Uploads(64 * MIB, timeout_s=0.3)
    body = BodyMiddleware(ingress, uploads, Signals(PROXY_COUNTS), settings.max_body_bytes)
    one = Proxy(RoutesMiddleware(RealtimeMiddleware(body, settings=settings)))
    yield one
    one.stop()


def head(line: str, *headers: str) -> bytes:
    lines = (line, "Host: a", "Content-Type: audio/wav", *headers, "", "")
    return "\r\n".join(lines).encode("latin-1")


def post(*headers: str, body: bytes = BODY, line: str = "POST /invocations HTTP/1.1") -> bytes:
    return head(line, *headers) + body


def last(*headers: str, body: bytes = BODY, line: str = "POST /invocations HTTP/1.1") -> bytes:
    return post(*headers, "Connection: close", body=body, line=line)


def chunks(body: bytes) -> bytes:
    parts = [body[at : at + 100] for at in range(0, len(body), 100)]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in (*parts, b""))


END = last(line="GET /end HTTP/1.1", body=b"")

ANSWERED = {
    "length": (last(LENGTH), [200]),
    "chunks": (last(CHUNKED, body=chunks(BODY)), [200]),
    "chunks with extensions and trailers": (
        last(CHUNKED, body=b"%x;a=b\r\n%s\r\n0\r\nX: y\r\n\r\n" % (len(BODY), BODY)),
        [200],
    ),
    "HTTP/1.0": (post(LENGTH, line="POST /invocations HTTP/1.0"), [200]),
    "pipelined": (3 * post(LENGTH) + END, [200, 200, 200, 404]),
    "pipelined after another refusal": (post("Content-Length: 3", body=b"abc") + END, [422, 404]),
    "to be continued": (last(LENGTH, "Expect: 100-continue"), [100, 200]),
    "expecting what nobody knows": (last(LENGTH, "Expect: more"), [200]),
    "absolute target": (last(LENGTH, line="POST http://b/invocations?c HTTP/1.1"), [200]),
    "percent-encoded": (last(LENGTH, line="POST /%69nvocations HTTP/1.1"), [200]),
    "upgrade to HTTP/2": (post(LENGTH, HTTP2) + END, [200, 404]),
    "upgrade of a body to a WebSocket": (post(LENGTH, WEBSOCKET) + END, [200, 404]),
    "empty lines first": (b"\r\n\r\n" + last(LENGTH), [200]),
}
REFUSED = {
    "length too great": (post("Content-Length: 9999"), 408, "send shorter audio"),
    "a terabyte": (post("Content-Length: 1099511627776"), 408, "send shorter audio"),
    "chunk without end": (post(CHUNKED, body=b"ff\r\nabc"), 408, "send shorter audio"),
    "no length": (last(), 400, "The body is empty"),
    "length too small": (post("Content-Length: 44"), 400, NO_HTTP),
    "two lengths": (last(LENGTH, "Content-Length: 5"), 400, NO_HTTP),
    "one length twice": (last(LENGTH, LENGTH), 400, NO_HTTP),
    "list of lengths": (last("Content-Length: 5, 5"), 400, NO_HTTP),
    "length and chunks": (post(LENGTH, CHUNKED, body=chunks(BODY)) + END, 400, NO_HTTP),
    "length of chunks": (post("Content-Length: 4", CHUNKED, body=b"0\r\n\r\n") + END, 400, NO_HTTP),
    "two codings": (last(CHUNKED, "Transfer-Encoding: identity"), 400, NO_HTTP),
    "unknown coding": (last("Transfer-Encoding: xchunked", LENGTH), 400, NO_HTTP),
    "blank before the colon": (last("Transfer-Encoding : chunked", LENGTH), 400, NO_HTTP),
    "folded header": (last(LENGTH, "X: a\r\n b"), 400, NO_HTTP),
    "negative length": (last("Content-Length: -1"), 400, NO_HTTP),
    "length of 20 digits": (last("Content-Length: 99999999999999999999"), 400, NO_HTTP),
    "chunk of no size": (last(CHUNKED, body=b"zz\r\nabc\r\n0\r\n\r\n"), 400, NO_HTTP),
    "chunk of any size": (last(CHUNKED, body=b"f" * 18 + b"\r\nabc"), 400, NO_HTTP),
    "lines without returns": (last(LENGTH, body=b"").replace(b"\r", b"") + BODY, 400, NO_HTTP),
    "bytes": (bytes(range(256)), 400, NO_HTTP),
    "TLS": (bytes.fromhex("16030100a5010000a10303"), 400, NO_HTTP),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, NO_HTTP),
    "HTTP/3.7": (last(line="GET /end HTTP/3.7"), 400, NO_HTTP),
    "CONNECT": (last(line="CONNECT a:80 HTTP/1.1"), 400, NO_HTTP),
    "a header of 100 KB": (last(LENGTH, "X: " + 100_000 * "a"), 400, "more than 64 KB"),
    "10,000 headers": (last(LENGTH, *(f"X{n}: a" for n in range(10_000))), 400, "more than 64 KB"),
    "a target of 20 KB": (last(LENGTH, line=f"POST /{20_000 * 'a'} HTTP/1.1"), 404, "nothing at"),
    "two slashes": (last(LENGTH, line="POST //invocations HTTP/1.1"), 404, "nothing at"),
    "dots": (last(LENGTH, line="POST /../invocations HTTP/1.1"), 404, "nothing at"),
    "no percent-encoding": (last(LENGTH, line="POST /%zz%00%ff HTTP/1.1"), 404, "nothing at"),
    "the server itself": (last(line="OPTIONS * HTTP/1.1", body=b""), 404, "nothing at"),
    "WebSocket elsewhere": (
        post(WEBSOCKET, line="GET /invocations HTTP/1.1", body=b""),
        404,
        "There is no WebSocket at",
    ),
    **{
        method: (last(LENGTH, line=f"{method} /invocations HTTP/1.1"), 405, "use POST")
        for method in ("GET", "PUT", "DELETE", "TRACE", "PATCH", "OPTIONS")
    },
}


def exchange(proxy: Proxy, sent: bytes) -> bytes:
    begun = time.monotonic()
    received = everything(proxy.send(sent))
    assert time.monotonic() - begun < 20
    return received


@pytest.mark.parametrize("name", ANSWERED)
def test_what_is_unusual_is_answered_in_its_turn(proxy: Proxy, name: str) -> None:
    sent, statuses = ANSWERED[name]
    received = exchange(proxy, sent)
    assert [int(one) for one in re.findall(rb"HTTP/1\.1 (\d{3})", received)] == statuses
    assert received.count(b'{"text":"","language":"en"') == statuses.count(200)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused_once_in_a_sentence(proxy: Proxy, name: str) -> None:
    sent, status, sentence = REFUSED[name]
    top, _, content = exchange(proxy, sent).partition(b"\r\n\r\n")
    assert int(top[9:12]) == status
    assert (b"\r\nallow: POST" in top) == (status == 405)
    document = json.loads(content)  # one, and nothing behind it
    validate(document, whisper_contract.error_schema())
    assert sentence in document["error"]
    assert proxy.post(BODY)[0] == 415  # another's request, of no type, has its own answer


def test_a_head_in_pieces_is_the_same_head(proxy: Proxy) -> None:
    for sent, said in (
        (post(WEBSOCKET, line="GET /invocations HTTP/1.1", body=b""), b"There is no WebSocket at"),
        (post(LENGTH, HTTP2), NO_HTTP.encode()),
    ):
        one = proxy.send(sent[:60])
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        time.sleep(0.1)
        one.sendall(sent[60:])
        assert said in everything(one)
