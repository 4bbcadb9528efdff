# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws

import whisper_contract
from tests.schemas import validate
from tests.unit.endpoint.helpers import CLIP, clip_samples, silence, wav
from tests.unit.endpoint.http_requests import http_request
from whisper_endpoint import errors
from whisper_endpoint.ingress import progress_and_cancel
from whisper_endpoint.ingress.handler import HttpResponse, RequestHandler
from whisper_endpoint.ingress.preparation import PIECE_WINDOWS
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

SETTINGS = EndpointSettings(progress_s3_prefix="s3://recordings/jobs/", max_audio_s=3_600)
FACTS = ModelInfo(80, ("en",), multilingual=False)
PLACE = "s3://recordings/jobs/17.json"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setattr(progress_and_cancel, "PERIOD_S", 0.02)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="recordings")
        yield client


class PacedEngine:
    """Answers each piece when it is let to."""

    def __init__(self, *, is_let: bool = True) -> None:
        self.pieces: list[Prepared] = []
        self.let = asyncio.Event()
        self.was_cancelled = False
        if is_let:
            self.let.set()

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        self.pieces.append(recording)
        try:
            await self.let.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return Transcript("en", ())


def body(place: str = PLACE, audio: bytes = CLIP) -> bytes:
    sent = {"audio_data": base64.b64encode(audio).decode(), "progress_s3_uri": place}
    return json.dumps(sent).encode()


def ask(engine: PacedEngine, sent: bytes, settings: EndpointSettings = SETTINGS) -> HttpResponse:
    handler = RequestHandler(settings, FACTS, engine)
    return asyncio.run(handler.answer(http_request(sent)))


def refusal(answer: HttpResponse) -> tuple[int, str, str]:
    document = json.loads(answer.body)
    validate(document, whisper_contract.error_schema())
    return answer.status, document["code"], document["field"]


def written(client: Any, key: str = "jobs/17.json") -> dict[str, Any]:
    found = client.get_object(Bucket="recordings", Key=key)
    assert found["ContentType"] == "application/json"
    document: dict[str, Any] = json.loads(found["Body"].read())
    validate(document, whisper_contract.progress_schema())
    return document


def test_what_is_done_is_written(s3: Any) -> None:
    assert ask(PacedEngine(), body()).status == 200
    document = written(s3)
    assert document["seconds_done"] == document["seconds_total"] == len(clip_samples()) / 16_000


def test_progress_grows_by_the_piece(s3: Any) -> None:
    """Windows without joining, so that few seconds have many of them."""
    spoken = np.concatenate([clip_samples(), silence(2.5)])
    count = PIECE_WINDOWS + 2
    states: list[float] = []

    class Watches(PacedEngine):
        async def transcribe(self, *given: Any) -> Transcript:
            await asyncio.sleep(0.2)
            states.append(await asyncio.to_thread(lambda: written(s3)["seconds_done"]))
            return await super().transcribe(*given)

    handler = RequestHandler(
        SETTINGS, ModelInfo(80, ("en",), multilingual=False, pause_s=1.0), Watches()
    )
    sent = body(audio=wav(np.tile(spoken, count)))
    assert asyncio.run(handler.answer(http_request(sent))).status == 200
    end_of_first = PIECE_WINDOWS * len(spoken) / 16_000 - 2.5
    assert states == [0, pytest.approx(end_of_first, abs=1)]
    assert written(s3)["seconds_done"] == len(spoken) * count / 16_000


def test_a_marker_that_is_there_ends_a_request_before_it_begins(s3: Any) -> None:
    s3.put_object(Bucket="recordings", Key="jobs/17.json.stop", Body=b"")
    engine = PacedEngine()
    assert refusal(ask(engine, body())) == (499, "Cancelled", "progress_s3_uri")
    assert not engine.pieces


def test_a_marker_that_comes_ends_the_work(s3: Any) -> None:
    async def scenario() -> tuple[HttpResponse, PacedEngine]:
        engine = PacedEngine(is_let=False)
        handler = RequestHandler(SETTINGS, FACTS, engine)
        answer = asyncio.ensure_future(handler.answer(http_request(body())))
        while not engine.pieces:
            await asyncio.sleep(0.01)
        assert not answer.done()
        s3.put_object(Bucket="recordings", Key="jobs/17.json.stop", Body=b"why not")
        return await answer, engine

    answer, engine = asyncio.run(scenario())
    assert refusal(answer) == (499, "Cancelled", "progress_s3_uri")
    assert engine.was_cancelled
    assert written(s3)["seconds_done"] == 0


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("place", "settings", "refused"),
    [
        ("s3://recordings/incoming/a", SETTINGS, (403, "SourceNotAllowed")),
        ("s3://recordings/jobs/../a", SETTINGS, (403, "SourceNotAllowed")),
        (PLACE, EndpointSettings(), (403, "SourceNotAllowed")),
        ("s3://recordings/jobs/", SETTINGS, (400, "InvalidParameter")),
        (
            "s3://other/jobs/1",
            EndpointSettings(progress_s3_prefix="s3://other"),
            (424, "ProgressNotWritable"),
        ),
    ],
)
def test_what_cannot_be_written_is_refused_first(
    place: str, settings: EndpointSettings, refused: tuple[int, str]
) -> None:
    engine = PacedEngine()
    assert refusal(ask(engine, body(place), settings)) == (*refused, "progress_s3_uri")
    assert not engine.pieces


def test_what_fails_later_costs_no_answer(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    write, states = progress_and_cancel.ProgressObject.write, []

    def once(self: Any, *given: Any) -> None:
        states.append(given)
        if len(states) > 1:
            raise errors.ProgressNotWritable("S3 is away: wait.")
        write(self, *given)

    monkeypatch.setattr(progress_and_cancel.ProgressObject, "write", once)
    assert ask(PacedEngine(), body()).status == 200
    assert len(states) > 1
    assert written(s3)["seconds_done"] == 0
