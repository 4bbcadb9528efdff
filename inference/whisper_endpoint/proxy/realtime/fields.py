# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Validates fields of client events; errors name the field."""

from collections.abc import Mapping
from typing import Any

from whisper_contract.languages import code_of
from whisper_contract.schema_words import quote
from whisper_endpoint.errors import InvalidParameter, UnknownParameter

# As in the schema of requests, which would otherwise be refused.
_LONGEST_TEXT = 4_000
_LONGEST = 200
_MOST_TEXTS = 200
# The only field in which null has a meaning (off).
_OFF_BY_NULL = "turn_detection"


def given(value: object, where: str) -> dict[str, Any]:
    """Return an object's fields without those that are null, except ``turn_detection``."""
    fields = mapping(value, where).items()
    return {name: one for name, one in fields if one is not None or name == _OFF_BY_NULL}


def mapping(value: object, where: str) -> Mapping[str, Any]:
    """Return an object, or raise InvalidParameter (400)."""
    if not isinstance(value, Mapping):
        raise misfit(where, value, "an object")
    return value


def text(value: object, where: str) -> str | None:
    """Return a text; None for null or an empty one."""
    if value is not None and not isinstance(value, str):
        raise misfit(where, value, "text")
    if value is not None and len(value) > _LONGEST_TEXT:
        raise misfit(where, value, f"at most {_LONGEST_TEXT:,} characters")
    return value or None


def language(value: object, where: str) -> str | None:
    """Return a language's code; it may be given with a region. None for null."""
    said = text(value, where)
    code = None if said is None else code_of(said)
    if said is not None and code is None:
        raise misfit(where, value, "one of Whisper's languages, such as en or en-US")
    return code


def texts(value: object, where: str) -> list[str]:
    """Return a list of texts, empty for null."""
    said: Any = [] if value is None else value
    is_text = isinstance(said, list) and all(isinstance(one, str) for one in said)
    if not is_text or len(said) > _MOST_TEXTS or not all(0 < len(one) <= _LONGEST for one in said):
        remedy = f"a list of at most {_MOST_TEXTS} texts, each of 1 to {_LONGEST} characters"
        raise misfit(where, value, remedy)
    return list(said)


def flag(value: object, where: str) -> bool:
    """Return a boolean; false for null."""
    if value is not None and not isinstance(value, bool):
        raise misfit(where, value, "true or false")
    return value is True


def check_names(fields: Mapping[str, Any], known: set[str], where: str) -> None:
    """Raise UnknownParameter (400) for an unknown field."""
    for name in fields:
        if name not in known:
            raise UnknownParameter(
                f"{where}.{name[:50]} is not known: leave it out.", field=f"{where}.{name[:50]}"
            )


def misfit(where: str, value: object, remedy: str) -> InvalidParameter:
    """Return the error (400) for an invalid value."""
    return InvalidParameter(f"{where} is {quote(value)}: use {remedy}.", field=where)
