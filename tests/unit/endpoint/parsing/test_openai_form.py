# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The form that OpenAI's client of today sends."""

from tests.unit.endpoint.parsing.test_wire_forms import from_form
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
