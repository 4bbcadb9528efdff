# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""First state of the flow: create one record per upload, however often it is reported."""

from dataclasses import replace
from typing import Any

from recordings.errors import InvalidJob, RecordingError
from recordings.flow.services import FlowServices
from recordings.job import JobStatus, RecordingJob, failed
from recordings.requests import (
    LONGEST_BATCH,
    JobRequest,
    digest,
    is_left_alone,
    merged_parameters,
)
from recordings.settings import RecordingSettings
from recordings.sources import found, require_allowed_source
from recordings.table import JobTable
from recordings.transcripts import claimed_uris

_MOST_GENERATIONS = 50
_LONGEST_SOURCE = 300


def accept(given: dict[str, Any], execution: str, services: FlowServices) -> dict[str, Any]:
    """Create the job that an execution was started for.

    Parameters
    ----------
    given : dict
        The execution's input.
    execution : str
        Its ARN.

    Returns
    -------
    dict
        ``outcome``: ``accepted``; ``repeated`` if the job belongs to another execution;
        ``nothing`` for what is left alone; or ``refused``, with the job's end as ``result``.
        ``job`` is the job's id, ``media`` the address to transcribe.
    """
    if is_left_alone(given):
        return {"outcome": "nothing"}
    job, problem = described(given, execution, services.settings)
    if problem is None:
        job, problem = _found(job, services)
    job, is_mine = recorded(services.table, job)
    if is_mine and problem is None:
        problem = _claimed(job, services)
    answer: dict[str, Any] = {
        "job": job.id,
        "media": job.source_uri,
        "wait_seconds": services.settings.wait_seconds,
        "outcome": "accepted" if is_mine else "repeated",
    }
    if is_mine and problem is not None:
        answer |= {"outcome": "refused", "result": {"value": failed(problem)}}
    return answer


def described(
    given: dict[str, Any], execution: str, settings: RecordingSettings
) -> tuple[RecordingJob, RecordingError | None]:
    """Return the job that an input describes, and the error that prevents it, if any.

    Its id depends only on the input, not on the state of the recording.
    """
    try:
        request = JobRequest.from_input(given)
        parameters = merged_parameters(settings.parameters, request.parameters)
    except InvalidJob as error:
        batch = str(given.get("batch") or "")[:LONGEST_BATCH]
        row = given.get("row", given)
        named = row.get("s3_uri") if isinstance(row, dict) else row
        source = str(named or "")[:_LONGEST_SOURCE]
        job = RecordingJob(id=digest(given), key=source, execution=execution, batch=batch)
        return job, error
    job = RecordingJob(
        id=request.job_id(),
        bucket=request.bucket,
        key=request.key,
        url=request.url,
        name=request.name,
        version=request.version,
        etag=request.etag,
        execution=execution,
        parameters=parameters,
        formats=request.formats or settings.formats,
        batch=request.batch,
        output_key=request.output_key,
        webhook=request.webhook,
        asked=request.asked,
    )
    return job, None


def _found(job: RecordingJob, services: FlowServices) -> tuple[RecordingJob, RecordingError | None]:
    try:
        require_allowed_source(job, services.settings)
        return found(services.s3, job), None
    except RecordingError as error:
        return job, error


def _claimed(job: RecordingJob, services: FlowServices) -> RecordingError | None:
    """Claim the job's output files; return the error if that fails."""
    try:
        services.table.claim_outputs(job.id, claimed_uris(job, services.settings.bucket))
    except RecordingError as error:
        return error
    return None


def recorded(table: JobTable, job: RecordingJob) -> tuple[RecordingJob, bool]:
    """Record a job; return it or the existing one, and whether this execution owns it."""
    if table.add(job):
        return job, True
    there = table.get(job.id)
    if there.execution == job.execution:
        return there, True
    return (there, False) if not job.batch else _next_generation(table, job, there)


def _next_generation(
    table: JobTable, job: RecordingJob, there: RecordingJob
) -> tuple[RecordingJob, bool]:
    """Create a new job for a batch row whose job failed, when the batch is run again."""
    for generation in range(2, _MOST_GENERATIONS):
        if there.status not in (JobStatus.FAILED, JobStatus.CANCELLED):
            break
        another = replace(job, id=digest([job.id, generation]))
        if table.add(another):
            return another, True
        there = table.get(another.id)
        if there.execution == job.execution:
            return there, True
    return there, False
