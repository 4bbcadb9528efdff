# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests for speakers: which are refused, which form they get, what ends with what."""

import asyncio

import pytest

from tests.contract.transcripts import segment
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.errors import EndpointError, InvalidParameter, Overloaded
from whisper_endpoint.ingress.answers import negotiate
from whisper_endpoint.ingress.diarization import with_speakers
from whisper_endpoint.ingress.planning.request_plan import make_plan
from whisper_endpoint.messages import Parameters
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.parsing.request import Output, Request
from whisper_endpoint.settings import EndpointSettings
from whisper_endpoint.speakers.turns import Diarization, Turn
from whisper_endpoint.transcript import Transcript

FACTS = ModelInfo(80, ("en",), multilingual=True)
ANA = Transcript("en", (segment(0, 2, " a b", " a| b"),))
TURNS = Turn(0, 1, 0), Turn(1, 2, 1)


def asked(output: Output | None = None) -> Request:
    return Request(InlineAudio(b"x"), Parameters(diarize=True), output=output or Output())


@pytest.mark.parametrize(
    ("form", "field", "remedy"),
    [(None, "diarize", "leave diarize out"), ("diarized_json", "response_format", "use another")],
)
def test_without_models_the_refusal_names_the_stacks_parameter_and_what_asked_for_speakers(
    form: str | None, field: str, remedy: str
) -> None:
    with pytest.raises(
        InvalidParameter, match=f"^{field} is .* to on or set DiarizationModelS3Uri, or {remedy}"
    ) as caught:
        make_plan(asked(Output(response_format=form)), "0", EndpointSettings(), FACTS)
    assert (caught.value.status, caught.value.field) == (400, f"parameters.{field}")


def test_speakers_need_the_times_of_words_and_the_answer_has_them() -> None:
    plan = make_plan(asked(), "0", EndpointSettings(), FACTS, can_diarize=True)
    assert plan.parameters.word_timestamps
    assert plan.has_words


@pytest.mark.parametrize(
    ("output", "name"),
    [
        (Output(), "lca"),
        (Output(dialect="openai"), "diarized_json"),
        (Output(dialect="openai", accept="application/json"), "diarized_json"),
        (Output(dialect="openai", response_format="verbose_json"), "verbose_json"),
        (Output(dialect="chunks"), "chunks"),
        (Output(include_segments=False, response_format="verbose_json"), "verbose_json"),
    ],
)
def test_the_form_of_an_answer_with_speakers(output: Output, name: str) -> None:
    assert negotiate(asked(output), "0", "").response_format == name


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (Output(response_format="json"), "json has no speakers: use diarized_json"),
        (Output(include_segments=False), "without segments the answer has no speakers"),
        (Output(dialect="openai", is_streamed=True), "json, not diarized_json"),
    ],
)
def test_an_answer_that_would_have_no_speakers_is_refused(output: Output, words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        negotiate(asked(output), "0", "")


async def transcribed() -> list[Transcript]:
    await asyncio.sleep(0)
    return [ANA]


async def heard() -> Diarization:
    return Diarization(TURNS, TURNS)


def test_text_and_voices_meet() -> None:
    (found,) = asyncio.run(with_speakers(transcribed(), [heard()]))
    assert [(one.speaker, one.text) for one in found.segments] == [(0, " a"), (1, " b")]


def test_what_one_refuses_ends_the_other() -> None:
    ended = []

    async def for_ever() -> list[Transcript]:
        try:
            await asyncio.sleep(600)
        finally:
            ended.append(1)
        return []

    async def refuses() -> Diarization:
        await asyncio.sleep(0.01)
        raise Overloaded("Full: wait.")

    with pytest.raises(EndpointError, match="Full: wait"):
        asyncio.run(with_speakers(for_ever(), [refuses()]))
    assert ended == [1]
