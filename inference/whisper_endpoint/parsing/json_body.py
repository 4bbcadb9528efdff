# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``application/json``: the form of ``request.schema.json``, or the flat form."""

import base64
import binascii
from typing import Any

import orjson

from whisper_contract.schema_words import quote
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.errors import InvalidParameter, MalformedBody
from whisper_endpoint.parsing import flat_body, validation
from whisper_endpoint.parsing.draft import AUDIO_STANDS_IN, Draft, Envelope

# From Live Call Analytics v0.9.7; both of its clients send exactly these.
_LCA_FIELDS = {"audio_input", "parameters"}
_LCA_PARAMETERS = {"language", "task", "temperature", "no_speech_threshold", "beam_size"}


def read(envelope: Envelope) -> Draft:
    """Read a JSON body.

    Raises
    ------
    MalformedBody
        400: not a JSON object.
    InvalidParameter
        400: the audio is not valid bytes or base64.
    """
    body = _load(envelope.body)
    validation.refuse_sprawl(body)
    inner = flat_body.unwrapped(body)
    is_wrapped = inner is not None
    document = body if inner is None else inner
    is_flat = flat_body.is_flat(document, is_wrapped=is_wrapped)
    if is_flat:
        document = flat_body.as_document(document)
    audio = _byte_array(document)
    is_lca_form = audio is not None and not is_wrapped and _is_lca_form(document)
    # LCA's clients always send 0, like OpenAI's: a single temperature is not meant.
    if is_lca_form and document["parameters"]["temperature"] == 0:
        del document["parameters"]["temperature"]
    return Draft(
        document,
        audio or _base64(document),
        accept=envelope.accept,
        dialect="chunks" if is_flat else "native",
        is_wrapped=is_wrapped,
        is_lca_form=is_lca_form,
    )


def _load(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBody(
            f"The body is not JSON ({error.msg}: line {error.lineno}, column {error.colno}): "
            "send one JSON object in UTF-8."
        ) from None
    if not isinstance(document, dict):
        raise MalformedBody(
            f"The body is {quote(document)}: send one JSON object with audio_input, "
            "audio_data, s3_uri or url."
        )
    return document


def _byte_array(document: dict[str, Any]) -> InlineAudio | None:
    """Convert ``audio_input`` to bytes.

    ``bytes`` checks the elements a thousand times faster than the schema validator.
    """
    numbers = document.get("audio_input")
    if not isinstance(numbers, list) or not numbers:
        return None
    try:
        data = bytes(numbers)
    except (TypeError, ValueError, OverflowError):
        raise InvalidParameter(
            "audio_input has an element that is not a byte: send the bytes of an audio file as "
            "whole numbers from 0 to 255.",
            field="audio_input",
        ) from None
    document["audio_input"] = AUDIO_STANDS_IN
    return InlineAudio(data)


def _base64(document: dict[str, Any]) -> InlineAudio | None:
    text = document.get("audio_data")
    if not isinstance(text, str) or "audio_input" in document or not text:
        return None
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidParameter(
            "audio_data is not base64: send the bytes of an audio file in standard base64, padded, "
            "without line breaks.",
            field="audio_data",
        ) from None
    document["audio_data"] = text[:4]
    return InlineAudio(data)


def _is_lca_form(document: dict[str, Any]) -> bool:
    given = document.get("parameters")
    return (
        document.keys() == _LCA_FIELDS
        and isinstance(given, dict)
        and given.keys() == _LCA_PARAMETERS
    )
