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
from whisper_endpoint.audio.raw import form_of_name
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.errors import InvalidParameter, MalformedBody, UnknownParameter
from whisper_endpoint.parsing import audio_body, headers, text_values, validation
from whisper_endpoint.parsing.draft import AUDIO_STANDS_IN, Draft, Envelope

# It would log every malformed form; the caller gets an answer that says so.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

_FILE = "file"
_MAX_PARTS = 100
_MAX_TEXT_BYTES = 20_000
# OpenAI's names for what has another name in the contract.
_RENAMED = {"prompt": "initial_prompt"}
_REPEATED = "timestamp_granularities[]"
# OpenAI's clients send it; here the deployment decides the model.
_WITHOUT_EFFECT = {"model"}
_TASKS = {"/v1/audio/transcriptions": "transcribe", "/v1/audio/translations": "translate"}

PATHS = tuple(_TASKS)
"""Paths of OpenAI's API that take such a form."""


@dataclass(frozen=True)
class _Part:
    """A part of a body."""

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
        400: a field that came twice, or is not text, or no file.
    """
    audio: InlineAudio | None = None
    fields: list[tuple[str, str]] = []
    granularities: list[str] = []
    for part in _parts(envelope):
        if part.name == _FILE:
            if audio is not None:
                raise InvalidParameter("file comes twice: send it once.", field=_FILE)
            audio = _file(part)
        elif part.name == _REPEATED:
            granularities.append(_text(part))
        elif part.name == "stream":
            _refuse_stream(_text(part))
        elif part.name not in _WITHOUT_EFFECT:
            fields.append((_RENAMED.get(part.name, part.name), _text(part)))
    document = _document(fields, granularities, _TASKS.get(envelope.path))
    if audio is not None:
        document["audio_input"] = AUDIO_STANDS_IN
    return Draft(document, audio, accept=envelope.accept, dialect="openai")


def _document(
    fields: list[tuple[str, str]], granularities: list[str], task: str | None
) -> dict[str, Any]:
    try:
        document = text_values.document(fields)
    except UnknownParameter as error:
        known = [*whisper_contract.openai_fields(), *validation.names()]
        raise validation.unknown(error.field or "", known) from None
    parameters = document.setdefault("parameters", {})
    if granularities:
        parameters["timestamp_granularities"] = granularities
    # OpenAI's 0 is not one temperature: it is raised while the model is unsure.
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


def _refuse_stream(text: str) -> None:
    if text.lower() not in ("", "false", "0"):
        raise InvalidParameter(
            "stream is not supported: the answer comes in one piece; leave it out.", field="stream"
        )


def _text(part: _Part) -> str:
    if len(part.data) > _MAX_TEXT_BYTES:
        raise InvalidParameter(
            f"{part.name[:40]} has more than {_MAX_TEXT_BYTES:,} bytes: send audio as file.",
            field=part.name[:40],
        )
    try:
        return part.data.decode()
    except UnicodeDecodeError:
        raise InvalidParameter(
            f"{part.name[:40]} is not text in UTF-8: send audio as file.", field=part.name[:40]
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
