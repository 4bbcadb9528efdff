# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Send a whole file to a SageMaker endpoint, with its parameters as custom attributes."""

from collections.abc import Mapping
from urllib.parse import quote

from live_whisper.errors import CallFileError, TermsUnusable
from live_whisper.transport import http
from live_whisper.transport.sagemaker import SageMakerEndpoint

CONTENT_TYPE = "application/octet-stream"
"""The endpoint detects the format."""
MOST_BYTES = 6_291_456
"""Maximum body of InvokeEndpoint, from the API's model."""
_MOST_ATTRIBUTES = 1024  # characters, from the same model


def attributes(wanted: Mapping[str, str]) -> str:
    """Encode parameters as SageMaker custom attributes."""
    return ";".join(f"{name}={quote(value, safe=', ')}" for name, value in wanted.items())


def transcribe(
    endpoint: SageMakerEndpoint, audio: bytes, name: str, wanted: Mapping[str, str]
) -> bytes:
    """Send a file and return the response body.

    Parameters
    ----------
    name : str
        File name for error messages.
    wanted : mapping of str to str
        Parameters of the request.

    Raises
    ------
    CallFileError
        The file is empty or too large for a request.
    TermsUnusable
        The parameters are too long for a request.
    EndpointUnusable, InvocationFailed
        See `SageMakerEndpoint.invoke`.
    """
    refuse_size(len(audio), name)
    given = attributes(wanted)
    if len(given) > _MOST_ATTRIBUTES:
        raise TermsUnusable(
            f"SageMaker accepts at most {_MOST_ATTRIBUTES:,} characters of attributes per "
            f"request, and these terms have {len(given):,}; use fewer terms."
        )
    return endpoint.invoke(audio, CONTENT_TYPE, attributes=given, within=http.LIMIT_S)


def refuse_empty(size: int, name: str) -> None:
    """Raise `CallFileError` for an empty file."""
    if not size:
        raise CallFileError(f"{name} is empty (0 bytes); choose a file with a recording.")


def refuse_size(size: int, name: str) -> None:
    """Raise `CallFileError` for a file that is empty or too large for a request."""
    refuse_empty(size, name)
    if size > MOST_BYTES:
        raise CallFileError(
            f"{name} has more than 6 MB, the most that SageMaker accepts per request; convert it "
            "to MP3 or Opus, or submit it with `whisper-sagemaker jobs submit`."
        )
