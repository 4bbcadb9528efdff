# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
from types import SimpleNamespace
from typing import Any

import crhelper.resource_helper
import pytest
from moto import mock_aws

from recordings.removal import Removal
from tests.unit.recordings.aws import REGION, client


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


def bucket_of(*keys):
    s3 = client("s3")
    s3.create_bucket(Bucket="recordings", CreateBucketConfiguration={"LocationConstraint": REGION})
    for key in keys:
        s3.put_object(Bucket="recordings", Key=key, Body=b"x")
    return s3


def remove(s3):
    event = {
        "RequestType": "Delete",
        "ResponseURL": "https://answers",
        "StackId": "stack",
        "RequestId": "1",
        "LogicalResourceId": "RecordingFiles",
        "PhysicalResourceId": "RecordingFiles",
        "ResourceType": "Custom::RecordingFiles",
        "ResourceProperties": {"Bucket": "recordings", "IsOwn": "true"},
    }
    context = SimpleNamespace(
        log_stream_name="log",
        aws_request_id="1",
        invoked_function_arn="arn",
        get_remaining_time_in_millis=lambda: 900_000,
    )
    Removal(s3, json.loads).answer(event, context)
