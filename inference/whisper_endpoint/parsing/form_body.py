# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``multipart/form-data``: OpenAI's fields, and any of the contract's own."""

import logging
from dataclasses import dataclass
from typing import Any

from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_options_header

import whisper_contract
from whisper_contract.languages import code_of
from whisper_contract.schema_words import quote
from whisper_endpoint.audio.raw import form_of_name
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.errors import InvalidParameter, MalformedBody, UnknownParameter
from whisper_endpoint.parsing import (
    audio_body,
    headers,
    known_speakers,
    text_values,
    validation,
)
from whisper_endpoint.parsing.draft import AUDIO_STANDS_IN, Draft, Envelope

# It would log every malformed form, although the caller gets an error.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

_FILE = "file"
_REFERENCES = ("known_speaker_references[]", "known_speaker_references")
_MAX_PARTS = 100
_MAX_TEXT_BYTES = 20_000
# OpenAI's names for fields with another name in the contract.
_RENAMED = {
    "prompt": "initial_prompt",
    "chunking_strategy[threshold]": "vad_parameters.threshold",
    "chunking_strategy[prefix_padding_ms]": "vad_parameters.speech_pad_ms",
    "chunking_strategy[silence_duration_ms]": "vad_parameters.min_silence_duration_ms",
}
_REPEATED = {
    "timestamp_granularities[]": "timestamp_granularities",
    "languages[]": "languages",
    "keywords[]": "terms",
    # Also without brackets: a name may have a comma, which otherwise separates the items of a list.
    **dict.fromkeys(("known_speaker_names[]", "known_speaker_names"), "known_speaker_names"),
    **dict.fromkeys(_REFERENCES, "known_speaker_references"),
}
# OpenAI's two strategies; both are what is done anyway.
_STRATEGIES = {
    "chunking_strategy": ("", "auto"),
    "chunking_strategy[type]": ("server_vad",),
}
_AS_FILE = "a form has its audio in file"
_NOT_SUPPORTED = {
    "audio_input": _AS_FILE,
    "audio_data": _AS_FILE,
    "parameters": "in a form each parameter is a field of its own",
    "vad_parameters": "send its fields, such as vad_parameters.threshold",
    "include[]": "tokens have no log-probabilities; response_format verbose_json has the "
    "avg_logprob of each segment",
}
# The deployment decides the model; streaming is not a transcription parameter (see `read`).
_WITHOUT_EFFECT = {"model", "stream"}
_TASKS = {"/v1/audio/transcriptions": "transcribe", "/v1/audio/translations": "translate"}

PATHS = tuple(_TASKS)
"""Paths of OpenAI's API that accept such a form."""


@dataclass(frozen=True)
class _Part:
    """A part of a multipart body."""

    name: str
    content_type: str
    data: bytes
    file_name: str = ""


def read(envelope: Envelope) -> Draft:
    """Read a form.

    Raises
    ------
    MalformedBody
        400: not multipart/form-data.
    UnknownParameter
        400: a field that neither OpenAI's API nor the contract has.
    InvalidParameter
        400: a field is repeated, is not text, or has an invalid value; the file is empty or
        missing; or audio is in two places.
    """
    audio: InlineAudio | None = None
    texts: list[tuple[str, str]] = []
    repeated: dict[str, list[str]] = {}
    for part in _parts(envelope):
        _refuse_unsupported(part.name)
        if part.name == _FILE:
            if audio is not None:
                raise InvalidParameter("file is sent twice: send it once.", field=_FILE)
            audio = _file(part)
        elif part.name in _REPEATED:
            repeated.setdefault(_REPEATED[part.name], []).append(_text(part))
        else:
            if part.name in dict(texts):
                raise InvalidParameter(f"{part.name} is sent twice: send it once.", field=part.name)
            texts.append((part.name, _text(part)))
    fields = [one for name, text in texts for one in _fields(name, text)]
    is_streamed = any(_stream(text) for name, text in texts if name == "stream")
    document = _document(fields, repeated, _TASKS.get(envelope.path))
    if audio is not None:
        validation.refuse_other_sources(document, _FILE)
        document["audio_input"] = AUDIO_STANDS_IN
    elif not set(validation.sources()) & document.keys():
        raise InvalidParameter("The form has no audio: send it as file.", field=_FILE)
    return Draft(document, audio, accept=envelope.accept, dialect="openai", is_streamed=is_streamed)


def _document(
    fields: list[tuple[str, str]], repeated: dict[str, list[str]], task: str | None
) -> dict[str, Any]:
    try:
        document = text_values.document(fields)
    except UnknownParameter as error:
        known = {*whisper_contract.openai_fields(), *text_values.described()}
        raise validation.unknown(error.field or "", known) from None
    parameters = document.setdefault("parameters", {})
    for name, texts in repeated.items():
        if name in parameters:
            raise InvalidParameter(f"{name} is sent twice: send it once.", field=name)
        parameters[name] = texts
    if "languages" in repeated:
        parameters["languages"] = [_language(text) for text in repeated["languages"]]
    # OpenAI's 0 does not mean a single temperature: it is raised while the model is unsure.
    if parameters.get("temperature") == 0:
        del parameters["temperature"]
    if task is not None and parameters.setdefault("task", task) != task:
        raise InvalidParameter(
            f"This path is for the task {task}: leave task out, or use another path.", field="task"
        )
    return document


def _file(part: _Part) -> InlineAudio:
    if not part.data:
        raise InvalidParameter("file is empty: send an audio file.", field=_FILE)
    media_type, said = headers.content_type(part.content_type)
    raw = audio_body.raw_form(media_type, said) or form_of_name(part.file_name, part.data)
    return InlineAudio(part.data, raw)


def _refuse_unsupported(name: str) -> None:
    if name in _NOT_SUPPORTED:
        raise InvalidParameter(f"{name} is not supported: {_NOT_SUPPORTED[name]}.", field=name)


def _fields(name: str, text: str) -> list[tuple[str, str]]:
    """Return the contract's name and text of a field; empty if it has no effect."""
    if name in _STRATEGIES:
        _check_strategy(name, text)
        return []
    if name in _WITHOUT_EFFECT:
        return []
    return [(_RENAMED.get(name, name), _language(text) if name == "language" else text)]


def _stream(text: str) -> bool:
    wanted = {"": False, "false": False, "0": False, "true": True, "1": True}.get(text.lower())
    if wanted is None:
        raise InvalidParameter(f"stream is {quote(text)}: use true or false.", field="stream")
    return wanted


def _check_strategy(name: str, text: str) -> None:
    if text not in _STRATEGIES[name]:
        raise InvalidParameter(
            f"{name} is {quote(text)}: use auto, or chunking_strategy[type] "
            "server_vad with its threshold, prefix_padding_ms and silence_duration_ms.",
            field="chunking_strategy",
        )


def _language(text: str) -> str:
    """Return Whisper's code; unknown languages are refused later, by validation."""
    return code_of(text) or text


def _text(part: _Part) -> str:
    most, remedy = _MAX_TEXT_BYTES, "send audio as file"
    if part.name in _REFERENCES:
        most, remedy = known_speakers.MOST_CHARACTERS, "send a data URL in base64"
    if len(part.data) > most:
        raise InvalidParameter(
            f"{part.name[:40]} has more than {most:,} bytes: shorten it, or {remedy}.",
            field=part.name[:40],
        )
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise InvalidParameter(
            f"{part.name[:40]} is not text in UTF-8: {remedy}.", field=part.name[:40]
        ) from None


def _parts(envelope: Envelope) -> list[_Part]:
    _, options = parse_options_header(envelope.content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise _malformed("the Content-Type has no boundary")
    parts: list[_Part] = []
    ends: list[bool] = []

    def add(part: Field | File) -> None:
        if len(parts) == _MAX_PARTS:
            raise _malformed(f"it has more than {_MAX_PARTS} parts")
        if not part.field_name:
            raise _malformed("a part has no name")
        if isinstance(part, File):
            part.file_object.seek(0)
            data, file_name = part.file_object.read(), part.file_name or b""
        else:
            data, file_name = part.value or b"", b""
        name = part.field_name.decode(errors="replace")
        is_called = file_name.decode(errors="replace")
        parts.append(_Part(name, part.content_type or "", data, is_called))

    try:
        parser = FormParser(
            "multipart/form-data",
            add,
            add,
            lambda: ends.append(True),
            boundary,
            config={"MAX_MEMORY_FILE_SIZE": None},
        )
        parser.write(envelope.body)
        parser.finalize()
    except FormParserError:
        raise _malformed("it cannot be read") from None
    if not ends:
        raise _malformed("its last part has no end")
    return parts


def _malformed(why: str) -> MalformedBody:
    return MalformedBody(f"The body is not multipart/form-data, as {why}: send it as curl -F does.")
