# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What people ask of jobs, and what they are told."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from recordings.requests import digest
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
    return world.ask({"action": "submit", "s3_uri": URI} | more)


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
    ("code", "sentence"), [("400", "SSE-C"), ("405", "does not exist, or no longer exists")]
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
        ({"action": "list", "before": math.nan}, "Give before as seconds"),
        ({"action": "list", "before": 10**400}, "Give before as seconds"),
        ({"action": "list", "next": 17}, "Give the token of the next page unchanged"),
        ({"action": "submit"}, "Give s3_uri as s3://bucket/key"),
        (
            {"action": "submit", "s3_uri": f"s3://{BUCKET}/uploads/no.wav"},
            "does not exist, or no longer",
        ),
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
            {"action": "batch", "prefix": f"s3://{BUCKET}/incoming/.old/"},
            "hidden and system files in a prefix are left alone",
        ),
        (
            {"action": "batch", "prefix": f"s3://{BUCKET}/uploads/", "formats": ["docx"]},
            "'docx' is not one of them",
        ),
        ({"action": "batch", "name": "a b", "prefix": "s3://b/c"}, "Give name as"),
        *(
            (one | {"parameters": {"num_speakers": 2}}, "num_speakers is 2, but diarize is not set")
            for one in (
                {"action": "submit", "s3_uri": URI},
                {"action": "batch", "prefix": f"s3://{BUCKET}/uploads/"},
            )
        ),
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
    assert refused["error"].startswith(f"Give a manifest instead of the prefix {place}")
    missing = jobs.answer({"action": "batch", "manifest": f"{place}july.csv"})
    assert (
        missing["error"] == f"{place}july.csv does not exist, or no longer exists: upload it again."
    )


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", "s3_uri,language\n", ""),
        ("a.csv", '\ufeff"s3_uri";x, url\r\n', ""),
        ("a.csv", "", "its first line is ''."),
        ("a.csv", f"s3://{BUCKET}/a.wav\n", "with a line of names of columns, separated by commas"),
        ("a.csv", "s3_uri;language\n", "with s3_uri among them; its first line is 's3_uri;lang"),
        ("a.json", ' \n[{"s3_uri": ""}]', ""),
        ("a.json", '{"s3_uri": ""}', 'as a JSON list: [{"s3_uri": "s3://…"}, …].'),
        ("a.json", "", "as a JSON list"),
    ],
)
def test_a_manifest_that_names_no_recordings_is_refused(world, name, content, sentence):
    world.upload(f"uploads/{name}", content, copies=())
    answer = world.ask({"action": "batch", "manifest": f"s3://{BUCKET}/uploads/{name}"})
    assert sentence in answer.get("error", "")
    assert ("batch" in answer) == (not sentence)


def test_a_batch_is_told_of_as_its_latest_run(world):
    prefix = {"prefix": f"s3://{BUCKET}/uploads/"}
    about = {"action": "batch-status", "name": "monday", "must_exist": True}
    assert world.ask(about)["code"] == "UnknownJob"
    world.is_manifest_broken = True
    world.ask({"action": "batch", "name": "monday-2", **prefix})
    world.quiesce()
    assert world.ask(about)["code"] == "UnknownJob"
    world.ask({"action": "batch", "name": "monday", **prefix})
    assert world.ask(about) == {"batch": "monday", "running": True, "counts": {}}
    world.quiesce()
    told = world.ask(about)
    assert told.pop("failure").startswith("The batch monday itself ended early, as FAILED: ")
    assert told == {"batch": "monday", "running": False, "counts": {}}
    world.is_manifest_broken = False
    world.ask({"action": "batch", "name": "monday", **prefix})
    world.quiesce()
    assert world.ask(about) == {"batch": "monday", "running": False, "counts": {}}


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidObjectState"])
def test_a_manifest_that_is_there_but_cannot_be_read_is_refused(world, code):
    world.upload("uploads/a.csv", "s3_uri\n", copies=())
    ordinary = world.store.call

    def call(operation, request):
        if operation == "get_object":
            raise refusal(code, operation, 403)
        return ordinary(operation, request)

    world.store.call = call
    answer = world.ask({"action": "batch", "manifest": f"s3://{BUCKET}/uploads/a.csv"})
    assert answer["code"] == "SourceUnusable"
    assert f"cannot be read ({code})" in answer["error"]


def test_an_ended_job_cannot_be_cancelled(world):
    job_id = submit(world)["job"]["id"]
    world.quiesce()
    answer = world.ask({"action": "cancel", "id": job_id})
    assert answer["code"] == "JobEnded"
    assert "has already ended as SUCCEEDED" in answer["error"]


def test_a_batch_with_more_parameters_than_an_execution_takes_is_refused(world):
    given = {"prefix": f"s3://{BUCKET}/uploads/", "parameters": {"terms": ['"' * 200] * 1_000}}
    assert world.ask({"action": "batch", **given})["error"].startswith("Shorten parameters")


def test_jobs_are_listed_newest_first(world):
    first = submit(world)["job"]["id"]
    world.pass_time(100)
    second = submit(world)["job"]["id"]
    listed = world.ask({"action": "list"})["jobs"]
    assert [job["id"] for job in listed] == [second, first]
    done = world.ask({"action": "list", "status": "SUCCEEDED", "limit": 1})["jobs"]
    assert [job["id"] for job in done] == [first]


def test_a_list_too_long_for_one_answer_continues_where_it_ended(world):
    terms = ['"' * 200] * 280
    ids = [submit(world, parameters={"terms": terms})["job"]["id"] for _ in range(30)]
    asked: dict[str, Any] = {"action": "list", "limit": 100}
    first = world.ask(asked)
    assert 0 < len(first["jobs"]) < 30
    second = world.ask({**asked, "next": first["next"]})
    assert {job["id"] for job in first["jobs"] + second["jobs"]} == set(ids)
    assert "next" not in second


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ([], "Send the request as a JSON object."),
        (None, "Send the request as a JSON object."),
        ({"action": ["list"]}, "Give an action out of submit"),
        ({"action": {}}, "Give an action out of submit"),
        ({"action": "status", "id": "\ud800"}, "Send the request's text as Unicode."),
        ({"action": "submit", "s3_uri": URI, "name": "\ud800"}, "Send the request's text as Uni"),
    ],
)
def test_any_json_value_gets_an_answer(world, request_, sentence):
    answer = world.jobs.answer(request_)
    assert answer["error"].startswith(sentence)
    assert answer["code"] == "InvalidJob"


CHOSEN = {"output_key": "transcripts/out.json", "formats": ["transcribe", "srt"]}
CHOSEN_URI = f"s3://{BUCKET}/transcripts/out.json"


def test_two_running_jobs_do_not_write_one_file(world):
    first = submit(world, **CHOSEN)["job"]
    answer = submit(world, **CHOSEN, client_token="second")
    assert answer == {
        "code": "OutputTaken",
        "error": f"Give another output key, or wait until the job '{first['id']}' has ended: it "
        f"also writes {CHOSEN_URI}.",
    }
    assert list(world.statuses) == [first["id"]]
    other_form = {"output_key": "transcripts/out", "formats": ["srt"]}
    assert submit(world, **other_form)["code"] == "OutputTaken"
    assert "job" in submit(world, output_key="transcripts/out", formats=["vtt"])


def default_place(job_id):
    return {"output_key": f"transcripts/17/a.wav/{job_id}.json", "formats": ["srt"]}


def test_nobody_writes_over_files_whose_names_nobody_has_chosen(world):
    job_id = submit(world)["job"]["id"]
    place = default_place(job_id)
    assert submit(world, **place)["error"].startswith("Give another output key: s3://")
    world.quiesce()
    written = world.table.get(job_id).outputs["srt"]
    world.upload(KEY, "good 2", copies=())
    sentence = f"Give another output key: {written} is already a file of the job {job_id!r}."
    assert submit(world, **place) == {"code": "OutputTaken", "error": sentence}
    world._start("", {"batch": "monday", "row": {"s3_uri": URI, **place}})
    world.quiesce()
    assert [one["FailureReason"] for one in world.failures] == [sentence]
    assert "good 1" in (content_of(world.store, written) or "")


def test_a_job_whose_files_another_has_named_before_waits_for_it(world):
    """Its id can be known before: the same client token always makes the same one."""
    job_id = digest(["client_token", "17"])
    submit(world, **default_place(job_id))
    assert submit(world, client_token="17")["code"] == "OutputTaken"
    world.quiesce()
    assert submit(world, client_token="17")["job"]["id"] == job_id


def test_what_is_forgotten_can_be_asked_for_again(world):
    """Records may be kept for fewer days than the names of executions are reserved."""
    given = {"client_token": "17", "webhook": {"url": "https://example.com/hook"}}
    first = submit(world, **given)["job"]["id"]
    world.quiesce()
    world.dynamo.items.clear()
    world.pass_time(86_400)
    again = submit(world, **given)["job"]
    assert (again["id"], again["status"]) == (first, "SUBMITTED")
    world.quiesce()
    assert submit(world, **given)["job"]["status"] == "SUCCEEDED"
    assert len(world.told) == 2


def test_whoever_asks_while_the_same_is_being_started_waits_for_it(world, monkeypatch):
    add, answers = world.table.add, list[Any]()

    def late(job):
        if not answers:  # started, and not yet recorded
            answers.append(None)
            answers.append(submit(world, client_token="17"))
        return add(job)

    monkeypatch.setattr(world.table, "add", late)
    job = submit(world, client_token="17")["job"]
    assert answers[1]["job"]["id"] == job["id"]
    world.quiesce()
    assert len(world.executions) == 1


def test_whoever_asks_for_a_folder_is_told_and_no_job_waits_for_ever(world):
    folder = f"s3://{BUCKET}/uploads/17/"
    world.upload("uploads/17/", "good 2", copies=())
    assert submit(world, s3_uri=folder)["error"].endswith("uploads/17/ is a folder.")
    assert world.statuses == {}
    world._start("", {"batch": "monday", "row": {"s3_uri": folder}})
    world.quiesce()
    assert world.table.count_of_batch("monday") == {"FAILED": 1}


@pytest.mark.parametrize("ends", ["by itself", "cancelled", "stopped", "with the deployment"])
def test_a_later_job_writes_over_what_an_ended_one_has_written(world, ends):
    first = submit(world, **CHOSEN)["job"]
    world.pass_time(5)
    if ends == "cancelled":
        world.ask({"action": "cancel", "id": first["id"]})
    elif ends == "stopped":
        world.executions[world.table.get(first["id"]).execution].stop()
    elif ends == "with the deployment":
        world.jobs.cancel_all()
    else:
        world.quiesce()
    world.upload(KEY, "good 2", copies=())
    second = submit(world, **CHOSEN)["job"]
    world.quiesce()
    assert world.table.get(second["id"]).outputs["transcribe"] == CHOSEN_URI
    assert "good 2" in (content_of(world.store, CHOSEN_URI) or "")


def test_a_job_that_is_asked_for_again_is_told_of_whoever_writes_there_now(world):
    given = {**CHOSEN, "client_token": "17"}
    first = submit(world, **given)["job"]
    world.quiesce()
    submit(world, **CHOSEN)
    assert submit(world, **given)["job"] == {**first, **world.table.get(first["id"]).summary()}


def test_a_row_whose_file_another_job_writes_is_a_failed_job(world):
    submit(world, **CHOSEN)
    world._start("", {"batch": "monday", "row": {"s3_uri": URI, **CHOSEN}})
    world.quiesce()
    assert world.table.count_of_batch("monday") == {"FAILED": 1}
    (failure,) = world.failures
    assert failure["code"] == "OutputTaken"
    assert failure["FailureReason"].startswith("Give another output key, or wait until the job")
    assert len(world.written["transcripts/out.srt"]) == 1


def test_a_row_that_is_refused_stays_so_though_its_function_is_ended_half_way(world):
    for call in range(1, 8):
        first = submit(world, **CHOSEN)["job"]
        world.ended_at_call = call
        world._start(f"row-{call}", {"batch": f"b{call}", "row": {"s3_uri": URI, **CHOSEN}})
        world.quiesce()
        assert world.table.count_of_batch(f"b{call}") == {"FAILED": 1}
        assert world.table.get(first["id"]).status == "SUCCEEDED"
    assert world.hits["function ended"] == 7


def test_a_job_that_ends_while_it_writes_does_not_mix_its_files_with_the_next_ones(
    world, monkeypatch
):
    first = submit(world, **CHOSEN)["job"]
    world.pass_time(5)
    put = world.store.call

    def paused(operation, request):
        if operation == "put_object" and request["Key"] == "transcripts/out.srt":
            monkeypatch.setattr(world.store, "call", put)
            world.ask({"action": "cancel", "id": first["id"]})
            world.upload(KEY, "good 2", copies=())
            assert "job" in submit(world, **CHOSEN)
            world.pass_time(100)
        return put(operation, request)

    monkeypatch.setattr(world.store, "call", paused)
    world.quiesce()
    assert [world.statuses[one][-1] for one in world.statuses] == ["CANCELLED", "SUCCEEDED"]
    for uri in (CHOSEN_URI, f"s3://{BUCKET}/transcripts/out.srt"):
        assert "good 2" in (content_of(world.store, uri) or "")


def test_a_job_that_ended_before_it_wrote_writes_nothing(world, monkeypatch):
    first = submit(world, **CHOSEN)["job"]
    world.pass_time(5)
    call = world.store.call

    def paused(operation, request):
        if operation == "head_object" and request["Key"] == "transcripts/out.srt":
            monkeypatch.setattr(world.store, "call", call)
            world.ask({"action": "cancel", "id": first["id"]})
        return call(operation, request)

    monkeypatch.setattr(world.store, "call", paused)
    world.quiesce()
    assert world.statuses[first["id"]][-1] == "CANCELLED"
    assert world.written == {}


def test_two_forms_of_one_job_are_two_files(world):
    given = {"output_key": "transcripts/out.json", "formats": ["json", "transcribe"]}
    answer = submit(world, **given)
    assert answer["code"] == "InvalidJob"
    assert answer["error"].startswith("Give an output key that does not end in .json")
    world._start("", {"row": {"s3_uri": URI, **given}})
    world.quiesce()
    assert [one["code"] for one in world.failures] == ["InvalidJob"]
    job = submit(world, **{**given, "output_key": "transcripts/out"})["job"]
    world.quiesce()
    assert len(set(world.table.get(job["id"]).outputs.values())) == 2
