# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The job table: nothing late or repeated changes a job that has ended."""

from dataclasses import replace

import pytest

from recordings.errors import JobEnded, UnknownJob
from recordings.job import ACTIVE, FINAL, JobStatus, RecordingJob
from recordings.table import MOST_DELIVERIES

JOB = RecordingJob(
    id="a" * 32,
    bucket="recordings",
    key="incoming/a.wav",
    etag="1234",
    size=17,
    execution="arn:execution",
    parameters={"language": "en", "temperature": [0.0, 0.2]},
    formats=("srt", "json"),
    batch="monday",
)


def test_a_job_is_what_was_added(table, clock):
    assert table.add(JOB)
    there = table.get(JOB.id)
    assert there.submitted_at == sum(clock)
    assert there.expires_at == sum(clock) + 2 * 86_400
    assert (there.parameters, there.formats, there.etag) == (JOB.parameters, JOB.formats, "1234")
    assert there.status is JobStatus.SUBMITTED


@pytest.mark.parametrize("given", [5e-324, -1e-200, 1e-99, 0.0])
def test_a_number_near_0_is_kept_near_0(table, given):
    assert table.add(replace(JOB, parameters={"patience": given}))
    kept = table.get(JOB.id).parameters["patience"]
    assert kept == pytest.approx(given, abs=1e-99)
    assert (kept > 0, kept < 0) == (given > 0, given < 0)


def test_an_id_is_taken_once(table):
    assert table.add(JOB)
    assert not table.add(RecordingJob(id=JOB.id, bucket="b", key="other"))
    assert table.get(JOB.id).key == JOB.key


def test_an_unknown_job_is_said_so(table):
    with pytest.raises(UnknownJob, match="no job 'nobody'"):
        table.get("nobody")
    with pytest.raises(UnknownJob):
        table.end("nobody", JobStatus.FAILED)


def test_attempts_are_counted_and_their_token_kept(table, clock):
    table.add(JOB)
    assert table.begin_attempt(JOB.id, "token 1") == 1
    table.remember_places(JOB.id, 1, "s3://b/1.out", "s3://b/1.err")
    clock.append(5)
    assert table.get(JOB.id).output_uri == "s3://b/1.out"
    assert table.begin_attempt(JOB.id, "token 2") == 2
    there = table.get(JOB.id)
    assert (there.token, there.status) == ("token 2", JobStatus.TRANSCRIBING)
    assert there.started_at == sum(clock) - 5
    assert not there.output_uri, "of the first attempt"


def test_a_slow_submit_does_not_say_where_the_next_attempt_answers(table):
    table.add(JOB)
    table.begin_attempt(JOB.id, "token 1")
    table.begin_attempt(JOB.id, "token 2")
    table.remember_places(JOB.id, 1, "s3://b/1.out", "")
    assert not table.get(JOB.id).output_uri


@pytest.mark.parametrize("status", FINAL)
def test_an_ended_job_stays_as_it_is(table, status):
    table.add(JOB)
    table.begin_attempt(JOB.id, "token")
    ended = table.end(JOB.id, status, error="Said once.", outputs={"srt": "s3://b/k"})
    assert (ended.status, ended.token) == (status, "")
    for other in FINAL:
        with pytest.raises(JobEnded, match=f"ended as {status}"):
            table.end(JOB.id, other, error="Said twice.")
    with pytest.raises(JobEnded):
        table.begin_attempt(JOB.id, "late")
    assert not table.add(JOB)
    there = table.get(JOB.id)
    assert there == ended
    assert there.outputs == {"srt": "s3://b/k"}


def test_that_an_end_was_told_is_remembered(table):
    table.add(JOB)
    table.end(JOB.id, JobStatus.SUCCEEDED, seconds=2.5, warnings=("Something is missing.",))
    table.mark_announced(JOB.id)
    there = table.get(JOB.id)
    assert there.announced
    assert (there.seconds, there.warnings) == (2.5, ("Something is missing.",))


def test_the_newest_come_first_and_a_page_goes_on_from_a_time(table, clock):
    for number in range(5):
        clock.append(10)
        table.add(RecordingJob(id=str(number), bucket="b", key="k"))
    table.end("3", JobStatus.FAILED)
    assert [job.id for job in table.newest(list(JobStatus), 3)] == ["4", "3", "2"]
    assert [job.id for job in table.newest(ACTIVE, 3)] == ["4", "2", "1"]
    before = table.get("2").submitted_at
    assert [job.id for job in table.newest(list(JobStatus), 9, before)] == ["1", "0"]


def test_a_batch_counts_its_jobs(table):
    for number in range(4):
        table.add(RecordingJob(id=str(number), bucket="b", key="k", batch="monday"))
    table.add(RecordingJob(id="other", bucket="b", key="k"))
    table.end("1", JobStatus.SUCCEEDED)
    assert table.count_of_batch("monday") == {"SUBMITTED": 3, "SUCCEEDED": 1}


def test_a_job_keeps_the_newest_attempts_to_tell_its_webhook(table):
    table.add(JOB)
    for at in range(MOST_DELIVERIES + 3):
        table.record_delivery(JOB.id, {"at": at, "status": 500})
    kept = table.get(JOB.id).deliveries
    assert [one["at"] for one in kept] == [*range(3, MOST_DELIVERIES + 3)]
