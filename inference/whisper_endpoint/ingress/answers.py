# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Chooses the format of a response or error; the formats are in ``whisper_contract.formats``."""

import re
from dataclasses import replace

import orjson

from whisper_contract import formats
from whisper_contract.formats import FORMATS, Form, Words
from whisper_endpoint.errors import (
    EndpointError,
    InvalidParameter,
    MethodNotAllowed,
    NotAcceptable,
    NotFound,
    UnsupportedMediaType,
)
from whisper_endpoint.parsing import PATHS
from whisper_endpoint.parsing.request import Output, Request

# The default response format of each dialect.
_OF_DIALECT = {"native": "lca", "openai": "json", "chunks": "chunks", "protobuf": "protobuf"}
# Only the text: OpenAI has another format for speakers.
_WITHOUT_SPEAKERS = "json"
# Amazon Transcribe's labels are spk_0, spk_1 and so on.
_ONLY_NUMBERS = ("transcribe",)
_CAPTIONS = ("srt", "vtt")
# Formats whose words and speakers are in the segments, which a request may leave out.
_ALL_IN_SEGMENTS = ("lca", "protobuf")
_OPENAI = "/v1/"
_MODELS = "/v1/models"
_SESSIONS = "/v1/realtime"
# The deployment decides the model, whatever name a request gives; most clients use this one.
_MODEL: dict[str, object] = {
    "id": "whisper-1",
    "object": "model",
    "created": 0,
    "owned_by": "this-deployment",
}
_LISTS: dict[str, object] = {
    _MODELS: {"object": "list", "data": [_MODEL]},
    f"{_MODELS}/{_MODEL['id']}": _MODEL,
}
# Characters that Amazon Transcribe does not allow in a job name.
_NOT_IN_NAMES = re.compile("[^0-9a-zA-Z._-]")


def negotiate(request: Request, request_id: str, account_id: str) -> Form:
    """Choose the format of the response.

    Parameters
    ----------
    request : Request
        Its ``response_format`` takes precedence over its Accept header.
    request_id : str
        The job name, in formats that have one, unless the request names its call.
    account_id : str
        The endpoint's AWS account; empty if unknown.

    Raises
    ------
    InvalidParameter
        400: options that cannot be combined.
    NotAcceptable
        406: the Accept header allows none of the formats.
    """
    output = request.output
    diarize = request.parameters.diarize
    name = output.response_format or _accepted(output, diarize=diarize)
    _check(output, name)
    if request.parameters.word_timestamps:
        _check_words(output, name)
    if diarize:
        _check_speakers(output, name)
    if request.known_speakers and name in _ONLY_NUMBERS:
        raise InvalidParameter(
            f"known_speaker_names is given, but {name} has numbers of speakers and no names: use "
            "another response_format, such as diarized_json, or leave the known speakers out.",
            field="parameters.known_speaker_names",
        )
    form = Form(
        response_format=name,
        task=request.parameters.task,
        timestamp_granularities=output.timestamp_granularities,
        include_segments=output.include_segments,
        is_wrapped=output.is_wrapped,
        is_streamed=output.is_streamed,
        max_line_width=output.max_line_width,
        max_line_count=output.max_line_count,
        job_name=_NOT_IN_NAMES.sub("-", request.live.call_id or request_id),
    )
    return replace(form, account_id=account_id) if account_id else form


def refusal(error: EndpointError, request_id: str, path: str = "/") -> bytes:
    """Return ``whisper_contract/schemas/error.schema.json``, or OpenAI's error on its paths."""
    is_openai = path.startswith(_OPENAI)
    document = error.openai_document(request_id) if is_openai else error.document(request_id)
    body: bytes = orjson.dumps(document)
    return body


def models(method: str, path: str) -> bytes | None:
    """Return OpenAI's list of models, or one model; None for any other request."""
    return orjson.dumps(_LISTS[path]) if path in _LISTS and method in ("GET", "HEAD") else None


def check_route(method: str, path: str, encoding: str) -> None:
    """Check path, method and Content-Encoding (``encoding``) of a request for a transcript.

    Raises
    ------
    NotFound
        404: there is nothing at the path.
    MethodNotAllowed
        405
    UnsupportedMediaType
        415: the body is compressed.
    """
    if path == _SESSIONS:
        raise NotFound(f"{path} takes WebSockets alone: connect with Upgrade: websocket.")
    wanted = "GET, HEAD" if path in _LISTS else "POST"
    if wanted == "POST" and path not in PATHS:
        remedy = "send POST / (on SageMaker, invoke)"
        if path.startswith(_OPENAI):
            remedy = f"of OpenAI's API there are {', '.join((*PATHS[1:], _MODELS))} and {_SESSIONS}"
        raise NotFound(f"There is nothing at {path[:100]!r}: {remedy}.")
    if method != wanted:
        raise MethodNotAllowed.of(method, wanted)
    if encoding.lower() not in ("", "identity"):
        raise UnsupportedMediaType(
            f"The Content-Encoding {encoding[:40]!r} is not supported: send the body as it is; for "
            "fewer bytes, send audio of a compressed kind, such as FLAC or Opus."
        )


def _accepted(output: Output, *, diarize: bool) -> str:
    default = _OF_DIALECT[output.dialect]
    if diarize and default == _WITHOUT_SPEAKERS:
        default = "diarized_json"
    if output.is_streamed and formats.takes_events(output.accept):
        return default
    chosen = formats.accepted(output.accept, default)
    if chosen is None:
        known = dict.fromkeys(one.media_type for one in FORMATS.values())
        raise NotAcceptable(
            f"No answer format has the type {output.accept[:100]!r}: accept one of "
            f"{', '.join(known)}, or set response_format."
        )
    return chosen


def _check(output: Output, name: str) -> None:
    if "word" in output.timestamp_granularities and FORMATS[name].words is Words.NEVER:
        others = [one.name for one in FORMATS.values() if one.words is not Words.NEVER]
        raise InvalidParameter(
            f"timestamp_granularities has word, but {name} has no word times: use a "
            f"response_format of {', '.join(others[1:])}, or leave word out.",
            field="parameters.timestamp_granularities",
        )
    if output.is_streamed and name != "json":
        raise InvalidParameter(
            f"stream requires response_format json, not {name}: leave one of them out.",
            field="stream",
        )
    if output.max_line_count is not None and output.max_line_width is None:
        raise InvalidParameter(
            f"max_line_count is {output.max_line_count}, but lines are broken only with "
            "max_line_width: set both.",
            field="parameters.max_line_count",
        )
    if output.max_line_width is not None and name not in _CAPTIONS:
        raise InvalidParameter(
            f"max_line_width is {output.max_line_width}, but the answer has no captions: use a "
            f"response_format of {' or '.join(_CAPTIONS)}, or leave max_line_width out.",
            field="parameters.max_line_width",
        )


def _check_words(output: Output, name: str) -> None:
    if not output.include_segments and name in _ALL_IN_SEGMENTS:
        raise InvalidParameter(
            "word_timestamps is true, and without segments the answer has no words: leave "
            "include_segments out, or word_timestamps.",
            field="parameters.include_segments",
        )


def _check_speakers(output: Output, name: str) -> None:
    if name == _WITHOUT_SPEAKERS:
        raise InvalidParameter(
            "diarize is true, but the response_format json has no speakers: use "
            "diarized_json or another format, or leave diarize out.",
            field="parameters.response_format",
        )
    if not output.include_segments and name in _ALL_IN_SEGMENTS:
        raise InvalidParameter(
            "diarize is true, but without segments the answer has no speakers: leave out "
            "include_segments or diarize.",
            field="parameters.include_segments",
        )
