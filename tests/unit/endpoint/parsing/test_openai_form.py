# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The form that OpenAI's client of today sends."""

import pytest
from urllib3.filepost import encode_multipart_formdata

from tests.unit.endpoint.parsing.test_wire_forms import from_audio, from_form
from whisper_endpoint import errors, parsing
from whisper_endpoint.audio.sources import S3Audio
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


@pytest.mark.parametrize("text", ["nan", "0x1", "1_0", "٣"])
def test_a_number_or_a_list_that_is_neither_is_quoted(text: str) -> None:
    with pytest.raises(
        errors.InvalidParameter, match=f"temperature is .*{text[:2]}.*: use a number"
    ):
        from_form(("temperature", text))


@pytest.mark.parametrize("name", ["model", "stream", "chunking_strategy", "prompt", "language"])
def test_a_field_comes_once(name: str) -> None:
    text = {"stream": "true", "chunking_strategy": "auto"}.get(name, "en")
    with pytest.raises(errors.InvalidParameter, match=f"{name} is sent twice: send it once"):
        from_form((name, text), (name, text))


@pytest.mark.parametrize("name", ["audio_input", "audio_data", "parameters", "vad_parameters"])
def test_what_no_text_can_be_is_not_what_somebody_may_have_meant(name: str) -> None:
    with pytest.raises(errors.InvalidParameter) as caught:
        from_form((name, "{}"))
    assert f"{name} is not supported: " in caught.value.message
    with pytest.raises(errors.UnknownParameter) as unknown:
        from_form((f"{name}x", "{}"))
    assert f"did you mean {name}?" not in unknown.value.message


def test_a_form_without_audio_is_told_where_to_put_it() -> None:
    body, content_type = encode_multipart_formdata([("model", "whisper-1")])
    with pytest.raises(errors.InvalidParameter, match="The form has no audio: send it as file"):
        parsing.parse(body, content_type)
    body, content_type = encode_multipart_formdata([("s3_uri", "s3://bucket/call.wav")])
    assert parsing.parse(body, content_type).source == S3Audio("s3://bucket/call.wav")


def test_audio_is_in_one_place() -> None:
    with pytest.raises(errors.InvalidParameter, match="Audio is in file and in s3_uri: leave one"):
        from_form(("s3_uri", "s3://bucket/call.wav"))
    with pytest.raises(errors.InvalidParameter, match="Audio is in the body and in url: leave one"):
        from_audio("url=https://example.com/call.wav")
