# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Pages that a browser has open send nothing, unless the operator allows them."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

import whisper_contract
from tests.schemas import validate
from whisper_endpoint.metrics import emf
from whisper_endpoint.metrics.collector import PROXY_COUNTS, Signals
from whisper_endpoint.proxy import middlewares
from whisper_endpoint.proxy.origins import OriginsMiddleware

DESK = "https://desk.example"


async def ingress(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"{len(await request.body())} bytes")


@pytest.fixture
def start(monkeypatch):
    """Start what Serve would put in front of its proxy, but for what asks Ray."""

    def start_with(origins: str) -> TestClient:
        monkeypatch.setenv("WHISPER_ALLOWED_ORIGINS", origins)
        monkeypatch.setattr("whisper_endpoint.logs.configure", lambda: None)
        monkeypatch.setattr(emf, "publish", lambda *_: None)
        app: Any = Starlette(routes=[Route("/", ingress, methods=["POST"])])
        built: list[Any] = middlewares.middlewares()
        for one in built:
            if one.cls.__name__ in {"OriginsMiddleware", "CORSMiddleware", "RoutesMiddleware"}:
                app = one.cls(app, *one.args, **one.kwargs)
        return TestClient(app)

    return start_with


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://testserver", "", f"{DESK}.evil.example"]
)
@pytest.mark.parametrize("path", ["/", "/invocations", "/-/healthz"])
def test_pages_are_refused_in_a_sentence(start, origin, path):
    client = start(DESK)
    answer = client.post(path, content=b"audio", headers={"Origin": origin})
    assert answer.status_code == 403
    document = answer.json()
    validate(document, whisper_contract.error_schema())
    assert document["code"] == "OriginNotAllowed"
    assert "WHISPER_ALLOWED_ORIGINS" in document["error"]
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origins", ["", DESK])
def test_programs_and_sagemaker_are_heard(start, origins):
    assert start(origins).post("/invocations", content=b"audio").text == "5 bytes"


def test_pages_that_are_allowed_are_heard_and_may_read_their_answers(start):
    client = start(f"https://other.example {DESK}")
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}
    before = client.options("/", headers={"Origin": DESK, **asked})
    assert before.status_code == 200
    answer = client.post("/", content=b"audio", headers={"Origin": DESK})
    assert answer.text == "5 bytes"
    assert {one.headers["access-control-allow-origin"] for one in (before, answer)} == {DESK}


def test_nothing_of_a_page_is_asked_beforehand_where_none_is_allowed(start):
    asked = {"Access-Control-Request-Method": "POST"}
    answer = start("").options("/", headers={"Origin": DESK, **asked})
    assert answer.status_code == 403


def test_refusals_are_counted():
    signals = Signals(PROXY_COUNTS)
    client = TestClient(OriginsMiddleware(Starlette(), (), signals))
    client.post("/", content=b"audio", headers={"Origin": DESK})
    assert signals.read().errors == {"OriginNotAllowed": 1}
