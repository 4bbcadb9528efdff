# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import boto3
import pytest

from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.endpoint.asynchronous import AsynchronousInference
from deploy_whisper.settings import DeploymentSettings
from tests.unit.deployer.test_settings import DEPLOYMENT, STACK_ID
from whisper_sagemaker.errors import InvalidProperty

TOPIC = "arn:aws:sns:us-east-1:123456789012:recordings"
ASYNCHRONOUS = {
    "InferenceMode": "asynchronous",
    "OutputS3Uri": "s3://my-bucket/answers/",
    "FailureS3Uri": "s3://my-bucket/failures",
}


def settings(**properties):
    event = CloudFormationEvent("Create", STACK_ID, DEPLOYMENT | properties)
    return DeploymentSettings.from_event(event)


@pytest.mark.parametrize("mode", [{}, {"InferenceMode": ""}, {"InferenceMode": "realtime"}])
def test_an_endpoint_answers_at_once_unless_asked_for_otherwise(mode):
    plain = settings(**mode)
    assert plain.asynchronous is None
    assert plain.environment == DEPLOYMENT["Environment"]


def test_the_container_gets_the_time_that_the_queue_gives():
    given = "WHISPER_DEADLINE_S=1800"
    assert settings(**ASYNCHRONOUS).environment == {
        "WHISPER_AUDIO_S3_PREFIXES": "",
        "WHISPER_DEADLINE_S": "3590",
        "WHISPER_MAX_AUDIO_S": "28800",
        "WHISPER_MAX_SOURCE_BYTES": "4294967296",
        "WHISPER_SOURCE_TIMEOUT_S": "3590",
        "RAYSERVE_BACKEND_TIMEOUT": "3600",
    }
    changed = settings(**ASYNCHRONOUS, EndpointEnvironment=given)
    assert changed.environment["WHISPER_DEADLINE_S"] == "1800"


@pytest.mark.parametrize(
    ("given", "config"),
    [
        (
            {},
            {
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 4},
                "OutputConfig": {
                    "S3OutputPath": "s3://my-bucket/answers",
                    "S3FailurePath": "s3://my-bucket/failures",
                },
            },
        ),
        (
            {
                "SuccessTopicArn": TOPIC,
                "ErrorTopicArn": f"{TOPIC}-errors",
                "MaxConcurrentInvocations": "2",
                "OutputKmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1",
            },
            {
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
                "OutputConfig": {
                    "S3OutputPath": "s3://my-bucket/answers",
                    "S3FailurePath": "s3://my-bucket/failures",
                    "NotificationConfig": {
                        "SuccessTopic": TOPIC,
                        "ErrorTopic": f"{TOPIC}-errors",
                    },
                    "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/1",
                },
            },
        ),
    ],
)
def test_the_queue_that_sagemaker_is_asked_for(given, config):
    asked = AsynchronousInference.from_properties(ASYNCHRONOUS | given)
    assert asked is not None
    assert asked.config() == config
    shape = boto3.client("sagemaker", region_name="us-east-1").meta.service_model.shape_for(
        "AsyncInferenceConfig"
    )
    assert set(config) <= set(shape.members)


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("InferenceMode", "async", "one of realtime, asynchronous"),
        ("OutputS3Uri", "", "s3://bucket/prefix, at most 512 characters"),
        ("OutputS3Uri", "my-bucket/answers", "s3://bucket/prefix"),
        ("OutputS3Uri", "s3://my-bucket/a b", "s3://bucket/prefix"),
        ("FailureS3Uri", "", "s3://bucket/prefix"),
        ("FailureS3Uri", f"s3://my-bucket/{'x' * 512}", "s3://bucket/prefix"),
        ("SuccessTopicArn", "recordings", "the ARN of an SNS topic"),
        ("ErrorTopicArn", f"{TOPIC}.fifo!", "the ARN of an SNS topic"),
        ("MaxConcurrentInvocations", "0", "a whole number from 1 to 1,000"),
        ("MaxConcurrentInvocations", "1001", "a whole number from 1 to 1,000"),
        ("MaxConcurrentInvocations", "many", "a whole number from 1 to 1,000"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(name, value, remedy):
    with pytest.raises(InvalidProperty, match=f"^{name} must be .*{remedy}"):
        settings(**ASYNCHRONOUS | {name: value})
