# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""JSON checked by the contract's schemas."""

from typing import Any

from jsonschema.protocols import Validator
from jsonschema.validators import validator_for

# By identity: the contract's schemas are shared objects. Kept with them, so that none is replaced.
_VALIDATORS: dict[int, tuple[dict[str, Any], Validator]] = {}


def validate(document: object, schema: dict[str, Any]) -> None:
    """Raise a `ValidationError` for what the schema forbids.

    `jsonschema.validate` would also check the schema, which takes ten times as long as the rest
    and needs doing once.
    """
    if id(schema) not in _VALIDATORS:
        kind = validator_for(schema)
        kind.check_schema(schema)
        _VALIDATORS[id(schema)] = schema, kind(schema)
    _VALIDATORS[id(schema)][1].validate(document)
