# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Two pages in Chromium ask one endpoint, which allows one of them."""

import shutil
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.browser import FLAGS, PATIENCE_MS, serving
from tests.unit.endpoint.engine.waiting import said
from tests.unit.endpoint.helpers import CLIP
from whisper_endpoint.ingress.handler import HttpRequest, RequestHandler
from whisper_endpoint.metrics import emf
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.proxy import middlewares
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript, assemble

FETCH = """async ([address, audio, asForm]) => {
  let body = Uint8Array.from(audio), headers = { "Content-Type": "audio/wav" };
  if (asForm) {
    const file = new Blob([body]);
    body = new FormData(), headers = {};
    body.append("file", file, "call.wav");
  }
  try {
    const answer = await fetch(address, { method: "POST", body, headers });
    return (await answer.json()).text;
  } catch (failure) {
    return failure.name;
  }
}"""


class Engine:
    """Hears the same in all that comes to it."""

    def __init__(self) -> None:
        self.heard: list[float] = []

    async def transcribe(self, recording: Any, *_: Any) -> Transcript:
        self.heard.append(recording.duration)
        return assemble("en", [said(" How can I help?")])


def endpoint(engine: Engine) -> Any:
    """The ingress behind what Serve would put in front of it, but for what asks Ray."""
    handler = RequestHandler(EndpointSettings(), ModelInfo(80, ("en",), multilingual=False), engine)

    async def ingress(request: Request) -> Response:
        answer = await handler.answer(HttpRequest.of(request))
        return Response(answer.body, answer.status, answer.headers, answer.content_type)

    app: Any = Starlette(routes=[Route("/", ingress, methods=["POST"])])
    built: list[Any] = middlewares.middlewares()
    for one in built:
        if one.cls.__name__ in {"OriginsMiddleware", "CORSMiddleware", "RoutesMiddleware"}:
            app = one.cls(app, *one.args, **one.kwargs)
    return app


def page(_: Request) -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>desk</title>")


def test_a_page_that_is_allowed_has_its_transcript_and_another_is_not_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    monkeypatch.setattr("whisper_endpoint.logs.configure", lambda: None)
    monkeypatch.setattr(emf, "publish", lambda *_: None)
    pages, engine = Starlette(routes=[Route("/", page)]), Engine()
    with ExitStack() as stack:
        allowed = stack.enter_context(serving(pages))
        monkeypatch.setenv("WHISPER_ALLOWED_ORIGINS", allowed)
        address = f"{stack.enter_context(serving(endpoint(engine)))}/invocations"
        # Another name of the same machine and port: to a browser another origin.
        others = [stack.enter_context(serving(pages)), allowed.replace("127.0.0.1", "localhost")]
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium, args=FLAGS
        )
        stack.callback(browser.close)
        tab = browser.new_page()
        tab.set_default_timeout(PATIENCE_MS)

        def asks(origin: str, *, as_form: bool) -> str:
            tab.goto(origin)
            answer: str = tab.evaluate(FETCH, [address, list(CLIP), as_form])
            return answer

        # A form is sent without asking first: the request arrives, and is refused there.
        for as_form in (False, True):
            assert [asks(one, as_form=as_form) for one in others] == ["TypeError"] * 2
        assert engine.heard == []
        assert [asks(allowed, as_form=one) for one in (False, True)] == ["How can I help?"] * 2
        assert len(engine.heard) == 2
