# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Bugs planted into `recordings` one at a time: a check must find each."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from recordings.job import RecordingJob
from recordings.table import JobTable, _item

Bug = tuple[str, Any]


def _unconditional(update: Any) -> Any:
    def end(self: Any, job_id: str, status: Any, **results: Any) -> RecordingJob:
        condition = "recordings.table._IS_ACTIVE"
        with mock.patch(condition, "attribute_exists(id)"):
            return update(self, job_id, status, **results)  # type: ignore[no-any-return]

    return end


def _add_always(add: Any) -> Any:
    def add_anyway(self: Any, job: RecordingJob) -> bool:
        if not add(self, job):
            self._client.put_item(TableName="jobs", Item=_item(job.to_fields() | _times(self)))
        return True

    return add_anyway


def _times(table: JobTable) -> dict[str, float]:
    now = table._clock()
    return {"submitted_at": now, "updated_at": now, "expires_at": now}


def _token_afterwards(submit: Any) -> Any:
    """Store the token only after calling the endpoint."""

    def submit_first(job_id: str, media: str, token: str, services: Any) -> None:
        submit(job_id, media, "not yet", services)
        services.table._update(
            job_id, "SET #token = :token", {":token": token}, {"#token": "token"}
        )

    return submit_first


def _never_free(former_holder: Any) -> Any:
    def holder(self: JobTable, uri: str, job_id: str) -> str:
        with mock.patch.object(RecordingJob, "has_ended", False):
            return former_holder(self, uri, job_id)  # type: ignore[no-any-return]

    return holder


BUGS: dict[str, Bug] = {
    "a final status can be replaced": ("recordings.table.JobTable.end", _unconditional),
    "a repeated upload is another job": ("recordings.table.JobTable.add", _add_always),
    "the token is stored after the call": (
        "tests.chaos.recordings.world.submit",
        _token_afterwards,
    ),
    "a failure of an older attempt counts": (
        "recordings.flow.inference_notification._is_stale",
        lambda _: lambda notification, job: False,
    ),
    "nobody looks where the answer must be": (
        "recordings.flow.collect._answer_uri",
        lambda _: lambda job, answer, services: answer.get("output_uri", ""),
    ),
    "an overwritten recording is not noticed": (
        "recordings.flow.collect.require_unchanged",
        lambda _: lambda s3, job, may_be_gone=False: None,
    ),
    "a cancelled job goes on": (
        "recordings.table._IS_ACTIVE",
        lambda _: "attribute_exists(id) AND attribute_exists(submitted_at)",
    ),
    "a job's end is told before it is one": (
        "recordings.flow.finish.Announcer.announce",
        lambda _: lambda self, job: self.table.mark_announced(job.id),
    ),
    "two jobs write one file at once": (
        "recordings.table.JobTable.claim_outputs",
        lambda _: lambda self, job_id, uris: None,
    ),
    "the flow of a row claims no file": (
        "recordings.flow.accept._claimed",
        lambda _: lambda job, services: None,
    ),
    "a file stays claimed when its job has ended": (
        "recordings.table.JobTable._former_holder",
        _never_free,
    ),
}
"""Description to the patched name, and a function that returns its replacement."""


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Plant a bug within a ``with`` block."""
    target, make = BUGS[name]
    module, _, attribute = target.rpartition(".")
    with mock.patch(target, make(_there(module, attribute))):
        yield


def _there(module: str, attribute: str) -> Any:
    import pkgutil

    return getattr(pkgutil.resolve_name(module), attribute)
