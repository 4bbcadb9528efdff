# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Recognises transient errors of AWS calls."""

import logging

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 - botocore's, not Python's
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
_REFUSED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
# The connection failed, broke, or ended within a response.
_CONNECTION_LOST = (ConnectionError, HTTPClientError, IncompleteReadError)


def is_transient(error: Exception) -> bool:
    """Return whether the same call may succeed later: throttling, 5xx, lost connection."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return error.response["Error"]["Code"] in _CODES or status >= 500
    return isinstance(error, _CONNECTION_LOST)


def require_transient(error: Exception, *, is_first: bool = False) -> None:
    """Raise the error unless it is transient.

    Parameters
    ----------
    is_first : bool
        Whether the role's permissions may be new: IAM takes some seconds to propagate them, and a
        refusal is transient as well.
    """
    is_refusal = isinstance(error, ClientError) and error.response["Error"]["Code"] in _REFUSED
    if not is_transient(error) and not (is_first and is_refusal):
        raise error
    log.warning("trying again at the next poll: %s", error)
