# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Parses headers: content type with parameters, and SageMaker's custom attributes."""

import email.message
from collections.abc import Iterator
from email.utils import collapse_rfc2231_value
from urllib.parse import unquote

from whisper_endpoint.errors import InvalidParameter

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"

# The standard library takes quadratic time; in a data URL or a form, the length is the caller's.
_LONGEST_TYPE = 1_000


def content_type(value: str) -> tuple[str, dict[str, str]]:
    """Return a media type and its parameters, names in lower case.

    Parameters
    ----------
    value : str
        Such as ``audio/L16; rate=8000``; may be empty. Only its first 1,000 characters are read.
    """
    value = value[:_LONGEST_TYPE]
    message = email.message.Message()
    message["Content-Type"] = value.replace("\r", " ").replace("\n", " ")
    pairs = message.get_params(failobj=[], unquote=True)
    media_type = value.partition(";")[0].strip().lower()
    return media_type, {name.lower(): collapse_rfc2231_value(text) for name, text in pairs[1:]}


def attributes(value: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of ``name=text;name=text``, with the texts percent-decoded.

    Raises
    ------
    InvalidParameter
        400: a part without an equals sign.
    """
    for part in value.split(";"):
        name, equals, text = part.partition("=")
        if not part.strip():
            continue
        if not equals:
            raise InvalidParameter(
                f"{CUSTOM_ATTRIBUTES} has a part without an equals sign: send name=value;name=value"
                ", with %3B for a semicolon in a value.",
                field=CUSTOM_ATTRIBUTES,
            )
        yield name.strip(), unquote(text.strip())
