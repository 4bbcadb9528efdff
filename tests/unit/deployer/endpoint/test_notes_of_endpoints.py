# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One function makes the endpoints of several stacks, and notes each for its own."""

from pathlib import Path

import pytest

from deploy_whisper.budget import Budget
from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.endpoint import stack_tags
from deploy_whisper.endpoint.resource import Deployment
from deploy_whisper.invocations import note_endpoint, noted_endpoints
from deploy_whisper.settings import Environment
from tests.chaos.aws import FUNCTION, Aws

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/{}/1"
CALLS, RECORDINGS = STACK.format("calls"), STACK.format("recordings")
ARN = FUNCTION + "calls"


@pytest.fixture
def aws(monkeypatch):
    aws = Aws()
    monkeypatch.setattr("boto3.client", aws.client)
    return aws


def event_of(stack_id, request_type="Update"):
    return CloudFormationEvent(request_type, stack_id, {}, function_arn=ARN)


def test_a_stack_forgets_its_own_endpoints_alone(aws):
    aws.status_of = lambda stack_id: "DELETE_IN_PROGRESS"
    for stack_id, name in ((CALLS, "whisper-calls"), (RECORDINGS, "whisper-recordings")):
        note_endpoint(event_of(stack_id), name)
    deletion = Deployment(event_of(RECORDINGS, "Delete"), Environment(Path("/opt"), "https://hub"))
    assert deletion.poll_delete(Budget(60))
    assert noted_endpoints(ARN) == {"whisper-calls": CALLS}


def test_each_stacks_tags_reach_its_own_endpoints(aws, monkeypatch):
    client = aws.client("sagemaker")
    for stack_id, name in ((CALLS, "whisper-calls"), (RECORDINGS, "whisper-recordings")):
        note_endpoint(event_of(stack_id), name)
        serve(client, name, stack_id)
    monkeypatch.setattr(stack_tags, "stack_tags", lambda stack_id: {"of": stack_id})
    stack_tags.carry_on(CALLS, ARN)
    assert tags(client, "whisper-calls")["of"] == CALLS
    assert tags(client, "whisper-recordings")["of"] == RECORDINGS


def serve(client, name, stack_id):
    own = [
        {"Key": "whisper-sagemaker:stack", "Value": stack_id},
        {"Key": "whisper-sagemaker:endpoint", "Value": name},
    ]
    source = {"S3Uri": "s3://a/b/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    client.create_model(
        ModelName=name,
        PrimaryContainer={"Image": "i", "ModelDataSource": {"S3DataSource": source}},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/endpoint",
        Tags=own,
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
    }
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], Tags=own)
    client.create_endpoint(EndpointName=name, EndpointConfigName=name, Tags=own)
    while client.describe_endpoint(EndpointName=name)["EndpointStatus"] != "InService":
        pass


def tags(client, name):
    arn = client.describe_endpoint(EndpointName=name)["EndpointArn"]
    return {tag["Key"]: tag["Value"] for tag in client.list_tags(ResourceArn=arn)["Tags"]}
