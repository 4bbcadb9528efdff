# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Resolve and check the address behind a URL, of a recording or webhook, before connecting.

A host is resolved, all its addresses are checked, and the connection uses a checked address, so
a name that resolves differently a moment later (DNS rebinding) gains nothing.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from recordings.errors import AddressRefused
from whisper_contract.addresses import Address, is_public

_URL = re.compile(r"https://[!-.0->A-~]+(?:[/?][!-~]*)?", re.IGNORECASE)
_LONGEST_URL = 2000


@dataclass(frozen=True)
class WebAddress:
    """A URL's host, port and path, and the address that was checked."""

    host: str
    port: int
    path: str
    address: str


def is_url(text: str) -> bool:
    """Return whether a text has the form of an https URL."""
    if len(text) > _LONGEST_URL or not _URL.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that does not exist, or half an IPv6 address
        return False


def resolved(url: str, is_allowed: Callable[[Address], bool] = is_public) -> WebAddress:
    """Resolve a URL, and require every address of its host to be allowed.

    Raises
    ------
    AddressRefused
    OSError
        Its host cannot be resolved.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        name = host if ":" in host else host.encode("idna").decode()
    except ValueError:
        raise AddressRefused("Give another address: this one is not a URL.") from None
    if parts.scheme != "https" or not name or parts.username is not None:
        raise AddressRefused("Give an address as https://host/path, without a user name.")
    entries = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    # An IPv6 address may name an interface (fe80::1%eth0).
    addresses = [str(entry[4][0]).partition("%")[0] for entry in entries]
    if not all(is_allowed(ipaddress.ip_address(one)) for one in addresses):
        raise AddressRefused(
            f"Give a public address: {host:.200} resolves to one that is not public."
        )
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return WebAddress(name, port, path, addresses[0])
