# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which errors of an AWS call pass by themselves."""

import logging

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, which is none of Python's
    HTTPClientError,
    IncompleteReadError,
)

log = logging.getLogger(__name__)

_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "PaginationTokenExpiredException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# Not made, broken, or ended in the middle of an answer.
_CONNECTION_LOST = (ConnectionError, HTTPClientError, IncompleteReadError)


def is_transient(error: Exception) -> bool:
    """Tell whether the same call may succeed a little later: throttled, 5xx, connection lost."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in _CODES or status >= 500
    return isinstance(error, _CONNECTION_LOST)


def require_transient(error: Exception) -> None:
    """Raise an error again unless it passes by itself."""
    if not is_transient(error):
        raise error
    log.warning("trying again at the next poll: %s", error)
