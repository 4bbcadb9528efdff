# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The endpoint's requests and responses: JSON Schemas (draft 2020-12).

The schemas are the only description of the wire format. The endpoint enforces them, its tests
validate responses against them, and clients may do the same. This package imports none of our
other packages.
"""

import functools
import json
from pathlib import Path
from typing import Any

_HERE = Path(__file__).resolve().parent


@functools.cache
def _load(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((_HERE / "schemas" / name).read_text(encoding="utf-8"))
    return schema


def request_schema() -> dict[str, Any]:
    """Return the schema of a JSON request body (shared: do not change it)."""
    return _load("request.schema.json")


def flat_fields() -> list[str]:
    """Return the fields of insanely-fast-whisper's API that a flat request may have."""
    return list(request_schema()["$defs"]["flat"]["properties"])


def openai_fields() -> list[str]:
    """Return the fields of OpenAI's API that a form may have."""
    return list(request_schema()["$defs"]["form"]["properties"])


def response_schema() -> dict[str, Any]:
    """Return the schema of the default response format (shared: do not change it)."""
    return _load("response.schema.json")


def answer_schema(response_format: str) -> dict[str, Any]:
    """Return the schema of a JSON ``response_format`` (shared: do not change it).

    Raises
    ------
    FileNotFoundError
        There is no such format, or it is not JSON.
    """
    return _load(f"{response_format}.schema.json")


def progress_schema() -> dict[str, Any]:
    """Return the schema of the object at ``progress_s3_uri`` (shared: do not change it)."""
    return _load("progress.schema.json")


def settings_schema() -> dict[str, Any]:
    """Return the schema of the endpoint's environment variables (shared: do not change it)."""
    return _load("settings.schema.json")


def error_schema() -> dict[str, Any]:
    """Return the schema of 4xx and 5xx response bodies (shared: do not change it)."""
    return _load("error.schema.json")
