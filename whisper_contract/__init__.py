# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is said to the endpoint and what it answers: JSON Schemas (draft 2020-12).

The schemas are the only description of the wire form. The endpoint enforces them, its tests
validate answers against them, and clients may do the same. This package imports nothing of ours.
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
    """Return the schema of the answer where no other form is asked for (do not change it)."""
    return _load("response.schema.json")


def answer_schema(response_format: str) -> dict[str, Any]:
    """Return the schema of an answer in a ``response_format`` that is JSON (do not change it).

    Raises
    ------
    FileNotFoundError
        There is no such format, or it is not JSON.
    """
    return _load(f"{response_format}.schema.json")


def progress_schema() -> dict[str, Any]:
    """Return the schema of what ``progress_s3_uri`` gets (shared: do not change it)."""
    return _load("progress.schema.json")


def settings_schema() -> dict[str, Any]:
    """Return the schema of the endpoint's environment variables (shared: do not change it)."""
    return _load("settings.schema.json")


def error_schema() -> dict[str, Any]:
    """Return the schema of a body answered with a 4xx or 5xx status (shared: do not change it)."""
    return _load("error.schema.json")
