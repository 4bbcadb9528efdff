# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
import time
from types import SimpleNamespace
from typing import Any

import crhelper.resource_helper
import pytest
from moto import mock_aws

from recordings.flow.finish import Announcer
from recordings.job import JobStatus, RecordingJob
from recordings.jobs import Jobs
from recordings.settings import RecordingSettings
from recordings.stack_deletion import StackDeletion
from recordings.table import JobTable
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.unit.recordings.aws import REGION, client, make_table


@pytest.fixture
def answers(credentials, monkeypatch):
    """What CloudFormation is told, and the seconds that are slept before that."""
    told = []

    kind: Any = crhelper.resource_helper.CfnResource
    monkeypatch.setattr(kind, "_send", lambda helper, *_: told.append(helper.Status))
    monkeypatch.setattr(kind, "_log_setup", lambda *_: None)  # of the whole process' loggers
    waits = kind._wait_for_cwlogs
    monkeypatch.setattr(waits, "__defaults__", (told.append,))
    with mock_aws():
        yield told


@pytest.fixture
def world():
    return RecordingsWorld()


def test_the_bucket_is_emptied_and_the_stack_not_kept_waiting(answers):
    s3 = bucket_of("incoming/a.wav", "transcripts/a.srt")
    remove(s3)
    assert answers == ["SUCCESS"]
    assert "Contents" not in s3.list_objects_v2(Bucket="recordings")


def test_a_bucket_of_several_pages_is_emptied(answers, monkeypatch):
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    s3 = bucket_of(*(f"transcripts/{number}.srt" for number in range(5)))
    remove(s3)
    assert answers == ["SUCCESS"]
    assert "Contents" not in s3.list_objects_v2(Bucket="recordings")


@pytest.mark.parametrize(
    ("code", "told"),
    [("SlowDown", "SUCCESS"), ("InternalError", "SUCCESS"), ("AccessDenied", "FAILED")],
)
def test_an_object_that_s3_does_not_delete_at_once(answers, code, told):
    s3 = bucket_of("incoming/a.wav", "incoming/b.wav")
    slept: list[float] = []
    delete_objects, refused = s3.delete_objects, [{"Key": "incoming/a.wav", "Code": code}]

    def delete(Bucket, Delete):  # noqa: N803
        failures = [refused.pop()] if refused else []
        left = [one for one in Delete["Objects"] if one["Key"] not in {f["Key"] for f in failures}]
        return delete_objects(Bucket=Bucket, Delete={"Objects": left}) | {"Errors": failures}

    s3.delete_objects = delete
    remove(s3, sleep=slept.append)
    assert answers == [told]
    assert ("Contents" in s3.list_objects_v2(Bucket="recordings")) is (told == "FAILED")
    assert len(slept) == (told == "SUCCESS")


@pytest.mark.parametrize(("is_own", "left"), [("true", []), ("false", ["theirs/b.wav"])])
def test_unfinished_uploads_go_too(answers, is_own, left):
    s3 = bucket_of()
    for key in ("uploads/a.wav", "theirs/b.wav"):
        s3.create_multipart_upload(Bucket="recordings", Key=key)
    remove(s3, IsOwn=is_own)
    assert answers == ["SUCCESS"]
    uploads = s3.list_multipart_uploads(Bucket="recordings").get("Uploads", [])
    assert [one["Key"] for one in uploads] == left


def test_a_bucket_that_is_gone_is_empty(answers):
    remove(client("s3"))
    assert answers == ["SUCCESS"]


@pytest.mark.parametrize("gone", ["bucket", "table", "state machine"])
def test_jobs_are_cancelled_without_what_is_gone(answers, gone):
    s3, dynamo, states = client("s3"), client("dynamodb"), client("stepfunctions")
    if gone != "bucket":
        bucket_of()
    make_table(dynamo)
    machine = f"arn:aws:states:{REGION}:123456789012:stateMachine:batches"
    if gone != "state machine":
        definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
        role = "arn:aws:iam::123456789012:role/any"
        states.create_state_machine(name="batches", definition=definition, roleArn=role)
    table = JobTable(dynamo, "jobs")
    table.add(RecordingJob(id="1", bucket="recordings", key="incoming/a.wav"))
    if gone == "table":
        dynamo.delete_table(TableName="jobs")
    settings = RecordingSettings(table="jobs", bucket="recordings", batch_machine_arn=machine)
    announcer = Announcer(client("events"), client("sns"), states, table, settings)
    jobs = Jobs(s3, states, table, announcer, settings)
    remove(s3, lambda _: jobs, "RunningJobs")
    assert answers == ["SUCCESS"]
    if gone != "table":
        assert table.get("1").status is JobStatus.CANCELLED


def test_whoever_deletes_the_deployment_cancels_what_runs(world):
    ids = submitted(world, 3)
    world.pass_time(5)
    assert {job.id for job in world.jobs.cancel_all()} == set(ids)
    world.quiesce()
    assert {world.table.get(one).status for one in ids} == {"CANCELLED"}
    assert world.jobs.cancel_all() == []


def test_a_job_that_the_index_shows_late_or_for_too_long_is_cancelled_once(world):
    world.dynamo.is_index_late = True
    ids = submitted(world, 3)
    assert sorted(job.id for job in world.jobs.cancel_all()) == sorted(ids)
    assert {world.table.get(one).status for one in ids} == {"CANCELLED"}


def test_more_jobs_than_a_page_of_the_index_are_cancelled(world, monkeypatch):
    monkeypatch.setattr("recordings.table._MOST_AT_ONCE", 2)
    ids = submitted(world, 5)
    assert sorted(job.id for job in world.jobs.cancel_all()) == sorted(ids)


def submitted(world, number):
    """Return the ids of so many jobs that have just been submitted."""
    world.upload("uploads/a.wav", "good 1", copies=())
    asked = {"action": "submit", "s3_uri": f"s3://{BUCKET}/uploads/a.wav"}
    return [world.ask(asked)["job"]["id"] for _ in range(number)]


def bucket_of(*keys):
    s3 = client("s3")
    s3.create_bucket(Bucket="recordings", CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in keys:
        s3.put_object(Bucket="recordings", Key=key, Body=b"x")
    return s3


def remove(s3, jobs=json.loads, kind="RecordingFiles", sleep=time.sleep, **properties):
    event = {
        "RequestType": "Delete",
        "ResponseURL": "https://answers",
        "StackId": "stack",
        "RequestId": "1",
        "LogicalResourceId": kind,
        "PhysicalResourceId": kind,
        "ResourceType": f"Custom::{kind}",
        "ResourceProperties": {"Bucket": "recordings", "IsOwn": "true", "BatchMachine": "arn"}
        | properties,
    }
    context = SimpleNamespace(
        log_stream_name="log",
        aws_request_id="1",
        invoked_function_arn="arn",
        get_remaining_time_in_millis=lambda: 900_000,
    )
    StackDeletion(s3, jobs, sleep=sleep).answer(event, context)
