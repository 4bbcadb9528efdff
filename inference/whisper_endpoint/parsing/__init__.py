# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Parses bytes and headers of every supported request format into one Request.

Each wire format has a module that reads it into a Draft, a document in the JSON form, which
``validation`` then checks against the contract.
"""

from collections.abc import Callable, Mapping

from whisper_endpoint.errors import UnsupportedMediaType
from whisper_endpoint.parsing import (
    audio_body,
    form_body,
    headers,
    json_body,
    misplaced,
    protobuf_body,
)
from whisper_endpoint.parsing.build_request import build_request
from whisper_endpoint.parsing.draft import Draft, Envelope
from whisper_endpoint.parsing.request import Request

__all__ = ["PATHS", "parse"]

_READERS: Mapping[str, Callable[[Envelope], Draft]] = {
    "application/json": json_body.read,
    "application/x-protobuf": protobuf_body.read,
    "multipart/form-data": form_body.read,
}

PATHS = ("/", *form_body.PATHS)
"""Paths that accept requests."""


def parse(
    body: bytes,
    content_type: str,
    *,
    accept: str = "",
    attributes: str = "",
    path: str = "/",
    query: str = "",
) -> Request:
    """Parse a request; :class:`Envelope` describes the parameters.

    Raises
    ------
    UnsupportedMediaType
        415: the content type is not supported, or not on this path.
    InvalidRequest
        400: the request does not follow the contract; the error names the field.
    """
    media_type, _ = headers.content_type(content_type)
    reader = audio_body.read if audio_body.is_audio(media_type) else _READERS.get(media_type)
    if reader is None:
        raise UnsupportedMediaType(
            f"Content type {media_type[:100] or '(none)'!r} is not supported: send "
            f"{', '.join(_READERS)} or audio/*."
        )
    if path in form_body.PATHS and reader is not form_body.read:
        raise UnsupportedMediaType(
            f"{path} accepts only multipart/form-data: send that, or use POST /."
        )
    envelope = Envelope(body, content_type, accept, attributes, path, query)
    misplaced.check(envelope, is_audio=reader is audio_body.read)
    return build_request(reader(envelope))
