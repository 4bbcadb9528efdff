# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a job writes, and where."""

import json

import pytest

from recordings.errors import NotTranscribed
from recordings.job import RecordingJob
from recordings.transcripts import FORMS, key_of, needs_words, read, render
from tests.contract.transcripts import ONE_CHANNEL, TWO_CHANNELS
from whisper_contract import formats


def job(**fields):
    return RecordingJob(
        **{"id": "a" * 32, "bucket": "recordings", "key": "incoming/a.mp4", **fields}
    )


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("transcript", [ONE_CHANNEL, TWO_CHANNELS])
def test_a_file_is_what_the_endpoint_would_have_answered(form, transcript):
    answer = read(formats.render(transcript, formats.Form(response_format="protobuf")))
    wanted = formats.Form(response_format=FORMS[form].name, job_name="a" * 32)
    body, media_type = render(answer, job(), form)
    assert media_type == formats.content_type(wanted)
    there, expected = body.decode(), formats.render(transcript, wanted).decode()
    if media_type == "application/json":
        # The answer's numbers are of single precision, where faster-whisper's are doubles.
        assert_alike(json.loads(there), json.loads(expected))
    else:
        assert there == expected


def assert_alike(there, expected):
    if isinstance(expected, dict):
        assert set(there) == set(expected)
        for name, value in expected.items():
            assert_alike(there[name], value)
    elif isinstance(expected, list):
        assert len(there) == len(expected)
        for one, value in zip(there, expected, strict=True):
            assert_alike(one, value)
    elif isinstance(expected, float):
        assert there == pytest.approx(expected, abs=1e-3)
    else:
        assert there == expected


def test_captions_have_the_width_that_the_job_asks_for():
    body, _ = render(ONE_CHANNEL, job(parameters={"max_line_width": 10}), "srt")
    assert max(len(line) for line in body.decode().splitlines() if "-->" not in line) <= 10


def test_an_answer_that_is_no_transcript_is_refused():
    with pytest.raises(NotTranscribed, match="is not a transcript"):
        read(b"<html>")


def test_no_two_forms_share_a_file():
    keys = {key_of(job(), form, "recordings") for form in FORMS}
    assert len(keys) == len(FORMS)


@pytest.mark.parametrize(
    ("bucket", "key", "expected"),
    [
        ("recordings", "incoming/calls/a.mp4", "transcripts/calls/a.mp4/"),
        ("recordings", "uploads/17/a.mp4", "transcripts/17/a.mp4/"),
        ("archive", "2026/a.wav", "transcripts/archive/2026/a.wav/"),
        ("recordings", "incoming/" + "é" * 500, "transcripts/"),
    ],
)
def test_a_file_lies_where_its_recording_did(bucket, key, expected):
    written = key_of(job(bucket=bucket, key=key), "srt", "recordings")
    assert written == f"{expected}{'a' * 32}.srt"


@pytest.mark.parametrize(
    ("wanted", "parameters", "expected"),
    [
        (("srt", "json"), {}, False),
        (("srt", "transcribe"), {}, True),
        (("json",), {"word_timestamps": True}, True),
        (("verbose_json",), {"timestamp_granularities": ["word"]}, True),
        (("srt",), {"max_line_width": 40, "max_line_count": 2}, True),
    ],
)
def test_words_are_asked_for_where_a_form_needs_them(wanted, parameters, expected):
    assert needs_words(wanted, parameters) is expected
