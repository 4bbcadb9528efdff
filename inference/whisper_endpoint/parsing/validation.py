# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Validates documents against ``request.schema.json``."""

import functools
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import jsonschema

import whisper_contract
from whisper_contract import schema_words
from whisper_endpoint.errors import (
    EndpointError,
    InvalidParameter,
    MalformedBody,
    UnknownParameter,
)

_LONGEST_FIELD = 100
# A thousand clip timestamps and all parameters are fewer.
_MOST_VALUES = 5_000
# The contract needs four levels. The validator's messages quote values recursively, and Python's
# recursion limit is about a thousand.
_MOST_LEVELS = 16


def check(document: Mapping[str, Any]) -> None:
    """Check a document against the contract.

    Raises
    ------
    UnknownParameter
        400: a name that is not in the contract; the message suggests the nearest one.
    InvalidParameter
        400: a value of the wrong type or out of range, or not exactly one source.
    MalformedBody
        400: too many values or levels; see :func:`refuse_sprawl`.
    """
    refuse_sprawl(document)
    _enforce(_validator(), document)


def refuse_sprawl(document: Mapping[str, Any]) -> None:
    """Check that a document has no more values and levels than any request needs.

    Call it before the validator, which would create an error for every wrong value and quote all of
    them in its messages.

    Parameters
    ----------
    document : mapping
        Lists named ``audio_input`` are skipped.

    Raises
    ------
    MalformedBody
        400
    """
    seen, waiting = 0, deque[tuple[Any, int]]([(document, 1)])
    while waiting:
        value, level = waiting.pop()
        inner = _inside(value)
        seen += len(inner)
        if seen > _MOST_VALUES or level > _MOST_LEVELS:
            raise MalformedBody(
                f"The request has more than {_MOST_VALUES:,} values besides its audio, or "
                f"more than {_MOST_LEVELS} levels: send audio as audio_input or "
                "audio_data, and parameters as documented in requests.md."
            )
        waiting.extend((one, level + 1) for one in inner)


def _inside(value: object) -> list[Any]:
    if isinstance(value, dict):
        is_audio = isinstance(value.get("audio_input"), list)
        return [one for name, one in value.items() if name != "audio_input" or not is_audio]
    return value if isinstance(value, list) else []


def check_flat(fields: Mapping[str, Any]) -> None:
    """Check the flat form's own fields against its schema.

    Raises
    ------
    InvalidParameter
        400
    """
    _enforce(_flat_validator(), fields)


def parameter_names() -> set[str]:
    """Return the names of all parameters."""
    return set(whisper_contract.request_schema()["$defs"]["parameters"]["properties"])


def names() -> set[str]:
    """Return the names of all parameters and all other fields."""
    return parameter_names() | set(whisper_contract.request_schema()["properties"]) - {"parameters"}


def unknown(name: str, known: Iterable[str]) -> UnknownParameter:
    """Return the error for an unknown name, which suggests the nearest known one."""
    return _unknown_name(name, known, name)


def sources() -> list[str]:
    """Return the fields of which a document must have exactly one."""
    return [
        alternative["required"][0] for alternative in whisper_contract.request_schema()["oneOf"]
    ]


def refuse_other_sources(document: Mapping[str, Any], audio: str) -> None:
    """Check that fields name no audio besides what the body holds.

    Parameters
    ----------
    audio : str
        What the sender calls the audio in the body.

    Raises
    ------
    InvalidParameter
        400
    """
    for name in sources():
        if name in document:
            raise InvalidParameter(
                f"Audio is in {audio} and in {name}: leave one of them out.", field=name
            )


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(whisper_contract.request_schema())


@functools.cache
def _flat_validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(whisper_contract.request_schema()["$defs"]["flat"])


def _enforce(validator: jsonschema.Draft202012Validator, document: Mapping[str, Any]) -> None:
    error = min(validator.iter_errors(document), key=_rank, default=None)
    if error is not None:
        raise _refusal(error, document)


def _rank(error: Any) -> tuple[bool, int, str]:
    # A misspelt source is both an unknown field and a missing source; the former says more.
    return error.validator != "additionalProperties", len(error.path), error.json_path


def _refusal(error: Any, document: Mapping[str, Any]) -> EndpointError:
    field = ".".join(str(part) for part in error.path)
    if error.validator == "additionalProperties":
        return _unknown(error, field)
    if error.validator == "oneOf":
        given = [name for name in sources() if name in document]
        return InvalidParameter(
            f"The body has {' and '.join(given) or 'no audio'}: send exactly one of "
            f"{', '.join(sources())}.",
            field=given[1] if given else None,
        )
    value, allowed = schema_words.quote(error.instance), schema_words.describe(error.schema)
    refused = schema_words.refused(error.instance, error.schema)
    without = f" without {refused}" if refused else ""
    return InvalidParameter(f"{field} is {value}: use {allowed}{without}.", field=field)


def _unknown(error: Any, parent: str) -> UnknownParameter:
    known = error.schema["properties"]
    name = next(name for name in error.instance if name not in known)
    if not parent and name in parameter_names():
        return UnknownParameter(f"{name} is a parameter: put it into parameters.", field=name)
    return _unknown_name(name, known, f"{parent}.{name}" if parent else name)


def _unknown_name(name: str, known: Iterable[str], field: str) -> UnknownParameter:
    field, remedy = field[:_LONGEST_FIELD], schema_words.unknown(name, known)
    return UnknownParameter(f"There is no field {schema_words.quote(field)}: {remedy}", field=field)
