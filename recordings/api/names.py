# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Look up jobs by caller-chosen names; a name belongs to one job at a time."""

from dataclasses import dataclass

from recordings.errors import InvalidJob, NameTaken, UnknownJob
from recordings.job import RecordingJob
from recordings.requests import digest
from recordings.table import JobTable

_MOST_JOBS_OF_A_NAME = 50


@dataclass(frozen=True)
class JobNames:
    """The names used in one dialect.

    A job's id is derived from its name and the number of deleted jobs of that name, so two
    concurrent callers cannot both take a name, and no job is created twice.
    """

    table: JobTable
    dialect: str

    def find(self, name: str) -> RecordingJob:
        """Return a job by its name or, failing that, by its id.

        Raises
        ------
        UnknownJob
        """
        job = self._newest(name)[0]
        if job is None:
            job = self.table.get(name)
        if job.deleted:
            raise UnknownJob(f"The job {name!r:.220} no longer exists.")
        return job

    def free_id(self, name: str) -> str:
        """Return the id for a new job of a name.

        Raises
        ------
        NameTaken
        InvalidJob
            The name has been used too often.
        """
        job, free = self._newest(name)
        if job is not None:
            raise NameTaken(f"A job {name!r} already exists: delete it, or use another name.")
        if not free:
            raise InvalidJob(f"Use another name: {name!r} was used {_MOST_JOBS_OF_A_NAME} times.")
        return free

    def _newest(self, name: str) -> tuple[RecordingJob | None, str]:
        """Return the job that has a name, or else the id for the next job of that name."""
        for number in range(_MOST_JOBS_OF_A_NAME):
            job_id = digest([self.dialect, name, number])
            try:
                job = self.table.get(job_id)
            except UnknownJob:
                return None, job_id
            if not job.deleted:
                return job, ""
        return None, ""
