# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace

import pytest

from whisper_endpoint.errors import InvalidSetting, UnsupportedLanguage
from whisper_endpoint.ingress.planning.decoding_parameters import (
    check_settings,
    for_model,
    for_partial,
    within_limits,
)
from whisper_endpoint.messages import Parameters
from whisper_endpoint.model_info import ModelInfo
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
