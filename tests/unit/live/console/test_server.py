# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore import exceptions
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from live_whisper.console import library, server, serving
from live_whisper.console.library import Library
from live_whisper.console.signals import CloudWatchSignals
from live_whisper.errors import EndpointUnusable
from live_whisper.transport import whole_files
from live_whisper.transport.sagemaker import SageMakerEndpoint
from tests.unit.live.console.conftest import Busy, FileReader, console
from tests.unit.live.spoken import RATE, Loudness, Reader, line, stereo
from whisper_stream.audio.samples import wav_bytes
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from whisper_stream.requests import TranscriptionRequest

HERE, SOCKET = "http://127.0.0.1", "ws://127.0.0.1/api/live"
SAMPLES = stereo(line([(0.2, 5)]), line([(2.4, 3)], 5000))
OWN_SOCKET = "://${window.location.host}/api/live?${query}"
SAMPLE = "sample-a-sample.wav"


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    (tmp_path / "a-sample.wav").write_bytes(wav_bytes(SAMPLES, RATE))
    (tmp_path / "a-sample.json").write_text("{}")
    return tmp_path


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def files() -> FileReader:
    return FileReader()


@pytest.fixture
def page(
    calls: Path, reader: Reader, files: FileReader, monkeypatch: pytest.MonkeyPatch
) -> Iterator[TestClient]:
    monkeypatch.setattr("whisper_stream.audio.utterances.webrtcvad.Vad", Loudness)
    with TestClient(console(calls, reader, files), HERE) as client:
        yield client


def watch(page: TestClient, query: str = "channels=2") -> list[dict[str, Any]]:
    """Send the sample as the page does, and return what is told of it."""
    messages = []
    with page.websocket_connect(f"{SOCKET}?{query}") as socket:
        try:
            messages.append(socket.receive_json())
            for at in range(0, len(SAMPLES), 1600):
                socket.send_bytes(SAMPLES[at : at + 1600].astype("<i2").tobytes())
            socket.send_text("stop")
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
    assert "//" not in answer.text.replace("<!doctype html>", "")
    names = [one.name for one in server.STATIC.iterdir()]
    assert {"console.js", "console.css", "microphone.js", "icon.svg"} <= set(names)
    for name in names:
        found = page.get(f"/static/{name}")
        assert found.status_code == 200
        assert len(found.text.splitlines()) <= 450
        addresses = set(re.findall(r"\w*://[^\"'`\s]*", found.text))
        assert addresses <= {"http://www.w3.org/2000/svg", OWN_SOCKET}


def test_the_page_is_told_what_is_heard(page: TestClient) -> None:
    about = page.get("/api/about").json()
    assert about["endpoint"] == "whisper"
    assert about["model"]["name"] == "base"
    assert ["de", "German"] in about["model"]["languages"]
    assert len(about["model"]["languages"]) == 99
    assert {"channels", "together"} <= set(about["speakers"])


def test_a_call_is_heard_live_to_its_end(page: TestClient, reader: Reader) -> None:
    given = "language=en&terms=Nguyen,+Acme%20%20Direct&redaction=true"
    started, *told, ended = watch(page, f"channels=2&{given}")
    assert started["type"] == "started"
    assert sorted(finals(told)) == ["w0 w1 w2 w3 w4", "w5000 w5001 w5002"]
    assert ended["type"] == "ended"
    assert ended["counts"]["finals"] == 2
    assert {ask.language for ask in reader.asks} == {"en"}
    assert {ask.terms for ask in reader.asks} == {("Nguyen", "Acme Direct")}
    assert all(ask.redaction for ask in reader.asks)


def test_languages_to_detect_go_with_a_call(page: TestClient, reader: Reader) -> None:
    watch(page, "channels=2&languages=en,+Spanish")
    assert {ask.languages for ask in reader.asks} == {("en", "es")}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("channels=2&language=xx", "'xx' is not a Whisper language"),
        ("channels=3", "A live call has 1 or 2 channels, not '3'"),
        ("channels=2&languages=en,tlh", "'tlh' is not a Whisper language"),
    ],
)
def test_what_a_live_call_cannot_have_is_told(page: TestClient, query: str, said: str) -> None:
    with page.websocket_connect(f"{SOCKET}?{query}") as socket:
        failed = socket.receive_json()
    assert failed["type"] == "failed"
    assert failed["error"].startswith(said)


@pytest.mark.parametrize(
    ("extension", "begins"),
    [("txt", "ch_0: w0 w1"), ("srt", "1\n00:00:00,200 --> "), ("vtt", "WEBVTT\n"), ("json", "{")],
)
def test_what_was_said_live_is_downloaded(page: TestClient, extension: str, begins: str) -> None:
    started, *_ = watch(page)
    answer = page.get(f"/api/sessions/{started['session']}/transcript.{extension}")
    assert answer.status_code == 200
    assert answer.text.startswith(begins)
    assert "w5001" in answer.text


def test_a_download_of_nothing_is_refused(page: TestClient) -> None:
    assert page.get("/api/sessions/absent/transcript.txt").status_code == 404


def test_a_file_is_heard_whole(page: TestClient, files: FileReader) -> None:
    given = "speakers=channels&languages=en,es&terms=Zo%C3%AB%3B+S.&redaction=true"
    heard = page.post(f"/api/calls/{SAMPLE}/transcript?{given}").json()
    (asked,) = files.asked
    assert asked == (
        "response_format=protobuf;languages=en,es;terms=Zo%C3%AB%3B S.;redaction=true;"
        "channel_identification=true;word_timestamps=true"
    )
    assert [one["channel"] for one in heard["answer"]["segments"]] == [0, 1]
    assert heard["answer"]["segments"][0]["words"][0]["word"] == " length"
    assert heard["duration"] == 4.6
    assert 0 < heard["took"] < 60
    answer = page.get(f"/api/sessions/{heard['session']}/transcript.srt")
    assert "length 4.6 s." in answer.text
    assert answer.headers["content-disposition"] == 'attachment; filename="a-sample.srt"'


def test_the_request_is_shown_as_code(page: TestClient) -> None:
    code = page.get(f"/api/calls/{SAMPLE}/request?speakers=channels&language=es").json()
    assert "--data-binary @a-sample.wav" in code["curl"]
    assert "open('a-sample.wav', 'rb')" in code["python"]
    for kind in ("curl", "python"):
        assert "language=es;channel_identification=true;word_timestamps=true" in code[kind]


def test_an_upload_is_offered_as_it_came(page: TestClient) -> None:
    answer = page.post("/api/calls?name=mine.m4a", content=b"sound of any kind")
    assert answer.status_code == 201
    row = answer.json()
    assert (row["title"], row["bytes"]) == ("mine.m4a", 17)
    assert page.get("/api/calls").json()[0] == row
    sound = page.get(f"/api/calls/{row['id']}/audio")
    assert sound.content == b"sound of any kind"
    assert sound.headers["content-type"].startswith("audio/")


def test_an_empty_file_and_one_without_sound_are_refused_in_a_sentence(page: TestClient) -> None:
    empty = page.post("/api/calls?name=empty.wav", content=b"")
    said = "empty.wav is empty (0 bytes); choose a file with a recording."
    assert (empty.status_code, empty.json()) == (422, {"error": said})
    paper = page.post("/api/calls?name=paper.pdf", content=b"%PDF-1.4\n").json()
    refused = page.post(f"/api/calls/{paper['id']}/transcript")
    assert refused.status_code == 422
    assert refused.json()["error"] == "The body is no audio; send a recording."


def test_a_file_that_sagemaker_does_not_take_is_refused_unread(
    page: TestClient, files: FileReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_files, "MOST_BYTES", 1000)
    refused = page.post(f"/api/calls/{SAMPLE}/transcript")
    assert refused.status_code == 422
    assert (
        "a-sample.wav has more than 6 MB, the most that SageMaker accepts"
        in refused.json()["error"]
    )
    assert files.asked == []


def test_an_upload_that_is_too_large_leaves_nothing(
    page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("live_whisper.console.server.MAX_UPLOAD_BYTES", 2**20)
    begin, begun = Library.begin, []

    def remembered(shelf: Library) -> BinaryIO:
        begun.append(begin(shelf))
        return begun[-1]

    monkeypatch.setattr(Library, "begin", remembered)
    answer = page.post("/api/calls?name=long.wav", content=b"x" * (2**20 + 1))
    assert answer.status_code == 413
    assert "1 MB" in answer.json()["error"]
    (file,) = begun
    assert not Path(file.name).exists()
    assert len(page.get("/api/calls").json()) == 1


def test_an_upload_that_the_disk_does_not_take_is_said(
    page: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_library: Library, _file: object, _name: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Library, "keep", full)
    answer = page.post("/api/calls?name=a.wav", content=b"x")
    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["error"]


def test_few_uploads_come_at_once(page: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live_whisper.console.server.MAX_UPLOADING", 0)
    assert page.post("/api/calls", content=b"x").status_code == 503
    monkeypatch.setattr("live_whisper.console.server.MAX_UPLOADING", 1)
    for _ in range(2):
        assert page.post("/api/calls", content=b"x").status_code == 201


def put(shelf: Library, name: str, data: bytes = b"four") -> library.OfferedCall:
    file = shelf.begin()
    file.write(data)
    return shelf.keep(file, name)


def test_uploads_give_way_to_newer_ones_by_their_size(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Library(calls)
    monkeypatch.setattr(library, "MAX_UPLOADED_BYTES", 8)
    first, second, third = (put(shelf, name) for name in ("a", "b", "c"))
    assert shelf.find(first.key) is None
    assert not first.path.exists()
    assert (shelf.find(second.key), shelf.find(third.key)) == (second, third)
    shelf.close()
    assert not third.path.exists()


def test_only_the_newest_uploads_are_kept(calls: Path) -> None:
    shelf = Library(calls)
    entries = [put(shelf, f"{number}.wav") for number in range(library.MAX_UPLOADS + 1)]
    assert shelf.find(entries[0].key) is None
    assert shelf.find(entries[-1].key) == entries[-1]
    shelf.close()


def test_a_key_never_leads_out_of_the_folder(page: TestClient) -> None:
    for key in ("sample-..%2F..%2Fetc%2Fpasswd", "..%2F..%2Fetc%2Fpasswd", "sample-a-sample.json"):
        assert page.get(f"/api/calls/{key}/audio").status_code == 404
        assert page.post(f"/api/calls/{key}/transcript").status_code == 404


def test_the_microphone_is_one_channel(page: TestClient) -> None:
    samples = line([(0.2, 5)])
    messages: list[dict[str, Any]] = []
    with page.websocket_connect(SOCKET) as socket:
        assert socket.receive_json()["type"] == "started"
        for at in range(0, len(samples), 1600):
            socket.send_bytes(samples[at : at + 1600].astype("<i2").tobytes())
        socket.send_text("stop")
        while not messages or messages[-1]["type"] != "ended":
            messages.append(socket.receive_json())
    assert finals(messages) == ["w0 w1 w2 w3 w4"]


def test_half_a_sample_is_told(page: TestClient) -> None:
    with page.websocket_connect(SOCKET) as socket:
        socket.receive_json()
        socket.send_bytes(b"123")
        assert socket.receive_json()["type"] == "ended"
        failed = socket.receive_json()
    assert failed["type"] == "failed"
    assert "multiple of 2 bytes" in failed["error"]


def test_an_endpoint_that_is_not_there_is_said_on_the_page(
    page: TestClient, reader: Reader
) -> None:
    def refuse(ask: TranscriptionRequest) -> bool:
        raise EndpointUnusable("There is no endpoint whisper.")

    reader.fails = refuse
    lost = [one for one in watch(page) if one["type"] in {"failed", "lost"}]
    assert lost
    assert {one.get("error") or one["reason"] for one in lost} == {"There is no endpoint whisper."}


def test_lost_utterances_are_told(page: TestClient, reader: Reader, monkeypatch) -> None:
    monkeypatch.setattr(
        "live_whisper.transport.retry.RequestRetrier._wait",
        lambda _self, _attempts, _give_up: False,
    )
    reader.fails = lambda ask: not ask.is_partial
    messages = watch(page)
    assert [m["reason"] for m in messages if m["type"] == "lost"] == ["The endpoint is away."] * 2


def test_readings_of_an_endpoint_on_sagemaker_come_from_cloudwatch(monkeypatch) -> None:
    moment = datetime(2026, 11, 20, tzinfo=UTC)

    class CloudWatch:
        asked = 0

        def get_metric_data(self, **asked: Any) -> dict[str, Any]:
            self.asked += 1
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

    cloudwatch = CloudWatch()
    signals = CloudWatchSignals("whisper", client=cloudwatch)
    now = time.monotonic()
    monkeypatch.setattr("live_whisper.console.signals.time.monotonic", lambda: now)
    for _ in range(3):  # as the page asks: CloudWatch charges for each question
        (reading,) = signals.readings()
    assert cloudwatch.asked == 1
    now += 31
    signals.readings()
    assert cloudwatch.asked == 2
    assert reading == {
        "time": moment.timestamp(),
        "requests": 60.0,
        "batches": 12,
        "batch_mean": 3.5,
        "batch_max": 8.0,
    }


def test_why_there_are_no_readings_is_said() -> None:
    class Closed:
        def get_metric_data(self, **_asked: Any) -> None:
            raise exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricData")

    signals = CloudWatchSignals("whisper", client=Closed())
    assert signals.readings() == []
    assert signals.note == "CloudWatch cannot be read; allow cloudwatch:GetMetricData."


def test_it_leaves_time_to_ask_again_where_a_connection_hangs(monkeypatch) -> None:
    made: list[dict[str, Any]] = []

    def make(*given: Any, **options: Any) -> SageMakerEndpoint:
        made.append(options)
        return SageMakerEndpoint(*given, **options)

    monkeypatch.setattr(serving, "SageMakerEndpoint", make)
    serving.application("whisper", Busy(), region="eu-west-1")
    assert made[0]["attempts"] == 1
    assert made[0]["read_timeout"] <= CallSettings().final_limit_s / 2
