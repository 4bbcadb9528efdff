# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import http.server
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.certificates import certificate
from whisper_contract.addresses import is_public
from whisper_endpoint import errors
from whisper_endpoint.audio.disk import Disk
from whisper_endpoint.audio.sources import web
from whisper_endpoint.settings import EndpointSettings

DISK = Disk(10**9)
SETTINGS = EndpointSettings(
    url_sources="on",
    url_private_networks=("127.0.0.0/8",),
    source_timeout_s=2.0,
    max_source_bytes=100_000,
)
PUBLIC_ONLY = EndpointSettings(url_sources="on")


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers by the path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        route: Callable[[], None] = getattr(self, f"get_{self.path.strip('/').partition('?')[0]}")
        route()

    def log_message(self, *_: Any) -> None:
        pass

    def send(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def get_file(self) -> None:
        self.send(200, self.path.encode())

    def get_missing(self) -> None:
        self.send(404)

    def get_large(self) -> None:
        self.send(200, b"x" * 10, length="100001")

    def get_endless(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        while True:
            self.wfile.write(b"2710\r\n" + b"x" * 10_000 + b"\r\n")

    def get_cut(self) -> None:
        self.send(200, b"x" * 10, length="20")
        self.close_connection = True

    def get_drip(self) -> None:
        self.send(200, length="1000")
        for _ in range(100):
            self.wfile.write(b"x")
            time.sleep(0.1)

    def get_slow(self) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" * 100:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.1)

    def get_moved(self) -> None:
        self.send(302, Location="/file?moved")

    def get_loop(self) -> None:
        self.send(302, Location="/loop")

    def get_nowhere(self) -> None:
        self.send(302)

    def get_inside(self) -> None:
        self.send(302, Location="https://10.0.0.1/secret")

    def get_metadata(self) -> None:
        self.send(307, Location="http://169.254.169.254/latest/meta-data/")


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        pass  # clients that hang up are the point


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    path = certificate(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    httpd = QuietServer(("127.0.0.1", 0), Handler)
    httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield httpd.server_port, path
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def base(server: tuple[int, Path], monkeypatch: pytest.MonkeyPatch) -> str:
    port, path = server
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return f"https://localhost:{port}"


@pytest.fixture
def only_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_to(monkeypatch, "127.0.0.1")


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let names resolve to these, numbers to themselves; return the names asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        try:
            found: tuple[str, ...] = (str(ipaddress.ip_address(host)),)
        except ValueError:
            found = addresses
            asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def refusal(url: str, settings: EndpointSettings = SETTINGS) -> errors.EndpointError:
    with pytest.raises(errors.EndpointError) as caught:
        web.fetch(url, "url", settings, DISK)
    assert caught.value.field == "url"
    return caught.value


@pytest.mark.usefixtures("only_ipv4")
def test_a_file_is_fetched_and_redirects_are_followed(base: str) -> None:
    assert web.fetch(f"{base}/file?a=b c", "url", SETTINGS, DISK)[:] == b"/file?a=b%20c"
    assert web.fetch(f"{base}/moved", "url", SETTINGS, DISK)[:] == b"/file?moved"


@pytest.mark.usefixtures("only_ipv4")
@pytest.mark.parametrize(
    ("path", "kind", "words"),
    [
        ("missing", errors.SourceNotFetchable, "status 404"),
        ("large", errors.BodyTooLarge, "more than 100,000 bytes"),
        ("endless", errors.BodyTooLarge, "more than 100,000 bytes"),
        ("cut", errors.SourceNotFetchable, "ended before its announced length"),
        ("drip", errors.SourceNotFetchable, "took longer than it may"),
        ("slow", errors.SourceNotFetchable, "took longer than it may"),
        ("loop", errors.SourceNotFetchable, "redirects more than 5 times"),
        ("nowhere", errors.SourceNotFetchable, "redirects more than 5 times"),
        ("inside", errors.SourceNotAllowed, "not public"),
        ("metadata", errors.SourceNotAllowed, "is not https"),
    ],
)
def test_answers_that_are_no_file(
    base: str, path: str, kind: type[errors.EndpointError], words: str
) -> None:
    began = time.monotonic()
    error = refusal(f"{base}/{path}")
    # The slow one would go on for minutes; two seconds are allowed.
    assert time.monotonic() - began < 60
    assert type(error) is kind
    assert words in error.message
    assert "127.0.0.1" not in error.message


@pytest.mark.usefixtures("only_ipv4")
def test_a_certificate_must_be_the_hosts(base: str) -> None:
    other = base.replace("localhost", "other.test")
    assert "reached (SSLCertVerificationError)" in refusal(f"{other}/file").message


@pytest.mark.usefixtures("only_ipv4")
def test_a_certificate_must_be_of_an_authority_that_is_known(server: tuple[int, Path]) -> None:
    error = refusal(f"https://localhost:{server[0]}/file")
    assert "reached (SSLCertVerificationError)" in error.message


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "::1",
        "::",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "100::1",
        "5f00::1",
        "::127.0.0.1",
        "::93.184.216.34",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:93.184.216.34",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::5db8:d822",
        "64:ff9b:1::7f00:1",
        "2001::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:5db8:d822::",
        "3fff::1",
        "2600::5efe:7f00:1",
        "2600::200:5efe:10.0.0.1",
    ],
)
def test_addresses_that_are_not_public_are_refused_after_resolution(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
    for others in ((), ("93.184.216.34",)):
        resolve_to(monkeypatch, *others, address)
        error = refusal("https://innocent.example/a.wav", PUBLIC_ONLY)
        assert (type(error), error.status) == (errors.SourceNotAllowed, 403)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "1.1.1.1", "168.63.129.17", "223.255.255.254", "2600::1"]
)
def test_hosts_on_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/a.wav",
        "file:///etc/passwd",
        "https:///a.wav",
        "https://user:word@example.com/a.wav",
        "https://[::1/a.wav",
        "https://example.com:99999/a.wav",
        "gopher://example.com/",
    ],
)
def test_urls_that_are_not_allowed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("resolved"))
    assert type(refusal(url)) is errors.SourceNotAllowed


def test_names_that_are_numbers_are_resolved_and_checked() -> None:
    for host in ("127.1", "0x7f000001", "2130706433", "localhost", "[::1]"):
        error = refusal(f"https://{host}/a.wav", PUBLIC_ONLY)
        assert type(error) in {errors.SourceNotAllowed, errors.SourceNotFetchable}


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = resolve_to(monkeypatch, "93.184.216.34")
    gone_to: list[Any] = []

    def connect(address: Any, _: float) -> None:
        gone_to.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", connect)
    refusal("https://rebinding.example/a.wav")
    assert asked == ["rebinding.example"]
    assert gone_to == [("93.184.216.34", 443)]


def test_a_host_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    assert "host that is not known" in refusal("https://nowhere.example/").message


def test_names_that_are_not_found_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(30))
    settings = SETTINGS.model_copy(update={"source_timeout_s": 0.1})
    try:
        began = time.monotonic()
        assert (
            "could not be resolved in time" in refusal("https://hangs.example/", settings).message
        )
        assert time.monotonic() - began < 20
    finally:
        found.set()


def test_nothing_is_fetched_unless_the_operator_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("resolved"))
    error = refusal("https://example.com/", EndpointSettings())
    assert type(error) is errors.SourceNotAllowed
    assert "WHISPER_URL_SOURCES=on" in error.message
