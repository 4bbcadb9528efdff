# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""OpenAI's own client, whose HTTP ends at the handler."""

import asyncio
import base64
import html
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import srt
import webvtt
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types.audio import TranscriptionVerbose

from tests.unit.endpoint.helpers import clip_samples, silence, wav
from tests.unit.endpoint.http_requests import (
    DirectEngine,
    TwoHalves,
    http_request,
    openai_client_of,
)
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import RequestHandler
from whisper_endpoint.messages import SAMPLE_RATE
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
    return openai_client_of(RequestHandler(SETTINGS, engine.facts, DirectEngine(service)))


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


def data_url(audio: bytes, kind: str = "audio/wav") -> str:
    return f"data:{kind};base64,{base64.b64encode(audio).decode()}"


VOICE = np.concatenate([clip_samples(), clip_samples()])[: 4 * SAMPLE_RATE]
AGENT = data_url(wav(VOICE))


@pytest.fixture
def voices() -> TwoHalves:
    return TwoHalves()


@pytest.fixture
def with_voices(service: EngineService, engine: WhisperEngine, voices: TwoHalves) -> OpenAI:
    return openai_client_of(
        RequestHandler(SETTINGS, engine.facts, DirectEngine(service), diarizer=voices)
    )


def test_openais_client_names_who_is_known(with_voices: OpenAI, voices: TwoHalves) -> None:
    raw = data_url(VOICE.astype("<i2").tobytes(), "audio/pcm;rate=16000")
    heard = openai_asks(
        with_voices,
        response_format="diarized_json",
        known_speaker_names=["Ana, an agent", "caller"],
        known_speaker_references=[AGENT, raw],
    )
    # The names have one speaker at most, and the first is taken if both are as similar.
    assert [one.speaker for one in heard.segments] == ["A", "Ana, an agent"]
    (known,) = voices.known
    for one in known:
        np.testing.assert_allclose(one[:], VOICE / 32768, atol=2e-4)


def test_a_name_stays_in_its_tag(with_voices: OpenAI) -> None:
    captions = with_voices.audio.transcriptions.create(
        model="whisper-1",
        file=("call.wav", AUDIO),
        response_format="vtt",
        extra_body={"beam_size": 1, "diarize": True},
        known_speaker_names=["R&D &lt;b&gt;"],
        known_speaker_references=[AGENT],
    )
    unknown, known = webvtt.from_string(captions).captions
    assert unknown.voice == "SPEAKER_00"
    assert known.voice == "R&amp;D &amp;lt;b&amp;gt;"
    assert html.unescape(known.voice) == "R&D &lt;b&gt;"


def test_openais_client_names_nobody_without_known_speakers(with_voices: OpenAI) -> None:
    heard = openai_asks(with_voices, response_format="diarized_json")
    assert [one.speaker for one in heard.segments] == ["A", "B"]


@pytest.mark.parametrize(
    ("names", "references", "words"),
    [
        (["agent"], [], "1 known_speaker_names and 0 known_speaker_references: send one"),
        ([], [AGENT], "0 known_speaker_names and 1 known_speaker_references: send one"),
        (["a", "a"], [AGENT] * 2, "'a' twice: send one name"),
        (["a", "SPEAKER_01"], [AGENT] * 2, "'SPEAKER_01', which is blank or a label"),
        ([" "], [AGENT], "which is blank"),
        (["\u200b"], [AGENT], "which is blank"),
        (["\u3164"], [AGENT], "which is blank"),
        (["\u2800\ufe0f"], [AGENT], "which is blank"),
        (["SPEAKER_0\u200b1 "], [AGENT], "is blank or a label"),
        (["speaker_0\u0661"], [AGENT], "is blank or a label"),
        (["Ana", "Ana\u3164"], [AGENT] * 2, "twice: send one name"),
        (["Ana", "An\u200ba "], [AGENT] * 2, "twice: send one name"),
        (["\u202eAna"], [AGENT], "changes the direction of text: leave it out"),
        (["a\nb"], [AGENT], 'is "a\\nb": use text of 1 to 64 characters such as agent'),
        (list("abcde"), [AGENT] * 5, "a list of 5: use a list of at most 4"),
        (["a"], ["https://example.com/a.wav"], "characters such as data:audio/wav;base64"),
        (["a"], ["data:audio/wav;base64,no!"], "references.0 is not a data URL with audio in"),
        (["a"], ["data:audio/wav;base64,"], "is not a data URL with audio"),
        (["a"], ["data:audio/wav,RIFF"], "is not a data URL with audio"),
        (["a"], ["data:" + "x" * 6_000_000], "6,000,000 bytes: shorten it, or send a data URL"),
        (["a"], [data_url(bytes(99), "audio/l16")], "references.0 has no rate: use audio/l16"),
        (["a"], [data_url(bytes(99), "audio/l16;rate=1")], "references.0 cannot be decoded"),
        (["a", "b"], [AGENT, data_url(b"RIFF")], "references.1 cannot be decoded: send 2 to 10"),
        (["a"], [data_url(wav(VOICE[: 2 * SAMPLE_RATE - 160]))], "is 1.99 seconds long: send 2"),
        (["a"], [data_url(wav(np.tile(VOICE, 3)))], "is longer than 10 seconds: send 2 to 10"),
        (["a"], [data_url(wav(silence(5)))], "has less than 1 second of speech: send 2 to 10"),
    ],
)
def test_openais_client_is_told_what_is_wrong_with_known_speakers(
    with_voices: OpenAI, names: list[str], references: list[str], words: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        openai_asks(
            with_voices,
            response_format="diarized_json",
            known_speaker_names=names,
            known_speaker_references=references,
        )
    assert words in str(caught.value.body["message"])  # type: ignore[index]
    assert str(caught.value.param).startswith("known_speaker_")


def test_known_speakers_need_speakers_with_names(
    with_voices: OpenAI, openai_client: OpenAI
) -> None:
    known: dict[str, Any] = {"known_speaker_names": ["a"], "known_speaker_references": [AGENT]}
    with pytest.raises(BadRequestError, match="diarize is not set: set response_format to"):
        openai_asks(with_voices, **known)
    with pytest.raises(BadRequestError, match="this deployment has no diarization models"):
        openai_asks(openai_client, response_format="diarized_json", **known)
