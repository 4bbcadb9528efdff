# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Streams of both sides, by a client that speaks HTTP/2 as AWS's SDKs do."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from functools import partial
from typing import Any

import h2.config
import h2.connection
import h2.events
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.eventstream import EventStreamBuffer
from websockets.sync.server import ServerConnection, serve

from local_cloud.sagemaker import event_stream
from local_cloud.sagemaker.streams import BidirectionalStreams
from local_cloud.server import LocalCloud
from tests.fakes.endpoints import make_endpoint
from tests.fakes.stand_ins import ScriptedHosting

PATH = "/endpoints/e/invocations-bidirectional-stream"


class WebSocketHosting(ScriptedHosting):
    """Hosts a container that says where it was asked, and then what it hears."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._container = serve(self._answer, "127.0.0.1", 0, process_request=self._check)
        threading.Thread(target=self._container.serve_forever, daemon=True).start()

    def address(self, container: Any) -> str:
        return f"http://127.0.0.1:{self._container.socket.getsockname()[1]}"

    def close(self) -> None:
        self._container.shutdown()
        super().close()

    def _check(self, connection: ServerConnection, request: Any) -> Any:
        return connection.respond(503, "full") if request.path.endswith("full") else None

    def _answer(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        connection.send(connection.request.path)
        for message in connection:
            if message == "fail":
                connection.close(1011)
            elif message == "end":
                connection.close(1000)
            else:
                connection.send(message)


class SdkClient:
    """One stream, signed as AWS's SDK for Python signs it: the request, and each event."""

    def __init__(self, cloud: LocalCloud, path: str = PATH, **headers: str) -> None:
        server = cloud.streams()
        trusted = ssl.create_default_context(cafile=str(server.certificate))
        trusted.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
        self._socket = trusted.wrap_socket(plain, server_hostname="127.0.0.1")
        assert self._socket.selected_alpn_protocol() == "h2"
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._h2.initiate_connection()
        authority = f"127.0.0.1:{server.port}"
        signed = AWSRequest("POST", f"https://{authority}{path}", headers={"Host": authority})
        signed.headers["X-Amz-Content-SHA256"] = "STREAMING-AWS4-HMAC-SHA256-EVENTS"
        for name, value in headers.items():
            signed.headers[f"X-Amzn-SageMaker-Model-{name}"] = value
        keys = Credentials(cloud.keys.key_id, cloud.keys.secret)
        SigV4Auth(keys, "sagemaker", "us-east-1").add_auth(signed)
        told = [(name.lower(), value) for name, value in signed.headers.items() if name != "Host"]
        pseudo = {"method": "POST", "scheme": "https", "authority": authority, "path": path}
        self._h2.send_headers(1, [(f":{name}", one) for name, one in pseudo.items()] + told)
        self._flush()
        self._parts = EventStreamBuffer()
        self._seen = self._read()

    def send(self, payload: bytes, kind: str) -> None:
        event = event_stream.encode({":event-type": "PayloadPart", "DataType": kind}, payload)
        self._sign(event)

    def end(self) -> None:
        self._sign(b"")

    def status(self) -> int:
        return int(next(self._seen)[":status"])

    def next(self) -> Any:
        """Return the next event, or what came in place of them."""
        return next(self._seen)

    def close(self) -> None:
        self._socket.close()

    def _sign(self, event: bytes) -> None:
        self._h2.send_data(1, event_stream.encode({":chunk-signature": "not looked at"}, event))
        self._flush()

    def _flush(self) -> None:
        self._socket.sendall(self._h2.data_to_send())

    def _read(self) -> Iterator[Any]:
        """Yield the headers, then the events, or a body of JSON; None at the end."""
        is_stream, body = False, b""
        while True:
            for event in self._h2.receive_data(self._socket.recv(65_536)):
                if isinstance(event, h2.events.ResponseReceived):
                    headers: dict[Any, Any] = dict(event.headers)
                    is_stream = headers["content-type"] == event_stream.CONTENT_TYPE
                    yield headers
                elif isinstance(event, h2.events.DataReceived):
                    self._h2.acknowledge_received_data(event.flow_controlled_length, 1)
                    body += event.data
                    if is_stream:
                        self._parts.add_data(event.data)
                        yield from self._parts
                elif isinstance(event, h2.events.StreamEnded):
                    yield None if is_stream else json.loads(body)
            self._flush()


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(WebSocketHosting) as started:
        make_endpoint(started.client("sagemaker"), "e")
        yield started


def test_a_stream_goes_to_the_containers_websocket_and_back(cloud: LocalCloud) -> None:
    client = SdkClient(cloud, **{"Invocation-Path": "v1/listen", "Query-String": "a=b"})
    assert client.status() == 200
    where = client.next()
    assert where.payload == b"/invocations-bidirectional-stream/v1/listen?a=b"
    for payload, kind in ((b"text", "UTF8"), (b"\x00\xff", "BINARY"), ("é".encode(), "UTF8")):
        client.send(payload, kind)
        event = client.next()
        assert (event.payload, event.headers["DataType"]) == (payload, kind)
        assert event.headers[":event-type"] == "PayloadPart"
    client.end()
    assert client.next() is None
    client.close()


def test_how_a_container_ends_is_told(cloud: LocalCloud) -> None:
    for said, told in (("end", None), ("fail", "ModelStreamError")):
        client = SdkClient(cloud)
        assert client.status() == 200
        client.next()
        client.send(said.encode(), "UTF8")
        event = client.next()
        assert (event and event.headers[":exception-type"]) == told
        client.close()


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/endpoints/other/invocations-bidirectional-stream", {}, 400, "InputValidationError"),
        ("/endpoints/e/other", {}, 404, "UnknownOperationException"),
        (PATH, {"Invocation-Path": "full"}, 424, "ModelError"),
    ],
)
def test_what_cannot_be_streamed_is_refused(
    cloud: LocalCloud, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    client = SdkClient(cloud, path, **headers)
    answered = client.next()
    assert (int(answered[":status"]), answered["x-amzn-errortype"]) == (status, code)
    assert client.next()["Message"]
    client.close()


def test_only_who_has_the_keys_of_the_run_may_stream(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.streams()
    monkeypatch.setattr(cloud, "keys", type(cloud.keys)())
    client = SdkClient(cloud)
    assert client.status() == 403
    client.close()


def test_a_stream_ends_when_it_has_lasted(
    cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter = partial(BidirectionalStreams, seconds=0.3)
    monkeypatch.setattr("local_cloud.server.BidirectionalStreams", shorter)
    monkeypatch.setattr(cloud, "_streams", None)
    client = SdkClient(cloud)
    assert client.status() == 200
    assert client.next().payload == b"/invocations-bidirectional-stream"
    assert client.next() is None
    client.close()
    cloud.streams().stop()
