# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The form that OpenAI's client of today sends."""

import pytest

from tests.unit.endpoint.parsing.test_wire_forms import from_form
from whisper_endpoint import errors
from whisper_endpoint.messages import Parameters, VadParameters
from whisper_endpoint.parsing.request import Output


def test_what_openais_client_of_today_sends() -> None:
    request = from_form(
        ("language", "en-US"),
        ("languages[]", "English"),
        ("languages[]", "es"),
        ("keywords[]", "Acme"),
        ("keywords[]", "T-shirt"),
        ("chunking_strategy[type]", "server_vad"),
        ("chunking_strategy[threshold]", "0.4"),
        ("chunking_strategy[prefix_padding_ms]", "300"),
        ("chunking_strategy[silence_duration_ms]", "500"),
        ("stream", "true"),
    )
    assert request.parameters == Parameters(
        language="en",
        languages=("en", "es"),
        terms=("Acme", "T-shirt"),
        vad_parameters=VadParameters(threshold=0.4, speech_pad_ms=300, min_silence_duration_ms=500),
    )
    assert request.output == Output(dialect="openai", is_streamed=True)


def test_a_form_has_a_hundred_parts_at_most() -> None:
    keywords = [("keywords[]", str(number)) for number in range(99)]
    assert from_form(*keywords).parameters.terms == tuple(text for _, text in keywords)
    with pytest.raises(errors.MalformedBody, match="more than 100 parts"):
        from_form(*keywords, ("keywords[]", "one more"))


@pytest.mark.parametrize("text", ["nan", "inf", "1e999"])
def test_a_number_in_a_form_is_finite(text: str) -> None:
    with pytest.raises(errors.InvalidParameter, match=r"parameters.patience is .*: use a number"):
        from_form(("patience", text))
