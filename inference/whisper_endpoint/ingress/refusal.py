# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A refusal becomes a response body."""

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from whisper_endpoint.errors import EndpointError


def error_body(error: "EndpointError", request_id: str) -> bytes:
    """Return the JSON of ``whisper_contract/schemas/error.schema.json``."""
    body: bytes = orjson.dumps(
        {
            "error": error.message,
            "code": error.code,
            "field": error.field,
            "request_id": request_id,
        }
    )
    return body
