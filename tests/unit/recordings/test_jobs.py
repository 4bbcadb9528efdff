# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What people ask of jobs, and what they are told."""

import json
from dataclasses import replace

import pytest

from tests.chaos.recordings.endpoint import content_of
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.fakes.object_store import refusal

KEY = "uploads/17/a.wav"
URI = f"s3://{BUCKET}/{KEY}"


@pytest.fixture
def world():
    world = RecordingsWorld()
    world.upload(KEY, "good 1", copies=())
    return world


def submit(world, **more):
    return world.ask({"action": "submit", "s3_uri": URI, **more})


def test_a_submitted_job_is_there_at_once_and_has_its_own_formats(world):
    job = submit(world, formats=["vtt", "txt"], parameters={"language": "en"})["job"]
    assert (job["status"], job["source"]) == ("SUBMITTED", URI)
    assert "token" not in job
    world.quiesce()
    job = world.ask({"action": "status", "id": job["id"]})["job"]
    assert job["status"] == "SUCCEEDED"
    assert set(job["outputs"]) == {"vtt", "txt"}
    assert "good 1" in (content_of(world.store, job["outputs"]["txt"]) or "")
    assert len(world.statuses) == 1


def test_the_same_client_token_is_the_same_job(world):
    first = submit(world, client_token="17")["job"]
    world.quiesce()
    again = submit(world, client_token="17")["job"]
    assert again["id"] == first["id"]
    assert again["status"] == "SUCCEEDED"
    assert submit(world)["job"]["id"] != first["id"]


def test_a_client_token_with_other_content_is_refused(world):
    first = submit(world, client_token="17", formats=["srt"])["job"]
    assert submit(world, client_token="17", formats=["srt"])["job"]["id"] == first["id"]
    answer = submit(world, client_token="17", formats=["vtt"])
    assert answer["code"] == "NameTaken"
    assert answer["error"].startswith("Give another client_token: the job")
    world.quiesce()
    assert submit(world, client_token="17")["code"] == "NameTaken"
    assert len(world.statuses) == 1


@pytest.mark.parametrize(
    ("code", "sentence"), [("400", "SSE-C"), ("405", "is not there (any more)")]
)
def test_an_object_that_nobody_here_can_read_is_the_callers_affair(world, code, sentence):
    ordinary = world.store.call

    def call(operation, request):
        if operation == "head_object":
            raise refusal(code, operation, int(code))
        return ordinary(operation, request)

    world.store.call = call
    answer = submit(world)
    assert answer["code"] == "SourceUnusable"
    assert sentence in answer["error"]


def test_progress_is_the_endpoints(world):
    job_id = submit(world)["job"]["id"]
    world.pass_time(5)
    assert world.ask({"action": "status", "id": job_id})["job"]["progress"] == 0
    body = json.dumps({"seconds_done": 30.0, "seconds_total": 120.0}).encode()
    place = {"Bucket": BUCKET, "Key": f"progress/{job_id}.json", "Body": body}
    world.store.call("put_object", place)
    assert world.ask({"action": "status", "id": job_id})["job"]["progress"] == 0.25


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"action": "dance"}, "Give an action out of submit, status, list"),
        ({"action": "status"}, "Give the id of a job."),
        ({"action": "status", "id": "17"}, "There is no job '17'"),
        ({"action": "cancel", "id": "17"}, "There is no job '17'"),
        ({"action": "list", "limit": 0}, "Give limit as a whole number from 1 to 100."),
        ({"action": "list", "status": "DONE"}, "Give status out of SUBMITTED"),
        ({"action": "list", "before": "now"}, "Give before as seconds"),
        ({"action": "submit"}, "Give s3_uri as s3://bucket/key"),
        ({"action": "submit", "s3_uri": f"s3://{BUCKET}/uploads/no.wav"}, "is not there"),
        ({"action": "submit", "s3_uri": "s3://other/a.wav"}, "outside what this deployment may"),
        ({"action": "submit", "s3_uri": f"s3://{BUCKET}/raw/a"}, "outside what this deployment"),
        (
            {"action": "submit", "s3_uri": f"s3://{BUCKET}/uploads/../raw/a"},
            "outside what this deployment",
        ),
        ({"action": "batch"}, "Give either prefix or manifest"),
        ({"action": "batch", "prefix": "calls/"}, "Give prefix as s3://bucket/"),
        ({"action": "batch", "prefix": "s3://other/a/"}, "outside what this deployment may read"),
        ({"action": "batch", "manifest": f"s3://{BUCKET}/uploads/a.txt"}, "ends in .csv or .json"),
        (
            {"action": "batch", "prefix": f"s3://{BUCKET}/uploads/", "formats": ["docx"]},
            "'docx' is none of them",
        ),
        ({"action": "batch", "name": "a b", "prefix": "s3://b/c"}, "Give name as"),
    ],
)
def test_a_refusal_is_one_sentence(world, request_, sentence):
    answer = world.ask(request_)
    assert sentence in answer["error"]
    assert answer["code"] in ("InvalidJob", "UnknownJob", "SourceUnusable")


@pytest.mark.parametrize("place", ["s3://archive/calls/", f"s3://{BUCKET}/calls/"])
def test_what_the_flow_may_not_list_is_refused(world, place):
    """The flow may read it, and IAM lets no template say that of listing a list of buckets."""
    known = replace(world.jobs.settings, input_prefixes=(place,))
    jobs = replace(world.jobs, settings=known)
    refused = jobs.answer({"action": "batch", "prefix": f"{place}july/"})
    assert refused["error"].startswith(f"Give a manifest in place of the prefix {place}")
    assert "batch" in jobs.answer({"action": "batch", "manifest": f"{place}july.csv"})


def test_an_ended_job_cannot_be_cancelled(world):
    job_id = submit(world)["job"]["id"]
    world.quiesce()
    answer = world.ask({"action": "cancel", "id": job_id})
    assert answer["code"] == "JobEnded"
    assert "has ended as SUCCEEDED already" in answer["error"]


def test_jobs_are_listed_newest_first(world):
    first = submit(world)["job"]["id"]
    world.pass_time(100)
    second = submit(world)["job"]["id"]
    listed = world.ask({"action": "list"})["jobs"]
    assert [job["id"] for job in listed] == [second, first]
    done = world.ask({"action": "list", "status": "SUCCEEDED", "limit": 1})["jobs"]
    assert [job["id"] for job in done] == [first]


def test_whoever_deletes_the_deployment_cancels_what_runs(world):
    ids = [submit(world)["job"]["id"] for _ in range(3)]
    world.pass_time(5)
    assert world.jobs.cancel_all() == 3
    world.quiesce()
    assert {world.table.get(one).status for one in ids} == {"CANCELLED"}
    assert world.jobs.cancel_all() == 0
