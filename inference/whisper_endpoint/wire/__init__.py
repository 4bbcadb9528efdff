# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Every way to say a request: bytes and headers become one Request.

Each wire form has a module that reads it into a Draft, a document in the JSON form. What may be in
the document is decided in one place for all of them (``validation``), by the contract.
"""

from collections.abc import Callable, Mapping

from whisper_endpoint.errors import UnsupportedMediaType
from whisper_endpoint.request import Request
from whisper_endpoint.wire import json_body, protobuf_body
from whisper_endpoint.wire.draft import Draft, Envelope
from whisper_endpoint.wire.settle import settle

_READERS: Mapping[str, Callable[[Envelope], Draft]] = {
    "application/json": json_body.read,
    "application/x-protobuf": protobuf_body.read,
}


def parse(body: bytes, content_type: str, *, accept: str = "") -> Request:
    """Read a request.

    Parameters
    ----------
    body : bytes
        The body as it came.
    content_type : str
        Value of the Content-Type header; empty if there was none.
    accept : str
        Value of the Accept header; empty if there was none.

    Raises
    ------
    UnsupportedMediaType
        415: a content type that is not taken.
    InvalidRequest
        400: the body does not follow the contract; the error names the field.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    reader = _READERS.get(media_type)
    if reader is None:
        raise UnsupportedMediaType(
            f"Content type {media_type or '(none)'!r} is not taken: send {' or '.join(_READERS)}."
        )
    return settle(reader(Envelope(body, content_type, accept)))
