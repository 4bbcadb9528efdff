# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""JSON in insanely-fast-whisper's format: all fields at the top level, or in model_input."""

from typing import Any

import whisper_contract
from whisper_contract.languages import code_of
from whisper_contract.schema_words import quote
from whisper_endpoint.errors import InvalidParameter, MalformedBody
from whisper_endpoint.parsing import validation

WRAPPER = "model_input"

# Fields of both forms. Any other field of the flat form identifies it.
_COMMON = {"url", "audio_file"}
# "work" is a misprint in that API's documentation.
_TIMESTAMPS = {"chunk": "chunk", "word": "word", "work": "word"}
_DIARIZE = "diarise_audio"
_NOT_SUPPORTED = {
    "is_async": "the answer is the transcript; use InvokeEndpointAsync for a long recording",
    "webhook": "the answer is the transcript; use InvokeEndpointAsync for a long recording",
}


def unwrapped(document: dict[str, Any]) -> dict[str, Any] | None:
    """Return the content of ``model_input``; None if there is none.

    Raises
    ------
    MalformedBody
        400: it is not an object, or there are other fields.
    """
    if WRAPPER not in document:
        return None
    inner = document[WRAPPER]
    if not isinstance(inner, dict) or len(document) > 1:
        raise MalformedBody(
            f"{WRAPPER} is {quote(inner)} and has {len(document) - 1} fields "
            "next to it: send one object in it and no other fields."
        )
    return inner


def is_flat(document: dict[str, Any], *, is_wrapped: bool) -> bool:
    """Whether a document is in the flat form: a URL with parameters at the same level.

    In ``model_input``, any source is allowed and parameters are optional.
    """
    if "parameters" in document or not (is_wrapped or _COMMON & document.keys()):
        return False
    only_flat = {*whisper_contract.flat_fields(), *validation.parameter_names()} - _COMMON
    return is_wrapped or bool(only_flat & document.keys())


def as_document(flat: dict[str, Any]) -> dict[str, Any]:
    """Convert a flat document to the contract's own form.

    Raises
    ------
    UnknownParameter
        400: a field that neither form has.
    InvalidParameter
        400: an invalid value, or a field that is not supported.
    """
    known = {*whisper_contract.flat_fields(), *validation.names()}
    document: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    validation.check_flat(
        {name: flat[name] for name in flat if name in whisper_contract.flat_fields()}
    )
    for name, value in flat.items():
        if name not in known:
            raise validation.unknown(name, known)
        if name in _NOT_SUPPORTED:
            if value:
                raise InvalidParameter(
                    f"{name} is not supported: {_NOT_SUPPORTED[name]}.", field=name
                )
        elif name == _DIARIZE:
            parameters["diarize"] = value or flat.get("diarize", False)
        elif name in validation.parameter_names():
            parameters[name] = _parameter(name, value)
        elif name not in whisper_contract.flat_fields() or name in _COMMON:
            document[name] = value
    return document | {"parameters": parameters}


def _parameter(name: str, value: Any) -> Any:
    """Return the contract's value for a parameter."""
    if name == "timestamp":
        return _TIMESTAMPS[value]
    if name == "language" and isinstance(value, str):
        # That API's documented default is the text "None".
        return None if value == "None" else code_of(value) or value
    return value
