# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""HTTP APIs of API Gateway: routing, authorization, and Lambda integrations.

moto stores the APIs but does not serve them. Each is at ``/_apis/<id>`` of the cloud's address; AWS
gives each its own host.
"""

import base64
import fnmatch
import hashlib
import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from typing import Any, cast

import moto.backends
from werkzeug.wrappers import Request, Response

from local_cloud import ACCOUNT_ID
from local_cloud.access import Access, AccessRefused, Scope
from local_cloud.aws_lambda.process_pool import LambdaProcesses

log = logging.getLogger(__name__)

ROOT = "_apis"
"""First path segment of HTTP APIs."""

_SERVICE = "execute-api"
_STAGE = "$default"
_CLOCK_SECONDS = 300
_TEXT = re.compile(r"(text/.*|application/(json|xml|javascript))(;.*)?")


class RequestNotAnswered(Exception):
    """API Gateway responds instead of the function."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.response = Response(
            json.dumps({"message": message}), status=status, content_type="application/json"
        )


class HttpApis:
    """The HTTP APIs of one Region; `client` returns a boto3 client by service name."""

    def __init__(
        self, access: Access, functions: LambdaProcesses, client: Callable[[str], Any], region: str
    ) -> None:
        self._access = access
        self._functions = functions
        self._client = client
        self._region = region

    def respond(self, environ: dict[str, Any]) -> Response:
        """Answer a request for ``/_apis/<id>/<path>``."""
        _, _, api_id, *rest = environ["PATH_INFO"].split("/")
        try:
            return self._answered(api_id, f"/{'/'.join(rest)}", environ)
        except RequestNotAnswered as refused:
            return refused.response

    def _answered(self, api_id: str, path: str, environ: dict[str, Any]) -> Response:
        api = self._backend.apis.get(api_id)
        if api is None or _STAGE not in api.stages:
            raise RequestNotAnswered(404, "Not Found")
        route = _route(api.routes.values(), environ["REQUEST_METHOD"], path)
        if route is None:
            raise RequestNotAnswered(404, "Not Found")
        is_signed = route.authorization_type == "AWS_IAM"
        if is_signed:
            self._require_signature(environ)
        integration = api.integrations[route.target.rpartition("/")[2]]
        function = self._function(integration.integration_uri, api_id, route.route_key)
        event = _event(environ, api_id, path, route.route_key)
        if is_signed:
            event["requestContext"]["authorizer"] = _authorizer(environ)
        answer = self._functions.call(function, event)
        if answer.is_error:
            log.warning("The function of the HTTP API %s has failed: %s", api_id, answer.payload)
            raise RequestNotAnswered(500, "Internal Server Error")
        return _response(json.loads(answer.payload))

    @property
    def _backend(self) -> Any:
        return moto.backends.get_backend("apigatewayv2")[ACCOUNT_ID][self._region]

    def _require_signature(self, environ: dict[str, Any]) -> None:
        """Require a current signature of this request for API Gateway, with this run's keys."""
        try:
            self._access.require_signature(environ)
        except AccessRefused as refused:
            raise RequestNotAnswered(403, "Forbidden") from refused
        scope = cast("Scope", Scope.of(environ))
        told = environ.get("HTTP_X_AMZ_CONTENT_SHA256")
        is_other = told not in (None, hashlib.sha256(_body(environ)).hexdigest())
        if scope.service != _SERVICE or is_other or not _is_now(environ):
            raise RequestNotAnswered(403, "Forbidden")

    def _function(self, arn: str, api_id: str, route_key: str) -> Any:
        """Return a function, if its policy allows this API to call it."""
        source = f"arn:aws:{_SERVICE}:{self._region}:{ACCOUNT_ID}:{api_id}/{_STAGE}/{route_key}"
        client = self._client("lambda")
        try:
            policy = json.loads(client.get_policy(FunctionName=arn)["Policy"])
        except client.exceptions.ResourceNotFoundException:
            policy = {"Statement": []}
        if not any(_allows(statement, source) for statement in policy["Statement"]):
            log.warning("The function %s does not let the HTTP API %s call it", arn, api_id)
            raise RequestNotAnswered(500, "Internal Server Error")
        return self._functions.backend.get_function(arn)


def _allows(statement: dict[str, Any], source: str) -> bool:
    if statement.get("Principal") != {"Service": "apigateway.amazonaws.com"}:
        return False
    conditions = statement.get("Condition", {})
    wanted = [
        str(value)
        for condition in conditions.values()
        for name, value in condition.items()
        if name.lower() == "aws:sourcearn"
    ]
    return all(fnmatch.fnmatchcase(source, one) for one in wanted)


def _route(routes: Any, method: str, path: str) -> Any:
    """Return the most specific route of a request, in API Gateway's order."""
    found = [(rank, route) for route in routes if (rank := _rank(route.route_key, method, path))]
    return min(found, key=lambda one: one[0])[1] if found else None


def _rank(route_key: str, method: str, path: str) -> tuple[int, int, int] | None:
    """Return a route's rank, lowest first; None if it does not match."""
    if route_key == "$default":
        return 2, 0, 0
    wanted, _, pattern = route_key.partition(" ")
    expression = re.escape(pattern).replace(r"\{proxy\+\}", ".+")
    expression = re.sub(r"\\\{\w+\\\}", "[^/]+", expression)
    if wanted not in ("ANY", method) or not re.fullmatch(expression, path):
        return None
    return int("{" in pattern), -len(pattern), int(wanted == "ANY")


def _event(environ: dict[str, Any], api_id: str, path: str, route_key: str) -> dict[str, Any]:
    """Return the function's event, in payload format 2.0."""
    request, body = Request(environ), _body(environ)
    is_text = bool(_TEXT.fullmatch(request.content_type or "")) and _is_utf_8(body)
    now = datetime.now(UTC)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": path,
        "rawQueryString": request.query_string.decode(),
        "headers": {name.lower(): value for name, value in request.headers.items()},
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": api_id,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
                "sourceIp": request.remote_addr,
                "userAgent": request.headers.get("User-Agent", ""),
            },
            "requestId": str(uuid.uuid4()),
            "routeKey": route_key,
            "stage": _STAGE,
            "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
            "timeEpoch": int(now.timestamp() * 1000),
        },
        "isBase64Encoded": bool(body) and not is_text,
    }
    query = {name: ",".join(values) for name, values in request.args.lists()}
    if query:
        event["queryStringParameters"] = query
    if body:
        event["body"] = body.decode() if is_text else base64.b64encode(body).decode()
    return event


def _is_utf_8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _body(environ: dict[str, Any]) -> bytes:
    """Return the body, and keep it readable."""
    body: bytes = Request(environ).get_data()
    environ["wsgi.input"] = BytesIO(body)
    return body


def _authorizer(environ: dict[str, Any]) -> dict[str, Any]:
    scope = cast("Scope", Scope.of(environ))
    arn = f"arn:aws:iam::{ACCOUNT_ID}:root"
    return {"iam": {"accessKey": scope.key_id, "accountId": ACCOUNT_ID, "userArn": arn}}


def _is_now(environ: dict[str, Any]) -> bool:
    try:
        signed = datetime.strptime(environ.get("HTTP_X_AMZ_DATE", ""), "%Y%m%dT%H%M%SZ")
    except ValueError:
        return False
    return abs(time.time() - signed.replace(tzinfo=UTC).timestamp()) <= _CLOCK_SECONDS


def _response(answer: Any) -> Response:
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Response(json.dumps(answer), content_type="application/json")
    body = answer.get("body", "")
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body
    return Response(content, status=answer["statusCode"], headers=answer.get("headers"))
