# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""All response formats, in one table; each renderer is a pure function.

The endpoint responds in them, and clients can write recorded calls in them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from whisper_contract.formats import (
    amazon_transcribe,
    captions,
    insanely_fast,
    lca,
    openai,
    plain_text,
    whisperx,
)
from whisper_contract.formats.form import Form
from whisper_contract.transcript import Transcript

__all__ = [
    "FORMATS",
    "Form",
    "Format",
    "Words",
    "accepted",
    "content_type",
    "needs_words",
    "render",
    "takes_events",
]


class Words(Enum):
    """When a format has word times."""

    ALWAYS = "always"
    ON_REQUEST = "on request"
    NEVER = "never"


@dataclass(frozen=True)
class Format:
    """A response format.

    Attributes
    ----------
    name : str
        Value of ``response_format``.
    media_type : str
        Media type of its Content-Type header.
    render : callable
        Makes the body from Transcript and Form.
    extension : str
        File extension, with its dot.
    """

    name: str
    media_type: str
    words: Words
    render: Callable[[Transcript, Form], bytes]
    extension: str

    @property
    def content_type(self) -> str:
        """Value of the Content-Type header."""
        is_text = self.media_type.startswith("text/") or self.media_type == _SUBRIP
        return f"{self.media_type}; charset=utf-8" if is_text else self.media_type


def _protobuf(transcript: Transcript, form: Form) -> bytes:
    # Imported here: writing captions does not need protobuf.
    from whisper_contract.formats import protobuf  # noqa: PLC0415

    return protobuf.render(transcript, form)


_JSON = "application/json"
_SUBRIP = "application/x-subrip"
_EVENTS = "text/event-stream; charset=utf-8"

# In order of preference, for Accept headers that leave a choice.
FORMATS = {
    one.name: one
    for one in (
        Format("lca", _JSON, Words.ON_REQUEST, lca.render, ".json"),
        Format("json", _JSON, Words.NEVER, openai.render, ".json"),
        Format("verbose_json", _JSON, Words.ON_REQUEST, openai.render_verbose, ".json"),
        Format("diarized_json", _JSON, Words.NEVER, openai.render_diarized, ".json"),
        Format("text", "text/plain", Words.NEVER, plain_text.render, ".txt"),
        Format("srt", _SUBRIP, Words.NEVER, captions.render_srt, ".srt"),
        Format("vtt", "text/vtt", Words.NEVER, captions.render_vtt, ".vtt"),
        Format("transcribe", _JSON, Words.ALWAYS, amazon_transcribe.render, ".json"),
        Format("segments", _JSON, Words.ON_REQUEST, whisperx.render, ".json"),
        Format("chunks", _JSON, Words.ON_REQUEST, insanely_fast.render, ".json"),
        Format("protobuf", "application/x-protobuf", Words.ON_REQUEST, _protobuf, ".pb"),
    )
}


def render(transcript: Transcript, form: Form) -> bytes:
    """Return a transcript in the requested format."""
    if form.is_streamed:
        return openai.render_events(transcript, form)
    one = FORMATS[form.response_format]
    body = one.render(transcript, form)
    if form.is_wrapped and one.media_type == _JSON:
        return b'{"model_output":' + body + b"}"
    return body


def content_type(form: Form) -> str:
    """Return the value of the Content-Type header."""
    return _EVENTS if form.is_streamed else FORMATS[form.response_format].content_type


def needs_words(form: Form) -> bool:
    """Return whether the format needs words, even if the request does not ask for them."""
    return (
        FORMATS[form.response_format].words is Words.ALWAYS
        or "word" in form.timestamp_granularities
        or form.max_line_count is not None
    )


def accepted(accept: str, default: str) -> str | None:
    """Return the name of the format that an Accept header asks for (RFC 9110, 12.5.1).

    Parameters
    ----------
    accept : str
        Value of the header; empty if absent.
    default : str
        Name of the format to use for its media type, and preferred among equals.

    Returns
    -------
    str or None
        None if the header accepts none of the formats.
    """
    ranges = dict(_ranges(accept))
    if not ranges:
        return default
    best, chosen = 0.0, None
    for name in _one_per_media_type(default):
        quality = _quality(FORMATS[name].media_type, ranges)
        if quality > best:
            best, chosen = quality, name
    return chosen


def takes_events(accept: str) -> bool:
    """Return whether an Accept header takes server-sent events."""
    return _quality(_EVENTS.partition(";")[0], dict(_ranges(accept))) > 0


def _one_per_media_type(default: str) -> list[str]:
    names = {FORMATS[default].media_type: default}
    for name, one in FORMATS.items():
        names.setdefault(one.media_type, name)
    return list(names.values())


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for element in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in element.split(";"))
        if media_range:
            yield media_range, _weight(parameters)


def _weight(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(1.0, max(0.0, float(value)))
            except ValueError:
                return 1.0
    return 1.0


def _quality(media_type: str, ranges: dict[str, float]) -> float:
    """Return the weight of the most specific range that matches a media type."""
    for candidate in (media_type, f"{media_type.partition('/')[0]}/*", "*/*"):
        if candidate in ranges:
            return ranges[candidate]
    return 0.0
