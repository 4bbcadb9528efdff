# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``/ifw``: insanely-fast-whisper's routes and bodies, on jobs that survive restarts."""

import contextlib
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from recordings.api.messages import ApiRequest, ApiResponse
from recordings.api.names import JobNames
from recordings.errors import InvalidJob, NameTaken, RecordingError, UnknownJob
from recordings.job import ACTIVE, JobStatus, RecordingJob
from recordings.jobs import MOST_LISTED, Jobs, require_same
from recordings.requests import digest
from recordings.webhooks.notice import insanely_fast
from recordings.webhooks.target import INSANELY_FAST
from whisper_contract.languages import code_of

_FIELDS = (
    "url",
    "task",
    "language",
    "batch_size",
    "timestamp",
    "diarise_audio",
    "webhook",
    "is_async",
    "managed_task_id",
)
_METHODS = {"": "POST", "tasks": "GET", "status": "GET", "cancel": "DELETE"}
_SYNCHRONOUS_SECONDS = 20.0
_LONGEST_NAME = 128


class UnprocessableTask(InvalidJob):
    """A field has the wrong type or value (422); sent as FastAPI's list of problems."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True)
class InsanelyFastDialect:
    """Answers requests below ``/ifw``.

    Attributes
    ----------
    clock, sleep : callable
        Returns monotonic seconds; waits for a number of seconds.
    """

    jobs: Jobs
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @property
    def _names(self) -> JobNames:
        return JobNames(self.jobs.table, "insanely-fast-whisper")

    def answer(self, request: ApiRequest) -> ApiResponse:
        """Answer a request."""
        first, _, task_id = request.path.partition("/")
        wanted = (request.method, first, bool(task_id))
        if wanted == ("POST", "", False):
            return self._process(request.document())
        if wanted == ("GET", "tasks", False):
            active = self.jobs.table.newest(ACTIVE, MOST_LISTED)
            return ApiResponse(200, {"tasks": [job.known_as for job in active]})
        if wanted == ("GET", "status", True):
            return ApiResponse(200, self._state(self._find(task_id)))
        if wanted == ("DELETE", "cancel", True):
            self.jobs.end_now(self._find(task_id).id, "The task was cancelled.")
            return ApiResponse(200, {"status": "cancelled"})
        if first in _METHODS:
            return ApiResponse(405, {"detail": "Method Not Allowed"}, {"allow": _METHODS[first]})
        return ApiResponse(404, {"detail": "Not Found"})

    def refusal(self, error: RecordingError | None, status: int) -> ApiResponse:
        """Return an error in FastAPI's form."""
        if error is None:
            return ApiResponse(status, {"detail": "Internal Server Error"})
        if status == 401:
            return ApiResponse(401, {"detail": "Unauthorized"})
        if isinstance(error, UnknownJob):
            return ApiResponse(404, {"detail": "Task not found"})
        if isinstance(error, UnprocessableTask):
            problem = {"loc": ["body", error.field], "msg": str(error), "type": "value_error"}
            return ApiResponse(422, {"detail": [problem]})
        return ApiResponse(status, {"detail": str(error)})

    def _find(self, task_id: str) -> RecordingJob:
        """Return a task by its id, URL-encoded or not."""
        for name in dict.fromkeys((task_id, unquote(task_id))):
            if len(name) <= _LONGEST_NAME:
                with contextlib.suppress(UnknownJob):
                    return self._names.find(name)
        raise UnknownJob("Task not found")

    def _process(self, document: dict[str, Any]) -> ApiResponse:
        given = _unwrapped(document)
        job = self._started(given)
        if not given.get("is_async"):
            until = self.clock() + _SYNCHRONOUS_SECONDS
            while not job.has_ended and self.clock() < until:
                self.sleep(1.0)
                job = self.jobs.table.get(job.id)
        if job.has_ended:
            status = 200 if job.status is JobStatus.SUCCEEDED else 422
            return ApiResponse(status, insanely_fast(job, self.jobs.s3))
        answer = {
            "detail": "Task is being processed in the background",
            "status": "processing",
            "task_id": job.known_as,
        }
        return ApiResponse(200 if given.get("is_async") else 202, answer)

    def _started(self, given: dict[str, Any]) -> RecordingJob:
        """Start a task, or find the one started with the same managed_task_id."""
        name = given.get("managed_task_id") or ""
        wanted = _job(given)
        content = digest(wanted)
        try:
            job_id = self._names.free_id(name) if name else uuid.uuid4().hex
        except NameTaken:
            job = self._names.find(name)
        else:
            self.jobs.start({**wanted, "id": job_id, "name": name, "asked": {"content": content}})
            job = self.jobs.table.get(job_id)
        require_same(job, content, "managed_task_id")
        return job

    def _state(self, job: RecordingJob) -> dict[str, Any]:
        if job.has_ended:
            return insanely_fast(job, self.jobs.s3)
        told = self.jobs.status({"id": job.id})["job"]
        return {"status": "processing", "progress": told.get("progress", 0.0)}


def _unwrapped(document: dict[str, Any]) -> dict[str, Any]:
    """Return the fields, unwrapped from the envelope of Baseten's Truss if there is one."""
    if "model_input" not in document:
        return document
    _require_known(document, ("model_input", "webhook_endpoint"))
    inner = document["model_input"]
    if not isinstance(inner, dict):
        raise UnprocessableTask("model_input", "Give model_input as an object.")
    endpoint = document.get("webhook_endpoint")
    if endpoint is None:
        return inner
    return {**inner, "is_async": True, "webhook": {"url": endpoint, "header": {}}}


def _require_known(given: dict[str, Any], fields: tuple[str, ...]) -> None:
    for name in given:
        if name not in fields:
            raise UnprocessableTask(
                name[:100], f"Leave out {name:.100}: this request has no such field."
            )


def _job(given: dict[str, Any]) -> dict[str, Any]:
    """Convert a request to the job's request.

    Raises
    ------
    InvalidJob
        400, for what insanely-fast-whisper checks itself.
    UnprocessableTask
        422, for what its framework checks.
    """
    _require_known(given, _FIELDS)
    for name in ("diarise_audio", "is_async"):
        if not isinstance(given.get(name, False), bool):
            raise UnprocessableTask(name, f"Give {name} as true or false.")
    if given.get("is_async") and not given.get("webhook"):
        raise InvalidJob("Webhook is required for async tasks")
    wanted: dict[str, Any] = {**_source(given.get("url")), "formats": ["chunks"]}
    if given.get("webhook"):
        wanted["webhook"] = _webhook(given["webhook"])
    task_id = given.get("managed_task_id")
    if task_id is not None and not (isinstance(task_id, str) and 0 < len(task_id) <= _LONGEST_NAME):
        raise UnprocessableTask(
            "managed_task_id", f"Give managed_task_id as {_LONGEST_NAME} characters at most."
        )
    wanted["parameters"] = _parameters(given)
    return wanted


def _source(url: Any) -> dict[str, str]:
    if not isinstance(url, str):
        raise UnprocessableTask("url", "Give url as a text.")
    if url.startswith("s3://"):
        return {"s3_uri": url}
    if not url.lower().startswith("http"):
        raise InvalidJob("Invalid URL")
    return {"url": url}


def _webhook(given: Any) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("url"), str):
        raise UnprocessableTask("webhook", 'Give webhook as {"url": "https://…", "header": {}}.')
    return {"url": given["url"], "headers": given.get("header") or {}, "form": INSANELY_FAST}


def _language(given: Any) -> str:
    code = code_of(given) if isinstance(given, str) else None
    if code is None:
        raise UnprocessableTask(
            "language", f"Give language as a Whisper language code, such as en; not {given!r:.50}."
        )
    return code


def _parameters(given: dict[str, Any]) -> dict[str, Any]:
    task, timestamp = given.get("task", "transcribe"), given.get("timestamp", "chunk")
    batch_size, language = given.get("batch_size", 64), given.get("language")
    if task not in ("transcribe", "translate"):
        raise UnprocessableTask("task", "Give task as transcribe or translate.")
    if timestamp not in ("chunk", "word"):
        raise UnprocessableTask("timestamp", "Give timestamp as chunk or word.")
    if not isinstance(batch_size, int) or batch_size < 1:  # otherwise ignored
        raise UnprocessableTask("batch_size", "Give batch_size as a whole number from 1.")
    parameters: dict[str, Any] = {"task": task}
    if timestamp == "word":
        parameters["timestamp_granularities"] = ["word"]
    if language not in ("None", "", None):
        parameters["language"] = _language(language)
    if given.get("diarise_audio"):
        parameters["diarize"] = True
    return parameters
