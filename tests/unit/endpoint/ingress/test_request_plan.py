# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace

import numpy as np
import pytest

from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.features import Features
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.errors import InvalidSetting, UnsupportedLanguage
from whisper_endpoint.ingress.preparation import record
from whisper_endpoint.ingress.request_plan import (
    check_settings,
    for_model,
    for_partial,
    make_plan,
    within_limits,
)
from whisper_endpoint.messages import Parameters, Priority
from whisper_endpoint.model_info import ModelInfo
from whisper_endpoint.parsing.request import LiveFields, Request
from whisper_endpoint.settings import EndpointSettings

ASKED = Parameters(language="en", beam_size=5, temperature=(0.0, 0.4))
FACTS = ModelInfo(80, ("en", "es"), multilingual=True)


def test_finals_are_as_asked_unless_the_operator_says_otherwise() -> None:
    assert within_limits(ASKED, EndpointSettings()) == ASKED


@pytest.mark.parametrize(("limit", "beam"), [(0, 5), (2, 2), (5, 5), (8, 5)])
def test_the_widest_beam(limit: int, beam: int) -> None:
    settings = EndpointSettings(max_beam_size=limit)
    assert within_limits(ASKED, settings).beam_size == beam


def test_the_language_of_every_request() -> None:
    spanish = EndpointSettings(language_override="es")
    assert within_limits(ASKED, spanish).language == "es"
    detect = EndpointSettings(language_override="auto")
    assert within_limits(ASKED, detect).language is None


def test_the_languages_that_may_be_detected_are_the_requests_or_else_the_operators() -> None:
    operators = EndpointSettings(languages=("en", "es"))
    assert within_limits(ASKED, operators).languages == ("en", "es")
    assert within_limits(replace(ASKED, languages=("es",)), operators).languages == ("es",)


def test_a_list_with_a_language_that_the_model_lacks_is_refused() -> None:
    asked = replace(ASKED, language=None, languages=("en", "de"))
    with pytest.raises(UnsupportedLanguage, match=r"'de': use en or es") as caught:
        for_model(asked, FACTS)
    assert (caught.value.status, caught.value.field) == (400, "parameters.languages")
    check_settings(EndpointSettings(languages=("es", "en")), FACTS)
    with pytest.raises(InvalidSetting, match=r"WHISPER_LANGUAGES has 'de'.*en, es"):
        check_settings(EndpointSettings(languages=("en", "de")), FACTS)


def test_a_language_that_the_model_lacks_is_refused_at_the_start() -> None:
    check_settings(EndpointSettings(language_override="es"), FACTS)
    check_settings(EndpointSettings(language_override="auto"), FACTS)
    with pytest.raises(InvalidSetting, match=r"is 'de'.*en, es"):
        check_settings(EndpointSettings(language_override="de"), FACTS)


def test_a_partial_is_searched_greedily_and_once() -> None:
    partial = for_partial(ASKED, EndpointSettings())
    assert (partial.beam_size, partial.temperature) == (1, (0.0,))
    assert for_partial(replace(ASKED, terms=("a",)), EndpointSettings()).terms == ("a",)
    as_asked = for_partial(ASKED, EndpointSettings(partial_beam_size=0))
    assert as_asked.beam_size == 5


@pytest.mark.parametrize(
    ("asked", "progress", "channels", "pause_s", "given"),
    [
        (None, "s3://b/progress/1", False, None, True),
        (None, "s3://b/progress/1", True, None, False),
        (None, "s3://b/progress/1", False, 0.9, False),
        (None, None, False, None, False),
        (True, None, True, 0.9, True),
        (False, "s3://b/progress/1", False, None, False),
    ],
)
def test_a_jobs_windows_are_given_the_text_before_where_that_helps(
    *, asked: bool | None, progress: str | None, channels: bool, pause_s: float | None, given: bool
) -> None:
    request = Request(
        source=InlineAudio(b""),
        parameters=replace(
            ASKED, condition_on_previous_text=asked, channel_identification=channels
        ),
        progress_s3_uri=progress,
    )
    plan = make_plan(request, "id", EndpointSettings(), replace(FACTS, pause_s=pause_s))
    assert plan.parameters.condition_on_previous_text is given
    assert plan.partial_parameters.condition_on_previous_text is given


@pytest.mark.parametrize("is_partial", [True, False])
@pytest.mark.parametrize("seconds", [50, 70])
def test_what_is_longer_than_an_utterance_is_a_file_whatever_it_says(
    seconds: int, *, is_partial: bool
) -> None:
    said = LiveFields(partial=is_partial, call_id="c", utterance_id="u")
    request = Request(InlineAudio(b""), replace(ASKED, vad_filter=False), said)
    plan = make_plan(request, "0" * 32, EndpointSettings(), FACTS)
    audio = Audio(np.zeros(seconds * 16_000, np.float32))
    utterance = plan.utterance(audio)
    recording = record(audio, Features(80), plan.parameters, utterance=utterance)
    assert {recording.piece(0).priority} == {recording.priority}
    if seconds == 70:
        assert (utterance, recording.priority) == (None, Priority.FILE)
    else:
        assert utterance is not None
        assert recording.priority == (Priority.PARTIAL if is_partial else Priority.FINAL)
