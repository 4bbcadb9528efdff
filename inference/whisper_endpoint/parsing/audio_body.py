# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``audio/*`` and ``application/octet-stream``: the body is audio, parameters are in headers."""

from collections.abc import Mapping
from dataclasses import dataclass

from whisper_endpoint.audio.raw import CODED, RawForm
from whisper_endpoint.audio.sources import InlineAudio
from whisper_endpoint.errors import InvalidParameter
from whisper_endpoint.parsing import headers, text_values, validation
from whisper_endpoint.parsing.draft import AUDIO_STANDS_IN, Draft, Envelope


@dataclass(frozen=True)
class _Raw:
    """A media type of raw samples; ``rate`` is None if the type has no default."""

    encoding: str
    rate: int | None = None


# RFC 2046, RFC 3551 and RFC 2586; big-endian unless an endianness is given. The unregistered
# audio/pcm is little-endian, as is usual.
_RAW = {
    "audio/basic": _Raw("mulaw", 8_000),
    "audio/pcmu": _Raw("mulaw", 8_000),
    "audio/pcma": _Raw("alaw", 8_000),
    "audio/l16": _Raw("pcm16be"),
    "audio/pcm": _Raw("pcm16"),
    "audio/g722": _Raw("g722", 16_000),
    "audio/g729": _Raw("g729", 8_000),
}
_BY_ENDIANNESS = {"little-endian": "pcm16", "big-endian": "pcm16be"}


def is_audio(media_type: str) -> bool:
    """Whether a media type is audio or may contain audio."""
    return media_type.startswith(("audio/", "video/")) or media_type == "application/octet-stream"


def read(envelope: Envelope) -> Draft:
    """Read an audio body; parameters come in SageMaker's custom attributes.

    Raises
    ------
    InvalidParameter
        400: no audio, audio in two places, or inconsistent headers.
    UnknownParameter
        400: an attribute that is not in the contract.
    """
    if not envelope.body:
        raise InvalidParameter("The body is empty: send the bytes of an audio file.")
    media_type, said = headers.content_type(envelope.content_type)
    document = text_values.document(headers.attributes(envelope.attributes))
    validation.refuse_other_sources(document, "the body")
    document["audio_input"] = AUDIO_STANDS_IN
    audio = InlineAudio(envelope.body, raw_form(media_type, said))
    return Draft(document, audio, accept=envelope.accept)


def raw_form(
    media_type: str, said: Mapping[str, str], field: str = "Content-Type"
) -> RawForm | None:
    """Return the format of raw samples of a media type; None for a file.

    Parameters
    ----------
    field : str
        What has the media type, for refusals.

    Raises
    ------
    InvalidParameter
        400: rate, channels or endianness are missing or invalid.
    """
    raw = _RAW.get(media_type)
    if raw is None:
        return None
    encoding = raw.encoding
    if "endianness" in said and encoding in _BY_ENDIANNESS.values():
        encoding = _BY_ENDIANNESS.get(said["endianness"].lower(), "")
        if not encoding:
            what = f"endianness {said['endianness'][:20]!r}"
            raise _misfit(field, what, "little-endian or big-endian")
    if encoding in CODED:
        # RFC 3551: G.722's declared rate is 8,000, an old mistake kept for compatibility.
        return RawForm(encoding, raw.rate or 0)
    rate = _number(field, said, "rate", raw.rate)
    if rate is None:
        raise _misfit(field, "no rate", f"{media_type}; rate=8000")
    return RawForm(encoding, rate, _number(field, said, "channels", 1) or 1)


def _number(field: str, said: Mapping[str, str], name: str, default: int | None) -> int | None:
    text = said.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text)):
        raise _misfit(field, f"{name} {text[:20]!r}", "a whole number from 1 to 999999999")
    return int(text)


def _misfit(field: str, what: str, remedy: str) -> InvalidParameter:
    whose = "The Content-Type" if field == "Content-Type" else field.removeprefix("parameters.")
    return InvalidParameter(f"{whose} has {what}: use {remedy}.", field=field)
