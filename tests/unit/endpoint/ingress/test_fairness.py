# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Live calls are answered whatever files, sources that hang and callers that hang up do."""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from tests.unit.endpoint.helpers import CLIP, lca_body, silence, wav
from tests.unit.endpoint.http_requests import http_request
from whisper_endpoint.audio import sources
from whisper_endpoint.audio.content import BytesInMemory
from whisper_endpoint.audio.decode import Audio, Limits, decode
from whisper_endpoint.errors import Overloaded
from whisper_endpoint.ingress import intake
from whisper_endpoint.ingress.handler import HttpRequest, HttpResponse, RequestHandler
from whisper_endpoint.ingress.task_group import all_or_none
from whisper_endpoint.metrics.collector import INGRESS_COUNTS, Metric, Signals
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

FACTS = ModelInfo(80, ("en",), multilingual=False)
LONG = wav(silence(61)[::2], 8_000)
FILES = 6


class Engine:
    """Answers at once, or never."""

    def __init__(self, *, answers: bool = True) -> None:
        self._answers = answers

    async def transcribe(self, *_: Any) -> Transcript:
        if not self._answers:
            await asyncio.Future()
        return Transcript("en", ())


def file() -> HttpRequest:
    return http_request(LONG, content_type="audio/wav")


def live() -> HttpRequest:
    return http_request(lca_body())


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """What threads wait for, so that none is left behind."""
    event = threading.Event()
    yield event
    event.set()


def answer_live_among(
    held_up: list[HttpRequest], let_go: threading.Event, wanted: HttpRequest, **settings: Any
) -> tuple[HttpResponse, list[HttpResponse]]:
    """Send requests that are held up, then one that should not be; then let the others go."""

    async def scenario() -> tuple[HttpResponse, list[HttpResponse]]:
        asked = RequestHandler(EndpointSettings(**settings), FACTS, Engine())
        others = [asyncio.create_task(asked.answer(one)) for one in held_up]
        await asyncio.sleep(0.05)
        answer = await asyncio.wait_for(asked.answer(wanted), 60)
        let_go.set()
        return answer, [await one for one in others]

    return asyncio.run(scenario())


def hold_up_files(monkeypatch: pytest.MonkeyPatch, let_go: threading.Event) -> None:
    def slow(data: bytes, limits: Limits, raw: Any, **how: Any) -> Audio[Any]:
        if limits.seconds > 60:
            let_go.wait(60)
        return decode(data, limits, raw, **how)

    monkeypatch.setattr(intake, "decode", slow)


def test_long_files_leave_threads_to_live_audio(
    monkeypatch: pytest.MonkeyPatch, let_go: threading.Event
) -> None:
    hold_up_files(monkeypatch, let_go)
    answer, files = answer_live_among([file() for _ in range(FILES)], let_go, live())
    assert answer.status == 200
    assert {one.status for one in files} == {200}


def test_long_files_leave_places_to_live_audio(
    monkeypatch: pytest.MonkeyPatch, let_go: threading.Event
) -> None:
    hold_up_files(monkeypatch, let_go)
    answer, files = answer_live_among([file() for _ in range(4)], let_go, live(), max_requests=5)
    assert answer.status == 200
    assert sorted(one.status for one in files) == [200, 200, 200, 503]
    (refused,) = [json.loads(one.body) for one in files if one.status == 503]
    assert "3 files are already in progress" in refused["error"]


def test_names_that_are_not_resolved_hold_up_nothing_in_s3(
    monkeypatch: pytest.MonkeyPatch, let_go: threading.Event
) -> None:
    def fetch(source: sources.Source, *_: Any) -> BytesInMemory:
        if isinstance(source, sources.UrlAudio):
            let_go.wait(60)
        return BytesInMemory(CLIP)

    monkeypatch.setattr(sources, "fetch", fetch)
    urls = [http_request(b'{"url": "https://hangs.example/"}') for _ in range(32)]
    answer, others = answer_live_among(urls, let_go, http_request(b'{"s3_uri": "s3://a/b"}'))
    assert answer.status == 200
    assert {one.status for one in others} == {200}


def test_the_last_second_of_a_minute_is_live_and_the_limit_holds() -> None:
    asked = RequestHandler(EndpointSettings(max_audio_s=60), FACTS, Engine())
    assert asyncio.run(asked.answer(file())).status == 413
    shorter = http_request(wav(silence(60)[::2], 8_000), content_type="audio/wav")
    assert asyncio.run(asked.answer(shorter)).status == 200


async def cut_off() -> AsyncIterator[bytes]:
    yield b"{"
    raise ClientDisconnect


def test_who_hangs_up_is_counted_and_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    signals = Signals(INGRESS_COUNTS)

    async def scenario() -> None:
        asked = RequestHandler(EndpointSettings(), FACTS, Engine(answers=False), signals)
        waiting = [asyncio.create_task(asked.answer(live())) for _ in range(3)]
        await asyncio.sleep(0.2)
        for one in waiting:
            one.cancel()
        assert all(
            isinstance(one, asyncio.CancelledError)
            for one in await asyncio.gather(*waiting, return_exceptions=True)
        )
        await asked.answer(HttpRequest("POST", "/", "application/json", cut_off()))

    asyncio.run(scenario())
    reading = signals.read()
    assert (reading.counts[Metric.ABANDONED], reading.counts[Metric.REQUESTS]) == (4, 0)
    assert reading.errors == {}
    assert caplog.text.count("status=499 code=Abandoned") == 4
    assert "Traceback" not in caplog.text


def test_a_refusal_of_one_ends_the_work_on_the_others() -> None:
    ended: list[str] = []

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")

    async def refused() -> None:
        await asyncio.sleep(0)
        raise Overloaded("No room.")

    async def both() -> None:
        async with asyncio.timeout(5):
            await all_or_none([endless(), refused()])

    with pytest.raises(Overloaded, match=r"No room\."):
        asyncio.run(both())
    assert ended == ["endless"]


def test_what_is_done_comes_in_its_order() -> None:
    async def after(turns: int) -> int:
        for _ in range(turns):
            await asyncio.sleep(0)
        return turns

    assert asyncio.run(all_or_none([after(3), after(1)])) == [3, 1]
