# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The contract, enforced: a document follows ``contract/request.schema.json`` or is refused."""

import difflib
import functools
from collections.abc import Mapping
from typing import Any

import jsonschema

import contract
from whisper_endpoint import schema_words
from whisper_endpoint.errors import EndpointError, InvalidParameter, UnknownParameter


def check(document: Mapping[str, Any]) -> None:
    """Refuse a document that does not follow the contract.

    Raises
    ------
    UnknownParameter
        400: a name that the contract does not have; the sentence has the nearest that it has.
    InvalidParameter
        400: a value of the wrong type or out of range, or not exactly one source.
    """
    errors = sorted(_validator().iter_errors(document), key=_rank)
    if errors:
        raise _refusal(errors[0], document)


def sources() -> list[str]:
    """Return the fields of which a document has exactly one."""
    return [alternative["required"][0] for alternative in contract.request_schema()["oneOf"]]


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(contract.request_schema())


def _rank(error: Any) -> tuple[bool, int, str]:
    # A misspelt source is both an unknown field and a missing one: the first says more.
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
    return InvalidParameter(f"{field} is {value}: use {allowed}.", field=field)


def _unknown(error: Any, parent: str) -> UnknownParameter:
    known = sorted(error.schema["properties"])
    name = next(name for name in error.instance if name not in known)
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}."
    field = f"{parent}.{name}" if parent else name
    return UnknownParameter(f"There is no field {schema_words.quote(field)}: {remedy}", field=field)
