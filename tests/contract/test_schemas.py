# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

import whisper_contract
from tests.unit.endpoint.helpers import lca_body
from whisper_contract import formats, schema_words
from whisper_contract.formats import FORMATS, Form
from whisper_contract.transcript import Segment, Transcript
from whisper_endpoint import errors
from whisper_endpoint.ingress import answers

ANSWERS = [
    whisper_contract.answer_schema(one.name)
    for one in FORMATS.values()
    if one.media_type == "application/json" and one.name != "lca"
]
SCHEMAS = [
    whisper_contract.request_schema(),
    whisper_contract.response_schema(),
    whisper_contract.error_schema(),
    *ANSWERS,
]


def properties(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}/{name}", inner
        yield from properties(inner, f"{path}/{name}")
    for name, inner in schema.get("$defs", {}).items():
        yield from properties(inner, f"{path}#{name}")


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["title"])
def test_a_schema_is_one(schema: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema["title"])
def test_every_property_says_what_it_is(schema: dict[str, Any]) -> None:
    for path, inner in properties(schema):
        if "$ref" in inner:
            continue
        assert inner["description"].endswith("."), path
        assert {"type", "enum", "anyOf"} & inner.keys(), path


def test_every_parameter_has_a_default_that_it_allows() -> None:
    described = whisper_contract.request_schema()["$defs"]["parameters"]["properties"]
    assert described
    for schema in described.values():
        whole = schema | {"$defs": whisper_contract.request_schema()["$defs"]}
        jsonschema.validate(schema["default"], whole)


def test_every_property_of_a_request_can_be_said_in_words() -> None:
    for path, inner in properties(whisper_contract.request_schema()):
        words = schema_words.describe(inner) if "$ref" not in inner else "an object"
        assert re.fullmatch(r"[^{}]{4,200}", words), path


def _every(schema: Any) -> Iterator[dict[str, Any]]:
    """Yield a schema and all within it, those of a list's values too."""
    if isinstance(schema, dict):
        yield schema
    for inner in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(inner, dict | list):
            yield from _every(inner)


@pytest.mark.parametrize("bound", ["minLength", "maxLength", "minItems", "maxItems", "pattern"])
def test_whatever_a_request_s_schema_asks_of_a_text_or_list_is_in_its_words(bound: str) -> None:
    bounded = [one for one in _every(whisper_contract.request_schema()) if bound in one]
    assert bounded
    for schema in bounded:
        words = schema_words.describe(schema)
        is_file = "contentEncoding" in schema
        said = schema["examples"][0] if bound == "pattern" else schema[bound]
        said = ", ".join(said) if isinstance(said, list) else str(said)
        assert is_file or said in words, schema


def test_what_live_call_analytics_sends_is_a_request() -> None:
    jsonschema.validate(json.loads(lca_body(b"RIFF")), whisper_contract.request_schema())


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"audio_input": [1], "audio_data": "UklG"},
        {"audio_input": [1], "extra": 1},
        {"audio_input": [1], "parameters": {"beam_size": 0}},
        {"audio_input": [1], "parameters": {"no_speech_treshold": 0.2}},
    ],
)
def test_what_is_no_request(document: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, whisper_contract.request_schema())


SEGMENT = Segment(
    id=1,
    seek=0,
    start=0.123456,
    end=1.0,
    text=" hello",
    tokens=(1, 2),
    temperature=0.0,
    avg_logprob=-0.25,
    compression_ratio=0.9,
    no_speech_prob=0.01,
)


def test_an_answer_follows_the_schema() -> None:
    body = json.loads(formats.render(Transcript("en", (SEGMENT,)), Form()))
    jsonschema.validate(body, whisper_contract.response_schema())
    assert body == {
        "text": "hello",
        "language": "en",
        "segments": [
            {
                "id": 1,
                "seek": 0,
                "start": 0.123,
                "end": 1.0,
                "text": " hello",
                "tokens": [1, 2],
                "temperature": 0.0,
                "avg_logprob": -0.25,
                "compression_ratio": 0.9,
                "no_speech_prob": 0.01,
            }
        ],
    }


def test_an_answer_with_a_no_speech_prob_beside_the_text_is_none() -> None:
    body = json.loads(formats.render(Transcript("", ()), Form()))
    jsonschema.validate(body, whisper_contract.response_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(body | {"no_speech_prob": 0.9}, whisper_contract.response_schema())


def test_a_refusal_follows_the_schema() -> None:
    error = errors.InvalidParameter("It is 3: use 2.", field="parameters.beam_size")
    body = json.loads(answers.refusal(error, "0" * 32))
    jsonschema.validate(body, whisper_contract.error_schema())
    assert body["code"] == "InvalidParameter"
