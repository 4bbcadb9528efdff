# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``application/x-protobuf``: TranscribeRequest of ``whisper_contract/transcription.proto``."""

import math
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError, Message

from whisper_contract import transcription_pb2 as wire
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.errors import InvalidParameter, MalformedBody, UnknownParameter
from whisper_endpoint.parsing.draft import AUDIO_STANDS_IN, Draft, Envelope

_RAW = {
    wire.AUDIO_ENCODING_PCM16: "pcm16",
    wire.AUDIO_ENCODING_MULAW: "mulaw",
    wire.AUDIO_ENCODING_ALAW: "alaw",
    wire.AUDIO_ENCODING_FLOAT32: "float32",
}
_TELEPHONE = {wire.AUDIO_ENCODING_MULAW, wire.AUDIO_ENCODING_ALAW}
_TELEPHONE_RATE = 8_000
# Fields about the audio, which are not in the JSON form.
_OF_AUDIO = {"audio", "encoding", "sample_rate", "channels"}

# An unpacked list has one field per value, at most 1,000.
_MOST_FIELDS = 5_000
_VARINT, _FIXED_64, _LENGTH_DELIMITED = 0, 1, 2
_KINDS = {
    FieldDescriptor.TYPE_DOUBLE: _FIXED_64,
    **dict.fromkeys(
        (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE),
        _LENGTH_DELIMITED,
    ),
}


def read(envelope: Envelope) -> Draft:
    """Read a TranscribeRequest.

    Raises
    ------
    MalformedBody
        400: not a TranscribeRequest.
    UnknownParameter
        400: a field that is not in the contract.
    InvalidParameter
        400: the fields about the audio are inconsistent, or a number is not finite.
    """
    try:
        _refuse_unknown(memoryview(envelope.body), wire.TranscribeRequest.DESCRIPTOR, "")
        message = wire.TranscribeRequest.FromString(envelope.body)
    except (DecodeError, IndexError):
        raise MalformedBody(
            "The body is not a TranscribeRequest: send one as in "
            "whisper_contract/transcription.proto."
        ) from None
    document = {name: value for name, value in _fields(message) if name not in _OF_AUDIO}
    audio = _audio(message)
    if audio is not None:
        document["audio_input"] = AUDIO_STANDS_IN
    return Draft(document, audio, accept=envelope.accept, dialect="protobuf")


def _audio(message: wire.TranscribeRequest) -> InlineAudio | None:
    raw = _raw_form(message)
    if not message.HasField("audio"):
        if raw is not None:
            raise _misfit("encoding", "applies only to audio sent in the request: leave it out")
        return None
    if not message.audio:
        raise InvalidParameter(
            "audio is empty: send the bytes of an audio file, or raw samples.", field="audio"
        )
    return InlineAudio(message.audio, raw)


def _raw_form(message: wire.TranscribeRequest) -> RawForm | None:
    encoding = message.encoding
    if encoding == wire.AUDIO_ENCODING_FILE:
        for field in ("sample_rate", "channels"):
            if getattr(message, field):
                raise _misfit(field, "applies only to raw audio: leave it out, or set the encoding")
        return None
    if encoding not in _RAW:
        raise _misfit("encoding", f"{encoding} is not known: use 0 to {max(_RAW)}")
    rate = message.sample_rate or (_TELEPHONE_RATE if encoding in _TELEPHONE else 0)
    if not rate:
        raise _misfit("sample_rate", "is missing: set the sample rate of the raw audio")
    return RawForm(_RAW[encoding], rate, message.channels or 1)


def _misfit(field: str, words: str) -> InvalidParameter:
    return InvalidParameter(f"The field {field} {words}.", field=field)


def _fields(message: Message, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the fields set in a message, with the names and types of the JSON form."""
    for field, value in message.ListFields():
        where = f"{path}{field.name}"
        if field.message_type is None:
            is_single = isinstance(value, str | bytes | int | float)
            yield field.name, _finite(value if is_single else list(value), where)
        elif field.message_type.name == wire.Threshold.DESCRIPTOR.name:
            yield field.name, _finite(value.value, where) if value.HasField("value") else None
        else:
            yield field.name, dict(_fields(value, f"{where}."))


def _finite(value: Any, where: str) -> Any:
    """Return a value unless it is NaN or infinite, which the JSON schema would not notice."""
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, float) and not math.isfinite(one):
            raise InvalidParameter(f"{where} is {one}: use a finite number.", field=where)
    return value


def _refuse_unknown(data: memoryview, descriptor: Any, path: str) -> None:
    """Raise UnknownParameter (400) for a field that is not in the contract, before parsing.

    Protobuf would create an object for each of millions of unknown fields.
    """
    position = 0
    for _ in range(_MOST_FIELDS):
        if position >= len(data):
            return
        tag, position = _varint(data, position)
        number, kind = tag >> 3, tag & 7
        field = descriptor.fields_by_number.get(number)
        if field is None or kind not in _kinds(field):
            raise UnknownParameter(
                f"There is no field number {number} in {descriptor.name}: use those of "
                "whisper_contract/transcription.proto.",
                field=f"{path}{number}",
            )
        begin, position = _content(data, position, kind)
        if field.message_type is not None:
            _refuse_unknown(data[begin:position], field.message_type, f"{path}{field.name}.")
    raise MalformedBody(
        f"{descriptor.name} has more than {_MOST_FIELDS:,} fields: send each once, and lists in "
        "one field, as protobuf's libraries do."
    )


def _kinds(field: Any) -> set[int]:
    """Return the wire types allowed for a field; with any other it counts as unknown."""
    kind = _KINDS.get(field.type, _VARINT)
    return {kind, _LENGTH_DELIMITED} if field.is_repeated else {kind}


def _content(data: memoryview, position: int, kind: int) -> tuple[int, int]:
    """Return start and end of a field's content (Protocol Buffers encoding)."""
    if kind == _VARINT:
        return position, _varint(data, position)[1]
    if kind == _LENGTH_DELIMITED:
        length, begin = _varint(data, position)
        return begin, begin + length
    return position, position + 8


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """Return a varint and its end; raise IndexError if the data ends within it."""
    value = 0
    for place in range(10):
        byte = data[position + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, position + place + 1
    raise DecodeError
