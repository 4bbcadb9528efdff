# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""OpenAI's own client, whose HTTP ends at the handler."""

import asyncio
import html
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import numpy as np
import pytest
import srt
import webvtt
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.audio import TranscriptionVerbose

from tests.unit.endpoint.helpers import clip_samples, silence, wav
from tests.unit.endpoint.http_requests import DirectEngine, http_request
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import RequestHandler
from whisper_endpoint.settings import EndpointSettings

AUDIO = wav(np.concatenate([clip_samples(), silence(1.5), clip_samples()]))
SETTINGS = EndpointSettings(max_batch_size=2)


@pytest.fixture(scope="module")
def service(engine: WhisperEngine) -> Iterator[EngineService]:
    running = EngineService(engine, SETTINGS)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def plain(service: EngineService, engine: WhisperEngine) -> Any:
    """The answer that all others are compared with, in the endpoint's own form."""
    handler = RequestHandler(SETTINGS, engine.facts, DirectEngine(service))
    asked = "beam_size=1;word_timestamps=true"
    one = http_request(AUDIO, content_type="audio/wav", attributes=asked)
    return json.loads(asyncio.run(handler.answer(one)).body)


@pytest.fixture(scope="module")
def openai_client(service: EngineService, engine: WhisperEngine) -> OpenAI:
    handler = RequestHandler(SETTINGS, engine.facts, DirectEngine(service))

    def send(sent: httpx2.Request) -> httpx2.Response:
        one = http_request(
            sent.read(),
            method=sent.method,
            path=sent.url.path,
            content_type=sent.headers.get("content-type", ""),
            accept=sent.headers.get("accept", ""),
        )
        answer = asyncio.run(handler.answer(one))
        headers = {"content-type": answer.content_type}
        return httpx2.Response(answer.status, content=iter((answer.body,)), headers=headers)

    client = httpx2.Client(transport=httpx2.MockTransport(send))
    return OpenAI(api_key="none", base_url="http://handler/v1", http_client=client, max_retries=0)


def openai_asks(client: OpenAI, **how: Any) -> Any:
    return client.audio.transcriptions.create(
        model="whisper-1", file=("call.wav", AUDIO), extra_body={"beam_size": 1}, **how
    )


def test_openais_client_gets_what_json_gets(openai_client: OpenAI, plain: Any) -> None:
    texts = [one["text"].strip() for one in plain["segments"]]
    assert openai_asks(openai_client).text == plain["text"]
    long = openai_asks(
        openai_client,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
    )
    assert isinstance(long, TranscriptionVerbose)
    assert [one.text.strip() for one in long.segments or ()] == texts
    assert [one.start for one in long.segments or ()] == [one["start"] for one in plain["segments"]]
    assert len(long.words or ()) == sum(len(one["words"]) for one in plain["segments"])
    assert openai_asks(openai_client, response_format="text") == plain["text"] + "\n"
    captions = openai_asks(openai_client, response_format="srt")
    assert [one.content for one in srt.parse(captions)] == texts
    cues = webvtt.from_string(openai_asks(openai_client, response_format="vtt")).captions
    assert [html.unescape(one.text) for one in cues] == texts


def test_openais_client_is_told_what_is_wrong(openai_client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as caught:
        openai_asks(openai_client, response_format="json", timestamp_granularities=["word"])
    said = caught.value
    assert "json has no word times" in str(said)
    assert (said.type, said.code) == ("invalid_request_error", "InvalidParameter")
    assert said.param == "timestamp_granularities"
    assert str(said.body["message"]).startswith("timestamp_granularities has word")  # type: ignore[index]


def test_openais_client_streams_what_it_gets_whole(openai_client: OpenAI, plain: Any) -> None:
    *deltas, done = openai_asks(openai_client, stream=True)
    assert "".join(one.delta for one in deltas) == done.text == plain["text"]
    assert len(deltas) == len(plain["segments"])
    assert done.type == "transcript.text.done"
    with pytest.raises(BadRequestError, match="stream requires response_format json") as caught:
        list(openai_asks(openai_client, stream=True, response_format="srt"))
    assert caught.value.param == "stream"


def test_openais_client_lists_models(openai_client: OpenAI) -> None:
    (model,) = openai_client.models.list()
    assert openai_client.models.retrieve(model.id) == model
    with pytest.raises(NotFoundError):
        openai_client.models.retrieve("another")


def test_openais_client_may_say_all_that_it_knows(openai_client: OpenAI, plain: Any) -> None:
    heard = openai_asks(
        openai_client,
        language="English",
        languages=["en-US", "es"],
        keywords=["Ana"],
        chunking_strategy={"type": "server_vad", "threshold": 0.5},
    )
    assert heard.text
    with pytest.raises(BadRequestError, match=r"include\[\] is not supported"):
        openai_asks(openai_client, include=["logprobs"])
