# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is streamed from S3 is answered as what came with a request, and leaves nothing behind."""

import asyncio
import gc
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import numpy as np
import pytest
from moto import mock_aws

from tests.unit.endpoint.helpers import clip_samples, silence, wav
from tests.unit.endpoint.http_requests import DirectEngine, http_request
from tests.unit.endpoint.media import tone, with_tracks
from whisper_endpoint.audio import sources
from whisper_endpoint.audio.content import BytesElsewhere, FileBytes
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.errors import SourceNotFetchable
from whisper_endpoint.ingress.handler import HttpRequest, HttpResponse, RequestHandler
from whisper_endpoint.ingress.threads import TurnTaker
from whisper_endpoint.messages import Prepared
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

FACTS = ModelInfo(80, ("en",), multilingual=False)
# So patient that speech is still looked for while its beginning is decoded.
PATIENT = EndpointSettings(audio_s3_prefixes=("s3://recordings/",), deadline_s=3_590)

_QUIET = clip_samples() // 40
_SIDES = (
    np.concatenate([silence(1), clip_samples(), silence(20), clip_samples()]),
    np.concatenate([silence(9), _QUIET, silence(14 - len(_QUIET) / 16_000), clip_samples()]),
)
_LENGTH = min(map(len, _SIDES))
CALL = wav(np.stack([side[:_LENGTH] for side in _SIDES], axis=1), channels=2)
LINE = wav(np.repeat(np.concatenate([clip_samples(), silence(25), clip_samples()])[::2], 2))
FILM = with_tracks(np.concatenate([silence(2), clip_samples()]), silence(5))
FILES = {"call.wav": CALL, "line.wav": LINE, "film.mkv": FILM}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="recordings")
        for name, data in FILES.items():
            client.put_object(Bucket="recordings", Key=name, Body=data)
        yield client


class SilentEngine:
    async def transcribe(self, recording: Prepared, *_: Any) -> Transcript:
        return Transcript("en", ())


def in_s3(name: str, **parameters: Any) -> HttpRequest:
    sent = {"s3_uri": f"s3://recordings/{name}", "parameters": parameters}
    return http_request(json.dumps(sent).encode())


def ask(engine: WhisperEngine, *asked: HttpRequest) -> list[HttpResponse]:
    async def scenario() -> list[HttpResponse]:
        service = EngineService(engine, PATIENT)
        try:
            handler = RequestHandler(PATIENT, engine.facts, DirectEngine(service))
            return list(await asyncio.gather(*(handler.answer(one) for one in asked)))
        finally:
            service.stop()

    return asyncio.run(scenario())


@pytest.mark.usefixtures("s3")
def test_streamed_audio_has_the_answers_of_whole_audio(engine: WhisperEngine) -> None:
    """Text, times of words, warnings and all: of two channels, doubled samples, and two tracks."""
    how = {"word_timestamps": True, "channel_identification": True, "beam_size": 1}
    attributes = "word_timestamps=true;channel_identification=true;beam_size=1"
    whole = ask(
        engine,
        *(
            replace(http_request(data, content_type="audio/wav"), attributes=attributes)
            for data in FILES.values()
        ),
    )
    streamed = ask(engine, *(in_s3(name, **how) for name in FILES))
    assert [one.status for one in whole] == [200] * 3
    assert [json.loads(one.body) for one in streamed] == [json.loads(one.body) for one in whole]
    assert all(json.loads(one.body)["text"] for one in whole)


class Endless:
    """A WAV file of 19 hours that comes as fast as it is read.

    Parameters
    ----------
    says_its_length : bool
        Otherwise all of it is looked through for another file behind it, before it is decoded.
    """

    def __init__(self, *, says_its_length: bool = True) -> None:
        self._length = 2**31 - 44 if says_its_length else 2**31 - 100
        self.fetched = threading.Event()
        self.asked = 0

    def rests(self) -> bool:
        """Whether nobody has read it for a while."""
        asked = self.asked
        time.sleep(0.3)
        return self.asked == asked

    def content(self) -> FileBytes:
        header = wav(silence(0), rate=8_000)[:40] + self._length.to_bytes(4, "little")
        samples = tone(30).tobytes()

        def fetch(start: int, end: int) -> bytes:
            self.asked += 1
            if self.asked > 3:
                self.fetched.set()
            rest = end - max(start, 44)
            return header[start:end] + (samples * (rest // len(samples) + 1))[:rest]

        return BytesElsewhere(2**31, fetch)


def wait_until(is_so: Any) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        gc.collect()
        time.sleep(0.02)


@pytest.mark.parametrize("says_its_length", [True, False])
def test_who_hangs_up_leaves_nothing_at_work(
    says_its_length: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = Endless(says_its_length=says_its_length)
    monkeypatch.setattr(sources, "fetch", lambda *_: endless.content())
    day = EndpointSettings(max_audio_s=86_400, deadline_s=3_590)
    handler = RequestHandler(day, FACTS, SilentEngine())
    disk = handler._intake.disk

    async def scenario() -> None:
        asked = asyncio.ensure_future(handler.answer(in_s3("day.wav")))
        await asyncio.to_thread(endless.fetched.wait, 60)
        if says_its_length:
            await asyncio.to_thread(wait_until, lambda: disk.used_bytes > 0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await asyncio.to_thread(wait_until, lambda: not disk.used_bytes)
        await asyncio.to_thread(wait_until, endless.rests)

    asyncio.run(scenario())
    assert endless.asked < 500  # it would be 513 to its end


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        (EndpointSettings(max_audio_s=100), 413, "AudioTooLong"),
        (EndpointSettings(max_audio_s=86_400, max_disk_bytes=2**22), 503, "Overloaded"),
    ],
)
def test_what_has_no_end_ends_at_a_limit(
    settings: EndpointSettings, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = Endless()
    monkeypatch.setattr(sources, "fetch", lambda *_: endless.content())
    handler = RequestHandler(settings, FACTS, SilentEngine())
    answer = asyncio.run(handler.answer(in_s3("day.wav")))
    assert (answer.status, json.loads(answer.body)["code"]) == (status, code)
    wait_until(lambda: not handler._intake.disk.used_bytes)


def test_an_object_that_changes_in_the_middle_is_a_refusal(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.put_object(Bucket="recordings", Key="long.wav", Body=wav(tone(150)))
    opened = sources.fetch

    def fetch(*given: Any) -> FileBytes:
        found = opened(*given)
        s3.put_object(Bucket="recordings", Key="long.wav", Body=CALL)
        return found

    monkeypatch.setattr(sources, "fetch", fetch)
    answer = asyncio.run(RequestHandler(PATIENT, FACTS, SilentEngine()).answer(in_s3("long.wav")))
    body = json.loads(answer.body)
    assert (answer.status, body["code"], body["field"]) == (424, "SourceNotFetchable", "s3_uri")
    assert "overwritten or deleted while it was being read" in body["error"]


def test_few_compute_while_many_wait() -> None:
    threads = TurnTaker(4, 1, "test")
    waits, goes_on = threading.Event(), threading.Event()

    def waiting() -> str:
        with threads.waiting():
            waits.set()
            goes_on.wait(60)
        return "waited"

    first = threads.submit(waiting)
    assert waits.wait(60)
    assert threads.submit(lambda: "computed").result(60) == "computed"
    assert not first.done()
    goes_on.set()
    assert first.result(60) == "waited"

    def fails() -> None:
        raise SourceNotFetchable("x")

    for _ in range(2):  # its turn comes back
        with pytest.raises(SourceNotFetchable):
            threads.submit(fails).result(60)


def test_a_refusal_leaves_nothing_on_disk() -> None:
    class Refuses:
        async def transcribe(self, *_: Any) -> Transcript:
            raise SourceNotFetchable("x")

    handler = RequestHandler(PATIENT, FACTS, Refuses())
    long = http_request(wav(np.tile(clip_samples(), 30)), content_type="audio/wav")
    assert asyncio.run(handler.answer(long)).status == 424
    wait_until(lambda: not handler._intake.disk.used_bytes)
