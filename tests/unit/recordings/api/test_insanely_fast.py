# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""insanely-fast-whisper's API: its documented requests, and what it gets wrong."""

import json

import pytest

from recordings.api.messages import ApiResponse
from recordings.webhooks.notice import LARGEST_OUTPUT
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from tests.unit.recordings.http_api import AskedApi
from whisper_contract.formats._fields import dump

URI = f"s3://{BUCKET}/uploads/a.wav"
HOOK = {"url": "https://example.com/hook", "header": {"X-Token": "t"}}


@pytest.fixture
def api():
    world = RecordingsWorld()
    world.upload("uploads/a.wav", "good 1", copies=())
    return AskedApi(world)


def begin(api, **more):
    body = {"url": URI, "is_async": True, "webhook": HOOK, **more}
    status, document = api.ask("POST", "/ifw/", body)
    assert status == 200, document
    return document


def test_a_task_that_is_waited_for_has_its_output(api):
    api.world.endpoint.takes = 5.0
    status, document = api.ask("POST", "/ifw", {"url": URI, "task": "transcribe", "batch_size": 24})
    assert (status, document["status"]) == (200, "completed")
    assert "good 1" in document["output"]["text"]
    (chunk,) = document["output"]["chunks"]
    assert len(chunk["timestamp"]) == 2
    assert document["task_id"] in api.world.statuses


def test_one_that_takes_longer_goes_on_in_the_background(api):
    api.world.endpoint.takes = 60.0
    status, document = api.ask("POST", "/ifw", {"url": URI})
    assert (status, document["status"]) == (202, "processing")
    api.world.quiesce()
    status, document = api.ask("GET", f"/ifw/status/{document['task_id']}")
    assert (status, document["status"]) == (200, "completed")


def test_one_in_the_background_is_told_by_webhook_and_remembered(api):
    task = begin(api, managed_task_id="task/1")
    assert task == {
        "detail": "Task is being processed in the background",
        "status": "processing",
        "task_id": "task/1",
    }
    assert api.ask("GET", "/ifw/tasks") == (200, {"tasks": ["task/1"]})
    api.world.pass_time(5)
    assert api.ask("GET", "/ifw/status/task/1")[1]["status"] == "processing"
    api.world.quiesce()
    ((_, url, body, headers),) = api.world.told
    told = json.loads(body)
    assert (url, headers["X-Token"]) == (HOOK["url"], "t")
    assert set(told) == {"output", "status", "task_id"}
    assert (told["status"], told["task_id"]) == ("completed", "task/1")
    assert api.ask("GET", "/ifw/status/task/1") == (200, told)
    assert api.ask("GET", "/ifw/tasks") == (200, {"tasks": []})


@pytest.mark.parametrize(
    ("name", "in_path"), [("call 17", "call%2017"), ("ü/1", "%C3%BC%2F1"), ("a%20b", "a%20b")]
)
def test_a_task_is_found_by_its_id_as_a_path_has_it(api, name, in_path):
    begin(api, managed_task_id=name)
    for one in (name, in_path):
        assert api.ask("GET", f"/ifw/status/{one}")[0] == 200
    assert api.ask("DELETE", f"/ifw/cancel/{in_path}") == (200, {"status": "cancelled"})
    status, document = api.ask("DELETE", f"/ifw/cancel/{'%41' * 129}")
    assert (status, document) == (404, {"detail": "Task not found"})


def test_a_task_that_fails_says_so_everywhere(api):
    api.world.upload("uploads/a.wav", "hopeless 2", copies=())
    task_id = begin(api)["task_id"]
    api.world.quiesce()
    told = json.loads(api.world.told[0][2])
    assert set(told) == {"error", "status", "task_id"}
    assert told["status"] == "error"
    assert api.ask("GET", f"/ifw/status/{task_id}") == (200, told)


def test_cancel_stops_the_task_and_tells_the_webhook(api):
    task_id = begin(api)["task_id"]
    api.world.pass_time(5)
    assert api.ask("DELETE", f"/ifw/cancel/{task_id}") == (200, {"status": "cancelled"})
    api.world.quiesce()
    assert api.world.statuses[task_id][-1] == "CANCELLED"
    told = json.loads(api.world.told[0][2])
    assert told == {"error": "The task was cancelled.", "status": "error", "task_id": task_id}
    assert f"progress/{task_id}.json.stop" in api.world.store.buckets[BUCKET].keys


def test_a_task_that_has_ended_cannot_be_cancelled(api):
    task_id = begin(api, managed_task_id="17")["task_id"]
    api.world.quiesce()
    status, document = api.ask("DELETE", f"/ifw/cancel/{task_id}")
    assert status == 409
    assert document["detail"] == "The job 17 has already ended as SUCCEEDED."


def test_the_same_managed_id_is_the_same_task(api):
    assert begin(api, managed_task_id="7") == begin(api, managed_task_id="7")
    assert len(api.world.statuses) == 1


def test_the_same_managed_id_with_other_content_is_refused(api):
    begin(api, managed_task_id="7")
    for _ in range(2):
        body = {"url": URI, "is_async": True, "webhook": HOOK, "managed_task_id": "7"}
        status, document = api.ask("POST", "/ifw", {**body, "language": "de"})
        assert status == 409
        assert document["detail"].startswith("Give another managed_task_id: the job '7'")
        api.world.quiesce()
    assert len(api.world.statuses) == 1


def test_the_envelope_of_truss(api):
    body = {"model_input": {"url": URI}, "webhook_endpoint": "https://example.com/hook"}
    status, document = api.ask("POST", "/ifw", body)
    assert (status, document["status"]) == (200, "processing")
    api.world.quiesce()
    assert json.loads(api.world.told[0][2])["task_id"] == document["task_id"]
    api.world.endpoint.takes = 1.0
    status, document = api.ask("POST", "/ifw", {"model_input": {"url": URI}})
    assert document["status"] == "completed"


@pytest.mark.parametrize(
    ("given", "parameters"),
    [
        ({}, {"task": "transcribe"}),
        ({"task": "translate", "language": "None"}, {"task": "translate"}),
        ({"language": "en"}, {"task": "transcribe", "language": "en"}),
        ({"diarise_audio": True}, {"task": "transcribe", "diarize": True}),
        ({"language": "German"}, {"task": "transcribe", "language": "de"}),
        ({"timestamp": "word"}, {"task": "transcribe", "timestamp_granularities": ["word"]}),
    ],
)
def test_parameters(api, given, parameters):
    job = api.world.table.get(begin(api, **given)["task_id"])
    assert job.parameters == parameters


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"url": "ftp://a/b"}, 400, "Invalid URL"),
        ({"url": URI, "is_async": True}, 400, "Webhook is required for async tasks"),
        ({"url": "https://a/b.mp3"}, 400, "AllowUrlSources"),
        ({"url": "http://a/b.mp3"}, 400, "Give url as https://host/path"),
        ({}, 422, "Give url as a text."),
        ({"url": URI, "task": "sing"}, 422, "Give task as transcribe or translate."),
        ({"url": URI, "timestamp": "work"}, 422, "Give timestamp as chunk or word."),
        ({"url": URI, "batch_size": 0}, 422, "Give batch_size as a whole number from 1."),
        ({"url": URI, "language": "Klingon"}, 422, "Give language as a Whisper language code"),
        ({"url": URI, "is_async": "yes"}, 422, "Give is_async as true or false."),
        ({"url": URI, "webhook": "https://a"}, 422, "Give webhook as"),
        ({"url": URI, "webhook": {"url": "http://a/"}}, 400, "Give webhook.url as https://"),
        ({"url": URI, "managed_task_id": 7}, 422, "Give managed_task_id as 128 characters"),
        ({"url": URI, "speed": 2}, 422, "Leave out speed"),
        ({"model_input": 7}, 422, "Give model_input as an object."),
        ({"model_input": {"url": URI}, "priority": 1}, 422, "Leave out priority"),
    ],
)
def test_refusals(api, body, status, detail):
    answered, document = api.ask("POST", "/ifw", body)
    assert answered == status
    said = document["detail"] if status == 400 else document["detail"][0]["msg"]
    assert detail in said
    assert api.world.statuses == {}


@pytest.mark.parametrize(
    ("method", "path", "status", "document"),
    [
        ("GET", "/ifw/status/none", 404, {"detail": "Task not found"}),
        ("DELETE", "/ifw/cancel/none", 404, {"detail": "Task not found"}),
        ("GET", f"/ifw/status/{'a' * 400}", 404, {"detail": "Task not found"}),
        ("GET", "/ifw/other", 404, {"detail": "Not Found"}),
        ("GET", "/ifw", 405, {"detail": "Method Not Allowed"}),
        ("POST", "/ifw/tasks", 405, {"detail": "Method Not Allowed"}),
    ],
)
def test_what_is_not_there(api, method, path, status, document):
    assert api.ask(method, path) == (status, document)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/ifw", "POST"),
        ("PUT", "/ifw/tasks", "GET"),
        ("POST", "/ifw/status/a", "GET"),
        ("GET", "/ifw/cancel/a", "DELETE"),
    ],
)
def test_a_method_that_is_refused_is_told_the_one_that_is_allowed(api, method, path, allowed):
    assert api.raw(method, path, "")["headers"]["allow"] == allowed


@pytest.mark.parametrize("word", [" я", ' "', " a"])
def test_the_largest_output_fits_into_what_a_function_may_return(word):
    def content(words):
        chunks = [{"timestamp": [100.1, 100.3], "text": word, "channel": 0}] * words
        return dump({"text": word * words, "chunks": chunks})

    most = LARGEST_OUTPUT // len(content(1_000)) * 1_000
    answer = ApiResponse(200, {"output": json.loads(content(most)), "status": "completed"})
    returned = json.dumps(answer.to_event(), ensure_ascii=False).encode()
    assert len(returned) < 6 * 1024 * 1024
