# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""OpenAI's routes for client secrets, current and earlier, which configure a session in advance."""

import time
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from whisper_endpoint.errors import BodyTooLarge, EndpointError, MalformedBody, MethodNotAllowed
from whisper_endpoint.metrics.collector import Signals
from whisper_endpoint.proxy.body import body_of
from whisper_endpoint.proxy.realtime import fields, secrets
from whisper_endpoint.proxy.realtime.configuration import Configuration
from whisper_endpoint.proxy.realtime.server_events import new_session_id, session_object
from whisper_endpoint.proxy.refusals import refusal

CURRENT = "/v1/realtime/client_secrets"
EARLIER = "/v1/realtime/transcription_sessions"

# More than any session that fits into a secret.
_MOST_BYTES = 64 * 1024
# OpenAI's limits and default for the life of a secret, in seconds.
_SECONDS, _DEFAULT_S = (10, 7_200), 600


class SecretsMiddleware:
    """Answers requests for secrets; passes all others on.

    Parameters
    ----------
    app : ASGI application
        Serve's proxy.
    signals : Signals
        Counts refused requests.
    """

    def __init__(self, app: ASGIApp, signals: Signals) -> None:
        self._app = app
        self._signals = signals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse a request for a secret; pass other requests on."""
        if scope["type"] != "http" or scope["path"] not in (CURRENT, EARLIER):
            await self._app(scope, receive, send)
            return
        try:
            if scope["method"] != "POST":
                raise MethodNotAllowed.of(scope["method"])
            given = await _read(Request(scope, receive))
            is_old = scope["path"] == EARLIER
            document = _of_earlier_form(given) if is_old else _of_current_form(given)
        except EndpointError as error:
            self._signals.refused(error.code)
            await refusal(error, scope["path"])(scope, receive, send)
            return
        await JSONResponse(document)(scope, receive, send)


def _of_current_form(given: dict[str, Any]) -> dict[str, Any]:
    fields.check_names(given, {"session", "expires_after"}, "body")
    session = fields.given(given.get("session", {}), "session")
    shown = _shown(session, is_old=False)
    expires_at = _expiry(given.get("expires_after", {}), "expires_after")
    value = secrets.made(session, expires_at)
    return {"value": value, "expires_at": expires_at, "session": shown}


def _of_earlier_form(session: dict[str, Any]) -> dict[str, Any]:
    shown = _shown(session, is_old=True)
    secret = fields.given(session.pop("client_secret", {}), "client_secret")
    fields.check_names(secret, {"expires_at"}, "client_secret")
    expires_at = _expiry(secret.get("expires_at", {}), "client_secret.expires_at")
    value = secrets.made(session, expires_at)
    return {**shown, "client_secret": {"value": value, "expires_at": expires_at}}


def _shown(session: dict[str, Any], *, is_old: bool) -> dict[str, Any]:
    """Return the session object that will be in effect."""
    return session_object(new_session_id(), Configuration().updated(session), is_old=is_old)


def _expiry(value: object, where: str) -> int:
    """Return the expiry of a secret, as ``time.time``."""
    after = fields.given(value, where)
    fields.check_names(after, {"anchor", "seconds"}, where)
    if after.get("anchor", "created_at") != "created_at":
        raise fields.misfit(f"{where}.anchor", after["anchor"], "created_at")
    shortest, longest = _SECONDS
    seconds = after.get("seconds", _DEFAULT_S)
    if type(seconds) is not int or not shortest <= seconds <= longest:
        raise fields.misfit(f"{where}.seconds", seconds, f"{shortest} to {longest:,}")
    return int(time.time()) + seconds


async def _read(request: Request) -> dict[str, Any]:
    """Return the fields of a JSON body; none without a body."""
    body = bytearray()
    async for piece in body_of(request):
        body += piece
        if len(body) > _MOST_BYTES:
            raise BodyTooLarge(
                f"The body has more than {_MOST_BYTES:,} bytes: send only a session."
            )
    try:
        document = orjson.loads(body or b"{}")
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise MalformedBody("The body is not a JSON object: send the session's configuration.")
    return fields.given(document, "body")
