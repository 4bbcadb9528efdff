# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Access control: programs sign with the keys of this run, or know its secret path.

Any web page in a browser on this machine can send requests too. A page can neither sign them nor
guess the path; requests that come from a page, or name another host (DNS rebinding), are refused
regardless of credentials.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import Message
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.utils import normalize_url_path
from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.wrappers import Request, Response

_ALGORITHM = "AWS4-HMAC-SHA256"
HEADERS = "local_cloud.headers"
"""In a WSGI environ, the headers as they were sent: a ``Message``."""

_REMEDY = "use the keys of this run, which its owner was told when it began"


@dataclass(frozen=True)
class RunKeys:
    """The secrets of one run."""

    key_id: str = field(default_factory=lambda: f"LOCAL{secrets.token_hex(8).upper()}")
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(30))
    path: str = field(default_factory=lambda: secrets.token_urlsafe(18))

    def is_path(self, text: str) -> bool:
        """Return whether a path segment is this run's secret."""
        return hmac.compare_digest(self.path.encode(), text.encode())


class AccessRefused(Exception):
    """Access denied (HTTP 403); `code` is the service's own."""

    def __init__(self, message: str, code: str = "AccessDenied") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


@dataclass(frozen=True)
class Scope:
    """A request's signature and its scope: ``<key>/<date>/<region>/<service>/aws4_request``.

    `query` holds the parameters of a presigned URL; empty for signed headers.
    """

    key_id: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str
    query: Mapping[str, str]

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> "Scope | None":
        """Parse a request's Authorization header or presigned query; None if unsigned."""
        query = dict(parse_qsl(environ.get("QUERY_STRING", "")))
        algorithm, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if algorithm == _ALGORITHM:
            given = dict(item.strip().partition("=")[::2] for item in rest.split(","))
            query = {}
        elif query.get("X-Amz-Algorithm") == _ALGORITHM:
            given = {name.removeprefix("X-Amz-"): value for name, value in query.items()}
        else:
            return None
        parts = given.get("Credential", "").split("/")
        if len(parts) != 5:
            return None
        headers = tuple(given.get("SignedHeaders", "").split(";"))
        return cls(parts[0], parts[2], parts[3], headers, given.get("Signature", ""), query)


class Access:
    """Checks the requests of one run; `hosts` are the accepted Host headers."""

    def __init__(self, keys: RunKeys, hosts: Iterable[str]) -> None:
        self._keys = keys
        self._hosts = frozenset(hosts)

    def refuse_pages(self, environ: Mapping[str, Any]) -> None:
        """Raise AccessRefused for requests that a browser sends for a page."""
        if environ.get("HTTP_HOST", "").lower() not in self._hosts:
            known = " or ".join(sorted(self._hosts))
            raise AccessRefused(f"This is no host of that name: ask {known}.")
        if environ["REQUEST_METHOD"] == "OPTIONS" or _is_of_page(environ):
            raise AccessRefused("Web pages may not ask the local cloud: ask it from a program.")

    def require_signature(self, environ: dict[str, Any]) -> None:
        """Raise AccessRefused unless the request is signed with this run's keys.

        Reading the body consumes it; `environ` gets a new stream.
        """
        scope = Scope.of(environ)
        if scope is None:
            raise AccessRefused(f"The request has no signature of AWS's version 4: {_REMEDY}.")
        codes = _CODES[_family(environ, scope.service)]
        if not hmac.compare_digest(scope.key_id.encode(), self._keys.key_id.encode()):
            raise AccessRefused(f"The access key in the request is not known: {_REMEDY}.", codes[0])
        if _has_expired(scope.query):
            raise AccessRefused("Request has expired.")
        if not hmac.compare_digest(self._signature(environ, scope), scope.signature.encode()):
            raise AccessRefused(f"The signature in the request is not right: {_REMEDY}.", codes[1])

    def _signature(self, environ: dict[str, Any], scope: Scope) -> bytes:
        signer = SigV4Auth(
            Credentials(self._keys.key_id, self._keys.secret), scope.service, scope.region
        )
        request = AWSRequest()
        request.context["timestamp"] = scope.query.get("X-Amz-Date") or environ.get(
            "HTTP_X_AMZ_DATE", ""
        )
        text = signer.string_to_sign(request, _canonical_request(environ, scope))
        signature: str = signer.signature(text, request)
        return signature.encode()


class RawHeadersHandler(MotoRequestHandler):  # type: ignore[misc]
    """Keeps the headers exactly as sent, since that is what is signed."""

    def make_environ(self) -> dict[str, Any]:
        """Return the WSGI environ, plus the raw headers."""
        return {**super().make_environ(), HEADERS: self.headers}


def asgi_environ(scope: Mapping[str, Any]) -> dict[str, Any]:
    """Convert an ASGI scope to the parts of a WSGI environ used here."""
    headers = Message()
    variables: dict[str, Any] = {}
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        headers.add_header(name.decode("latin-1"), text)
        variables[f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"] = text
    query = scope["query_string"].decode("latin-1")
    return variables | {
        "CONTENT_TYPE": variables.get("HTTP_CONTENT_TYPE", ""),
        "QUERY_STRING": query,
        "RAW_URI": scope["raw_path"].decode("latin-1") + (f"?{query}" if query else ""),
        "REQUEST_METHOD": scope["method"],
        HEADERS: headers,
    }


def refusal(refused: AccessRefused, environ: Mapping[str, Any]) -> Response:
    """Return the refusal in the service's own error format, or as plain text."""
    scope = Scope.of(environ)
    if scope is None:
        return Response(f"{refused.message}\n", status=403, content_type="text/plain")
    if _family(environ, scope.service) == "json":
        body = json.dumps({"__type": refused.code, "message": refused.message})
        headers = {"x-amzn-ErrorType": refused.code}
        return Response(body, status=403, content_type="application/json", headers=headers)
    error = f"<Code>{refused.code}</Code><Message>{refused.message}</Message>"
    body = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
    return Response(body, status=403, content_type="text/xml")


_CODES = {
    "s3": ("InvalidAccessKeyId", "SignatureDoesNotMatch"),
    "query": ("InvalidClientTokenId", "SignatureDoesNotMatch"),
    "json": ("UnrecognizedClientException", "InvalidSignatureException"),
}
"""AWS's error codes for an unknown key and a wrong signature, by protocol family."""


def _family(environ: Mapping[str, Any], service: str) -> str:
    if service == "s3":
        return service
    is_form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return "query" if is_form else "json"


def _is_of_page(environ: Mapping[str, Any]) -> bool:
    # A page's simple GET has no Origin; Node's fetch has Sec-Fetch-Mode but no Sec-Fetch-Site.
    return "HTTP_ORIGIN" in environ or "HTTP_SEC_FETCH_SITE" in environ


def _canonical_request(environ: dict[str, Any], scope: Scope) -> str:
    """Return the canonical request (IAM User Guide, "Create a signed AWS API request")."""
    path, _, query = environ["RAW_URI"].partition("?")
    # A presigned URL's signature is not itself signed.
    items = [item for item in query.split("&") if not item.startswith("X-Amz-Signature=")]
    pairs = sorted(item.partition("=")[::2] for item in items if item)
    headers = environ[HEADERS]
    return "\n".join(
        [
            environ["REQUEST_METHOD"],
            path if scope.service == "s3" else quote(normalize_url_path(path), safe="/~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{_values(headers, name)}" for name in scope.signed_headers),
            "",
            ";".join(scope.signed_headers),
            _content_digest(environ, scope),
        ]
    )


def _values(headers: Any, name: str) -> str:
    return ",".join(" ".join(value.split()) for value in headers.get_all(name, []))


def _content_digest(environ: dict[str, Any], scope: Scope) -> str:
    """Return the body's digest, from the header if it is there."""
    if told := environ.get("HTTP_X_AMZ_CONTENT_SHA256"):
        return str(told)
    if scope.query and scope.service == "s3":
        return "UNSIGNED-PAYLOAD"
    body = Request(environ).get_data()
    environ["wsgi.input"] = BytesIO(body)
    return hashlib.sha256(body).hexdigest()


def _has_expired(query: Mapping[str, str]) -> bool:
    if not query:
        return False
    try:
        begin = datetime.strptime(query.get("X-Amz-Date", ""), "%Y%m%dT%H%M%SZ")
        lasts = timedelta(seconds=int(query.get("X-Amz-Expires", "0")))
        return datetime.now(UTC) > begin.replace(tzinfo=UTC) + lasts
    except (OverflowError, ValueError):
        return True
