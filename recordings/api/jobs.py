# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``/jobs``: this project's own API, described by its OpenAPI document."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recordings.api import openapi
from recordings.api.messages import ApiRequest, ApiResponse
from recordings.errors import InvalidJob, RecordingError, UnknownJob
from recordings.job import JobStatus
from recordings.jobs import MOST_LISTED, Jobs
from recordings.paging import LATEST_S, page
from recordings.requests import correction
from recordings.settings import UPLOADS
from recordings.webhooks.notice import address_of

_Action = Callable[[ApiRequest, str], ApiResponse]
_UPLOAD_SECONDS = 3600
_LISTED = 20
_QUERY = ("status", "limit", "submitted_before", "next")


@dataclass(frozen=True)
class JobsDialect:
    """Answers requests below ``/jobs``.

    Attributes
    ----------
    clock : callable
        Returns seconds since 1970.
    """

    jobs: Jobs
    clock: Callable[[], float] = time.time

    def answer(self, request: ApiRequest) -> ApiResponse:
        """Answer a request."""
        job_id, actions = self._place(request.path)
        action = actions.get(request.method)
        if action is None:
            allowed = ", ".join(sorted(actions))
            sentence = f"Use {allowed} here, not {request.method:.20}."
            answer = {"error": sentence, "code": "MethodNotAllowed"}
            return ApiResponse(405, answer, {"allow": allowed})
        return action(request, job_id)

    def refusal(self, error: RecordingError | None, status: int) -> ApiResponse:
        """Return an error in the form that the OpenAPI document describes."""
        if error is None:
            sentence = "The deployment failed: try again, and see its log if it fails again."
            return ApiResponse(status, {"error": sentence, "code": "Failed"})
        return ApiResponse(status, {"error": str(error), "code": error.code})

    def _place(self, path: str) -> tuple[str, dict[str, _Action]]:
        """Return the job id in a path, and the path's actions by HTTP method."""
        first, _, rest = path.partition("/")
        if not path:
            return "", {"GET": self._list, "POST": self._submit}
        if path == "openapi.json":
            return "", {"GET": lambda *_: ApiResponse(200, openapi.document())}
        if path == "uploads":
            return "", {"POST": self._upload}
        if not rest:
            return first, {"GET": self._get, "DELETE": self._cancel}
        if rest == "resend":
            return first, {"POST": self._resend}
        raise UnknownJob(f"The path /jobs/{path:.200} does not exist: see /jobs/openapi.json.")

    def _submit(self, request: ApiRequest, _: str) -> ApiResponse:
        given = request.document()
        if not given.get("s3_uri") and not given.get("url"):
            raise InvalidJob(
                "Give s3_uri, the address of the recording; POST /jobs/uploads returns a "
                "URL to upload one to."
            )
        named = [name for name in openapi.SUBMISSIONS if name in given]
        if len(named) > 1:
            raise InvalidJob("Give either s3_uri or url, not both.")
        checked = _checked(given, openapi.SUBMISSIONS[named[0]])
        return ApiResponse(201, self.jobs.submit(checked)["job"])

    def _upload(self, request: ApiRequest, _: str) -> ApiResponse:
        name = _checked(request.document(), "NewUpload")["name"]
        bucket, key = self.jobs.settings.bucket, f"{UPLOADS}{uuid.uuid4().hex}/{name}"
        url = self.jobs.s3.generate_presigned_url(
            "put_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=_UPLOAD_SECONDS
        )
        expires = int(self.clock()) + _UPLOAD_SECONDS
        uri = f"s3://{bucket}/{key}"
        return ApiResponse(201, {"s3_uri": uri, "url": url, "expires_at": expires})

    def _list(self, request: ApiRequest, _: str) -> ApiResponse:
        query = request.query
        for name in query:
            if name not in _QUERY:
                raise InvalidJob(f"Leave out {name:.100}: GET /jobs accepts {', '.join(_QUERY)}.")
        statuses = list(JobStatus)
        if "status" in query:
            if query["status"] not in statuses:
                raise InvalidJob(f"Give status out of {', '.join(JobStatus)}.")
            statuses = [JobStatus(query["status"])]
        limit = _number(query, "limit", 1, MOST_LISTED, _LISTED)
        before = _number(query, "submitted_before", 1, LATEST_S, LATEST_S)
        found = page(self.jobs.table, statuses, int(limit), query.get("next", ""), before)
        answer: dict[str, Any] = {"jobs": [job.summary() for job in found.jobs]}
        return ApiResponse(200, answer | ({"next": found.next} if found.next else {}))

    def _get(self, _: ApiRequest, job_id: str) -> ApiResponse:
        job = self.jobs.status({"id": job_id})["job"]
        urls = {form: address_of(uri, self.jobs.s3) for form, uri in job.get("outputs", {}).items()}
        return ApiResponse(200, {**job, "output_urls": urls} if urls else job)

    def _cancel(self, _: ApiRequest, job_id: str) -> ApiResponse:
        return ApiResponse(200, self.jobs.cancel({"id": job_id})["job"])

    def _resend(self, _: ApiRequest, job_id: str) -> ApiResponse:
        return ApiResponse(202, self.jobs.resend({"id": job_id})["job"])


def _checked(given: dict[str, Any], schema: str) -> dict[str, Any]:
    """Return a body after validating it against a schema of the OpenAPI document."""
    for problem in openapi.validator(schema).iter_errors(given):
        raise InvalidJob(correction(problem))
    return given


def _number(query: dict[str, str], name: str, least: int, most: int, default: int) -> float:
    text = query.get(name, str(default))
    try:
        number = float(text)
    except ValueError:
        number = least - 1
    if not least <= number <= most or (name == "limit" and number != int(number)):
        raise InvalidJob(f"Give {name} as a number from {least} to {most}; it is {text!r:.50}.")
    return number
