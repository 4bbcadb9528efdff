# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""AWS Signature Version 4 with the deployment's own key pair, verified here.

For programs that can only sign requests and have no credentials of this account. The canonical
request follows the IAM User Guide, "Create a signed AWS API request".
"""

import hashlib
import hmac
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from recordings.api.messages import ApiRequest
from recordings.errors import SignatureRefused

PAIR_ID = "WHISPERSAGEMAKERJOBS"
"""Access key id of the pair; it stays the same when the secret is rotated."""

CLOCK_SECONDS = 300
"""Allowed clock skew of a signature, the same as AWS's."""

_ALGORITHM = "AWS4-HMAC-SHA256"
_SERVICES = ("transcribe", "execute-api")
_READ_HEADERS = ("x-amz-target",)
"""Headers that dialects dispatch on: unsigned, they could be tampered with."""

_AUTHORIZATION = re.compile(
    rf"{_ALGORITHM} +Credential=(?P<key_id>[^/,]*)/(?P<day>[^/,]*)/(?P<region>[^/,]*)/"
    r"(?P<service>[^/,]*)/aws4_request, *SignedHeaders=(?P<headers>[^, ]*), *"
    r"Signature=(?P<value>[0-9a-f]{64})"
)
_REMEDY = "sign the request as it is sent, with the current key pair of the secret JobsApiPairArn"


@dataclass(frozen=True)
class _Signature:
    """The parsed Authorization header.

    Attributes
    ----------
    scope : tuple of str
        Day, Region and service, from which the signing key is derived. Any Region will do: the
        signature covers the host.
    time : str
        In the format of ``X-Amz-Date``.
    """

    key_id: str
    scope: tuple[str, str, str]
    headers: tuple[str, ...]
    value: str
    time: str


@dataclass(frozen=True)
class PairSignatures:
    """Checks signatures with the deployment's own key pair.

    Attributes
    ----------
    secrets : callable
        Returns the valid secrets; raises if there are none.
    clock : callable
        Returns seconds since 1970.
    """

    secrets: Callable[[], tuple[str, ...]]
    clock: Callable[[], float] = time.time

    def require(self, request: ApiRequest) -> None:
        """Refuse a request without a current, valid signature by the pair.

        Raises
        ------
        SignatureRefused
        """
        signature = _read(request)
        if signature.key_id != PAIR_ID:
            raise SignatureRefused(
                f"Sign with the access key ID {PAIR_ID} and the secret key in "
                "JobsApiPairArn: this deployment accepts no other credentials."
            )
        if signature.scope[2] not in _SERVICES:
            raise SignatureRefused(f"Sign for one of the services {', '.join(_SERVICES)}.")
        self._require_now(signature)
        texts = [
            _text_to_sign(request, signature, path)
            # Some clients append a slash to the path; both forms arrive here.
            for path in (f"/{request.path}", f"/{request.path}/")
        ]
        # Compare all signatures, in constant time, so that timing reveals nothing.
        if not sum(
            hmac.compare_digest(signature.value, _signed(text, secret, signature.scope))
            for secret in self.secrets()
            for text in texts
        ):
            raise SignatureRefused(f"The signature does not match the request: {_REMEDY}.")

    def _require_now(self, signature: _Signature) -> None:
        try:
            signed = datetime.strptime(signature.time, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            raise SignatureRefused(
                "Send the header X-Amz-Date as 20260131T235959Z, and sign it."
            ) from None
        if abs(self.clock() - signed.timestamp()) > CLOCK_SECONDS:
            now = datetime.fromtimestamp(self.clock(), UTC)
            raise SignatureRefused(
                f"Set the clock, or sign again: the signature is from {signature.time}, "
                f"and the time is {now:%Y%m%dT%H%M%SZ}; at most {CLOCK_SECONDS // 60} minutes "
                "of difference are allowed."
            )


def is_signed(request: ApiRequest) -> bool:
    """Return whether a request carries a SigV4 Authorization header."""
    return request.headers.get("authorization", "").startswith(_ALGORITHM)


def _read(request: ApiRequest) -> _Signature:
    match = _AUTHORIZATION.fullmatch(request.headers.get("authorization", "").strip())
    if match is None:
        raise SignatureRefused(
            f"Send the header Authorization as {_ALGORITHM} Credential=…/aws4_request, "
            "SignedHeaders=…, Signature=…"
        )
    headers = tuple(match["headers"].split(";"))
    given = [name for name in _READ_HEADERS if name in request.headers]
    for name in ("host", "x-amz-date", *given):
        if name not in headers:
            raise SignatureRefused(f"Sign the header {name} as well.")
    stamp = request.headers.get("x-amz-date", "")
    if match["day"] != stamp[:8]:
        raise SignatureRefused("Use the date of X-Amz-Date in the credential scope.")
    scope = match["day"], match["region"], match["service"]
    return _Signature(match["key_id"], scope, headers, match["value"], stamp)


def _text_to_sign(request: ApiRequest, signature: _Signature, path: str) -> str:
    pairs = sorted(one.partition("=")[::2] for one in request.raw_query.split("&") if one)
    headers = {name: " ".join(value.split()) for name, value in request.headers.items()}
    canonical = "\n".join(
        [
            request.method,
            quote(path, safe="/~", errors="replace"),
            "&".join(f"{name}={value}" for name, value in pairs),
            *(f"{name}:{headers.get(name, '')}" for name in signature.headers),
            "",
            ";".join(signature.headers),
            # Never trust the digest in a header: hash the body that arrived.
            hashlib.sha256(request.body).hexdigest(),
        ]
    )
    scope = "/".join([*signature.scope, "aws4_request"])
    digest = hashlib.sha256(canonical.encode(errors="replace")).hexdigest()
    return "\n".join([_ALGORITHM, signature.time, scope, digest])


def _signed(text: str, secret: str, scope: tuple[str, str, str]) -> str:
    key = f"AWS4{secret}".encode()
    for part in (*scope, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()
