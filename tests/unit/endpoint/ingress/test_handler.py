# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

import whisper_contract
from tests.schemas import validate
from tests.unit.endpoint.helpers import CLIP, SENTENCE, clip_samples, lca_body, silence, wav
from tests.unit.endpoint.http_requests import DirectEngine, http_request
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import HttpRequest, HttpResponse, RequestHandler
from whisper_endpoint.messages import Prepared
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

SETTINGS = EndpointSettings(max_body_bytes=3_000_000, max_audio_s=120)
FACTS = ModelInfo(80, ("en",), multilingual=False)


def ask(
    engine: WhisperEngine, *calls: HttpRequest, settings: EndpointSettings = SETTINGS
) -> list[HttpResponse]:
    async def scenario() -> list[HttpResponse]:
        service = EngineService(engine, settings)
        try:
            handler = RequestHandler(settings, engine.facts, DirectEngine(service))
            return list(await asyncio.gather(*(handler.answer(one) for one in calls)))
        finally:
            service.stop()

    return asyncio.run(scenario())


class Never:
    """An engine that nobody should come to."""

    async def transcribe(self, *_: Any) -> Transcript:
        raise ValueError("secret words of a caller")


def without_engine(one: HttpRequest, settings: EndpointSettings = SETTINGS) -> HttpResponse:
    return asyncio.run(RequestHandler(settings, FACTS, Never()).answer(one))


def refuse(one: HttpRequest, settings: EndpointSettings = SETTINGS) -> tuple[int, dict[str, Any]]:
    answer = without_engine(one, settings)
    body = json.loads(answer.body)
    validate(body, whisper_contract.error_schema())
    return answer.status, body


def test_live_call_analytics_gets_what_it_reads(engine: WhisperEngine) -> None:
    (answer,) = ask(engine, http_request(lca_body()))
    body = json.loads(answer.body)
    assert answer.status == 200
    validate(body, whisper_contract.response_schema())
    assert body["text"] == SENTENCE
    assert body["language"] == "en"
    assert "no_speech_prob" not in body
    assert "no_speech_prob" in body["segments"][0]
    assert body["segments"][0]["id"] == 1


def test_requests_at_once_get_their_own_answers(engine: WhisperEngine) -> None:
    quiet = wav(silence(2))
    part = wav(np.concatenate([silence(0.5), clip_samples()[:20_000], silence(0.5)]))
    alone = [
        json.loads(ask(engine, http_request(lca_body(one)))[0].body) for one in (CLIP, quiet, part)
    ]
    together = ask(engine, *(http_request(lca_body(one)) for one in (CLIP, quiet, part) * 3))
    assert [json.loads(answer.body) for answer in together] == alone * 3
    assert alone[1] == {"text": "", "language": "en", "segments": []}
    assert alone[2]["text"] not in ("", SENTENCE)


def test_a_long_recording_has_times_of_the_recording(engine: WhisperEngine) -> None:
    clip, pause = clip_samples(), 3.0
    samples = np.concatenate([np.concatenate([clip, silence(pause)])] * 20)
    sent = {"audio_data": base64.b64encode(wav(samples)).decode(), "parameters": {"beam_size": 1}}
    large = EndpointSettings(max_body_bytes=6_000_000)
    (answer,) = ask(engine, http_request(json.dumps(sent).encode()), settings=large)
    body = json.loads(answer.body)
    period = len(clip) / 16_000 + pause
    whole = [segment for segment in body["segments"] if segment["text"].strip() == SENTENCE]
    assert len(whole) >= 18
    for segment in whole:
        into = segment["start"] % period
        assert min(into, period - into) < 0.8
    starts = [segment["start"] for segment in body["segments"]]
    assert starts == sorted(starts)
    assert starts[-1] > 18 * period


def test_vad_filter_decides_whether_noise_reaches_the_model(engine: WhisperEngine) -> None:
    tone = (6_000 * np.sin(np.arange(32_000) * 2 * np.pi * 425 / 16_000)).astype(np.int16)
    seen: list[int] = []

    class Counts(DirectEngine):
        async def transcribe(self, recording: Prepared, *rest: Any) -> Transcript:
            seen.append(len(recording.windows))
            return Transcript("en", ())

    handler = RequestHandler(SETTINGS, FACTS, Counts.__new__(Counts))
    for vad_filter in (True, False):
        one = http_request(lca_body(wav(tone), vad_filter=vad_filter))
        assert asyncio.run(handler.answer(one)).status == 200
    assert seen == [0, 1]


@pytest.mark.parametrize("samples", [0, 1, 160, 300, 4_800])
@pytest.mark.parametrize("vad_filter", [True, False])
def test_very_short_audio_has_an_answer(
    engine: WhisperEngine, samples: int, vad_filter: bool
) -> None:
    body = lca_body(wav(clip_samples()[8_000 : 8_000 + samples]), vad_filter=vad_filter)
    (answer,) = ask(engine, http_request(body))
    assert answer.status == 200
    validate(json.loads(answer.body), whisper_contract.response_schema())


@pytest.mark.parametrize(
    ("one", "status", "code", "field"),
    [
        (http_request(b"", method="GET"), 405, "MethodNotAllowed", None),
        (http_request(lca_body(), path="/v1"), 404, "NotFound", None),
        (http_request(b"{"), 400, "MalformedBody", None),
        (http_request(lca_body(), content_type="text/csv"), 415, "UnsupportedMediaType", None),
        (http_request(lca_body(beam_size=99)), 400, "InvalidParameter", "parameters.beam_size"),
        (http_request(lca_body(language="es")), 400, "UnsupportedLanguage", "parameters.language"),
        (http_request(lca_body(task="translate")), 400, "UnsupportedTask", "parameters.task"),
        (http_request(b'{"s3_uri": "s3://a/b"}'), 403, "SourceNotAllowed", "s3_uri"),
        (http_request(lca_body(b"hello there")), 422, "AudioNotDecodable", None),
        (http_request(b" " * 3_000_001), 413, "BodyTooLarge", None),
    ],
)
def test_refusals(one: HttpRequest, status: int, code: str, field: str | None) -> None:
    got, body = refuse(one)
    assert (got, body["code"], body["field"]) == (status, code, field)


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("POST", "/v1/models", 405, "use GET, HEAD"),
        ("GET", "/v1/audio/transcriptions", 405, "use POST"),
        ("GET", "/v1/realtime", 404, "connect with Upgrade: websocket"),
        ("POST", "/v1/audio/speech", 404, "there are /v1/audio/transcriptions, /v1/audio/transl"),
    ],
)
def test_paths_of_openais_api(method: str, path: str, status: int, words: str) -> None:
    answer = without_engine(http_request(b"", method=method, path=path))
    assert answer.status == status
    assert words in json.loads(answer.body)["error"]["message"]
    assert words.removeprefix("use ") == answer.headers.get("Allow", words)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_models_may_be_listed(method: str) -> None:
    answer = without_engine(http_request(b"", method=method, path="/v1/models"))
    assert (answer.status, json.loads(answer.body)["object"]) == (200, "list")


def test_a_compressed_body_is_not_taken_for_damaged_audio() -> None:
    for encoding in ("gzip", "br, gzip"):
        status, body = refuse(http_request(lca_body(), encoding=encoding))
        assert (status, body["code"]) == (415, "UnsupportedMediaType")


def test_audio_longer_than_allowed() -> None:
    status, body = refuse(http_request(lca_body()), EndpointSettings(max_audio_s=1))
    assert (status, body["code"]) == (413, "AudioTooLong")


def test_an_unread_body_is_not_read_beyond_the_limit() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 100_000
            yield bytes(100_000)

    status, _ = refuse(HttpRequest("POST", "/", "application/json", endless()))
    assert (status, read) == (413, 3_100_000)


def test_a_fault_of_ours_tells_the_caller_nothing_of_it() -> None:
    status, body = refuse(http_request(lca_body()))
    assert (status, body["code"]) == (500, "InternalError")
    assert "secret" not in body["error"]


def test_a_deadline_over_before_the_audio_is_prepared() -> None:
    status, body = refuse(http_request(lca_body()), EndpointSettings.model_construct(deadline_s=0))
    assert (status, body["code"]) == (504, "DeadlineExceeded")


def test_more_requests_than_allowed_are_refused(engine: WhisperEngine) -> None:
    few = EndpointSettings(max_requests=2)
    answers = ask(engine, *(http_request(lca_body()) for _ in range(5)), settings=few)
    assert sorted(answer.status for answer in answers).count(503) == 3
    refused = next(json.loads(answer.body) for answer in answers if answer.status == 503)
    assert refused["code"] == "Overloaded"


def test_the_log_tells_what_was_answered_and_nothing_that_was_said(
    engine: WhisperEngine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ask(
        engine,
        http_request(lca_body()),
        http_request(lca_body(initial_prompt="john smith", beam_size=99)),
    )
    lines = [record.getMessage() for record in caplog.records if "status=" in record.getMessage()]
    assert any("status=200 code=- partial=1 audio_s=2.74 ms=" in line for line in lines)
    assert any("status=400 code=InvalidParameter partial=0 audio_s=0.00" in line for line in lines)
    assert "john" not in caplog.text
