# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is sent to a webhook, to whom, and how long is waited: with a receiver on this machine."""

import functools
import http.server
import socket
import ssl
import threading
import time
from dataclasses import replace

import pytest

from recordings.errors import AddressRefused, WebhookNotTold
from recordings.web_address import resolved
from recordings.webhooks.https_post import HttpsPost
from tests.fakes.certificates import certificate


class Receiver(http.server.BaseHTTPRequestHandler):
    """Answers by the path."""

    heard: list[tuple[str, bytes, str | None]] = []  # noqa: RUF012

    def do_POST(self):
        if self.path == "/early":
            self.send_response(410)
            self.end_headers()
            self.wfile.flush()
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((self.path, body, self.headers["Webhook-Id"]))
        if self.path == "/drip":
            for byte in b"HTTP/1.1 200 OK\r\n" * 100:
                self.wfile.write(bytes([byte]))
                time.sleep(0.05)
        if self.path == "/hang":
            time.sleep(1.5)
            return
        status = int(self.path.strip("/").partition("?")[0] or 200)
        self.send_response(status)
        self.send_header("Location", "https://169.254.169.254/latest/meta-data/")
        self.end_headers()

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    """One whose callers may hang up."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        pass


@pytest.fixture(scope="module")
def receiver(tmp_path_factory):
    path = certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = Server(("127.0.0.1", 0), Receiver)
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, path
    server.shutdown()
    server.server_close()


@pytest.fixture
def post(receiver):
    tls = functools.partial(ssl.create_default_context, cafile=str(receiver[1]))
    return HttpsPost(lambda address: address.is_loopback, 0.5, tls)


@pytest.fixture
def base(receiver, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", receiver[0]))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    Receiver.heard.clear()
    return f"https://localhost:{receiver[0]}"


@pytest.mark.parametrize("status", [200, 204, 302, 410, 500])
def test_a_receivers_status_is_what_comes_back_and_no_redirect_is_followed(base, post, status):
    patient = replace(post, seconds=30)  # this machine may be busy
    assert patient(f"{base}/{status}?a=1", b"{}", {"Webhook-Id": "msg_1"}) == status
    assert Receiver.heard == [(f"/{status}?a=1", b"{}", "msg_1")]


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_a_receiver_that_hangs_is_left(base, post, path):
    with pytest.raises(WebhookNotTold, match=r"not answer within 0\.5 s"):
        post(f"{base}{path}", b"{}", {})


class AtOnce(threading.Timer):
    """A time that is over when it begins."""

    def start(self):
        self.function(*self.args)


def test_a_receiver_whose_time_is_over_before_the_handshake_is_left(base, post, monkeypatch):
    monkeypatch.setattr(threading, "Timer", AtOnce)
    with pytest.raises(WebhookNotTold, match=r"not answer within 0\.5 s"):
        post(f"{base}/200", b"{}", {})


def test_a_receiver_that_answers_before_it_has_read_everything_has_answered(base, post):
    assert replace(post, seconds=10)(f"{base}/early", bytes(8_000_000), {}) == 410


def test_a_certificate_of_another_host_is_refused(base, post):
    with pytest.raises(WebhookNotTold, match="SSLCertVerificationError"):
        replace(post, seconds=30)(base.replace("localhost", "example.com"), b"{}", {})
    assert Receiver.heard == []


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fd00::1"]
)
def test_a_name_that_leads_to_a_private_address_is_refused(monkeypatch, address):
    """Also where only one of its addresses is private."""
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443))
        for one in ("93.184.216.34", address)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
    with pytest.raises(AddressRefused, match="not public"):
        HttpsPost()("https://example.com/hook", b"{}", {})


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    names = iter(["93.184.216.34", "10.0.0.1"])
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(names), 443))],
    )
    asked = []

    def connect(where, _):
        asked.append(where)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(WebhookNotTold):
        HttpsPost()("https://example.com/hook", b"{}", {})
    assert asked == [("93.184.216.34", 443)]


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://", "https://a:b@c/", "https://[::1"]
)
def test_what_is_no_https_url_is_refused(url, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("resolved"))
    with pytest.raises(AddressRefused):
        resolved(url)
