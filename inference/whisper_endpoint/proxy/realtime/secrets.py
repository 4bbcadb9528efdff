# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Client secrets that carry a session's configuration from their creator to the connecting client.

A secret is the encoded configuration itself, so that the proxy of any node can read it. It protects
nothing: the endpoint requires no key, and anybody who can reach it can configure a session.
"""

import base64
import time
from collections.abc import Mapping
from typing import Any

import orjson

from whisper_endpoint.errors import InvalidParameter

# OpenAI's secrets begin with ek_. A key without this prefix is not one of ours and is ignored.
_PREFIX = "ek_session_"
# Some proxies in front of an endpoint accept no header over 8 KiB.
_MOST_CHARACTERS = 6_000
# Where clients put it: browsers cannot set headers, but can name a subprotocol.
_IN_PROTOCOLS = ("openai-insecure-api-key.", "realtime-token.")
_IN_HEADER = "bearer "


def made(session: Mapping[str, Any], expires_at: int) -> str:
    """Return a secret.

    Parameters
    ----------
    session : mapping
        The client's session object, already checked.
    expires_at : int
        ``time.time`` from which it is no longer accepted.

    Raises
    ------
    InvalidParameter
        400: the session's configuration is too long.
    """
    document = orjson.dumps({"session": session, "expires_at": expires_at})
    secret = _PREFIX + base64.urlsafe_b64encode(document).decode().rstrip("=")
    if len(secret) > _MOST_CHARACTERS:
        raise InvalidParameter(
            f"session results in a secret of {len(secret):,} characters, but at most "
            f"{_MOST_CHARACTERS:,} are allowed: send prompt and keywords after connecting, "
            "with session.update.",
            field="session",
        )
    return secret


def session_in(headers: Mapping[bytes, str], protocols: list[str]) -> object:
    """Return the session object in a connection's secret; an empty one without a secret.

    Raises
    ------
    InvalidParameter
        400: the secret is damaged or has expired.
    """
    key = headers.get(b"authorization", "")
    named = [key[len(_IN_HEADER) :].strip()] if key.lower().startswith(_IN_HEADER) else []
    for prefix in _IN_PROTOCOLS:
        named += [one.removeprefix(prefix) for one in protocols if one.startswith(prefix)]
    ours = next((one for one in named if one.startswith(_PREFIX)), None)
    return {} if ours is None else _session(ours)


def _session(secret: str) -> object:
    body = secret.removeprefix(_PREFIX)
    try:
        decoded = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_", validate=True)
        document = orjson.loads(decoded)
        is_over = time.time() >= document["expires_at"]
        session: object = document["session"]
    except (ValueError, TypeError, KeyError):
        raise InvalidParameter(
            "The secret is not valid: send it complete and unchanged.", field="client_secret"
        ) from None
    if is_over:
        raise InvalidParameter(
            "The secret has expired: request another one, or one with a larger "
            "expires_after.seconds.",
            field="client_secret",
        )
    return session
