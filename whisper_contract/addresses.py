# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decides which IP addresses are hosts on the public internet.

An address must be in a public range and in none of the special ones: IANA's special-purpose
registries, and metadata services outside them. `ipaddress`'s notion of a global address is not used
because it differs between versions of Python.
"""

import ipaddress
from typing import TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
"""An IPv4 or IPv6 address."""

_PUBLIC = tuple(map(ipaddress.ip_network, ("0.0.0.0/0", "2000::/3")))
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's metadata
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",  # 192.0.0.192: Oracle's metadata
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",  # multicast and reserved
            "2001::/23",  # Teredo among others
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "3fff::/20",
        ),
    )
)
# The third 32 bits of an ISATAP address, which embeds an IPv4 address in the last ones (RFC 5214);
# the "universal" bit is ignored.
_ISATAP, _ISATAP_MASK = 0x0000_5EFE, 0xFDFF_FFFF


def is_public(address: Address) -> bool:
    """Whether an address is a public host and does not embed another address."""
    if address.version == 6 and (int(address) >> 32) & _ISATAP_MASK == _ISATAP:
        return False
    is_refused = any(address in network for network in _NOT_PUBLIC)
    return not is_refused and any(address in network for network in _PUBLIC)
