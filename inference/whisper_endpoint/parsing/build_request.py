# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Validates a draft and builds the Request from it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from whisper_contract.combinations import contradictions
from whisper_endpoint.audio.sources import S3Audio, Source, UrlAudio
from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.messages import Parameters, VadParameters
from whisper_endpoint.parsing import known_speakers, validation
from whisper_endpoint.parsing.draft import Draft
from whisper_endpoint.parsing.request import LiveFields, Output, Request

_LIVE = tuple(field.name for field in fields(LiveFields))
_PARAMETERS = {field.name for field in fields(Parameters)}


def build_request(draft: Draft) -> Request:
    """Check a draft against the contract and convert its fields.

    Raises
    ------
    InvalidRequest
        400: the error names the field.
    """
    validation.check(draft.document)
    document = _with_integers(draft.document)
    given = document.get("parameters", {})
    parameters = _parameters(given)
    if parameters.diarize and document.get("partial"):
        raise InvalidParameter(
            "partial is true, but diarize is only for whole recordings: leave one of them out.",
            field="parameters.diarize",
        )
    known = known_speakers.read(
        given.get("known_speaker_names", []), given.get("known_speaker_references", [])
    )
    if known and not parameters.diarize:
        raise InvalidParameter(
            "known_speaker_names is given, but diarize is not set: set response_format to "
            "diarized_json or diarize to true, or leave the known speakers out.",
            field="parameters.known_speaker_names",
        )
    return Request(
        draft.audio or _source(document),
        parameters,
        LiveFields(**{name: document[name] for name in _LIVE if name in document}),
        is_lca_form=draft.is_lca_form,
        output=_output(given, draft),
        progress_s3_uri=document.get("progress_s3_uri"),
        known_speakers=known,
    )


def _with_integers(value: Any) -> Any:
    """Return a checked value with 5 for 5.0: to the schema it is whole, to the engine it is not."""
    if isinstance(value, dict):
        return {name: _with_integers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_integers(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _source(document: Mapping[str, Any]) -> Source:
    if "s3_uri" in document:
        return S3Audio(document["s3_uri"])
    field = "url" if "url" in document else "audio_file"
    return UrlAudio(document[field], field)


def _parameters(given: Mapping[str, Any]) -> Parameters:
    values = {name: value for name, value in given.items() if name in _PARAMETERS}
    temperature = values.get("temperature")
    if temperature is not None:
        several = temperature if isinstance(temperature, list) else [temperature]
        values["temperature"] = tuple(float(value) for value in several)
    if "vad_parameters" in values:
        values["vad_parameters"] = VadParameters(**values["vad_parameters"])
    values["languages"] = tuple(given.get("languages", ()))
    values["terms"] = tuple(_terms(given))
    values["clip_timestamps"] = tuple(float(value) for value in given.get("clip_timestamps", ()))
    # Other APIs' ways of asking for word times all mean word_timestamps.
    words = {"word_timestamps": True} if "word" in _granularities(given) else {}
    # OpenAI's response format for speakers implies diarize.
    speakers = {"diarize": True} if given.get("response_format") == "diarized_json" else {}
    for field, sentence in contradictions({**given, **speakers}):
        raise InvalidParameter(sentence, field=f"parameters.{field}")
    return Parameters(**(values | words | speakers))


def _terms(given: Mapping[str, Any]) -> Iterator[str]:
    hotwords = (given.get("hotwords") or "").split(",")
    yield from filter(None, (" ".join(one.split()) for one in (*given.get("terms", ()), *hotwords)))


def _output(given: Mapping[str, Any], draft: Draft) -> Output:
    return Output(
        response_format=given.get("response_format"),
        accept=draft.accept,
        dialect=draft.dialect,
        is_wrapped=draft.is_wrapped,
        is_streamed=draft.is_streamed,
        timestamp_granularities=_granularities(given),
        include_segments=given.get("include_segments", True),
        max_line_width=given.get("max_line_width"),
        max_line_count=given.get("max_line_count"),
    )


def _granularities(given: Mapping[str, Any]) -> tuple[str, ...]:
    by_word = ["word"] if given.get("timestamp") == "word" else []
    return tuple(dict.fromkeys([*given.get("timestamp_granularities", ()), *by_word]))
