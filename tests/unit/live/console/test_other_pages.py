# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What pages of strangers, names of files and words of callers may do in the console: nothing."""

from __future__ import annotations

import ast
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from deploy_whisper.archive.hub import HUB_MODELS
from live_whisper.console.models import ModelFacts, of_size
from live_whisper.console.options import SPEAKERS
from live_whisper.console.request_code import EndpointAddress, curl, python
from tests.unit.live.console.conftest import ADDRESS, FileReader, console
from tests.unit.live.spoken import Reader
from whisper_contract.languages import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HERE = "http://127.0.0.1:8080"
STRANGERS = ("https://evil.example", "null", "http://127.0.0.1:81", "http://localhost:8080", "")
BAD_NAMES = (
    "<img src=x onerror=alert(1)>.wav",
    "'; touch pwned; '.wav",
    "$(touch pwned)`touch pwned`.wav",
    'a".wav\n--output /etc/passwd',
    "\\'); import os; os.system('touch pwned') #.wav",
    "../../../etc/passwd",
)


@pytest.fixture
def files() -> FileReader:
    return FileReader()


@pytest.fixture
def page(tmp_path: Path, files: FileReader) -> Iterator[TestClient]:
    (tmp_path / "one.wav").write_bytes(b"RIFF")
    with TestClient(console(tmp_path, Reader(), files), HERE) as client:
        yield client


@pytest.mark.parametrize("origin", STRANGERS)
def test_another_page_may_neither_upload_nor_transcribe_nor_listen(
    page: TestClient, files: FileReader, origin: str
) -> None:
    stranger = {"Origin": origin}
    assert page.post("/api/calls", content=b"x", headers=stranger).status_code == 403
    refused = page.post("/api/calls/sample-one.wav/transcript", headers=stranger)
    assert refused.status_code == 403
    assert files.asked == []
    assert len(page.get("/api/calls").json()) == 1
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        page.websocket_connect(f"{HERE.replace('http', 'ws')}/api/live", headers=stranger),
    ):
        pass
    assert closed.value.code == 4403
    own = page.post("/api/calls", content=b"x", headers={"Origin": HERE})
    assert own.status_code == 201


@pytest.mark.parametrize("host", ["evil.example:8080", "testserver", "127.0.0.1.evil.example", ""])
def test_a_page_that_rebinds_its_name_reads_and_sends_nothing(page: TestClient, host: str) -> None:
    stranger = {"Host": host, "Origin": f"http://{host}"}
    for path in ("/", "/api/about", "/api/calls", "/api/calls/sample-one.wav/audio"):
        assert page.get(path, headers=stranger).status_code == 400
    assert page.post("/api/calls", content=b"x", headers=stranger).status_code == 400


@pytest.mark.parametrize("name", ["page.html", "page.svg", "page.xhtml", "a.wav", "none"])
def test_nothing_that_was_uploaded_runs_as_a_page(page: TestClient, name: str) -> None:
    body = b"<script>alert(1)</script>"
    key = page.post(f"/api/calls?name={name}", content=body).json()["id"]
    answer = page.get(f"/api/calls/{key}/audio")
    kind = answer.headers["content-type"]
    assert kind.startswith("audio/") or kind == "application/octet-stream"


@pytest.mark.parametrize("path", ["/", "/static/console.js", "/api/calls", "/api/none"])
def test_every_answer_says_that_it_is_for_this_page_alone(page: TestClient, path: str) -> None:
    headers = page.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_name_is_shown_without_what_turns_the_text_around_it(page: TestClient) -> None:
    name = f"a\u202egpj.exe\x00\x1b[31m{'x' * 500}.wav"
    title = page.post("/api/calls", params={"name": name}, content=b"x").json()["title"]
    assert title.startswith("agpj.exe[31mxxx")
    assert len(title) == 120


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("plain_url", [None, "http://127.0.0.1:1/a/invocations"])
def test_code_with_any_name_in_it_does_what_it_says(
    tmp_path: Path, name: str, plain_url: str | None
) -> None:
    at = EndpointAddress(ADDRESS.name, ADDRESS.region, "http://127.0.0.1:1", plain_url)
    line = curl(at, name, {"terms": "'; touch pwned; '"})
    assert f"@{name}" in shlex.split(line.replace("\\\n", " "))
    subprocess.run(["bash", "-c", f"curl() {{ :; }}; {line}"], cwd=tmp_path, check=True)
    assert list(tmp_path.iterdir()) == []
    program = ast.parse(python(at, name, {"terms": "'''"}))
    opened = [
        call.args[0].value
        for call in ast.walk(program)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and isinstance(call.args[0], ast.Constant)
    ]
    assert opened == [name]


def test_a_name_in_a_header_is_one_of_letters(page: TestClient) -> None:
    row = page.post("/api/calls", params={"name": 'é";\r\nX-A: b.wav'}, content=b"x").json()
    assert "\n" not in row["title"]


@pytest.mark.parametrize("size", ["tiny.en", "distil-large-v3"])
def test_an_english_model_offers_english_alone(size: str) -> None:
    facts = of_size(size)
    assert facts.languages == ("en",)
    assert facts.good_for.startswith("English only; ")


def test_every_size_says_what_it_is_good_for() -> None:
    for size in HUB_MODELS:
        assert len(of_size(size).good_for) > 20, size
    assert len(of_size("large-v3").languages) == len(NAMES) == 100
    assert isinstance(of_size("demo"), ModelFacts)
    assert "together" in SPEAKERS
