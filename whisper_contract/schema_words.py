# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Describes in words what a schema allows, for error messages."""

import json
import re
from collections.abc import Mapping
from typing import Any

_LONGEST_QUOTE = 60
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


def _describe_type(kind: str, schema: Mapping[str, Any]) -> str:
    words = {"boolean": "true or false", "null": "null", "object": "an object"}
    if kind in words:
        return words[kind]
    if kind == "array":
        return f"a list{_length(schema)}, each {describe(schema['items'])}"
    if kind == "string" and "contentEncoding" in schema:
        return f"an audio file in {schema['contentEncoding']}"
    if kind == "string":
        return f"text{_such_as(schema)}{_at_most(schema)}"
    return f"{'a whole number' if kind == 'integer' else 'a number'}{_range(schema)}"


def _range(schema: Mapping[str, Any]) -> str:
    if "exclusiveMinimum" in schema:
        return f" above {schema['exclusiveMinimum']} and at most {schema['maximum']}"
    return f" from {schema['minimum']} to {schema['maximum']}" if "minimum" in schema else ""


def _length(schema: Mapping[str, Any]) -> str:
    if "maxItems" in schema:
        return f" of {schema.get('minItems', 0)} to {schema['maxItems']}"
    return f" of {schema['minItems']} or more"


def _such_as(schema: Mapping[str, Any]) -> str:
    return f" such as {schema['examples'][0]}" if "examples" in schema else ""


def _at_most(schema: Mapping[str, Any]) -> str:
    return f" of at most {schema['maxLength']} characters" if "maxLength" in schema else ""
