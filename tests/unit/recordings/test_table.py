# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The job table: nothing late or repeated changes a job that has ended."""

from dataclasses import replace
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from recordings.errors import JobEnded, OutputTaken, UnknownJob
from recordings.job import ACTIVE, FINAL, JobStatus, RecordingJob
from recordings.table import MOST_DELIVERIES, UNSTARTED_SECONDS
from tests.fakes.object_store import refusal

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
    assert [job.id for job in table.each(list(JobStatus), before)] == ["1", "0"]


def test_jobs_are_listed_past_the_megabyte_at_which_dynamodb_ends_a_page(table, clock):
    names = [f"{number:2}" for number in range(30)]
    for name in names:
        clock.append(10)
        table.add(replace(JOB, id=name, parameters={"terms": ["x" * 190] * 300}))
    assert [job.id for job in table.newest(list(JobStatus), 100)] == names[::-1]
    assert [job.id for job in table.each(list(JobStatus), at_once=7)] == names[::-1]


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


FILES = ("s3://b/transcripts/a.json", "s3://b/transcripts/a.srt")
NAMED = replace(JOB, output_key="transcripts/a.json")


def test_files_are_one_jobs_while_it_runs(table):
    table.add(NAMED)
    table.claim_outputs(JOB.id, FILES)
    table.claim_outputs(JOB.id, FILES)
    with pytest.raises(
        OutputTaken, match=rf"until the job '{JOB.id}' has ended: it also writes .*srt"
    ):
        table.claim_outputs("b" * 32, ["s3://b/transcripts/b.json", FILES[1]])
    table.claim_outputs("c" * 32, ["s3://b/transcripts/b.json"])  # nothing of it was kept


@pytest.mark.parametrize("status", FINAL)
def test_files_are_anybodys_once_their_job_has_ended(table, status):
    table.add(NAMED)
    table.claim_outputs(JOB.id, FILES)
    table.end(JOB.id, status)
    table.claim_outputs("b" * 32, FILES)
    with pytest.raises(OutputTaken):
        table.claim_outputs(JOB.id, FILES)


@pytest.mark.parametrize("status", FINAL)
def test_files_without_a_chosen_name_stay_their_jobs(table, status):
    table.add(JOB)
    table.claim_outputs(JOB.id, FILES)
    table.end(JOB.id, status)
    with pytest.raises(OutputTaken, match=rf"{FILES[0]} is already a file of the job '{JOB.id}'"):
        table.claim_outputs("b" * 32, FILES)
    table.claim_outputs(JOB.id, FILES)


def test_files_of_a_job_that_is_not_there_are_kept_for_a_minute(table, clock):
    table.claim_outputs(JOB.id, FILES)
    clock.append(UNSTARTED_SECONDS - 1)
    with pytest.raises(OutputTaken):
        table.claim_outputs("b" * 32, FILES)
    clock.append(1)
    table.claim_outputs("b" * 32, FILES)


def test_a_claim_is_no_job(table):
    table.claim_outputs(JOB.id, FILES)
    with pytest.raises(UnknownJob):
        table.get(FILES[0])
    with pytest.raises(UnknownJob):
        table.end(FILES[0], JobStatus.CANCELLED)
    assert table.newest([*ACTIVE, *FINAL], 10) == []


def test_a_table_that_is_throttled_has_not_refused_a_claim(table, dynamo, monkeypatch):
    error = refusal("TransactionCanceledException", "TransactWriteItems")
    error.response["CancellationReasons"] = [{"Code": "ThrottlingError"}]
    monkeypatch.setattr(dynamo, "transact_write_items", mock.Mock(side_effect=error), raising=False)
    with pytest.raises(ClientError):
        table.claim_outputs(JOB.id, FILES)


def test_jobs_that_want_one_file_at_the_same_moment_are_told_so(table, dynamo, monkeypatch):
    error = refusal("TransactionCanceledException", "TransactWriteItems")
    error.response["CancellationReasons"] = [{"Code": "TransactionConflict"}]
    monkeypatch.setattr(dynamo, "transact_write_items", mock.Mock(side_effect=error), raising=False)
    with pytest.raises(OutputTaken, match="several jobs are requesting"):
        table.claim_outputs(JOB.id, FILES)
