# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Where processes listen."""

import ipaddress
from collections.abc import Iterable

import psutil


def listening(processes: Iterable[psutil.Process]) -> dict[tuple[str, int], str]:
    """Return the processes' names by the address and port at which they take connections."""
    found: dict[tuple[str, int], str] = {}
    for process in processes:
        try:
            connections = process.net_connections(kind="inet")
            name = process.name()
        except psutil.NoSuchProcess:
            continue
        found |= {
            (one.laddr.ip, one.laddr.port): name
            for one in connections
            if one.status == psutil.CONN_LISTEN
        }
    return found


def beyond_loopback(processes: Iterable[psutil.Process]) -> dict[tuple[str, int], str]:
    """Return those at which other machines may reach this one."""
    return {
        where: name
        for where, name in listening(processes).items()
        if not ipaddress.ip_address(where[0].removeprefix("::ffff:")).is_loopback
    }
