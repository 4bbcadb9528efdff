# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The HTTP API of a simulated deployment, asked as API Gateway asks it."""

import io
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import boto3
from botocore.awsrequest import AWSResponse

from recordings.api.access import ApiAccess
from recordings.api.app import Api, Dialect
from recordings.api.insanely_fast_whisper import InsanelyFastDialect
from recordings.api.jobs import JobsDialect
from recordings.api.sigv4 import PairSignatures
from recordings.api.transcribe import TranscribeDialect
from tests.chaos.recordings.world import RecordingsWorld
from tests.unit.recordings import aws

KEYS = ("the-current-key-of-the-api", "the-previous-key-of-the-api")
PAIR_SECRETS = ("the-current-secret-of-the-pair", "the-previous-secret-of-the-pair")
SIGNED = {"authorizer": {"iam": {"accessKey": "AKIA"}}}
"""What API Gateway adds when it has checked a signature."""


class AskedApi:
    """The API of a world, whose time goes on while a synchronous task is waited for.

    With `signed_at`, the clock that signatures are held against, the deployment has its own pair.
    """

    def __init__(
        self, world: RecordingsWorld, signed_at: Callable[[], float] | None = None
    ) -> None:
        self.world = world
        signatures = PairSignatures(lambda: PAIR_SECRETS, signed_at) if signed_at else None
        dialects: dict[str, Dialect] = {
            "jobs": JobsDialect(world.jobs, lambda: world.now),
            "transcribe": TranscribeDialect(world.jobs),
            "ifw": InsanelyFastDialect(world.jobs, lambda: world.now, world.pass_time),
        }
        self.api = Api(ApiAccess(lambda: KEYS, signatures), dialects)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        context: dict[str, Any] | None = None,
    ) -> tuple[int, Any]:
        """Ask as API Gateway does; return the status and the document of the answer."""
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self.raw(method, path, text if body is not None else "", query, headers, context)
        return answer["statusCode"], json.loads(answer["body"] or "null")

    def raw(
        self,
        method: str,
        path: str,
        body: str,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        context: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask as API Gateway does; return the function's own answer."""
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": path,
            "headers": {"X-Admin-Api-Key": KEYS[0]} if headers is None else headers,
            "requestContext": {"http": {"method": method}, **(context or {})},
            "body": body,
            "isBase64Encoded": False,
        }
        if query is not None:
            event["queryStringParameters"] = query
            event["rawQueryString"] = urlencode(query, quote_via=quote)
        answer: dict[str, Any] = self.world.run("ApiFunction", lambda: self.api.answer(event))
        return answer

    def transcribe(
        self, key_id: str = "test", secret: str = "test", context: dict[str, Any] | None = None
    ) -> Any:
        """Return boto3's own client of Amazon Transcribe, whose requests come here."""
        client = boto3.client(
            "transcribe",
            region_name=aws.REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            endpoint_url="https://api.test/transcribe",
        )
        told = SIGNED if context is None else context

        def send(request: Any, **_: Any) -> AWSResponse:
            place = urlsplit(request.url)
            headers = {name: _text(value) for name, value in request.headers.items()}
            headers["Host"] = place.netloc
            answer = self.raw("POST", place.path, _text(request.body), None, headers, told)
            raw = RawBody(answer["body"].encode())
            return AWSResponse(request.url, answer["statusCode"], answer["headers"], raw)

        client.meta.events.register("before-send.transcribe.*", send)
        return client


class RawBody(io.BytesIO):
    """A body as urllib3 gives it."""

    def stream(self, **_: Any) -> Any:
        yield self.read()


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
