# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The API as a whole: dispatch to a dialect, access control, error responses."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from recordings.api.access import ApiAccess
from recordings.api.messages import ApiRequest, ApiResponse
from recordings.errors import (
    AddressRefused,
    InvalidJob,
    JobEnded,
    NameTaken,
    NotAdmitted,
    OutputTaken,
    RecordingError,
    SourceChanged,
    SourceUnusable,
    UnknownJob,
)

_log = logging.getLogger(__name__)
_STATUSES: dict[type[RecordingError], int] = {
    AddressRefused: 400,
    InvalidJob: 400,
    SourceUnusable: 400,
    NotAdmitted: 401,
    UnknownJob: 404,
    JobEnded: 409,
    NameTaken: 409,
    OutputTaken: 409,
    SourceChanged: 409,
}


class Dialect(Protocol):
    """One way of speaking about jobs."""

    def answer(self, request: ApiRequest) -> ApiResponse:
        """Answer a request; raise `RecordingError` for a refusal."""

    def refusal(self, error: RecordingError | None, status: int) -> ApiResponse:
        """Return this dialect's error response; None: an internal failure, without details."""


@dataclass(frozen=True)
class Api:
    """Answers API Gateway.

    Attributes
    ----------
    dialects : mapping of str to Dialect
        Keyed by the first part of the path; ``jobs`` also handles unknown paths.
    """

    access: ApiAccess
    dialects: Mapping[str, Dialect]

    def answer(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer one request."""
        request = ApiRequest.from_event(event)
        root, _, rest = request.path.partition("/")
        dialect = self.dialects.get(root, self.dialects["jobs"])
        try:
            self.access.require(request)
            self._require_known(root)
            answer = dialect.answer(replace(request, path=rest.strip("/")))
        except RecordingError as error:
            answer = self._refused(dialect, error)
        except Exception:
            _log.exception("A request for %s failed", root)
            answer = dialect.refusal(None, 500)
        return answer.to_event()

    def _require_known(self, root: str) -> None:
        if root not in self.dialects:
            known = ", ".join(f"/{one}" for one in self.dialects)
            raise UnknownJob(f"Use a path below one of {known}.")

    def _refused(self, dialect: Dialect, error: RecordingError) -> ApiResponse:
        status = next((one for kind, one in _STATUSES.items() if isinstance(error, kind)), None)
        if status is None:  # a fault of the deployment that the caller cannot fix
            _log.error("A request failed: %s", error)
            return dialect.refusal(None, 500)
        return dialect.refusal(error, status)
