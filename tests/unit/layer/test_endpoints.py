# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY, Stubber

from whisper_sagemaker.endpoints import (
    ENDPOINT_TAG,
    REQUEST_TAG,
    STACK_TAG,
    EndpointState,
    StackEndpoint,
    is_missing,
)
from whisper_sagemaker.errors import NotOurs
from whisper_sagemaker.failures import failure
from whisper_sagemaker.tagged import endpoints_of

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
    written = {STACK_TAG: STACK, ENDPOINT_TAG: "calls", REQUEST_TAG: "request-1"}
    tags = [{"Key": key, "Value": value} for key, value in written.items()]
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


def test_ownership_is_by_the_stacks_tag_and_the_endpoints_name(scripted):
    assert scripted.endpoint.owns(state())
    assert scripted.endpoint.owns(state(tags={STACK_TAG: STACK, ENDPOINT_TAG: "Calls"}))
    # Somebody has copied ours with all of its tags.
    assert not scripted.endpoint.owns(state(tags={STACK_TAG: STACK, ENDPOINT_TAG: "other"}))
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


def add_listing(stub, operation, kind, *names):
    items = [
        {f"{kind}Name": name, f"{kind}Arn": f"{ARN}/{name}", "CreationTime": 0} for name in names
    ]
    asked = {"NameContains": "calls", "MaxResults": 100}
    stub.add_response(operation, {f"{kind}s": items}, asked)


def test_what_is_deleted_has_our_name_and_our_tags(scripted):
    """Of six things with our begin in their names only two are named as ours, and one is tagged."""
    foreign = ("calls", "calls-2-0123456789ab", "calls-0123456789AB", "my-calls-0123456789ab")
    ours = {STACK_TAG: STACK, ENDPOINT_TAG: "calls"}
    copied = {STACK_TAG: STACK, ENDPOINT_TAG: "another"}
    two = ("calls-0123456789ab", "calls-ba9876543210")
    add_listing(scripted.stub, "list_endpoint_configs", "EndpointConfig")
    add_listing(scripted.stub, "list_models", "Model", *foreign, *two)
    for name, tags in zip(two, (copied, ours), strict=True):
        found = [{"Key": key, "Value": value} for key, value in tags.items()]
        asked = {"ResourceArn": f"{ARN}/{name}"}
        scripted.stub.add_response("list_tags", {"Tags": found}, asked)
    scripted.stub.add_response("delete_model", {}, {"ModelName": two[1]})
    assert scripted.endpoint.delete_all_but() == 1


def test_the_tagging_api_is_asked_by_tag_page_after_page():
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    client = boto3.client("resourcegroupstaggingapi", region_name="us-east-1", **keys)
    kinds = ["sagemaker:endpoint", "sagemaker:endpoint-config", "sagemaker:model"]
    asked = {
        "TagFilters": [{"Key": STACK_TAG, "Values": [STACK]}],
        "ResourceTypeFilters": kinds,
    }
    named = [["calls"], ["calls"], [], ["not a name"], ["calls-2"]]
    items = [
        {
            "ResourceARN": f"{ARN}-{number}",
            "Tags": [{"Key": ENDPOINT_TAG, "Value": name} for name in tagged],
        }
        for number, tagged in enumerate(named)
    ]
    with Stubber(client) as stub:
        first = {"ResourceTagMappingList": items[:2], "PaginationToken": "next"}
        stub.add_response("get_resources", first, asked)
        second = {"ResourceTagMappingList": items[2:], "PaginationToken": ""}
        stub.add_response("get_resources", second, {**asked, "PaginationToken": "next"})
        assert endpoints_of(client, STACK) == {"calls", "calls-2"}
        stub.assert_no_pending_responses()
