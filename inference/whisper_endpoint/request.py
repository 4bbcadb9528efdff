# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Bytes and a content type become one Request, validated against the contract."""

import base64
import binascii
import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema
import orjson

import contract
from whisper_endpoint import schema_words
from whisper_endpoint.errors import (
    EndpointError,
    InvalidParameter,
    MalformedBody,
    UnknownParameter,
    UnsupportedMediaType,
)
from whisper_endpoint.sources import InlineAudio, S3Audio

SOURCES = ("audio_input", "audio_data", "s3_uri")

_LIVE = ("partial", "utterance_id", "call_id", "channel", "sequence", "deadline_ms")
# From Live Call Analytics v0.9.7; both of its clients send these and no others.
_LCA_FIELDS = {"audio_input", "parameters"}
_LCA_PARAMETERS = {"language", "task", "temperature", "no_speech_threshold", "beam_size"}


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """How to transcribe. Names, meanings and ranges are in ``contract/request.schema.json``."""

    language: str | None = None
    task: str = "transcribe"
    temperature: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    beam_size: int = 5
    best_of: int = 5
    patience: float = 1.0
    initial_prompt: str | None = None
    no_speech_threshold: float | None = 0.6
    log_prob_threshold: float | None = -1.0
    compression_ratio_threshold: float | None = 2.4
    vad_filter: bool = True
    word_timestamps: bool = False
    without_timestamps: bool = False


@dataclass(frozen=True, kw_only=True)
class LiveFields:
    """What a request says of its place in a call; ``contract/request.schema.json`` has the rest."""

    partial: bool | None = None
    utterance_id: str | None = None
    call_id: str | None = None
    channel: int | None = None
    sequence: int | None = None
    deadline_ms: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether the request says that it is part of a call."""
        return self.partial or self.utterance_id is not None or self.call_id is not None


NOTHING_SAID = LiveFields()


@dataclass(frozen=True)
class Request:
    """One request, whatever its wire form was.

    Attributes
    ----------
    source : InlineAudio or S3Audio
        Where its audio is.
    parameters : Parameters
        How to transcribe it.
    live : LiveFields
        What it says of its place in a call.
    is_lca_form : bool
        Whether it looks like one of Live Call Analytics': an array of bytes, exactly the five
        parameters that its client sends, and none of the fields by which others say more.
    """

    source: InlineAudio | S3Audio
    parameters: Parameters
    live: LiveFields = NOTHING_SAID
    is_lca_form: bool = False


def parse(body: bytes, content_type: str) -> Request:
    """Read a request body.

    Parameters
    ----------
    body : bytes
        The body as it came.
    content_type : str
        Value of the Content-Type header; empty if there was none.

    Raises
    ------
    UnsupportedMediaType
        415: another content type than application/json.
    InvalidRequest
        400: the body does not follow the contract; the error names the field.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaType(
            f"Content type {media_type or '(none)'!r} is not taken: send application/json."
        )
    document = _load(body)
    inline = _byte_array(document)
    _validate(document)
    given = document.get("parameters", {})
    return Request(
        inline or _other_source(document),
        _parameters(given),
        LiveFields(**{name: document[name] for name in _LIVE if name in document}),
        is_lca_form=document.keys() == _LCA_FIELDS and given.keys() == _LCA_PARAMETERS,
    )


def _load(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON (line {error.lineno}, column {error.colno}): "
            "send one JSON object in UTF-8."
        ) from None
    if not isinstance(document, dict):
        raise MalformedBody(
            f"The body is {schema_words.quote(document)}: send one JSON object with audio_input, "
            "audio_data or s3_uri."
        )
    return document


def _byte_array(document: dict[str, Any]) -> InlineAudio | None:
    """Turn ``audio_input`` into bytes, leaving its first number for the schema.

    ``bytes`` checks every element a thousand times faster than the schema's validator would.
    """
    numbers = document.get("audio_input")
    if not isinstance(numbers, list):
        return None
    try:
        data = bytes(numbers)
    except (TypeError, ValueError, OverflowError):
        raise InvalidParameter(
            "audio_input has an element that is not a byte: send the bytes of an audio file as "
            "whole numbers from 0 to 255.",
            field="audio_input",
        ) from None
    document["audio_input"] = numbers[:1]
    return InlineAudio(data) if data else None


def _other_source(document: Mapping[str, Any]) -> InlineAudio | S3Audio:
    if "s3_uri" in document:
        return S3Audio(document["s3_uri"])
    try:
        return InlineAudio(base64.b64decode(document["audio_data"], validate=True))
    except (binascii.Error, ValueError):
        raise InvalidParameter(
            "audio_data is not base64: send the bytes of an audio file in standard base64, padded, "
            "without line breaks.",
            field="audio_data",
        ) from None


def _parameters(values: Mapping[str, Any]) -> Parameters:
    values = dict(values)
    temperature = values.get("temperature")
    if temperature is not None:
        several = temperature if isinstance(temperature, list) else [temperature]
        values["temperature"] = tuple(float(value) for value in several)
    return Parameters(**values)


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(contract.request_schema())


def _validate(document: Mapping[str, Any]) -> None:
    errors = sorted(_validator().iter_errors(document), key=_rank)
    if errors:
        raise _refusal(errors[0], document)


def _rank(error: Any) -> tuple[bool, int, str]:
    # A misspelt source is both an unknown field and a missing one: the first says more.
    return error.validator != "additionalProperties", len(error.path), error.json_path


def _refusal(error: Any, document: Mapping[str, Any]) -> EndpointError:
    field = ".".join(str(part) for part in error.path)
    if error.validator == "additionalProperties":
        return _unknown(error, field)
    if error.validator == "oneOf":
        given = [name for name in SOURCES if name in document]
        return InvalidParameter(
            f"The body has {' and '.join(given) or 'no audio'}: send exactly one of "
            f"{', '.join(SOURCES)}.",
            field=given[1] if given else None,
        )
    value, allowed = schema_words.quote(error.instance), schema_words.describe(error.schema)
    return InvalidParameter(f"{field} is {value}: use {allowed}.", field=field)


def _unknown(error: Any, parent: str) -> UnknownParameter:
    known = sorted(error.schema["properties"])
    name = next(name for name in error.instance if name not in known)
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
    field = f"{parent}.{name}" if parent else name
    return UnknownParameter(f"There is no field {schema_words.quote(field)}: {remedy}", field=field)
