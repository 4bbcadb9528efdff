# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Valid requests, derived from bytes and answered by real engines."""

import asyncio
import base64
import functools
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import whisper_contract
from tests.unit.endpoint import multilingual_model
from tests.unit.endpoint.helpers import CLIP, WEIGHTS, clip_samples, silence, wav
from tests.unit.endpoint.http_requests import DirectEngine, http_request
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.service import EngineService
from whisper_endpoint.ingress.handler import HttpResponse, RequestHandler
from whisper_endpoint.settings import EndpointSettings

_SETTINGS = EndpointSettings(self_test="text", max_batch_size=1, cpu_threads=1, deadline_s=600)
_NOISE = np.random.default_rng(5).integers(-9_000, 9_000, 40_000).astype(np.int16)
_AUDIO = (
    CLIP,
    wav(silence(1.2)),
    wav(_NOISE),
    wav(np.tile(clip_samples()[8_000:14_000], 12)),
    wav(np.concatenate([clip_samples(), silence(3), clip_samples()])),
    wav(np.zeros(1, np.int16)),
    wav(clip_samples(), rate=8_000, channels=2),
)
_TEXTS = (
    *("", " ", "hello", "<|startoftranscript|>", "<|endoftext|><|0.00|>", "\0", "\ud7ff"),
    *("hello this is john how can i help you today", "Acme, " * 600, "é" * 500, "a" * 4_000),
)
_LANGUAGES = ("en", "en", "es", "fr", "xx")
# Excludes deadlines: too short a one is correctly answered with 504.
_LIVE = ("partial", "utterance_id", "call_id", "channel", "sequence")


def transcribe(data: bytes) -> HttpResponse:
    """Answer the request derived from bytes."""
    choices = _Choices(data)
    handler = (_demonstration, _multilingual)[choices.byte() % 2]()
    body = json.dumps(document(choices)).encode()
    return asyncio.run(handler.answer(http_request(body)))


def document(choices: "_Choices") -> dict[str, Any]:
    """Derive a valid request."""
    schema = whisper_contract.request_schema()
    found: dict[str, Any] = {}
    for name in _LIVE:
        if choices.byte() % 4 == 0:
            found[name] = _value(schema["properties"][name], choices)
    parameters = {}
    for name, described in schema["$defs"]["parameters"]["properties"].items():
        if choices.byte() % 3 == 0:
            parameters[name] = _value(described, choices)
    audio = base64.b64encode(choices.among(_AUDIO)).decode()
    return found | {"audio_data": audio, "parameters": parameters}


class _Choices:
    """Yields bytes in order, then zeros."""

    def __init__(self, data: bytes) -> None:
        self._data = iter(data)

    def byte(self) -> int:
        return next(self._data, 0)

    def among(self, values: Sequence[Any]) -> Any:
        return values[self.byte() % len(values)]


def _value(schema: Mapping[str, Any], choices: _Choices) -> Any:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        inner = whisper_contract.request_schema()["$defs"][name]["properties"]
        return {key: _value(inner[key], choices) for key in inner if choices.byte() % 3 == 0}
    if "enum" in schema:
        return choices.among(schema["enum"])
    if "anyOf" in schema:
        return _value(choices.among(schema["anyOf"]), choices)
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return _OF_KIND[choices.among(kinds)](schema, choices)


def _number(schema: Mapping[str, Any], choices: _Choices) -> float:
    least = schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1e-9)
    most = schema["maximum"]
    share = choices.byte() / 255
    between = least + share * (most - least)
    return float(choices.among([least, most, schema.get("default") or least, between]))


def _array(schema: Mapping[str, Any], choices: _Choices) -> list[Any]:
    number = max(min(choices.byte() % 5, schema["maxItems"]), schema.get("minItems", 0))
    values = [_value(schema["items"], choices) for _ in range(number)]
    # Clip boundaries must ascend; otherwise the order does not matter.
    return sorted(values)


def _string(schema: Mapping[str, Any], choices: _Choices) -> str:
    if "pattern" in schema:
        return str(choices.among(_LANGUAGES))
    most = schema.get("maxLength", 4_000)
    return str(choices.among([text[:most] or "x" for text in _TEXTS]))


_OF_KIND = {
    "null": lambda *_: None,
    "boolean": lambda _, choices: choices.byte() % 2 == 0,
    "integer": lambda schema, choices: round(_number(schema, choices)),
    "number": _number,
    "array": _array,
    "string": _string,
}


@functools.cache
def _demonstration() -> RequestHandler:
    return _handler(WEIGHTS)


@functools.cache
def _multilingual() -> RequestHandler:
    with tempfile.TemporaryDirectory() as folder:
        multilingual_model.make(Path(folder), WEIGHTS)
        return _handler(Path(folder))


def _handler(weights: Path) -> RequestHandler:
    engine = WhisperEngine.load(weights, "cpu", _SETTINGS)
    service = EngineService(engine, _SETTINGS)
    return RequestHandler(_SETTINGS, engine.facts, DirectEngine(service))
