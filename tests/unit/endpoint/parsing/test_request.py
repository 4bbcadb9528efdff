# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import base64
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import whisper_contract
from tests.unit.endpoint.helpers import CLIP, lca_body
from whisper_endpoint import errors
from whisper_endpoint.audio.sources import InlineAudio, S3Audio
from whisper_endpoint.messages import Parameters, VadParameters
from whisper_endpoint.parsing import parse, validation
from whisper_endpoint.parsing.request import Output

JSON = "application/json"


def refusal(document: object) -> errors.EndpointError:
    with pytest.raises(errors.EndpointError) as caught:
        parse(json.dumps(document).encode(), JSON)
    return caught.value


def parameters(**values: object) -> dict[str, Any]:
    return {"audio_input": [1], "parameters": values}


def test_what_live_call_analytics_sends() -> None:
    request = parse(lca_body(), JSON)
    assert request.source == InlineAudio(CLIP)
    assert request.parameters == Parameters(
        language="en",
        task="transcribe",
        # It sends 0.0, which would leave a loop without another attempt.
        temperature=Parameters().temperature,
        no_speech_threshold=0.2,
        beam_size=5,
    )


@given(st.binary(min_size=3, max_size=300))
def test_byte_array_and_base64_are_the_same_request(data: bytes) -> None:
    array = parse(json.dumps({"audio_input": list(data)}).encode(), JSON)
    encoded = base64.b64encode(data).decode()
    assert array == parse(json.dumps({"audio_data": encoded}).encode(), "Application/JSON; a=b")
    assert array.source == InlineAudio(data)


def test_s3_uri() -> None:
    request = parse(b'{"s3_uri": "s3://bucket/a/b.wav"}', JSON)
    assert request.source == S3Audio("s3://bucket/a/b.wav")


def test_defaults_are_the_contracts() -> None:
    described = whisper_contract.request_schema()["$defs"]["parameters"]["properties"]
    defaults = dataclasses.asdict(Parameters()) | dataclasses.asdict(Output())
    for name in ("accept", "dialect", "is_wrapped", "is_streamed"):
        del defaults[name]  # not the caller's to say
    vad = defaults.pop("vad_parameters")
    known = ("known_speaker_names", "known_speaker_references")  # become known_speakers
    assert {name: list(v) if isinstance(v, tuple) else v for name, v in defaults.items()} == {
        name: schema["default"]
        for name, schema in described.items()
        if name not in ("timestamp", "vad_parameters", "hotwords", *known)
    }
    described = whisper_contract.request_schema()["$defs"]["vad_parameters"]["properties"]
    assert vad == {name: schema["default"] for name, schema in described.items()}


def test_a_whole_number_may_be_written_with_a_point() -> None:
    def request(kind: Callable[[int], float]) -> object:
        values = {"beam_size": kind(2), "best_of": kind(3), "no_repeat_ngram_size": kind(2)}
        vad = {"min_silence_duration_ms": kind(500), "threshold": 0.5}
        captions = {"max_line_width": kind(40), "max_line_count": kind(2), "audio_track": kind(0)}
        sent = parameters(**values, **captions, vad_parameters=vad, temperature=[kind(0), 0.5])
        return parse(json.dumps(sent | {"channel": kind(1), "sequence": kind(7)}).encode(), JSON)

    # 2 and 2.0 are equal, but not to the engine.
    assert repr(request(float)) == repr(request(int))


def test_every_parameter_arrives() -> None:
    sent: dict[str, Any] = {
        "language": "es",
        "task": "translate",
        "temperature": [0.1, 0.5],
        "beam_size": 2,
        "best_of": 3,
        "patience": 1.5,
        "initial_prompt": "Acme",
        "no_speech_threshold": None,
        "log_prob_threshold": -2.5,
        "compression_ratio_threshold": None,
        "vad_filter": False,
        "word_timestamps": True,
        "without_timestamps": True,
        "length_penalty": 0.5,
        "repetition_penalty": 1.5,
        "no_repeat_ngram_size": 2,
        "terms": ["Zoë", " Acme  Direct "],
        "hotwords": "Nguyen, ,Acme",
        "prefix": "Hello",
        "condition_on_previous_text": True,
        "vad_parameters": {"threshold": 0.4, "max_speech_duration_s": 9},
        "clip_timestamps": [0, 1.5],
        "channel_identification": True,
        "audio_track": 1,
        "languages": ["es", "en"],
        "multilingual": True,
        "redaction": True,
        "diarize": True,
        "num_speakers": 3,
        "min_speakers": 2,
        "max_speakers": 3,
    }
    got = parse(json.dumps(parameters(**sent)).encode(), JSON).parameters
    typed = {
        "temperature": (0.1, 0.5),
        "vad_parameters": VadParameters(threshold=0.4, max_speech_duration_s=9),
        "clip_timestamps": (0.0, 1.5),
        "languages": ("es", "en"),
        "terms": ("Zoë", "Acme Direct", "Nguyen", "Acme"),
    }
    del sent["hotwords"]
    assert got == Parameters(**(sent | typed))
    default = Parameters()
    assert all(getattr(got, name) != getattr(default, name) for name in vars(default))


@pytest.mark.parametrize(
    ("document", "kind", "field", "words"),
    [
        ([1], errors.MalformedBody, None, "a list of 1"),
        ({}, errors.InvalidParameter, None, "no audio: send exactly one of audio_input"),
        (
            {"audio_input": [1], "s3_uri": "s3://a/b"},
            errors.InvalidParameter,
            "s3_uri",
            "audio_input and s3_uri",
        ),
        ({"audio_input": []}, errors.InvalidParameter, "audio_input", "a list of 0"),
        ({"audio_input": [256]}, errors.InvalidParameter, "audio_input", "from 0 to 255"),
        ({"audio_input": [1, -1]}, errors.InvalidParameter, "audio_input", "from 0 to 255"),
        ({"audio_input": [1, 1.5]}, errors.InvalidParameter, "audio_input", "from 0 to 255"),
        ({"audio_input": [1, "a"]}, errors.InvalidParameter, "audio_input", "from 0 to 255"),
        ({"audio_input": "UklG"}, errors.InvalidParameter, "audio_input", '"UklG": use a list'),
        ({"audio_data": "not base64!"}, errors.InvalidParameter, "audio_data", "standard base64"),
        ({"audio_data": "UklG Rg=="}, errors.InvalidParameter, "audio_data", "standard base64"),
        (
            {"audio_data": 5},
            errors.InvalidParameter,
            "audio_data",
            "5: use an audio file in base64",
        ),
        ({"s3_uri": "https://a/b"}, errors.InvalidParameter, "s3_uri", "such as s3://bucket"),
        ({"audio_inptu": [1]}, errors.UnknownParameter, "audio_inptu", "mean audio_input?"),
        (
            parameters(beamsize=5),
            errors.UnknownParameter,
            "parameters.beamsize",
            "did you mean beam_size?",
        ),
        (
            parameters(zzz=1),
            errors.UnknownParameter,
            "parameters.zzz",
            "known fields are audio_track, beam_size, bes",
        ),
        (
            parameters(beam_size=0),
            errors.InvalidParameter,
            "parameters.beam_size",
            "is 0: use a whole number from 1 to 10",
        ),
        (
            parameters(beam_size=True),
            errors.InvalidParameter,
            "parameters.beam_size",
            "true: use a whole number",
        ),
        (
            parameters(min_speakers=2),
            errors.InvalidParameter,
            "parameters.min_speakers",
            "is 2, but diarize is not set: set diarize to true",
        ),
        (
            parameters(diarize=True, num_speakers=4, max_speakers=3),
            errors.InvalidParameter,
            "parameters.num_speakers",
            "has num_speakers 4, max_speakers 3: use min_speakers, num_speakers and max_speakers",
        ),
        (
            parameters(diarize=True, min_speakers=31),
            errors.InvalidParameter,
            "parameters.min_speakers",
            "31: use a whole number from 1 to 30",
        ),
        (
            parameters(diarize=True) | {"partial": True},
            errors.InvalidParameter,
            "parameters.diarize",
            "partial is true, but diarize is only for whole recordings: leave one of them out",
        ),
        (
            parameters(temperature=3),
            errors.InvalidParameter,
            "parameters.temperature",
            "3: use a number from 0 to 1 or a list of 1 to 6, each a number from 0 to 1",
        ),
        (
            parameters(temperature=[0, 2]),
            errors.InvalidParameter,
            "parameters.temperature",
            "a list of 2",
        ),
        (
            parameters(task="sing"),
            errors.InvalidParameter,
            "parameters.task",
            '"sing": use transcribe or translate',
        ),
        (
            parameters(language="English"),
            errors.InvalidParameter,
            "parameters.language",
            "use a language code such as en or null",
        ),
        (
            parameters(languages=["en", "xx!"]),
            errors.InvalidParameter,
            "parameters.languages.1",
            'is "xx!": use a language code such as en.',
        ),
        (
            parameters(terms=[""]),
            errors.InvalidParameter,
            "parameters.terms.0",
            'is "": use text of 1 to 200 characters.',
        ),
        (
            parameters(patience=0),
            errors.InvalidParameter,
            "parameters.patience",
            "above 0 and at most 4",
        ),
        (
            # Less makes a text repeat itself until there is no room for more, for seconds.
            parameters(repetition_penalty=0.99),
            errors.InvalidParameter,
            "parameters.repetition_penalty",
            "0.99: use a number from 1 to 10",
        ),
        (
            parameters(vad_filter="yes"),
            errors.InvalidParameter,
            "parameters.vad_filter",
            "use true or false",
        ),
        (
            parameters(clip_timestamps=[0, 3, 2]),
            errors.InvalidParameter,
            "parameters.clip_timestamps",
            "is not in ascending order",
        ),
        (
            parameters(clip_timestamps=[0, 2, 2, 3]),
            errors.InvalidParameter,
            "parameters.clip_timestamps",
            "is not in ascending order",
        ),
        (
            parameters(clip_timestamps=[-1]),
            errors.InvalidParameter,
            "parameters.clip_timestamps.0",
            "from 0 to 86400",
        ),
        (
            parameters(vad_parameters={"treshold": 1}),
            errors.UnknownParameter,
            "parameters.vad_parameters.treshold",
            "did you mean threshold?",
        ),
        (
            parameters(vad_parameters={"max_speech_duration_s": 1, "speech_pad_ms": 500}),
            errors.InvalidParameter,
            "parameters.vad_parameters.max_speech_duration_s",
            "use more than 1.1",
        ),
        (
            {"audio_input": [1], "parameters": [1]},
            errors.InvalidParameter,
            "parameters",
            "use an object",
        ),
    ],
)
def test_refusals_name_field_value_and_remedy(
    document: object, kind: type[errors.EndpointError], field: str | None, words: str
) -> None:
    error = refusal(document)
    assert type(error) is kind
    assert error.status == 400
    assert error.field == field
    assert words in error.message


def test_a_long_value_is_not_sent_back() -> None:
    assert len(refusal(parameters(task="x" * 10_000)).message) < 200


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}'])
def test_not_json(body: bytes) -> None:
    with pytest.raises(errors.MalformedBody, match="is not JSON"):
        parse(body, JSON)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_other_content_types(content_type: str) -> None:
    with pytest.raises(errors.UnsupportedMediaType, match="send application/json") as caught:
        parse(lca_body(), content_type)
    assert caught.value.status == 415


def test_every_live_field_arrives() -> None:
    sent = {
        "partial": True,
        "utterance_id": "u",
        "call_id": "c",
        "channel": 0,
        "sequence": 0,
        "deadline_ms": 900,
    }
    place = {"progress_s3_uri": "s3://b/jobs/1.json"}
    request = parse(json.dumps({"audio_data": "AAAA", **sent, **place}).encode(), JSON)
    assert dataclasses.asdict(request.live) == sent
    assert request.progress_s3_uri == "s3://b/jobs/1.json"
    described = whisper_contract.request_schema()["properties"].keys()
    assert described == {*sent, *place, *validation.sources(), "parameters"}
