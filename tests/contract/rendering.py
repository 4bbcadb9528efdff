# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Formats written, and checked by their schemas; what a caption shows."""

import json
import re
import unicodedata
from typing import Any

from hypothesis import HealthCheck, settings

import whisper_contract
from tests.schemas import validate
from whisper_contract import formats
from whisper_contract.formats import FORMATS, Form
from whisper_contract.transcript import Transcript

# How long drawing a transcript takes says nothing of it.
anything = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

JSON = [name for name, one in FORMATS.items() if one.media_type == "application/json"]


def written(transcript: Transcript, response_format: str, **how: Any) -> bytes:
    return formats.render(transcript, Form(response_format=response_format, **how))


def document(transcript: Transcript, response_format: str, **how: Any) -> Any:
    found = json.loads(written(transcript, response_format, **how))
    validate(found, schema_of(response_format))
    return found


def schema_of(response_format: str) -> dict[str, Any]:
    if response_format == "lca":
        return whisper_contract.response_schema()
    return whisper_contract.answer_schema(response_format)


def milliseconds(time: float) -> int:
    return round(time * 1000)


def shown(text: str) -> str:
    """Text as a caption should show it, said in another way than the renderer's."""
    visible = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return re.sub(r"-[- ]+>", "->", re.sub(r"\s+", " ", visible).strip())
