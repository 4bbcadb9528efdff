# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The address behind a URL, of a recording or a webhook, before anybody connects to it.

A host is resolved, each of its addresses is checked, and the connection goes to one that was
checked: it does not help if the name resolves to another a moment later.
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
    """Where a URL leads: its host, port and path, and the address that was checked."""

    host: str
    port: int
    path: str
    address: str


def is_url(text: str) -> bool:
    """Whether a text has the form of an https URL."""
    return len(text) <= _LONGEST_URL and _URL.fullmatch(text) is not None


def resolved(url: str, is_allowed: Callable[[Address], bool] = is_public) -> WebAddress:
    """Return where a URL leads, every address of its host being allowed.

    Raises
    ------
    AddressRefused
    OSError
        Its host is not known, or not now.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        name = host if ":" in host else host.encode("idna").decode()
    except ValueError:
        raise AddressRefused("Give another address: this one is not a URL.") from None
    if parts.scheme != "https" or not name or parts.username is not None:
        raise AddressRefused("Give an address as https://host/path, without a user's name.")
    entries = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    # An IPv6 address may name an interface (fe80::1%eth0).
    addresses = [str(entry[4][0]).partition("%")[0] for entry in entries]
    if not all(is_allowed(ipaddress.ip_address(one)) for one in addresses):
        raise AddressRefused(
            f"Give an address that the internet reaches: {host:.200} leads to one that is not "
            "public."
        )
    path = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return WebAddress(name, port, path, addresses[0])
