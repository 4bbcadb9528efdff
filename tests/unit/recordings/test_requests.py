# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What asks for a job, and when two ask for the same one."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from recordings.errors import InvalidJob
from recordings.flow.accept import described
from recordings.requests import JobRequest, is_left_alone, merged_parameters
from tests.chaos.recordings.world import SETTINGS

UPLOAD: dict[str, Any] = {
    "detail-type": "Object Created",
    "detail": {
        "bucket": {"name": "recordings"},
        "object": {"key": "incoming/a b.wav", "etag": "1234", "sequencer": "0055AED6DCD90281E5"},
    },
}


def changed(**fields):
    event = copy.deepcopy(UPLOAD)
    event["detail"]["object"].update(fields)
    return JobRequest.from_input(event)


def test_an_upload_is_one_job_however_often_it_is_told_of():
    first = JobRequest.from_input(UPLOAD)
    assert (first.bucket, first.key) == ("recordings", "incoming/a b.wav")
    assert first.job_id() == changed().job_id()


@pytest.mark.parametrize(
    "fields",
    [{"sequencer": "0055AED6DCD90281E6"}, {"etag": "5678"}, {"version-id": "v2"}, {"key": "c"}],
)
def test_another_upload_is_another_job(fields):
    assert changed(**fields).job_id() != changed().job_id()


def test_a_listed_object_has_the_spelling_of_the_map_or_of_s3():
    for name in ("Etag", "ETag"):
        listed = {"bucket": "recordings", "object": {"Key": "a.wav", name: '"12"', "Size": 3}}
        request = JobRequest.from_input({"listed": listed, "batch": "monday", "formats": ["srt"]})
        assert (request.bucket, request.key, request.etag) == ("recordings", "a.wav", "12")
        assert (request.batch, request.formats) == ("monday", ("srt",))


def test_a_row_wins_over_what_is_said_for_all():
    row = {"s3_uri": "s3://recordings/a.wav", "language": "es", "formats": "srt vtt", "etag": ""}
    given = {"batch": "monday", "parameters": {"language": "en", "beam_size": 2}, "row": row}
    request = JobRequest.from_input({**given, "formats": ["json"]})
    assert request.parameters == {"language": "es", "beam_size": 2}
    assert request.formats == ("srt", "vtt")


def test_a_spreadsheets_column_names_are_known():
    row = {"\ufeffs3_uri": "s3://recordings/a.wav", " language": "es"}
    request = JobRequest.from_input({"batch": "monday", "row": row})
    assert (request.key, request.parameters["language"]) == ("a.wav", "es")


def test_a_row_cannot_leave_its_batch():
    row = {"s3_uri": "s3://recordings/a.wav", "batch": "other"}
    assert JobRequest.from_input({"batch": "monday", "row": row}).batch == "monday"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Give s3_uri as s3://bucket/key"),
        ({"s3_uri": "https://example.com/a.wav"}, "Give s3_uri as s3://bucket/key"),
        ({"s3_uri": 7}, "Give s3_uri as s3://bucket/key"),
        ({"formats": ["docx"]}, "'docx' is not one of them"),
        ({"formats": "srt;docx"}, "'docx' is not one of them"),
        ({"parameters": "{"}, "Give parameters as JSON"),
        ({"parameters": [1]}, "Give parameters as an object"),
        ({"parameters": {"beam_size": 99}}, "beam_size: it is 99; use a whole number from 1 to 10"),
        ({"parameters": {"beam_size": None}}, "beam_size: it is null; use a whole number"),
        ({"parameters": {"task": "sing"}}, 'task: it is "sing"; use transcribe or translate.'),
        ({"parameters": {"temperature": [0, 3]}}, "temperature: it is a list of 2; use a number"),
        (
            {"parameters": {"language": ["en", "es"]}},
            "language: it is a list of 2; use a language code",
        ),
        (
            {"parameters": {"beamsize": 5}},
            'no field "parameters.beamsize": did you mean beam_size?',
        ),
        (
            {"parameters": {"terms": ["", "b"]}},
            'terms.0: it is ""; use text of 1 to 200 characters.',
        ),
        ({"parameters": {"languages": ["xx!"]}}, 'languages.0: it is "xx!"; use a language code'),
        ({"parameters": {"response_format": "srt"}}, "Leave out parameters.response_format"),
        (
            {"parameters": {"known_speaker_names": ["a"]}},
            "Leave out parameters.known_speaker_names",
        ),
        ({"id": "../17"}, "Give id as 32 hexadecimal digits"),
        ({"batch": ["a"]}, "Give batch as a text"),
    ],
)
def test_a_refusal_says_what_to_give(given, sentence):
    whole = {"s3_uri": "s3://recordings/a.wav", **given} if given else {}
    with pytest.raises(InvalidJob) as refused:
        JobRequest.from_document(whole)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("defaults", "parameters", "sentence"),
    [
        ({}, {"num_speakers": 2}, "parameters.num_speakers is 2, but diarize is not set"),
        (
            {"diarize": True, "max_speakers": 2},
            {"min_speakers": 4},
            "min_speakers 4, max_speakers 2: use min_speakers",
        ),
        ({}, {"clip_timestamps": [0, 3, 2]}, "not in ascending order"),
        (
            {},
            {"vad_parameters": {"max_speech_duration_s": 1, "speech_pad_ms": 500}},
            "max_speech_duration_s is 1: use more than 1.1, as speech_pad_ms is 500",
        ),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(defaults, parameters, sentence):
    with pytest.raises(InvalidJob) as refused:
        merged_parameters(defaults, parameters)
    assert sentence in str(refused.value)
    settings = replace(SETTINGS, parameters=defaults)
    given = {"s3_uri": "s3://recordings/a.wav", "parameters": parameters}
    _, error = described(given, "arn:execution", settings)
    assert str(error) == str(refused.value)


def test_a_default_may_be_what_a_parameter_needs():
    settings = replace(SETTINGS, parameters={"diarize": True})
    given = {"s3_uri": "s3://recordings/a.wav", "parameters": {"num_speakers": 2}}
    job, error = described(given, "arn:execution", settings)
    assert error is None
    assert job.parameters == {"diarize": True, "num_speakers": 2}


BAD: dict[str, Any] = {
    "no object": "s3://recordings/a.wav",
    "null": None,
    "formats of objects": {"formats": [{}]},
    "formats a number": {"formats": 5},
    "asked a text": {"asked": "abc"},
    "parameters too deep": {"parameters": "[" * 100_000},
    "another place": {"output_key": "incoming/a.json"},
    "a place that is resolved": {"output_key": "transcripts/../incoming/a.json"},
    "a folder": {"s3_uri": "s3://recordings/a/"},
    "a key too long": {"output_key": f"transcripts/{'a' * 1_000}"},
}


@pytest.mark.parametrize("problem", BAD)
def test_whatever_a_row_is_a_bad_one_is_a_failed_job(problem):
    row = BAD[problem]
    row = {"s3_uri": "s3://recordings/a.wav", **row} if isinstance(row, dict) else row
    given: dict[str, Any] = {"batch": "monday", "parameters": {}, "formats": [], "row": row}
    job, error = described(given, "arn:execution", SETTINGS)
    assert isinstance(error, InvalidJob)
    named = row["s3_uri"] if isinstance(row, dict) else row or ""
    assert (job.batch, job.key) == ("monday", named)
    assert not is_left_alone(given)


LEFT_ALONE = (
    "incoming/calls/",
    "incoming/.DS_Store",
    "incoming/calls/._monday.wav",
    "incoming/Thumbs.db",
    "incoming/calls/DESKTOP.INI",
    "incoming/__MACOSX/monday.wav",
    "incoming/.Trashes/501/monday.wav",
)
RECORDINGS = (
    "incoming/monday.wav",
    "incoming/mon.day/a.b.wav",
    "incoming/Thumbs.db.wav",
    "incoming/ .wav",
    "incoming/…wav",
    "incoming/../monday.wav",  # refused with a sentence
)


@pytest.mark.parametrize("key", [*LEFT_ALONE, *RECORDINGS])
def test_folders_and_hidden_and_system_files_are_left_alone_unless_a_caller_names_them(key):
    upload = {
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": "recordings"}, "object": {"key": key}},
    }
    listed = {"batch": "monday", "listed": {"bucket": "recordings", "object": {"Key": key}}}
    assert is_left_alone(upload) == is_left_alone(listed) == (key in LEFT_ALONE)
    assert not is_left_alone({"s3_uri": f"s3://recordings/{key}"})
    assert not is_left_alone({"batch": "monday", "row": {"s3_uri": f"s3://recordings/{key}"}})
