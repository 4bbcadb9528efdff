# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which errors of an AWS call pass by themselves."""

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, which is none of Python's
    HTTPClientError,
    IncompleteReadError,
)

_CODES = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# Not made, broken, or ended in the middle of an answer.
_CONNECTION_LOST = (ConnectionError, HTTPClientError, IncompleteReadError)


def is_transient(error: Exception) -> bool:
    """Tell whether the same call may succeed a little later: throttled, 5xx, connection lost.

    Parameters
    ----------
    error : Exception

    Returns
    -------
    bool
    """
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in _CODES or status >= 500
    return isinstance(error, _CONNECTION_LOST)
