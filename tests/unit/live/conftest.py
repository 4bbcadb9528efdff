# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from live_whisper.audio.call_file import read_call
from tests.unit.live.spoken import Loudness
from whisper_contract import transcription_pb2 as wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from email.message import Message

    from live_whisper.audio.call_file import Call
    from whisper_stream.audio.samples import Samples

CALLS = Path(__file__).resolve().parents[3] / "samples" / "calls"
SPOKEN = slice(round(1.2 * 8000), round(3.2 * 8000))  # the first sentence, by its reference


@pytest.fixture(scope="session")
def sample_call() -> Call:
    return read_call(CALLS / "agent-and-caller-overlap.wav")


@pytest.fixture(scope="session")
def speech(sample_call: Call) -> Samples:
    """One sentence of 2.27 s at 8 kHz, without the quiet line around it."""
    return sample_call.samples[SPOKEN, 0]


def without_region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)


@pytest.fixture(scope="module")
def loudness() -> Iterator[None]:
    """Voices are heard as `tests.unit.live.spoken` makes them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whisper_stream.audio.utterances.webrtcvad.Vad", Loudness)
        yield


@pytest.fixture
def dead_url() -> Iterator[str]:
    """Return an address that is taken but where nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


class RuntimeServer(ThreadingHTTPServer):
    """A stand-in for SageMaker Runtime that remembers requests and answers as it is told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, Message, bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = json.dumps({"text": " hello "}).encode()
        self.asked = threading.Event()
        self.hanging = 0
        self.drips = ""
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fail(self, status: int, code: str, **body: object) -> None:
        self.status = status
        self.headers = {"x-amzn-ErrorType": code}
        self.body = json.dumps(body).encode()


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, self.headers, body))
        if len(self.server.requests) <= self.server.hanging:
            self.server.asked.set()
            self.server.ended.wait()
            self.close_connection = True
            return
        if self.server.drips == "headers":
            self._drip(b"HTTP/1.1 200 OK\r\nX-Drip: ")
            return
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.send_header("Content-Type", "application/json")
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.server.drips == "body":
            self._drip(b"")
            return
        self.wfile.write(self.server.body)
        self.server.asked.set()

    def _drip(self, first: bytes) -> None:
        """Send a byte now and then until the server ends or the client goes away."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write(first)
            while not self.server.ended.wait(0.05):
                self.wfile.write(b".")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        return


def answers_in_protobuf(runtime: RuntimeServer, warnings: Sequence[str] = ()) -> None:
    word = wire.Word(word=" hello", start=0.3, end=0.6, probability=0.9)
    runtime.body = wire.TranscribeResponse(
        text="hello",
        language="en",
        duration=1.0,
        segments=[wire.Segment(text=" hello", words=[word])],
        warnings=warnings,
    ).SerializeToString()


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> Iterator[RuntimeServer]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    server = RuntimeServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.ended.set()
    server.shutdown()
    server.server_close()
    thread.join()
