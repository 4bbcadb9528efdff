# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Converts text fields of a form or header to the types in the contract."""

import contextlib
import math
from collections.abc import Iterable, Mapping
from typing import Any

import whisper_contract
from whisper_endpoint.errors import InvalidParameter, UnknownParameter
from whisper_endpoint.parsing import validation

_VAD = "vad_parameters"
# Audio and whole objects cannot be text fields.
_NOT_AS_TEXT = {"audio_input", "audio_data", "parameters", _VAD, "known_speaker_references"}
# As in our JSON, integers have 64 bits.
_LARGEST = 2**63 - 1
_SWITCH = {"true": True, "1": True, "on": True, "false": False, "0": False, "off": False}


def document(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Build the JSON form from named texts.

    Parameters
    ----------
    fields : iterable of (str, str)
        Names as in the contract, of top-level fields and of parameters alike;
        ``vad_parameters.threshold`` for a nested field. Lists are separated by commas.

    Raises
    ------
    UnknownParameter
        400: a name that is not in the contract, or whose value is audio or an object.
    InvalidParameter
        400: a repeated name.
    """
    top, inner, vad = _top(), _inner(), _vad()
    known = described()
    found: dict[str, Any] = {}
    for name, text in fields:
        if name in _NOT_AS_TEXT:
            raise UnknownParameter(
                f"{name} cannot be sent in a header or as one text: send it in a JSON body.",
                field=name,
            )
        if name not in known:
            raise validation.unknown(name, known)
        if name in found:
            raise InvalidParameter(f"{name} is sent twice: send it once.", field=name)
        found[name] = typed(text, known[name])
    parameters: dict[str, Any] = {name: found[name] for name in inner if name in found}
    of_vad = {name.partition(".")[2]: found[name] for name in vad if name in found}
    if of_vad:
        parameters[_VAD] = of_vad
    outer = {name: value for name, value in found.items() if name in top}
    return outer | ({"parameters": parameters} if parameters else {})


def typed(text: str, schema: Mapping[str, Any]) -> Any:
    """Convert a text to a value that a field's schema allows; otherwise return the text."""
    for alternative in schema.get("anyOf", (schema,)):
        values = [None, *alternative["enum"]] if "enum" in alternative else []
        named = {str(value): value for value in values if value is not None}
        if text in named:
            return named[text]
        kinds = alternative.get("type", [])
        for kind in kinds if isinstance(kinds, list) else [kinds]:
            value = _as(kind, text, alternative, is_list=alternative is schema or "," in text)
            if value is not None:
                return value
        if text in ("", "null") and (None in alternative.get("enum", ()) or "null" in kinds):
            return None
    return text


def described() -> dict[str, Any]:
    """Return the schemas of all fields that may come as text, by their names."""
    return _top() | _inner() | _vad()


def _top() -> dict[str, Any]:
    fields = whisper_contract.request_schema()["properties"]
    return {name: one for name, one in fields.items() if name not in _NOT_AS_TEXT}


def _inner() -> dict[str, Any]:
    fields = whisper_contract.request_schema()["$defs"]["parameters"]["properties"]
    return {name: one for name, one in fields.items() if name not in _NOT_AS_TEXT}


def _vad() -> dict[str, Any]:
    fields = whisper_contract.request_schema()["$defs"][_VAD]["properties"]
    return {f"{_VAD}.{name}": one for name, one in fields.items()}


def _as(kind: str, text: str, schema: Mapping[str, Any], *, is_list: bool) -> Any:
    """Convert a text to a JSON type; None if that is not possible."""
    if kind == "boolean":
        return _SWITCH.get(text.lower())
    if kind == "array":
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return [typed(part, schema["items"]) for part in parts] if is_list else None
    # Python also accepts numbers such as 1_0, and digits of any script.
    if kind in ("integer", "number") and text.isascii() and "_" not in text:
        with contextlib.suppress(ValueError):
            if kind == "integer":
                return value if abs(value := int(text)) <= _LARGEST else None
            return number if math.isfinite(number := float(text)) else None
    if kind == "string" and text not in ("", "null"):
        return text
    return None
