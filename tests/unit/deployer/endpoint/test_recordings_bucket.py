# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A bucket of the operator's for recordings is refused where its uploads would start nothing."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from deploy_whisper.endpoint.recordings_bucket import require_events
from whisper_sagemaker.errors import InvalidProperty

LOCATION, NOTIFICATIONS = "get_bucket_location", "get_bucket_notification_configuration"
TOLD: dict[str, Any] = {"EventBridgeConfiguration": {}}


@pytest.fixture
def s3():
    with Stubber(boto3.client("s3", region_name="us-east-1")) as stub:
        yield stub


def refusal(s3, region="us-east-1"):
    slept: list[float] = []
    with pytest.raises(InvalidProperty) as refused:
        require_events(s3.client, "mine", region, slept.append)
    assert len(str(refused.value)) <= 256
    s3.assert_no_pending_responses()
    return str(refused.value)


def test_a_bucket_that_tells_of_uploads_is_taken(s3):
    s3.add_response(LOCATION, {})
    s3.add_response(NOTIFICATIONS, TOLD)
    require_events(s3.client, "mine", "us-east-1")
    s3.assert_no_pending_responses()


def test_none_given_is_not_looked_for(s3):
    require_events(s3.client, "", "us-east-1")


def test_the_right_to_look_may_come_late(s3):
    slept: list[float] = []
    s3.add_client_error(LOCATION, "AccessDenied")
    s3.add_response(LOCATION, {})
    s3.add_client_error(NOTIFICATIONS, "AccessDenied")
    s3.add_response(LOCATION, {})
    s3.add_response(NOTIFICATIONS, TOLD)
    require_events(s3.client, "mine", "us-east-1", slept.append)
    assert slept == [5.0, 5.0]


def test_a_bucket_that_is_not_there(s3):
    s3.add_client_error(LOCATION, "NoSuchBucket")
    assert refusal(s3) == (
        "RecordingsBucketName must be a bucket of this account in us-east-1, whose policy lets "
        "this stack see it (S3 says NoSuchBucket), or empty; it is 'mine'."
    )


def test_a_bucket_that_stays_closed(s3):
    for _ in range(4):
        s3.add_client_error(LOCATION, "AccessDenied")
    assert "(S3 says AccessDenied)" in refusal(s3)


def test_a_bucket_elsewhere(s3):
    s3.add_response(LOCATION, {"LocationConstraint": "EU"})
    s3.add_response(NOTIFICATIONS, TOLD)
    assert refusal(s3) == (
        "RecordingsBucketName must be a bucket in us-east-1, where the stack is, or empty; it "
        "is 'mine in eu-west-1'."
    )


def test_a_bucket_that_tells_of_nothing(s3):
    queue = {"QueueArn": "arn:aws:sqs:us-east-1:123456789012:q", "Events": ["s3:ObjectCreated:*"]}
    s3.add_response(LOCATION, {})
    s3.add_response(NOTIFICATIONS, {"QueueConfigurations": [queue]})
    assert refusal(s3) == (
        "RecordingsBucketName must be a bucket that sends notifications to EventBridge (turn it "
        "on: S3, the bucket, Properties, Amazon EventBridge), or empty; it is 'mine'."
    )


def test_another_fault_of_s3_is_no_refusal(s3):
    s3.add_client_error(LOCATION, "SlowDown")
    with pytest.raises(s3.client.exceptions.ClientError, match="SlowDown"):
        require_events(s3.client, "mine", "us-east-1")
