# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A draft that follows the contract becomes a Request."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from whisper_endpoint.request import LiveFields, Output, Parameters, Request
from whisper_endpoint.sources import S3Audio
from whisper_endpoint.wire import validation
from whisper_endpoint.wire.draft import Draft

_LIVE = tuple(field.name for field in fields(LiveFields))
_PARAMETERS = {field.name for field in fields(Parameters)}


def settle(draft: Draft) -> Request:
    """Check a draft against the contract and give every field its type.

    Raises
    ------
    InvalidRequest
        400: naming the field.
    """
    document = draft.document
    validation.check(document)
    given = document.get("parameters", {})
    return Request(
        draft.audio or S3Audio(document["s3_uri"]),
        _parameters(given),
        LiveFields(**{name: document[name] for name in _LIVE if name in document}),
        is_lca_form=draft.is_lca_form,
        output=_output(given, draft),
    )


def _parameters(given: Mapping[str, Any]) -> Parameters:
    values = {name: value for name, value in given.items() if name in _PARAMETERS}
    temperature = values.get("temperature")
    if temperature is not None:
        several = temperature if isinstance(temperature, list) else [temperature]
        values["temperature"] = tuple(float(value) for value in several)
    # Whoever asks for times of words in another way asks for word_timestamps.
    words = {"word_timestamps": True} if "word" in _granularities(given) else {}
    return Parameters(**(values | words))


def _output(given: Mapping[str, Any], draft: Draft) -> Output:
    return Output(
        response_format=given.get("response_format"),
        accept=draft.accept,
        dialect=draft.dialect,
        timestamp_granularities=_granularities(given),
        include_segments=given.get("include_segments", True),
        max_line_width=given.get("max_line_width"),
        max_line_count=given.get("max_line_count"),
    )


def _granularities(given: Mapping[str, Any]) -> tuple[str, ...]:
    by_word = ["word"] if given.get("timestamp") == "word" else []
    return tuple(dict.fromkeys([*given.get("timestamp_granularities", ()), *by_word]))
