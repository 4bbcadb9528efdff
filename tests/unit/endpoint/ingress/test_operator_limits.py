# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from dataclasses import replace

import pytest

from whisper_endpoint.errors import InvalidSetting
from whisper_endpoint.ingress import operator_limits
from whisper_endpoint.messages import Parameters
from whisper_endpoint.model_info import ModelFacts
from whisper_endpoint.settings import EndpointSettings

ASKED = Parameters(language="en", beam_size=5, temperature=(0.0, 0.4))
FACTS = ModelFacts(80, ("en", "es"), multilingual=True)


def test_finals_are_as_asked_unless_the_operator_says_otherwise() -> None:
    assert operator_limits.limit(ASKED, EndpointSettings()) == ASKED


@pytest.mark.parametrize(("limit", "beam"), [(0, 5), (2, 2), (5, 5), (8, 5)])
def test_the_widest_beam(limit: int, beam: int) -> None:
    settings = EndpointSettings(max_beam_size=limit)
    assert operator_limits.limit(ASKED, settings).beam_size == beam


def test_the_language_of_every_request() -> None:
    spanish = EndpointSettings(language_override="es")
    assert operator_limits.limit(ASKED, spanish).language == "es"
    detect = EndpointSettings(language_override="auto")
    assert operator_limits.limit(ASKED, detect).language is None


def test_a_language_that_the_model_lacks_is_refused_at_the_start() -> None:
    operator_limits.check(EndpointSettings(language_override="es"), FACTS)
    operator_limits.check(EndpointSettings(language_override="auto"), FACTS)
    with pytest.raises(InvalidSetting, match=r"is 'de'.*en, es"):
        operator_limits.check(EndpointSettings(language_override="de"), FACTS)


def test_a_partial_is_searched_greedily_and_once() -> None:
    partial = operator_limits.for_partial(ASKED, EndpointSettings())
    assert (partial.beam_size, partial.temperature) == (1, (0.0,))
    assert operator_limits.for_partial(replace(ASKED, hotwords="a"), EndpointSettings()) == partial
    as_asked = operator_limits.for_partial(ASKED, EndpointSettings(partial_beam_size=0))
    assert as_asked.beam_size == 5
