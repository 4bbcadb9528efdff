# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import asyncio
import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from tests.contract.transcripts import segment
from tests.unit.endpoint.helpers import CLIP
from tests.unit.endpoint.http_requests import http_request
from whisper_contract import formats
from whisper_contract.formats import Form
from whisper_contract.formats import protobuf as compact
from whisper_endpoint.ingress.handler import HttpResponse, RequestHandler
from whisper_endpoint.ingress.redaction import recognisers, transcripts
from whisper_endpoint.messages import Parameters, Prepared
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.transcript import Transcript

# A card's number that two segments share, and a sentence before and after.
SPOKEN = Transcript(
    "en",
    (
        segment(0.0, 2.0, " Hello there.", " Hello| there.", id=1),
        segment(2.0, 6.0, " My card is 4111 1111", " My| card| is| 4111| 1111", id=2),
        segment(7.0, 9.0, " 1111-1111, thank you.", " 1111|-1111,| thank| you.", id=3),
    ),
    duration=9.0,
    warnings=("Something is missing.",),
)
TOKENS = (50364, 7751, 50464)
FACTS = ModelInfo(80, ("en",), multilingual=False)


def redacted(transcript: Transcript, **how: bool) -> Transcript:
    given = {"is_partial": False, "is_live": False, "has_words": True} | how
    return transcripts.redacted(transcript, **given)


def words(transcript: Transcript) -> list[list[tuple[str, float, float]]]:
    return [
        [(one.word, round(one.start, 2), round(one.end, 2)) for one in part.words or ()]
        for part in transcript.segments
    ]


def test_a_number_is_one_word_with_its_times_and_the_segments_without_it_close_up() -> None:
    found = redacted(SPOKEN)
    first, second, third = found.segments
    assert first == SPOKEN.segments[0]
    assert (second.text, third.text) == (" My card is [CARD_NUMBER]", ", thank you.")
    assert found.text == "Hello there. My card is [CARD_NUMBER], thank you."
    assert words(found)[1:] == [
        [(" My", 2.0, 2.8), (" card", 2.8, 3.6), (" is", 3.6, 4.4), (" [CARD_NUMBER]", 4.4, 6.0)],
        [(",", 7.0, 8.0), (" thank", 8.0, 8.5), (" you.", 8.5, 9.0)],
    ]
    assert (first.tokens, second.tokens, third.tokens) == (TOKENS, (), ())
    assert found.warnings == SPOKEN.warnings


def test_without_words_and_with_a_segment_that_is_all_number() -> None:
    segments = tuple(replace(one, words=None) for one in SPOKEN.segments)
    all_number = replace(segments[2], text=" 1111 1111")
    found = redacted(replace(SPOKEN, segments=(*segments[:2], all_number)))
    assert [one.id for one in found.segments] == [1, 2]
    assert found.text == "Hello there. My card is [CARD_NUMBER]"
    assert redacted(SPOKEN, has_words=False).segments[0].words is None


def test_what_holds_no_secret_is_as_it_was() -> None:
    harmless = replace(SPOKEN, segments=SPOKEN.segments[:1])
    assert redacted(harmless) == harmless
    assert redacted(Transcript("", ())) == Transcript("", ())


@pytest.mark.parametrize(("language", "warns"), [("en", False), ("es", False), ("ja", True)])
def test_a_language_that_it_does_not_know_is_said_to_be_one(language: str, warns: bool) -> None:
    found = redacted(replace(SPOKEN, language=language))
    more = found.warnings[len(SPOKEN.warnings) :]
    assert len(more) == warns
    assert all(one.startswith("The text is in the language 'ja', but") for one in more)
    assert not redacted(Transcript(language, ())).warnings
    assert redacted(replace(SPOKEN, language=language), is_translated=True).warnings == (
        SPOKEN.warnings
    )
    assert "1111" not in found.text  # digits are found in every language


def test_a_partial_ends_before_its_number() -> None:
    growing = replace(SPOKEN, segments=SPOKEN.segments[:2])
    found = redacted(growing, is_partial=True, is_live=True)
    assert found.text == "Hello there. My card is"
    assert found.segments[1].tokens == ()
    words_left = found.segments[1].words or ()
    assert found.segments[1].end == words_left[-1].end == pytest.approx(5.2)


@pytest.mark.parametrize("name", formats.FORMATS)
@pytest.mark.parametrize("has_words", [True, False])
def test_no_form_of_the_answer_has_a_digit_of_it_or_a_token(name: str, has_words: bool) -> None:
    form = Form(response_format=name, max_line_width=12, timestamp_granularities=("word",))
    found = redacted(SPOKEN, has_words=has_words)
    body = formats.render(found, form)
    if name == "protobuf":
        body = json.dumps([one.text for one in compact.read(body).segments]).encode()
    assert b"1111" not in body
    assert b"[CARD_NUMBER]" in body
    assert body.count(b"50464") <= 1
    assert b"1111" not in formats.render(found, replace(form, is_streamed=True))


def test_amazons_items_have_the_name_as_one_word() -> None:
    body = json.loads(formats.render(redacted(SPOKEN), Form(response_format="transcribe")))
    contents = [one["alternatives"][0]["content"] for one in body["results"]["items"]]
    assert contents[-5:] == ["is", "[CARD_NUMBER]", ",", "thank", "you"] or contents[4:8] == [
        "card",
        "is",
        "[CARD_NUMBER]",
        ",",
    ]


class Says:
    """An engine that hears one thing."""

    def __init__(self, transcript: Transcript = SPOKEN) -> None:
        self.transcript = transcript
        self.asked: list[Parameters] = []

    async def transcribe(
        self, recording: Prepared, parameters: Parameters, seconds: float
    ) -> Transcript:
        self.asked.append(parameters)
        return self.transcript


def ask(engine: Says, sent: dict[str, Any], **settings: Any) -> HttpResponse:
    handler = RequestHandler(EndpointSettings(**settings), FACTS, engine)
    body = {"audio_input": list(CLIP)} | sent
    return asyncio.run(handler.answer(http_request(json.dumps(body).encode())))


@pytest.mark.parametrize(
    ("operator", "asked", "is_left_out"),
    [("off", None, False), ("off", True, True), ("on", None, True), ("on", False, True)],
)
@pytest.mark.parametrize("partial", [True, False])
def test_a_request_may_switch_it_on_but_not_off(
    operator: str, asked: bool | None, is_left_out: bool, partial: bool
) -> None:
    engine = Says()
    parameters = {} if asked is None else {"redaction": asked}
    answer = ask(engine, {"parameters": parameters, "partial": partial}, redaction=operator)
    body = json.loads(answer.body)
    assert (b"1111" not in answer.body) == is_left_out
    assert "words" not in body["segments"][0] or not is_left_out
    # Times of a final's words are there in any case; those of a partial take time.
    assert engine.asked[0].word_timestamps == (is_left_out and not partial)


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_of_it_is_logged_also_where_it_fails(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    def fail(text: str, *_: Any, **__: Any) -> None:
        raise ValueError(text)

    if fails:
        monkeypatch.setattr(transcripts, "find", fail)
    caplog.set_level(logging.DEBUG)
    answer = ask(Says(), {"parameters": {"redaction": True}})
    assert answer.status == (500 if fails else 200)
    assert "1111" not in answer.body.decode()
    assert "1111" not in caplog.text
    assert ("RedactionFailed: ValueError" in caplog.text) == fails


def test_its_packages_are_loaded_where_it_is_asked_for_alone() -> None:
    assert recognisers.CARD == "CARD_NUMBER"
    from whisper_endpoint.ingress import handler

    assert not hasattr(handler, "transcripts")
