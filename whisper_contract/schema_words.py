# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Describes in words what a schema allows, for error messages."""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_LONGEST_QUOTE = 60
_LONGEST_NAME = 100
# By a schema's format.
_NAMES = {"language-code": "a language code"}
# A pattern that only excludes characters.
_WITHOUT = re.compile(r"\^\[\^(.+)\]\+\$")


def describe(schema: Mapping[str, Any]) -> str:
    """Describe the values that a property's schema allows.

    Parameters
    ----------
    schema : mapping
        Schema of one property, of the kinds used in the contract.

    Returns
    -------
    str
        Such as ``a whole number from 1 to 10``.
    """
    if "enum" in schema:
        return " or ".join("null" if value is None else str(value) for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(describe(alternative) for alternative in schema["anyOf"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return " or ".join(_describe_type(kind, schema) for kind in types)


def quote(value: object) -> str:
    """Return a value as JSON, shortened for an error message."""
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, dict):
        return f"an object with {len(value)} field{'s' * (len(value) != 1)}"
    # A lone surrogate, which JSON can escape, cannot be sent on.
    text = json.dumps(value, ensure_ascii=False).encode(errors="backslashreplace").decode()
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."


def refused(value: object, schema: Mapping[str, Any]) -> str:
    """Return the first character that a schema's pattern excludes from a text; empty if none."""
    excluded = _WITHOUT.fullmatch(schema.get("pattern", ""))
    found = re.search(f"[{excluded[1]}]", value) if excluded and isinstance(value, str) else None
    return json.dumps(found[0]) if found else ""


def unknown(name: str, known: Iterable[str]) -> str:
    """Return the remedy for a name that a schema does not have: the nearest one, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name[:_LONGEST_NAME], names, n=1)
    return f"did you mean {near[0]}?" if near else f"known fields are {', '.join(names)}."


def _describe_type(kind: str, schema: Mapping[str, Any]) -> str:
    if kind in ("boolean", "null"):
        return {"boolean": "true or false", "null": "null"}[kind]
    if kind == "object":
        return f"an object{_count(None, schema.get('maxProperties'), 'fields')}"
    if kind == "array":
        count = _count(schema.get("minItems"), schema.get("maxItems"))
        return f"a list{count}, each {describe(schema['items'])}"
    if kind == "string" and "contentEncoding" in schema:
        return f"an audio file in {schema['contentEncoding']}"
    if kind == "string":
        count = _count(schema.get("minLength"), schema.get("maxLength"), "characters")
        return f"{_NAMES.get(schema.get('format', ''), 'text')}{count}{_such_as(schema)}"
    return f"{'a whole number' if kind == 'integer' else 'a number'}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']} and at most {schema['maximum']}"
    return f" from {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else ""


def _count(least: int | None, most: int | None, of: str = "") -> str:
    numbers = f"{least} to {most}" if least else f"at most {most}"
    if most is None:
        numbers = f"{least} or more" if least else ""
    return f" of {numbers} {of}".rstrip() if numbers else ""


def _such_as(schema: Mapping[str, Any]) -> str:
    return f" such as {schema['examples'][0]}" if "examples" in schema else ""
