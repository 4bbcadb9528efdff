# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from whisper_sagemaker.endpoints import (
    REQUEST_TAG,
    STACK_TAG,
    EndpointState,
    StackEndpoint,
    failure,
    is_missing,
)
from whisper_sagemaker.errors import NotOurs

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/calls/1"
ARN = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/calls"


class Scripted:
    """An endpoint whose service answers by a script, and waits are only written down."""

    def __init__(self):
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
        self.client = boto3.client("sagemaker", region_name="us-east-1", **keys)
        self.stub = Stubber(self.client)
        self.waits: list[float] = []
        self.endpoint = StackEndpoint(self.client, "calls", STACK, sleep=self.waits.append)


@pytest.fixture
def scripted():
    scripted = Scripted()
    with scripted.stub:
        yield scripted
        scripted.stub.assert_no_pending_responses()


def refusal(stub, operation, message, code="ValidationException"):
    stub.add_client_error(operation, code, message, http_status_code=400)


def state(**changes):
    return EndpointState(
        **{
            "arn": ARN,
            "status": "InService",
            "config_name": "old",
            "failure_reason": "",
            "tags": {STACK_TAG: STACK},
            **changes,
        }
    )


@pytest.mark.parametrize(
    "message",
    [
        "Could not assume role arn:aws:iam::1:role/new. Please ensure that the role exists",
        'Could not find endpoint configuration "arn:…:endpoint-config/new".',
    ],
)
def test_what_was_made_a_moment_ago_may_not_be_seen_yet(scripted, message):
    for _ in range(3):
        refusal(scripted.stub, "update_endpoint", message)
    scripted.stub.add_response("update_endpoint", {"EndpointArn": ARN})
    scripted.stub.add_response("add_tags", {})
    scripted.endpoint.update(state(), "new", "request-1", retain=True)
    assert scripted.waits == [2, 4, 8]


def test_what_is_never_seen_is_given_up(scripted):
    for _ in range(5):
        refusal(scripted.stub, "create_model", "Could not assume role arn:aws:iam::1:role/none")
    with pytest.raises(ClientError, match="Could not assume role"):
        scripted.endpoint.ensure_model({"ExecutionRoleArn": "arn:aws:iam::1:role/none-of-these"})
    assert scripted.waits == [2, 4, 8, 16]


def test_a_refusal_of_another_kind_is_not_tried_again(scripted):
    refusal(scripted.stub, "create_model", "quota", "ResourceLimitExceeded")
    with pytest.raises(ClientError, match="quota"):
        scripted.endpoint.ensure_model({"ExecutionRoleArn": "arn:aws:iam::1:role/none-of-these"})
    assert scripted.waits == []


def test_an_update_in_progress_is_left_for_the_next_poll(scripted):
    refusal(scripted.stub, "update_endpoint", f'Cannot update in-progress endpoint "{ARN}".')
    # No tag: the next poll must not take this for an update that was tried.
    scripted.endpoint.update(state(), "new", "request-1", retain=False)


def test_an_update_is_tagged_with_its_request(scripted):
    scripted.stub.add_response(
        "update_endpoint",
        {"EndpointArn": ARN},
        {"EndpointName": "calls", "EndpointConfigName": "new", "RetainAllVariantProperties": True},
    )
    tags = [{"Key": STACK_TAG, "Value": STACK}, {"Key": REQUEST_TAG, "Value": "request-1"}]
    scripted.stub.add_response("add_tags", {}, {"ResourceArn": ARN, "Tags": tags})
    scripted.endpoint.update(state(), "new", "request-1", retain=True)


def test_a_name_taken_in_the_meantime(scripted):
    refusal(scripted.stub, "create_endpoint", f'Cannot create already existing endpoint "{ARN}".')
    scripted.stub.add_response(
        "describe_endpoint",
        {
            "EndpointName": "calls",
            "EndpointArn": ARN,
            "EndpointConfigName": "theirs",
            "EndpointStatus": "Creating",
            "CreationTime": 0,
            "LastModifiedTime": 0,
        },
    )
    theirs = [{"Key": STACK_TAG, "Value": STACK + "2"}]
    scripted.stub.add_response("list_tags", {"Tags": theirs}, {"ResourceArn": ANY})
    with pytest.raises(NotOurs) as taken:
        scripted.endpoint.create("ours", "request-1")
    assert "an endpoint called 'calls' exists that this stack did not make" in str(taken.value)
    assert len(str(taken.value)) <= 256


def test_deleting_what_is_gone_or_busy_is_no_error(scripted):
    refusal(scripted.stub, "delete_endpoint", f'Could not find endpoint "{ARN}".')
    scripted.endpoint.delete()
    refusal(scripted.stub, "delete_endpoint", f'Cannot update in-progress endpoint "{ARN}".')
    scripted.endpoint.delete()
    refusal(scripted.stub, "delete_endpoint", "not authorized", "AccessDeniedException")
    with pytest.raises(ClientError, match="not authorized"):
        scripted.endpoint.delete()


@pytest.mark.parametrize(
    ("code", "message", "missing"),
    [
        ("ValidationException", 'Could not find endpoint "arn".', True),
        ("ValidationException", 'Could not find endpoint configuration "arn".', True),
        ("ResourceNotFound", "Resource arn does not exist", True),
        ("ValidationException", "Cannot update in-progress endpoint", False),
        ("ValidationException", "Cannot create already existing model", False),
        ("AccessDeniedException", "role not found", False),
    ],
)
def test_how_sagemaker_says_that_something_is_missing(code, message, missing):
    error = ClientError({"Error": {"Code": code, "Message": message}}, "Describe")
    assert is_missing(error) is missing


def test_ownership_is_by_the_stacks_tag_alone(scripted):
    assert scripted.endpoint.owns(state())
    assert not scripted.endpoint.owns(state(tags={}))
    assert not scripted.endpoint.owns(state(tags={STACK_TAG: STACK + "2"}))
    assert not scripted.endpoint.owns(state(tags={REQUEST_TAG: STACK}))


def test_a_failure_ends_with_sagemakers_reason_and_fits():
    reason = "The primary container did not pass\n the ping health check. " + "x" * 500
    message = str(failure("n" * 63, state(failure_reason=reason), []))
    assert message.startswith("See /aws/sagemaker/Endpoints/nnn")
    assert "SageMaker says: The primary container did not pass the ping" in message
    assert len(message) <= 256
    assert str(failure("calls", state(status="Failed"), [])).endswith("says: status Failed")
