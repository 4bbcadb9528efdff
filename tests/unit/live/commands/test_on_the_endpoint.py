# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The command before the endpoint's own request handler: what it sends is what is understood."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from live_whisper.__main__ import main
from tests.unit.endpoint.http_requests import http_request
from tests.unit.endpoint.ingress.test_forms import ask
from tests.unit.live.conftest import CALLS

if TYPE_CHECKING:
    from collections.abc import Iterator

CALL = str(CALLS / "agent-and-caller-overlap.wav")
BEGINS = {"text": "1 window\n", "srt": "1\n00:00:0", "vtt": "WEBVTT\n\n", "json": '{"task":'}


class _ToTheHandler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        answer = ask(
            http_request(
                self.rfile.read(int(self.headers["Content-Length"])),
                path=self.path,
                content_type=self.headers["Content-Type"],
                attributes=self.headers.get("X-Amzn-SageMaker-Custom-Attributes", ""),
            )
        )
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        return


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _ToTheHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("form", BEGINS)
@pytest.mark.parametrize("where", ["--url", "--openai-base-url"])
def test_every_form_is_answered(url: str, form: str, where: str, capsys) -> None:
    base = f"{url}/v1" if where == "--openai-base-url" else url
    assert main(["transcribe", CALL, where, base, "--format", form, "--language", "es"]) == 0
    out = capsys.readouterr().out
    assert out.startswith(BEGINS[form])
    if form == "json":
        assert json.loads(out)["language"] == "es"
        assert json.loads(out)["segments"]


def test_the_endpoints_own_sentence_is_what_is_said(url: str, capsys) -> None:
    assert main(["transcribe", CALL, "--url", url, "--language", "de"]) == 2
    assert capsys.readouterr().err.startswith("HTTP 400: This model does not support the language")
    assert main(["transcribe", __file__, "--url", url]) == 2
    assert "could not be decoded: send a file such as WAV" in capsys.readouterr().err
