# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests and answers of API Gateway's HTTP APIs, payload format 2.0."""

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from recordings.errors import InvalidJob


@dataclass(frozen=True, kw_only=True)
class ApiRequest:
    """A request.

    Attributes
    ----------
    path : str
        Relative to the dialect's root, without leading or trailing slashes.
    query : dict of str to str
    raw_query : str
        The query string as sent.
    headers : dict of str to str
        Keyed by lower-case name.
    is_signed : bool
        Whether API Gateway checked its signature and IAM allows the call.
    """

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    raw_query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    is_signed: bool = False

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> "ApiRequest":
        """Read an event of API Gateway."""
        context = event["requestContext"]
        # Only API Gateway writes this: a caller cannot forge it.
        authorizer = context.get("authorizer") or {}
        return cls(
            method=context["http"]["method"],
            path=event["rawPath"].strip("/"),
            query=dict(event.get("queryStringParameters") or {}),
            raw_query=event.get("rawQueryString") or "",
            headers={name.lower(): value for name, value in (event.get("headers") or {}).items()},
            body=_body(event),
            is_signed=bool((authorizer.get("iam") or {}).get("accessKey")),
        )

    def document(self) -> dict[str, Any]:
        """Return the body as a JSON object; an empty body counts as ``{}``.

        Raises
        ------
        InvalidJob
        """
        try:
            document = json.loads(self.body or b"{}", parse_constant=_refuse_constant)
            json.dumps(document, ensure_ascii=False).encode()  # refuses lone surrogates
        except (ValueError, RecursionError):
            raise InvalidJob("Send the request's body as JSON.") from None
        if not isinstance(document, dict):
            raise InvalidJob("Send the request's body as a JSON object.")
        return document


@dataclass(frozen=True)
class ApiResponse:
    """A JSON response; without a body if `document` is None."""

    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def to_event(self) -> dict[str, Any]:
        """Return the response in API Gateway's format."""
        headers = {"content-type": "application/json", "cache-control": "no-store"}
        # Compact and unescaped: Lambda limits a response to 6 MiB, and this is nested in it.
        text = json.dumps(self.document, ensure_ascii=False, separators=(",", ":"))
        body = "" if self.document is None else text
        return {
            "statusCode": self.status,
            "headers": {**headers, **self.headers},
            "body": body,
            "isBase64Encoded": False,
        }


def _body(event: dict[str, Any]) -> bytes:
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode()
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _refuse_constant(name: str) -> None:
    raise ValueError(name)  # NaN and Infinity are not JSON
