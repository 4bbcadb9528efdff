# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Fetches an audio file from the web without giving access to the private network (SSRF).

Every host is resolved here, all its addresses are checked, and the connection is made to a checked
address, so that a name that resolves differently a moment later does no harm. The same holds for
every redirect. Proxies in the environment are not used.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from whisper_contract.addresses import Address, is_public
from whisper_endpoint.audio.content import BytesOnDisk
from whisper_endpoint.audio.disk import Disk, DiskFile
from whisper_endpoint.errors import BodyTooLarge, SourceNotAllowed, SourceNotFetchable
from whisper_endpoint.settings import EndpointSettings

_MAX_REDIRECTS = 5
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK_BYTES = 256 * 1024
_CONNECT_S = 5.0
# A resolver may take half a minute to fail and cannot be interrupted: its own threads let callers
# give up at their deadline, and only other look-ups are delayed.
_LOOKUPS = ThreadPoolExecutor(16, "whisper-names")


@dataclass(frozen=True)
class _Target:
    """A URL that may be fetched, and the address to fetch it from."""

    url: str
    host: str
    port: int
    path: str
    address: str


def fetch(url: str, field: str, settings: EndpointSettings, disk: Disk) -> BytesOnDisk:
    """Download a URL to disk.

    Parameters
    ----------
    field : str
        The request's field, for the error message.

    Raises
    ------
    SourceNotAllowed
        403: not https, or a non-public address, at first or after a redirect.
    BodyTooLarge
        413: more than ``settings.max_source_bytes``.
    SourceNotFetchable
        424: unknown host, a status other than 200, or longer than ``settings.source_timeout_s``.
    Overloaded
        503: no space on the disk.
    """
    if settings.url_sources != "on":
        raise SourceNotAllowed(
            "This deployment does not fetch audio from the web: send the audio itself or "
            "an s3_uri, or ask the operator to allow it (WHISPER_URL_SOURCES=on in "
            "EndpointEnvironment).",
            field=field,
        )
    deadline = time.monotonic() + settings.source_timeout_s
    try:
        for _ in range(_MAX_REDIRECTS + 1):
            target = _check(url, field, settings, deadline)
            with _response(target, deadline) as response:
                if response.status not in _REDIRECTS:
                    file = DiskFile(disk)
                    _read(response, field, settings, deadline, file)
                    return BytesOnDisk(file)
                url = urllib.parse.urljoin(url, response.headers.get("Location", ""))
    except (OSError, http.client.HTTPException, ValueError) as error:
        if time.monotonic() >= deadline:
            raise _not_fetchable("took longer than it may", field) from None
        raise _not_fetchable(f"could not be reached ({type(error).__name__})", field) from None
    raise _not_fetchable(f"redirects more than {_MAX_REDIRECTS} times", field)


def _check(url: str, field: str, settings: EndpointSettings, deadline: float) -> _Target:
    """Resolve a URL's host and check that all of its addresses are allowed."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
    except ValueError:
        raise _not_allowed("is not a URL", field) from None
    if parts.scheme != "https":
        raise _not_allowed("is not https", field)
    if not host or parts.username is not None or parts.password is not None:
        raise _not_allowed("has no host, or has a user name in it", field)
    try:
        name = host if ":" in host else host.encode("idna").decode()
    except UnicodeError:
        raise _not_fetchable("has a host that is not known", field) from None
    addresses = _addresses(name, port, field, deadline)
    for address in addresses:
        if not _is_allowed(ipaddress.ip_address(address), settings):
            raise _not_allowed("resolves to an address that is not public", field)
    path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
    path = urllib.parse.quote(path, safe="/?&=%:;,+@!$'()*~-._[]")
    return _Target(url, name, port, path, addresses[0])


def _addresses(name: str, port: int, field: str, deadline: float) -> list[str]:
    looking = _LOOKUPS.submit(socket.getaddrinfo, name, port, type=socket.SOCK_STREAM)
    try:
        found = looking.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        looking.cancel()
        raise _not_fetchable("has a host that could not be resolved in time", field) from None
    except (OSError, UnicodeError):
        raise _not_fetchable("has a host that is not known", field) from None
    # Drop the interface of an IPv6 address (fe80::1%eth0).
    return [str(entry[4][0]).partition("%")[0] for entry in found]


def _is_allowed(address: Address, settings: EndpointSettings) -> bool:
    networks = (ipaddress.ip_network(network) for network in settings.url_private_networks)
    return is_public(address) or any(address in network for network in networks)


class _Connection(http.client.HTTPSConnection):
    """Connects to the checked address; SNI and certificate check use the host name."""

    def __init__(self, target: _Target, deadline: float) -> None:
        self._context = ssl.create_default_context()
        super().__init__(target.host, target.port, context=self._context)
        self._target = target
        self._deadline = deadline

    def connect(self) -> None:
        seconds = min(_CONNECT_S, max(0.01, self._deadline - time.monotonic()))
        plain = socket.create_connection((self._target.address, self._target.port), seconds)
        plain.settimeout(max(0.01, self._deadline - time.monotonic()))
        try:
            self.sock = self._context.wrap_socket(plain, server_hostname=self._target.host)
        except BaseException:
            plain.close()
            raise


@contextlib.contextmanager
def _response(target: _Target, deadline: float) -> Iterator[http.client.HTTPResponse]:
    """Send the request; shut the connection down at the deadline, however slow the server is."""
    connection = _Connection(target, deadline)
    try:
        connection.connect()
        closing = threading.Timer(max(0.0, deadline - time.monotonic()), _end, [connection.sock])
        closing.daemon = True
        closing.start()
        try:
            headers = {"Accept-Encoding": "identity", "User-Agent": "whisper-live-sagemaker"}
            connection.request("GET", target.path, headers=headers)
            with contextlib.closing(connection.getresponse()) as response:
                yield response
        finally:
            closing.cancel()
    finally:
        connection.close()


def _end(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)


def _read(
    response: http.client.HTTPResponse,
    field: str,
    settings: EndpointSettings,
    deadline: float,
    file: DiskFile,
) -> None:
    if response.status != http.client.OK:
        raise _not_fetchable(f"answers with status {response.status}", field)
    most = settings.max_source_bytes
    while True:
        if (response.length or 0) + file.size > most or file.size > most:
            raise BodyTooLarge(
                f"The file has more than {most:,} bytes: send a shorter recording, or one that is "
                "compressed.",
                field=field,
            )
        chunk = response.read1(_CHUNK_BYTES)
        if time.monotonic() >= deadline:
            raise _not_fetchable("took longer than it may", field)
        if not chunk:
            break
        file.write(file.size, chunk)
    if response.length:
        raise _not_fetchable("ended before its announced length", field)


def _not_allowed(why: str, field: str) -> SourceNotAllowed:
    return SourceNotAllowed(
        f"The {field} {why}: use https to a public address, or send the audio itself.", field=field
    )


def _not_fetchable(why: str, field: str) -> SourceNotFetchable:
    return SourceNotFetchable(
        f"The {field} {why}: check that it can be read from the internet, or send the audio "
        "itself.",
        field=field,
    )
