# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Operations on jobs: submit, status, list, cancel, and batches of recordings."""

import contextlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from recordings.errors import (
    InvalidJob,
    JobEnded,
    NameTaken,
    RecordingError,
    SourceUnusable,
    UnknownJob,
)
from recordings.flow.accept import described
from recordings.flow.finish import Announcer
from recordings.job import ACTIVE, JobStatus, RecordingJob
from recordings.manifests import require_manifest
from recordings.paging import LATEST_S, page
from recordings.progress_and_cancel import JobProgress
from recordings.requests import (
    LONGEST_BATCH,
    JobRequest,
    digest,
    is_hidden,
    merged_parameters,
)
from recordings.settings import INCOMING, UPLOADS, RecordingSettings
from recordings.sources import found, require_allowed, require_allowed_source
from recordings.table import JobTable
from recordings.transcripts import claimed_uris
from recordings.web_address import resolved

MOST_LISTED = 100
"""Maximum number of jobs per response."""

_BATCH = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_BATCH}}}")
_PREFIX = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.*)", re.DOTALL)
_MANIFESTS = {".csv": "csv", ".json": "json"}
_LONGEST_ID = 200
_RESEND_SECONDS = 60
# Step Functions' limit is 256 KiB, with what the flow adds.
_MOST_INPUT_BYTES = 250_000
_MOST_LOOKS, _LOOK_SECONDS = 5, 0.2
# DynamoDB updates an index within a fraction of a second.
_INDEX_SECONDS = 1.0
_GONE = ("ExecutionDoesNotExist",)


@dataclass(frozen=True)
class Jobs:
    """The jobs of a deployment.

    Attributes
    ----------
    s3, states : S3 and Step Functions clients
    clock, sleep : callable
        Returns seconds since 1970; waits for a number of seconds.
    """

    s3: Any
    states: Any
    table: JobTable
    announcer: Announcer
    settings: RecordingSettings
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def answer(self, request: Any) -> dict[str, Any]:
        """Answer ``{"action": ..., ...}``, any JSON value that somebody has sent.

        A refusal is ``{"error": sentence, "code": name}``.
        """
        actions = {
            "submit": self.submit,
            "status": self.status,
            "list": self.listed,
            "cancel": self.cancel,
            "batch": self.batch,
            "batch-status": self.batch_status,
            "resend": self.resend,
        }
        try:
            given = _object(request)
            name = given.pop("action", None)
            action = actions.get(name) if isinstance(name, str) else None
            if action is None:
                raise InvalidJob(f"Give an action out of {', '.join(actions)}.")
            return action(given)
        except RecordingError as error:
            return {"error": str(error), "code": error.code}

    def submit(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a job from the fields of `JobRequest.from_document`, and ``client_token``.

        The client token makes retries safe: the same token always means the same job.

        Raises
        ------
        NameTaken
            The token was used with a different request.
        """
        token = request.pop("client_token", "")
        if not token:
            job_id = uuid.uuid4().hex
            self.start({**request, "id": job_id})
            return self.status({"id": job_id})
        job_id, asked = digest(["client_token", token]), {"content": digest(request)}
        if not self.start({**request, "id": job_id, "asked": asked}):
            require_same(self.table.get(job_id), asked["content"], "client_token")
        return self.status({"id": job_id})

    def start(self, given: dict[str, Any]) -> bool:
        """Start the job with the given ``id``; return False if it was already started.

        Parameters
        ----------
        given : dict
            Fields of `JobRequest.from_document`.

        Raises
        ------
        InvalidJob, SourceUnusable, OutputTaken
        """
        request = JobRequest.from_document(given)
        if request.webhook and not self.settings.webhook_machine_arn:
            raise InvalidJob(
                "Leave out webhook, or set the stack's parameter EnableJobsApi to true: "
                "without it there are no webhooks."
            )
        job, problem = described(given, "", self.settings)
        if problem is not None:
            raise problem
        require_allowed_source(job, self.settings)
        if job.url:
            self._require_public(job.url)
        job = found(self.s3, job)
        text = _input({**given, "etag": job.etag})
        self._reserve_outputs(job)
        execution = self._started_flow(job.id, text)
        if not execution and not self._is_recorded(job.id):
            # Execution names stay reserved for 90 days, longer than records may be kept.
            execution = self._started_flow(f"{job.id}-{uuid.uuid4().hex[:12]}", text)
        if not execution:
            return False
        # The flow adds it, too; adding it here makes the job visible at once.
        self.table.add(replace(job, execution=execution))
        return True

    def status(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return ``{"job": ...}``, with the endpoint's own progress during transcription."""
        return {"job": self._told(self.table.get(_id(request)))}

    def listed(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return ``{"jobs": [...]}``, newest first; takes ``status``, ``limit``, ``before``.

        Where there are more, the answer has a ``next``, which a request takes to go on.
        """
        limit, before, wanted = (request.get(name) for name in ("limit", "before", "status"))
        cursor = request.get("next") or ""
        limit = 20 if limit is None else limit
        if not isinstance(limit, int) or not 1 <= limit <= MOST_LISTED:
            raise InvalidJob(f"Give limit as a whole number from 1 to {MOST_LISTED}.")
        before = LATEST_S if before is None else before
        if not isinstance(before, int | float) or not 0 <= before <= LATEST_S:
            raise InvalidJob("Give before as seconds since 1970.")
        if wanted is not None and wanted not in list(JobStatus):
            raise InvalidJob(f"Give status out of {', '.join(JobStatus)}.")
        statuses = [JobStatus(wanted)] if wanted else list(JobStatus)
        found = page(self.table, statuses, limit, cursor, before)
        answer: dict[str, Any] = {"jobs": [job.summary() for job in found.jobs]}
        return answer | ({"next": found.next} if found.next else {})

    def cancel(self, request: dict[str, Any]) -> dict[str, Any]:
        """End a job as CANCELLED, stop its flow, and tell the endpoint to stop after this piece."""
        return {"job": self.end_now(_id(request), "The job was cancelled.").summary()}

    def resend(self, request: dict[str, Any]) -> dict[str, Any]:
        """Notify the webhook of an ended job again, at most once a minute."""
        job = self.table.get(_id(request))
        if not job.webhook:
            raise InvalidJob(f"The job {job.id} has no webhook: set one when you submit a job.")
        if not job.has_ended:
            raise InvalidJob(
                f"The job {job.id} is still {job.status}: its webhook is notified when it ends."
            )
        # Execution names are unique, so no further record is needed.
        minute = int(self.clock() // _RESEND_SECONDS)
        if not self.announcer.tell_webhook(job, f"{job.id}-{minute}"):
            raise InvalidJob(
                f"Wait a minute: the webhook of the job {job.id} is already being notified "
                "again; the result will be in the job's deliveries."
            )
        return {"job": job.summary()}

    def end_now(self, job_id: str, sentence: str) -> RecordingJob:
        """Cancel a job; idempotent: a repeated call finishes what is left to do.

        Raises
        ------
        JobEnded
            It ended as SUCCEEDED or FAILED.
        """
        try:
            job = self.table.end(job_id, JobStatus.CANCELLED, code="Cancelled", error=sentence)
        except JobEnded:
            job = self.table.get(job_id)
            if job.status is not JobStatus.CANCELLED:
                raise
        JobProgress(self.s3, self.settings.bucket).ask_to_stop(job)
        # Announced first: stopping the execution triggers the rule that would announce it, too.
        self.announcer.announce(job)
        if job.execution:
            self._stop(job.execution)
        return job

    def cancel_all(self) -> list[RecordingJob]:
        """Cancel every job that has not ended, and return them, each once.

        An index lags behind its table: it may show a job late, and for a while after its end.
        Therefore this ends only when there is nothing new after a wait.
        """
        self._stop_batches()
        seen: set[str] = set()
        ended: list[RecordingJob] = []
        is_first = True
        while True:
            known = len(seen)
            for job in self.table.each(ACTIVE):
                if job.id not in seen:
                    seen.add(job.id)
                    with contextlib.suppress(JobEnded):
                        ended.append(self.end_now(job.id, "The deployment was deleted."))
            if len(seen) == known and not is_first:
                return ended
            is_first = False
            self.sleep(_INDEX_SECONDS)

    def batch(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a job for each recording under ``prefix`` or in ``manifest``.

        The ``name`` of an earlier batch continues that batch: jobs that have succeeded or are
        running are left alone.
        """
        name = request.get("name") or uuid.uuid4().hex
        if not isinstance(name, str) or not _BATCH.fullmatch(name):
            raise InvalidJob(f"Give name as {LONGEST_BATCH} letters, digits, - and _ at most.")
        where = self._batch_source(request)
        of_each = {key: request[key] for key in ("parameters", "formats") if request.get(key)}
        # Validated once here, rather than for every row.
        checked = JobRequest.from_document({"s3_uri": "s3://any/any", **of_each})
        merged_parameters(self.settings.parameters, checked.parameters)
        text = _input(
            {
                **where,
                "batch": name,
                "parameters": checked.parameters,
                "formats": checked.formats,
                "concurrency": self.settings.batch_concurrency,
            }
        )
        self.states.start_execution(
            stateMachineArn=self.settings.batch_machine_arn,
            name=f"{name}-{uuid.uuid4().hex[:12]}",
            input=text,
        )
        return {"batch": name}

    def batch_status(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return ``{"batch", "running", "counts"}``: whether it still runs, and jobs per status.

        ``failure``, a sentence, is added if the batch itself ended before its last recording.
        """
        name = request.get("name")
        if not isinstance(name, str) or not _BATCH.fullmatch(name):
            raise InvalidJob("Give the name of a batch.")
        status = self._batch_ran_as(name)
        counts = self.table.count_of_batch(name)
        if not counts and not status and request.get("must_exist"):
            raise UnknownJob(f"There is no batch {name!r}.")
        told = {"batch": name, "running": status == "RUNNING", "counts": counts}
        if status in ("", "RUNNING", "SUCCEEDED"):
            return told
        failure = (
            f"The batch {name} itself ended early, as {status}: correct its manifest if that is "
            "broken further on, and run the batch again with its name."
        )
        return told | {"failure": failure}

    def _batch_source(self, request: dict[str, Any]) -> dict[str, Any]:
        given = {key: request[key] for key in ("prefix", "manifest") if request.get(key)}
        if len(given) != 1:
            raise InvalidJob("Give either prefix or manifest, as s3://bucket/…")
        ((kind, uri),) = given.items()
        match = _PREFIX.fullmatch(uri) if isinstance(uri, str) else None
        if match is None:
            raise InvalidJob(f"Give {kind} as s3://bucket/…; it is {uri!r:.200}.")
        bucket, key = match.groups()
        require_allowed(bucket, key, self.settings)
        if kind == "prefix":
            is_own = bucket == self.settings.bucket and key.startswith((INCOMING, UPLOADS))
            if not is_own:  # the flow may list no other bucket
                raise InvalidJob(
                    f"Give a manifest instead of the prefix {uri:.200}: prefixes are "
                    f"listed only in the deployment's own bucket, {self.settings.bucket}, "
                    f"below {INCOMING} and {UPLOADS}."
                )
            if is_hidden(key):
                raise InvalidJob(
                    f"Give a manifest instead of the prefix {uri:.200}: hidden and system files "
                    "in a prefix are left alone."
                )
            return {"kind": "prefix", "bucket": bucket, "prefix": key}
        form = next((one for end, one in _MANIFESTS.items() if key.endswith(end)), None)
        if form is None:
            raise InvalidJob("Give a manifest whose name ends in .csv or .json.")
        require_manifest(self.s3, bucket, key, form)
        return {"kind": form, "bucket": bucket, "key": key}

    def _reserve_outputs(self, job: RecordingJob) -> None:
        """Refuse early what the flow, which claims again, would refuse later."""
        uris = claimed_uris(job, self.settings.bucket)
        try:
            self.table.get(job.id)  # a repeated request: this job has its files already
        except UnknownJob:
            self.table.claim_outputs(job.id, uris)

    def _started_flow(self, name: str, text: str) -> str:
        """Start the flow of a recording; return its execution ARN, empty if the name is taken."""
        try:
            started = self.states.start_execution(
                stateMachineArn=self.settings.state_machine_arn, name=name, input=text
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "ExecutionAlreadyExists":
                raise
            return ""
        return str(started["executionArn"])

    def _is_recorded(self, job_id: str) -> bool:
        """Return whether a job has a record, waiting briefly for a concurrent caller to add it."""
        for _ in range(_MOST_LOOKS):
            with contextlib.suppress(UnknownJob):
                self.table.get(job_id)
                return True
            self.sleep(_LOOK_SECONDS)
        return False

    def _told(self, job: RecordingJob) -> dict[str, Any]:
        told = job.summary()
        if job.status is JobStatus.TRANSCRIBING:
            told["progress"] = JobProgress(self.s3, self.settings.bucket).share_done(job)
        return told

    def _require_public(self, url: str) -> None:
        """Refuse early what the endpoint, which checks again, would refuse later."""
        try:
            resolved(url)
        except OSError:
            raise SourceUnusable("The host of the url cannot be resolved: check it.") from None

    def _stop(self, execution: str) -> None:
        try:
            self.states.stop_execution(executionArn=execution)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _GONE:
                raise

    def _batch_ran_as(self, name: str) -> str:
        """Return RUNNING, or how the latest execution of a batch ended; empty if there is none."""
        for only in ({"statusFilter": "RUNNING"}, {}):
            for execution in self._batches(**only):
                if execution["name"].rpartition("-")[0] == name:
                    return str(execution["status"])
        return ""

    def _batches(self, **only: str) -> Iterator[dict[str, Any]]:
        """Yield the executions of batches, the latest first."""
        pages = self.states.get_paginator("list_executions").paginate(
            stateMachineArn=self.settings.batch_machine_arn, **only
        )
        return (one for page in pages for one in page["executions"])

    def _stop_batches(self) -> None:
        try:
            running = list(self._batches(statusFilter="RUNNING"))
        except ClientError as error:  # deleted by hand, together with its executions
            if error.response["Error"]["Code"] != "StateMachineDoesNotExist":
                raise
            return
        for execution in running:
            self._stop(execution["executionArn"])


def require_same(job: RecordingJob, content: str, field: str) -> None:
    """Refuse a name or token that a job with other content already has.

    Raises
    ------
    NameTaken
    """
    if job.asked.get("content", content) != content:
        raise NameTaken(
            f"Give another {field}: the job {job.known_as!r} was started with this one, by "
            "a request with different content."
        )


def _input(given: dict[str, Any]) -> str:
    """Return the input of an execution, unescaped: the largest tags come close to the limit.

    Raises
    ------
    InvalidJob
        It is larger than Step Functions passes on between states.
    """
    text = json.dumps(given, ensure_ascii=False)
    if (size := len(text.encode())) > _MOST_INPUT_BYTES:
        raise InvalidJob(
            f"Shorten the request, such as its tags: it has {size:,} bytes, and a job may have "
            f"{_MOST_INPUT_BYTES:,}."
        )
    return text


def _object(request: Any) -> dict[str, Any]:
    """Return a copy of a request that is a JSON object of text that can be stored."""
    try:
        json.dumps(request, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a lone surrogate, which JSON may contain
        raise InvalidJob("Send the request's text as Unicode.") from None
    if not isinstance(request, dict):
        raise InvalidJob("Send the request as a JSON object.")
    return dict(request)


def _id(request: dict[str, Any]) -> str:
    job_id = request.get("id")
    if not isinstance(job_id, str) or not 0 < len(job_id) <= _LONGEST_ID:
        raise InvalidJob("Give the id of a job.")
    return job_id
