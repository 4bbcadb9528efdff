# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Validate a job's webhook."""

import contextlib
import ipaddress
import re
import socket
from typing import Any
from urllib.parse import urlsplit

from recordings.errors import InvalidJob
from recordings.web_address import is_url
from whisper_contract.addresses import is_public

STANDARD, INSANELY_FAST = "standard", "insanely-fast-whisper"
"""Body format: a Standard Webhooks event, or insanely-fast-whisper's body."""

_FIELDS = ("url", "headers", "form")
_LONGEST_URL = 2000
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HEADER_VALUE = re.compile(r"[ -~]{0,2000}")
_MOST_HEADERS = 20
_OURS = ("host", "content-length", "content-type", "transfer-encoding", "connection", "expect")


def webhook(given: Any) -> dict[str, Any]:
    """Return a job's webhook, checked without network access.

    Raises
    ------
    InvalidJob
    """
    if given is None or given == {}:
        return {}
    if not isinstance(given, dict) or set(given) - set(_FIELDS):
        raise InvalidJob('Give webhook as {"url": "https://…"}, optionally with "headers".')
    url, form = given.get("url"), given.get("form", STANDARD)
    if not isinstance(url, str) or not is_url(url) or len(url) > _LONGEST_URL:
        raise InvalidJob(f"Give webhook.url as https://host/path; it is {url!r:.200}.")
    if not _may_be_public(url):
        raise InvalidJob(f"Give webhook.url as a public address; it is {url!r:.200}.")
    if form not in (STANDARD, INSANELY_FAST):
        raise InvalidJob(f"Give webhook.form as {STANDARD} or {INSANELY_FAST}.")
    return {"url": url, "headers": _headers(given.get("headers") or {}), "form": form}


def _may_be_public(url: str) -> bool:
    """Return False for this machine or a literal IP address that is not public.

    Other names are resolved on delivery.
    """
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host.rpartition(".")[2] == "localhost":  # RFC 6761: with every name below it
        return False
    with contextlib.suppress(OSError):  # also 127.1, 0x7f000001 and 2130706433
        return is_public(ipaddress.IPv4Address(socket.inet_aton(host)))
    with contextlib.suppress(ValueError):
        return is_public(ipaddress.ip_address(host))
    return True


def _headers(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or len(given) > _MOST_HEADERS:
        raise InvalidJob(f"Give webhook.headers as an object of {_MOST_HEADERS} headers at most.")
    for name, value in given.items():
        if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
            raise InvalidJob(f"Give webhook.headers.{name:.100} as a text of printable ASCII.")
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OURS:
            raise InvalidJob(f"Leave out webhook.headers.{name:.100}: this header cannot be set.")
        if name.lower().startswith("webhook-"):
            raise InvalidJob(
                f"Leave out webhook.headers.{name:.100}: the deployment sets the signature."
            )
    return dict(given)
