# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A request in every form of the answer, each compared with the JSON of the same request."""

import asyncio
import base64
import html
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import srt
import webvtt
from openai.types.audio import Transcription, TranscriptionVerbose

import whisper_contract
from tests.contract.transcripts import segment
from tests.schemas import validate
from tests.unit.endpoint.helpers import clip_samples, silence, wav
from tests.unit.endpoint.http_requests import DirectEngine, http_request
from whisper_contract import formats
from whisper_contract.transcription_pb2 import Parameters, TranscribeRequest, TranscribeResponse
from whisper_endpoint import messages
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.errors import InvalidParameter, NotAcceptable
from whisper_endpoint.ingress import answers
from whisper_endpoint.ingress.handler import HttpResponse, RequestHandler
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.parsing.request import LiveFields, Output, Request
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript, merge_channels

AUDIO = wav(np.concatenate([clip_samples(), silence(1.5), clip_samples()]))
SETTINGS = EndpointSettings(account_id="111122223333", max_batch_size=2)
PROTOBUF = "application/x-protobuf"
JSON = ("json", "verbose_json", "transcribe", "segments", "chunks")

LONG = Transcript("en", tuple(segment(n, n + 1, f" {n}") for n in range(500)))

Ask = Callable[..., HttpResponse]


@pytest.fixture(scope="module")
def service(engine: WhisperEngine) -> Iterator[EngineService]:
    running = EngineService(engine, SETTINGS)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def ask(service: EngineService, engine: WhisperEngine) -> Ask:
    """Ask a handler with a real engine: parameters of the request, then headers."""

    def one(accept: str = "", body: bytes = b"", **parameters: Any) -> HttpResponse:
        sent = {
            "audio_data": base64.b64encode(AUDIO).decode(),
            "call_id": "call/17",
            "parameters": {"beam_size": 1, **parameters},
        }

        handler = RequestHandler(SETTINGS, engine.facts, DirectEngine(service))
        media_type = PROTOBUF if body else "application/json"
        given = body or json.dumps(sent).encode()
        return asyncio.run(
            handler.answer(http_request(given, content_type=media_type, accept=accept))
        )

    return one


@pytest.fixture(scope="module")
def plain(ask: Ask) -> Any:
    """The answer that all others are compared with."""
    answer = ask(word_timestamps=True)
    assert (answer.status, answer.content_type) == (200, "application/json")
    found = json.loads(answer.body)
    validate(found, whisper_contract.response_schema())
    assert len(found["segments"]) >= 2
    assert all(one["words"] for one in found["segments"])
    return found


def follows(answer: HttpResponse, response_format: str) -> Any:
    assert (answer.status, answer.content_type) == (200, "application/json")
    found = json.loads(answer.body)
    validate(found, whisper_contract.answer_schema(response_format))
    return found


def test_json_and_verbose_json(ask: Ask, plain: Any) -> None:
    short = ask(response_format="json")
    assert Transcription.model_validate_json(short.body).text == plain["text"]
    follows(short, "json")
    long = ask(response_format="verbose_json", timestamp_granularities=["word", "segment"])
    found = TranscriptionVerbose.model_validate_json(long.body)
    assert found.text == plain["text"]
    assert found.duration == pytest.approx(len(AUDIO) / 32_000, abs=0.01)
    assert found.segments is not None
    assert found.words is not None
    times = [(one["start"], one["end"], one["text"]) for one in plain["segments"]]
    assert [(one.start, one.end, one.text) for one in found.segments] == times
    words = [word for one in plain["segments"] for word in one["words"]]
    assert [(w.word, w.start, w.end) for w in found.words] == [
        (w["word"].strip(), w["start"], w["end"]) for w in words
    ]
    follows(long, "verbose_json")


def test_word_times_are_aligned_where_they_are_asked_for(ask: Ask) -> None:
    without = follows(ask(response_format="verbose_json"), "verbose_json")
    assert "words" not in without
    only = ask(response_format="verbose_json", timestamp_granularities=["word"])
    found = follows(only, "verbose_json")
    assert found["words"]
    assert "segments" not in found


def test_text(ask: Ask, plain: Any) -> None:
    answer = ask(response_format="text")
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.body.decode() == plain["text"] + "\n"


@pytest.mark.parametrize("accept", ["", "application/x-subrip"])
def test_srt(ask: Ask, plain: Any, accept: str) -> None:
    answer = ask(accept) if accept else ask(response_format="srt", word_timestamps=True)
    assert answer.content_type == "application/x-subrip; charset=utf-8"
    found = list(srt.parse(answer.body.decode()))
    assert [one.content for one in found] == [one["text"].strip() for one in plain["segments"]]
    if not accept:
        times = [(one.start.total_seconds(), one.end.total_seconds()) for one in found]
        assert times == [(one["start"], one["end"]) for one in plain["segments"]]


def test_vtt(ask: Ask, plain: Any) -> None:
    answer = ask("application/json", response_format="vtt", word_timestamps=True)
    assert answer.content_type == "text/vtt; charset=utf-8"
    found = webvtt.from_string(answer.body.decode()).captions
    texts = [html.unescape(one.text) for one in found]
    assert texts == [one["text"].strip() for one in plain["segments"]]


def test_captions_of_one_line_have_times_of_their_words(ask: Ask, plain: Any) -> None:
    answer = ask(response_format="srt", max_line_width=12, max_line_count=1)
    found = list(srt.parse(answer.body.decode()))
    assert len(found) > len(plain["segments"])
    assert " ".join(one.content for one in found).split() == plain["text"].split()
    starts = {word["start"] for one in plain["segments"] for word in one["words"]}
    starts |= {one["start"] for one in plain["segments"]}
    assert {one.start.total_seconds() for one in found} <= starts


def test_amazon_transcribe(ask: Ask, plain: Any) -> None:
    found = follows(ask(response_format="transcribe"), "transcribe")
    assert (found["jobName"], found["accountId"]) == ("call-17", "111122223333")
    results = found["results"]
    assert results["transcripts"][0]["transcript"] == plain["text"]
    spoken = [one for one in results["items"] if one["type"] == "pronunciation"]
    words = [word for one in plain["segments"] for word in one["words"]]
    assert [(one["start_time"], one["end_time"]) for one in spoken] == [
        (str(word["start"]), str(word["end"])) for word in words
    ]


def test_segments_and_chunks(ask: Ask, plain: Any) -> None:
    segments = follows(ask(response_format="segments", word_timestamps=True), "segments")
    assert [(one["start"], one["end"], one["text"]) for one in segments] == [
        (one["start"], one["end"], one["text"].strip()) for one in plain["segments"]
    ]
    chunks = follows(ask(response_format="chunks", timestamp="word"), "chunks")
    assert [(*one["timestamp"], one["text"]) for one in chunks["chunks"]] == [
        (word["start"], word["end"], word["word"])
        for one in plain["segments"]
        for word in one["words"]
    ]


def test_a_protobuf_request_gets_what_json_gets(ask: Ask, plain: Any) -> None:
    wanted = Parameters(beam_size=1, word_timestamps=True)
    body = TranscribeRequest(audio=AUDIO, parameters=wanted).SerializeToString()
    answer = ask(body=body)
    assert answer.content_type == PROTOBUF
    found = TranscribeResponse.FromString(answer.body)
    assert (found.text, found.language) == (plain["text"], plain["language"])
    assert found.duration == pytest.approx(len(AUDIO) / 32_000, abs=0.01)
    assert [(w.word, w.start) for one in found.segments for w in one.words] == [
        (w["word"], w["start"]) for one in plain["segments"] for w in one["words"]
    ]
    as_json = ask("application/json", body=body)
    assert json.loads(as_json.body) == plain
    assert TranscribeResponse.FromString(ask(PROTOBUF).body).text == plain["text"]


def test_without_segments(ask: Ask, plain: Any) -> None:
    found = json.loads(ask(include_segments=False).body)
    assert found == {"text": plain["text"], "language": plain["language"]}


# Two channels, each for itself: the second speaks first.

TWO = wav(
    np.stack(
        [
            np.concatenate([silence(4), clip_samples()]),
            np.concatenate([clip_samples(), silence(4)]),
        ],
        axis=1,
    ).ravel(),
    channels=2,
)


def two_channels(ask: Ask, response_format: str) -> bytes:
    wanted = Parameters(
        beam_size=1,
        channel_identification=True,
        word_timestamps=True,
        response_format=response_format,
    )
    answer = ask(body=TranscribeRequest(audio=TWO, parameters=wanted).SerializeToString())
    assert answer.status == 200, answer.body
    return answer.body


def test_channels_come_in_order_of_time_in_every_form(ask: Ask) -> None:
    message = TranscribeResponse.FromString(two_channels(ask, "protobuf"))
    said = [(one.channel, one.text.strip()) for one in message.segments]
    numbers = [number for number, _ in said]
    assert set(numbers) == {0, 1}
    assert numbers == sorted(numbers, reverse=True)
    starts = [one.start for one in message.segments]
    assert starts == sorted(starts)
    assert [one.id for one in message.segments] == list(range(1, len(said) + 1))
    labelled = [f"ch_{number}: {text}" for number, text in said]

    assert two_channels(ask, "text").decode().splitlines() == labelled
    captions = list(srt.parse(two_channels(ask, "srt").decode()))
    assert [one.content for one in captions] == labelled
    cues = webvtt.from_string(two_channels(ask, "vtt").decode()).captions
    assert [f"{one.voice}: {html.unescape(one.text)}" for one in cues] == labelled

    found = {name: json.loads(two_channels(ask, name)) for name in JSON}
    for name, answer in found.items():
        validate(answer, whisper_contract.answer_schema(name))
    assert [one["channel"] for one in found["verbose_json"]["segments"]] == numbers
    assert [one["channel"] for one in found["chunks"]["chunks"]] == numbers
    assert [one["speaker"] for one in found["segments"]] == [f"SPEAKER_0{n}" for n in numbers]
    assert found["json"]["text"] == message.text == " ".join(text for _, text in said)
    labels = found["transcribe"]["results"]["channel_labels"]
    assert labels["number_of_channels"] == 2
    for number, channel in enumerate(labels["channels"]):
        items = [one for one in channel["items"] if one["type"] == "pronunciation"]
        words = [w for one in message.segments if one.channel == number for w in one.words]
        assert [one["start_time"] for one in items] == [str(word.start) for word in words]


# A long answer is written in a thread, and is the same.


def test_a_long_answer() -> None:
    class Says:
        async def transcribe(self, *_: Any) -> Transcript:
            return LONG

    handler = RequestHandler(SETTINGS, ModelInfo(80, ("en",), multilingual=False), Says())
    sent = {
        "audio_data": base64.b64encode(AUDIO).decode(),
        "parameters": {"response_format": "srt"},
    }
    answer = asyncio.run(handler.answer(http_request(json.dumps(sent).encode())))
    assert answer.body == formats.render(LONG, formats.Form(response_format="srt"))
    assert len(list(srt.parse(answer.body.decode()))) == 500


# Refusals come before the audio is looked at.


class Nobody:
    """An engine that must not be asked."""

    async def transcribe(self, *_: Any) -> Transcript:
        raise AssertionError


def refuse(accept: str = "", **parameters: Any) -> tuple[int, Any]:
    body = json.dumps({"audio_data": "bm8gYXVkaW8=", "parameters": parameters}).encode()
    handler = RequestHandler(SETTINGS, ModelInfo(80, ("en",), multilingual=False), Nobody())
    answer = asyncio.run(handler.answer(http_request(body, accept=accept)))
    assert answer.content_type == "application/json"
    found = json.loads(answer.body)
    validate(found, whisper_contract.error_schema())
    return answer.status, found


def test_a_form_that_there_is_not() -> None:
    status, found = refuse("image/png")
    assert (status, found["code"]) == (406, "NotAcceptable")
    assert "'image/png'" in found["error"]
    assert "text/vtt" in found["error"]
    status, found = refuse(response_format="docx")
    assert (status, found["field"]) == (400, "parameters.response_format")
    assert "verbose_json" in found["error"]


@pytest.mark.parametrize("response_format", ["json", "text", "srt", "vtt"])
def test_times_of_words_in_a_form_that_has_none(response_format: str) -> None:
    status, found = refuse(response_format=response_format, timestamp_granularities=["word"])
    assert (status, found["field"]) == (400, "parameters.timestamp_granularities")
    assert "verbose_json" in found["error"]


def test_lines_that_nothing_breaks() -> None:
    status, found = refuse(response_format="srt", max_line_count=2)
    assert (status, found["field"]) == (400, "parameters.max_line_count")


@pytest.mark.parametrize("response_format", sorted(set(formats.FORMATS) - {"srt", "vtt", "lca"}))
def test_width_of_lines_in_a_form_without_captions(response_format: str) -> None:
    status, found = refuse(response_format=response_format, max_line_width=40)
    assert (status, found["field"]) == (400, "parameters.max_line_width")
    assert "the answer has no captions: use a response_format of srt or vtt" in found["error"]


def test_words_without_the_segments_that_have_them() -> None:
    status, found = refuse(include_segments=False, word_timestamps=True)
    assert (status, found["field"]) == (400, "parameters.include_segments")


# Which form, and whose name.


def request(live: LiveFields = LiveFields(), **output: Any) -> Request:  # noqa: B008
    return Request(
        InlineAudio(b"x"), messages.Parameters(task="translate"), live, output=Output(**output)
    )


@pytest.mark.parametrize(
    ("output", "chosen"),
    [
        ({}, "lca"),
        ({"dialect": "openai"}, "json"),
        ({"dialect": "chunks"}, "chunks"),
        ({"dialect": "protobuf"}, "protobuf"),
        ({"dialect": "openai", "accept": "application/json"}, "json"),
        ({"dialect": "protobuf", "accept": "application/json"}, "lca"),
        ({"dialect": "openai", "response_format": "vtt", "accept": "application/json"}, "vtt"),
        ({"response_format": "srt", "accept": "image/png"}, "srt"),
        ({"accept": "text/plain"}, "text"),
        ({"dialect": "openai", "is_streamed": True, "accept": "text/event-stream"}, "json"),
        ({"dialect": "openai", "is_streamed": True, "accept": "text/*;q=0.5"}, "json"),
    ],
)
def test_the_form_is_said_or_accepted_or_the_dialects(output: Any, chosen: str) -> None:
    assert answers.negotiate(request(**output), "0" * 32, "").response_format == chosen


def test_what_an_answer_says_of_its_request() -> None:
    form = answers.negotiate(request(is_wrapped=True), "f" * 32, "")
    assert (form.task, form.is_wrapped, form.job_name) == ("translate", True, "f" * 32)
    assert form.account_id == "0" * 12
    named = answers.negotiate(request(LiveFields(call_id="a b:ü")), "f" * 32, "1" * 12)
    assert (named.job_name, named.account_id) == ("a-b--", "1" * 12)


def test_refusals_of_the_chooser() -> None:
    with pytest.raises(NotAcceptable):
        answers.negotiate(request(accept="audio/wav"), "", "")
    with pytest.raises(NotAcceptable):
        answers.negotiate(request(dialect="openai", accept="text/event-stream"), "", "")
    with pytest.raises(InvalidParameter):
        answers.negotiate(request(accept="text/vtt", timestamp_granularities=("word",)), "", "")


# Channels put together.


def test_channels_are_merged_in_order_of_time() -> None:
    left = Transcript("", (segment(3, 4, " c"), segment(5, 6, " d")), duration=9.0)
    right = Transcript(
        "es", (segment(1, 2, " a"), segment(3, 3.5, " b")), language_probability=0.5, duration=9.0
    )
    merged = merge_channels([left, right])
    assert [(one.id, one.channel, one.text) for one in merged.segments] == [
        (1, 1, " a"),
        (2, 0, " c"),
        (3, 1, " b"),
        (4, 0, " d"),
    ]
    assert (merged.channels, merged.duration, merged.text) == (2, 9.0, "a c b d")
    quiet = merge_channels([Transcript("", ()), right])
    assert (quiet.language, quiet.language_probability, quiet.channels) == ("es", 0.5, 2)
    assert b"ch_1: a" in formats.render(quiet, formats.Form(response_format="text"))
