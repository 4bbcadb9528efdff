# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The flow, one story at a time; the random ones are in tests/chaos/recordings."""

import json

import pytest
from jsonschema import Draft202012Validator

from recordings.flow.collect import Refusal, _refusal
from recordings.flow.inference_notification import InferenceNotification, notify
from recordings.flow.submit import inference_id, request_body
from recordings.job import JobStatus, RecordingJob
from tests.chaos.recordings.endpoint import content_of
from tests.chaos.recordings.world import BUCKET, RecordingsWorld
from whisper_contract import request_schema

KEY = "incoming/calls/a.wav"
FAILURE = "ClientError: Received server error (500) from model. See the log."


@pytest.fixture
def world():
    return RecordingsWorld()


def only_job(world):
    (job_id,) = world.statuses
    return world.table.get(job_id)


def test_an_upload_becomes_its_transcripts(world):
    world.upload(KEY, "good 1")
    world.quiesce()
    job = only_job(world)
    assert world.statuses[job.id] == ["SUBMITTED", "TRANSCRIBING", "SUCCEEDED"]
    assert job.outputs == {
        "json": f"s3://{BUCKET}/transcripts/calls/a.wav/{job.id}.json",
        "srt": f"s3://{BUCKET}/transcripts/calls/a.wav/{job.id}.srt",
    }
    assert "good 1" in (content_of(world.store, job.outputs["srt"]) or "")
    assert (job.seconds, job.progress, job.token) == (2.0, 1.0, "")
    (event,) = world.events
    assert (event["TranscriptionJobName"], event["TranscriptionJobStatus"]) == (job.id, "COMPLETED")
    assert world.failures == []


def test_what_the_endpoint_cannot_decode_goes_through_media_convert(world):
    world.upload(KEY, "odd 1")
    world.quiesce()
    job = only_job(world)
    assert world.statuses[job.id] == [
        "SUBMITTED",
        "TRANSCRIBING",
        "CONVERTING",
        "TRANSCRIBING",
        "SUCCEEDED",
    ]
    assert job.attempt == 2


def test_what_nobody_can_decode_ends_in_a_sentence_in_table_and_topic(world):
    world.upload(KEY, "hopeless 1")
    world.quiesce()
    job = only_job(world)
    assert job.error == (
        "Neither the endpoint nor MediaConvert could decode the recording: "
        "No audio was found in it."
    )
    (failure,) = world.failures
    assert (failure["FailureReason"], failure["source"]) == (job.error, f"s3://{BUCKET}/{KEY}")


def test_where_media_convert_may_not_be_asked_the_sentence_says_so(world):
    world.is_conversion_denied = True
    world.upload(KEY, "odd 1")
    world.quiesce()
    job = only_job(world)
    assert (job.status, job.code) == ("FAILED", "NotTranscribed")
    assert job.error == (
        "The endpoint cannot decode the recording (No audio was found in it.), and MediaConvert "
        "could not be used to convert it (MediaConvert.ForbiddenException: It is not authorized.): "
        "check that it is available in this Region and permitted, or submit the recording in "
        "another format."
    )


def test_a_passing_failure_is_tried_again_and_a_lasting_one_told(world):
    world.endpoint.outcomes = [FAILURE]
    world.upload(KEY, "good 1")
    world.quiesce()
    assert (only_job(world).status, only_job(world).attempt) == ("SUCCEEDED", 2)
    lasting = RecordingsWorld()
    lasting.endpoint.outcomes = [FAILURE] * 5
    lasting.upload(KEY, "good 1")
    lasting.quiesce()
    assert (only_job(lasting).attempt, only_job(lasting).error) == (3, FAILURE)


def test_a_lost_notification_heals_itself(world):
    world.endpoint.fates = [()]
    world.upload(KEY, "good 1")
    world.quiesce()
    job = only_job(world)
    assert (job.status, job.attempt) == ("SUCCEEDED", 1)
    assert job.ended_at - job.submitted_at == pytest.approx(25_800, abs=60)


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        (["x" * 196] * 599, "SUCCEEDED"),  # with quotes and commas 200 bytes each
        (["x" * 196] * 600, "FAILED"),
        (["\u0436" * 200] * 100, "FAILED"),  # in JSON six bytes each
    ],
)
def test_no_request_is_longer_than_sagemaker_takes(world, terms, status):
    key = "uploads/" + "\u0436" * 500
    world.upload(key, "good 1", copies=())
    parameters = {"terms": terms, "language": "en"}
    world.row("monday", {"s3_uri": f"s3://{BUCKET}/{key}", "parameters": parameters})
    world.quiesce()
    job = only_job(world)
    assert job.status == status, job.error
    assert job.error.startswith("Shorten parameters, such as terms" if status == "FAILED" else "")


@pytest.mark.parametrize("asked", ["", '"' * 100_000])  # too long for an event
def test_an_execution_that_is_stopped_by_hand_is_a_cancelled_job(world, asked):
    world.upload(KEY, "good 1", copies=())
    given = {"s3_uri": f"s3://{BUCKET}/{KEY}", "asked": {"tags": asked}}
    world.ask({"action": "submit", **given})
    world.pass_time(5)
    world.executions[only_job(world).execution].stop()
    world.quiesce()
    assert only_job(world).status == "CANCELLED"
    assert len(world.events) == 1


def test_a_flow_that_fails_itself_is_a_failed_job(world):
    world.upload(KEY, "good 1")
    world.throttles = 14  # more than the first state is tried
    world.quiesce()
    job = only_job(world)
    assert job.error.startswith("The workflow failed (")
    assert job.error.endswith("submit the recording again.")
    assert world.failures[0]["code"] == "FlowFailed"


def test_a_cancelled_job_stops_the_endpoint(world):
    world.upload(KEY, "good 1")
    world.pass_time(5)
    job = only_job(world)
    assert world.ask({"action": "cancel", "id": job.id})["job"]["status"] == "CANCELLED"
    assert content_of(world.store, f"s3://{BUCKET}/progress/{job.id}.json.stop") is not None
    world.quiesce()
    assert world.written == {}
    again = world.ask({"action": "cancel", "id": job.id})
    assert again["job"]["status"] == "CANCELLED"
    assert len(world.events) == 1


def test_the_request_is_the_contracts():
    job = RecordingJob(
        id="a" * 32,
        bucket=BUCKET,
        key=KEY,
        parameters={
            "language": "en",
            "timestamp_granularities": ["word"],
            "include_segments": False,
            "max_line_width": 42,
            "max_line_count": 2,
        },
        formats=("verbose_json", "srt"),
    )
    body = request_body(job, job.source_uri, BUCKET)
    Draft202012Validator(request_schema()).validate(body)
    # What is only for rendering stays here: the endpoint refuses widths of lines without captions.
    assert set(body["parameters"]) == {
        *("language", "response_format", "word_timestamps", "include_segments")
    }
    assert body["parameters"]["include_segments"] is True
    assert body["s3_uri"] == f"s3://{BUCKET}/{KEY}"
    assert body["parameters"]["word_timestamps"] is True
    assert len(json.dumps(body)) < 128_000
    assert len(inference_id(job.id, 1)) <= 64


def test_every_record_of_a_notification_is_passed_on(world):
    keys = ["incoming/a.wav", "incoming/b.wav", "incoming/c.wav"]
    world.endpoint.fates = [()] * 3
    for number, key in enumerate(keys):
        world.upload(key, f"good {number}")
    world.pass_time(30)
    jobs = [world.table.get(job_id) for job_id in world.statuses]
    messages = [
        json.dumps(
            {
                "inferenceId": inference_id(job.id, 1),
                "invocationStatus": "Completed",
                "responseParameters": {"outputLocation": job.output_uri},
            }
        )
        for job in jobs
    ]
    others = ["no JSON", "[]", json.dumps({"inferenceId": "smoke-test-17"}), "{}"]
    event = {"Records": [{"Sns": {"Message": one}} for one in [*others, *messages]]}
    notify(event, states=world.clients["stepfunctions"], table=world.table)
    world.pass_time(5)
    assert [world.table.get(job.id).status for job in jobs] == ["SUCCEEDED"] * 3


def test_one_that_fails_keeps_no_other_from_being_passed_on(world):
    world.endpoint.fates = [(), ()]
    for number, key in enumerate(["incoming/a.wav", "incoming/b.wav"]):
        world.upload(key, f"good {number}")
    world.pass_time(30)
    jobs = [world.table.get(job_id) for job_id in world.statuses]
    said = {"invocationStatus": "Completed", "responseParameters": {"outputLocation": ""}}
    event = {
        "Records": [
            {
                "Sns": {
                    "Message": json.dumps(
                        {
                            "inferenceId": inference_id(job.id, 1),
                            **said,
                            "responseParameters": {"outputLocation": job.output_uri},
                        }
                    )
                }
            }
            for job in jobs
        ]
    }
    world.throttles = 1
    world.invoke(
        "NotifyFunction",
        lambda: notify(event, states=world.clients["stepfunctions"], table=world.table),
    )
    world.pass_time(5)
    assert [world.table.get(job.id).status for job in jobs] == ["TRANSCRIBING", "SUCCEEDED"]
    world.pass_time(90)
    assert [world.table.get(job.id).status for job in jobs] == ["SUCCEEDED"] * 2


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("", Refusal(0, "", "")),
        (FAILURE, Refusal(500, "", FAILURE)),
        (
            r'client error (422) with message "{\"error\": \"No audio.\", \"code\": \"AN\"}".',
            Refusal(422, "AN", "No audio."),
        ),
        (
            'Received client error (413) from model with message {"error":"Too long.","code":"T"}',
            Refusal(413, "T", "Too long."),
        ),
    ],
)
def test_a_refusal_is_read_out_of_sagemakers_sentence(world, reason, expected):
    job = RecordingJob(id="a" * 32, bucket=BUCKET, key=KEY)
    assert _refusal(job, {"reason": reason}, world.services.s3) == expected


def test_a_notification_of_something_else_is_none():
    for text in ("", "null", "17", '{"inferenceId": 7}', '{"inferenceId": "a.1"}'):
        assert InferenceNotification.from_message(text) is None


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"s3_uri": "a.wav"},
        {"s3_uri": f"s3://{BUCKET}/x", "formats": "?"},
        {"s3_uri": f"s3://{BUCKET}/x", "formats": 5},
        {"s3_uri": f"s3://{BUCKET}/x", "formats": [["srt"]]},
        {"s3_uri": f"s3://{BUCKET}/x", "asked": "x"},
        f"s3://{BUCKET}/x",
        None,
        [],
    ],
)
def test_a_row_that_names_no_recording_is_a_failed_job_of_its_batch(world, row):
    world._start("", {"batch": "monday", "row": row})
    world.quiesce()
    job = only_job(world)
    named = row.get("s3_uri", "") if isinstance(row, dict) else str(row or "")
    assert (job.status, job.batch, job.source_uri) == ("FAILED", "monday", named)
    assert job.error.startswith("Give ")
    assert world.table.count_of_batch("monday") == {"FAILED": 1}


def rows_of(names):
    """Return what each kind of batch gives the flow of a recording, for recordings of names."""
    for name in names:
        key, uri = f"uploads/{name}", f"s3://{BUCKET}/uploads/{name}"
        yield "Prefix", {"listed": {"bucket": BUCKET, "object": {"Key": key, "Etag": "e"}}}
        yield "RowsOfCsv", {"row": {"s3_uri": uri, "formats": "txt"}}
        yield "RowsOfJson", {"row": {"s3_uri": uri}}


def test_a_row_whose_flow_cannot_be_started_is_a_failed_job_of_its_batch(world):
    world.is_start_denied = True
    begun = [
        world.batch(kind, batch="monday", **given) for kind, given in rows_of(["a.wav", "b.wav"])
    ]
    world.quiesce()
    assert world.table.count_of_batch("monday") == {"FAILED": 6}
    assert {one.status for one in begun} == {"SUCCEEDED"}  # the others are still to come
    job = world.table.newest([JobStatus.FAILED], 1)[0]
    assert job.error == (
        "The workflow failed (it was not started: StepFunctions.AccessDeniedException: "
        "It is not authorized.): submit the recording again."
    )
    assert len(world.failures) == len(world.events) == 6


def test_a_row_that_was_not_started_is_done_when_its_batch_is_run_again(world):
    world.upload("uploads/a.wav", "good a", copies=())
    given = {"batch": "monday", "row": {"s3_uri": f"s3://{BUCKET}/uploads/a.wav"}}
    for world.is_start_denied in (True, False):
        world.batch("RowsOfJson", **given)
        world.quiesce()
    assert world.table.count_of_batch("monday") == {"FAILED": 1, "SUCCEEDED": 1}


def test_a_row_is_recorded_once_though_its_function_is_ended_half_way(world):
    world.is_start_denied = True
    for call in range(6):
        world.ended_at_call = call
        world.batch("RowsOfJson", batch=f"b{call}", row={"s3_uri": f"s3://{BUCKET}/uploads/a"})
        world.quiesce()
        assert world.table.count_of_batch(f"b{call}") == {"FAILED": 1}
    assert world.hits["function ended"] == 6


def test_a_row_whose_flow_has_ended_keeps_the_end_that_it_has(world):
    world.upload("uploads/a.wav", "good a", copies=())
    uri = f"s3://{BUCKET}/uploads/a.wav"
    row = world.batch("RowsOfJson", batch="monday", row={"s3_uri": uri})
    world.pass_time(5)
    (job_id,) = world.statuses
    world.executions[world.table.get(job_id).execution].stop()
    world.quiesce()
    assert world.statuses[job_id][-1] == "CANCELLED"
    assert world.table.count_of_batch("monday") == {"CANCELLED": 1}
    assert (row.status, len(world.events)) == ("SUCCEEDED", 1)


def test_what_is_left_alone_is_no_job_where_its_flow_cannot_be_started(world):
    world.is_start_denied = True
    for key in ("uploads/july/", "uploads/july/.DS_Store"):
        listed = {"bucket": BUCKET, "object": {"Key": key, "Etag": "e"}}
        world.batch("Prefix", batch="monday", listed=listed)
    world.quiesce()
    assert world.statuses == {}


def test_folders_and_hidden_files_are_no_recordings(world):
    world.upload("incoming/calls/", "")
    world.upload("incoming/full/", "good 1")
    world.upload("incoming/.DS_Store", "good 2")
    world.quiesce()
    assert world.statuses == {}


def test_a_batch_that_is_run_again_leaves_what_has_succeeded(world):
    world.upload("uploads/a.wav", "good a", copies=())
    world.upload("uploads/b.wav", "hopeless b", copies=())
    rows = [{"s3_uri": f"s3://{BUCKET}/uploads/{name}.wav"} for name in "ab"]
    for _ in range(2):
        for row in rows:
            world._start("", {"batch": "monday", "row": row})
        world.quiesce()
    assert world.table.count_of_batch("monday") == {"SUCCEEDED": 1, "FAILED": 2}
