# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from live_whisper.audio.call_file import parse_call
from live_whisper.console import library, serving
from live_whisper.console.library import Library
from live_whisper.console.server import Console
from live_whisper.console.signals import CloudWatchSignals
from live_whisper.errors import EndpointUnusable
from tests.unit.live.spoken import RATE, Loudness, Reader, line, stereo
from whisper_stream.audio.samples import wav_bytes
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from whisper_stream.requests import TranscriptionRequest


class Quiet:
    def readings(self) -> list[dict[str, Any]]:
        return [{"time": 1.0}]


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    samples = stereo(line([(0.2, 5)]), line([(2.4, 3)], 5000))
    (tmp_path / "a-sample.wav").write_bytes(wav_bytes(samples, RATE))
    return tmp_path


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def page(calls: Path, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr("whisper_stream.audio.utterances.webrtcvad.Vad", Loudness)
    # A recording is as long as it is, but nobody has to wait for it.
    monkeypatch.setattr(
        "live_whisper.audio.playback.WallClock.wait_until", lambda _self, _position: None
    )
    with TestClient(Console(reader, Library(calls), Quiet(), "whisper").app()) as client:
        yield client


def watch(page: TestClient, query: str) -> list[dict[str, Any]]:
    messages = []
    with page.websocket_connect(f"/api/live?{query}") as socket:
        try:
            while True:
                messages.append(socket.receive_json())
        except WebSocketDisconnect:
            return messages


def finals(messages: list[dict[str, Any]]) -> list[str]:
    results = [
        message["TranscriptEvent"]["Transcript"]["Results"][0]
        for message in messages
        if message["type"] == "result"
    ]
    return [one["Alternatives"][0]["Transcript"] for one in results if not one["IsPartial"]]


def test_the_page_needs_nothing_from_elsewhere(page: TestClient) -> None:
    answer = page.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert "//" not in answer.text.replace("<!doctype html>", "").replace("http://", "//")
    for name in ("console.js", "console.css", "plots.js", "microphone.js", "icon.svg"):
        assert page.get(f"/static/{name}").status_code == 200


def test_a_sample_call_is_watched_to_its_end(page: TestClient, reader: Reader) -> None:
    assert (
        page.get("/api/calls").json()
        == [{"id": "sample-a-sample", "title": "a sample", "seconds": 5.2}]
        or page.get("/api/calls").json()[0]["id"] == "sample-a-sample"
    )
    query = "call=sample-a-sample&language=en&terms=Nguyen,+Acme%20Direct"
    started, *told, ended = watch(page, query)
    assert started["type"] == "started"
    assert sorted(finals(told)) == ["w0 w1 w2 w3 w4", "w5000 w5001 w5002"]
    assert ended["type"] == "ended"
    assert ended["counts"]["finals"] == 2
    assert {ask.language for ask in reader.asks} == {"en"}
    assert {ask.terms for ask in reader.asks} == {("Nguyen", "Acme Direct")}


@pytest.mark.parametrize(
    ("extension", "begins"),
    [("txt", "ch_0: w0 w1"), ("srt", "1\n00:00:00,200 --> "), ("vtt", "WEBVTT\n"), ("json", "{")],
)
def test_what_was_said_is_downloaded(page: TestClient, extension: str, begins: str) -> None:
    started, *_ = watch(page, "call=sample-a-sample")
    answer = page.get(f"/api/sessions/{started['session']}/transcript.{extension}")
    assert answer.status_code == 200
    assert answer.text.startswith(begins)
    assert "w5001" in answer.text
    assert started["call_id"] in answer.headers["content-disposition"]


def test_a_download_of_nothing_is_refused(page: TestClient) -> None:
    assert page.get("/api/sessions/absent/transcript.txt").status_code == 404


def test_an_upload_is_offered_and_heard(page: TestClient) -> None:
    data = wav_bytes(np.zeros((8000, 2), np.int16), 8000)
    answer = page.post("/api/calls?name=mine.wav", content=data)
    assert answer.status_code == 201
    row = answer.json()
    assert row["title"] == "mine.wav"
    assert page.get("/api/calls").json()[0] == row
    sound = page.get(f"/api/calls/{row['id']}/audio")
    assert parse_call(sound.content, "back").seconds == 1.0


def test_a_broken_upload_is_refused_in_a_sentence(page: TestClient) -> None:
    answer = page.post("/api/calls?name=broken.wav", content=b"no audio at all")
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("broken.wav is not a WAV file")


def test_an_upload_that_is_too_large_is_refused_as_it_comes(
    page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_whisper.console.server.MAX_UPLOAD_BYTES", 2**20)
    answer = page.post("/api/calls?name=long.wav", content=b"x" * (2**20 + 1))
    assert answer.status_code == 413
    assert "1 MB" in answer.json()["error"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver:81"])
def test_another_page_may_not_upload(page: TestClient, origin: str) -> None:
    data = wav_bytes(np.zeros((80, 2), np.int16), 8000)
    answer = page.post("/api/calls", content=data, headers={"Origin": origin})
    assert answer.status_code == 403
    assert len(page.get("/api/calls").json()) == 1
    own = page.post("/api/calls", content=data, headers={"Origin": "http://testserver"})
    assert own.status_code == 201


def test_few_uploads_are_in_memory_at_once(
    page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_whisper.console.server.MAX_UPLOADING", 0)
    assert page.post("/api/calls", content=b"x").status_code == 503
    monkeypatch.setattr("live_whisper.console.server.MAX_UPLOADING", 1)
    for _ in range(2):
        assert page.post("/api/calls", content=b"x").status_code == 422


def test_uploads_give_way_to_newer_ones_by_their_size(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Library(calls)
    data = wav_bytes(np.zeros((80, 2), np.int16), 8000)
    monkeypatch.setattr(library, "MAX_UPLOADED_BYTES", 2 * 80 * 2 * 2)
    first, second, third = (shelf.upload(data, name) for name in ("a", "b", "c"))
    assert shelf.find(first.key) is None
    assert (shelf.find(second.key), shelf.find(third.key)) == (second, third)


def test_only_the_newest_uploads_are_kept(calls: Path) -> None:
    shelf = Library(calls)
    data = wav_bytes(np.zeros((80, 2), np.int16), 8000)
    entries = [shelf.upload(data, f"{number}.wav") for number in range(library.MAX_UPLOADS + 1)]
    assert shelf.find(entries[0].key) is None
    assert shelf.find(entries[-1].key) == entries[-1]


def test_a_key_never_leads_out_of_the_folder(page: TestClient) -> None:
    assert page.get("/api/calls/sample-..%2F..%2Fetc%2Fpasswd/audio").status_code == 404
    (failed,) = watch(page, "call=sample-../secret")
    assert failed == {"type": "failed", "error": "There is no such call; choose another one."}


def test_the_microphone_is_the_agents_channel(page: TestClient) -> None:
    samples = line([(0.2, 5)])
    messages: list[dict[str, Any]] = []
    with page.websocket_connect("/api/live") as socket:
        assert socket.receive_json()["type"] == "started"
        for at in range(0, len(samples), 1600):
            socket.send_bytes(samples[at : at + 1600].astype("<i2").tobytes())
        socket.send_text("stop")
        while not messages or messages[-1]["type"] != "ended":
            messages.append(socket.receive_json())
    assert finals(messages) == ["w0 w1 w2 w3 w4"]


def test_a_microphone_that_sends_half_samples_is_told(page: TestClient) -> None:
    with page.websocket_connect("/api/live") as socket:
        socket.receive_json()
        socket.send_bytes(b"123")
        assert socket.receive_json()["type"] == "ended"
        failed = socket.receive_json()
    assert failed["type"] == "failed"
    assert "multiple of 2 bytes" in failed["error"]


def test_another_sites_page_may_not_listen(page: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        page.websocket_connect("/api/live", headers={"origin": "https://elsewhere.example"}),
    ):
        pass
    assert refused.value.code == 4403
    assert page.get("/", headers={"host": "elsewhere.example"}).status_code == 400


def test_an_endpoint_that_is_not_there_is_said_on_the_page(
    page: TestClient, reader: Reader
) -> None:
    def refuse(ask: TranscriptionRequest) -> bool:
        raise EndpointUnusable("There is no endpoint whisper.")

    reader.fails = refuse
    messages = watch(page, "call=sample-a-sample")
    assert {"type": "failed", "error": "There is no endpoint whisper."} in messages


def test_lost_utterances_are_told(page: TestClient, reader: Reader, monkeypatch) -> None:
    monkeypatch.setattr(
        "live_whisper.transport.retry.RequestRetrier._wait",
        lambda _self, _attempts, _give_up: False,
    )
    reader.fails = lambda ask: not ask.is_partial
    messages = watch(page, "call=sample-a-sample")
    assert [m["reason"] for m in messages if m["type"] == "lost"] == ["The endpoint is away."] * 2


def test_readings_of_an_endpoint_on_sagemaker_come_from_cloudwatch() -> None:
    moment = datetime(2026, 11, 20, tzinfo=UTC)

    class CloudWatch:
        def get_metric_data(self, **asked: Any) -> dict[str, Any]:
            queries = asked["MetricDataQueries"]
            metrics = {query["MetricStat"]["Metric"]["MetricName"] for query in queries}
            assert metrics == {"Requests", "BatchSize"}
            assert queries[0]["MetricStat"]["Metric"]["Namespace"] == "WhisperEndpoint"
            return {
                "MetricDataResults": [
                    {"Id": query["Id"], "Timestamps": [moment], "Values": [value]}
                    for query, value in zip(queries, [60.0, 12.0, 3.5, 8.0], strict=True)
                ]
            }

    (reading,) = CloudWatchSignals("whisper", client=CloudWatch()).readings()
    assert reading == {
        "time": moment.timestamp(),
        "requests": 60.0,
        "batches": 12,
        "batch_mean": 3.5,
        "batch_max": 8.0,
    }


def test_it_leaves_time_to_ask_again_where_a_connection_hangs(monkeypatch) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(serving, "SageMakerEndpoint", lambda *_, **options: made.append(options))
    serving.application("whisper", Quiet())
    assert made[0]["attempts"] == 1
    assert made[0]["read_timeout"] <= CallSettings().final_limit_s / 2
