# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Requests that overtake each other, calls that fail once, and what they leave behind."""

import copy
import json

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    NoCredentialsError,
    ReadTimeoutError,
)

from deploy_whisper import invocations
from deploy_whisper.archive import resource
from deploy_whisper.budget import Budget, BudgetSpent
from local_cloud.sagemaker.hosting import Health
from tests.lifecycle.world import TAG
from whisper_sagemaker.transient import is_transient

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Any")
WHERE = {"endpoint_url": "https://lambda.us-east-1.amazonaws.com/"}


def polls_of(world, logical_id):
    """Return the inputs of the rule of a resource's first request."""
    sent = [e for e in world.functions.events if e["LogicalResourceId"] == logical_id]
    return [copy.deepcopy(event) for event in sent if event.get("CrHelperPoll")]


def test_a_poll_of_a_create_that_was_overtaken_by_a_delete_makes_nothing_again(world):
    stack = world.create(EndpointName="overtaken")
    late = polls_of(world, "WhisperModelDeployment")[0]
    function = late["ResourceProperties"]["ServiceToken"]
    answer = world.send(stack, "WhisperModelDeployment", "Delete", PhysicalResourceId="overtaken")
    assert answer["Status"] == "SUCCESS"
    assert world.endpoints() == set()

    started = len(world.hosting.started)
    world.functions.invoke(function, late)
    assert world.endpoints() == world.models() == world.configs() == set()
    assert len(world.hosting.started) == started
    # Nobody waits for an answer; the first one was the Create's own.
    answers = [json.loads(body) for body in world.box.bodies]
    told = [a["Status"] for a in answers if a["RequestId"] == late["RequestId"]]
    assert told == ["SUCCESS"]


def test_a_poll_of_an_archive_that_was_overtaken_stages_nothing_again(world):
    stack = world.create()
    late = polls_of(world, "WhisperModelArchive")[0]
    bucket = late["ResourceProperties"]["Bucket"]
    world.send(stack, "WhisperModelDeployment", "Delete", PhysicalResourceId=stack.endpoint_name)
    uri = world.resource(stack, "WhisperModelArchive")
    world.send(stack, "WhisperModelArchive", "Delete", PhysicalResourceId=uri)
    assert world.keys(bucket) == set()

    world.functions.invoke(late["ResourceProperties"]["ServiceToken"], late)
    assert world.keys(bucket) == set()


@pytest.mark.parametrize("logical_id", ["WhisperModelArchive", "WhisperModelDeployment"])
def test_a_delete_leaves_no_rule_of_a_request_that_it_has_overtaken(world, logical_id):
    stack, events = world.create(), world.cloud.client("events")
    late = polls_of(world, logical_id)[0]
    target = {"Id": "1", "Arn": late["ResourceProperties"]["ServiceToken"]}
    name = late["CrHelperRule"].split("/")[-1]
    events.put_rule(Name=name, ScheduleExpression="rate(2 minutes)")
    events.put_targets(Rule=name, Targets=[{**target, "Input": json.dumps(late)}])
    # Its own next poll would come when the function is gone.
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert events.list_rules()["Rules"] == []


@pytest.mark.parametrize(
    "error", [THROTTLED, ConnectTimeoutError(**WHERE)], ids=["throttled", "no connection"]
)
@pytest.mark.parametrize("step", ["poll", "poll_delete"])
def test_a_call_that_fails_once_is_made_again_at_the_next_poll(world, monkeypatch, step, error):
    stack = world.create(EndpointName="throttled") if step == "poll_delete" else None
    deployment = world.functions.handler.Deployment
    original = getattr(deployment, step)
    refused: list[str] = []

    def throttled(self, budget):
        # Not the first step of a request: that one has no next poll yet.
        if self._event.is_poll and not refused:
            refused.append(self._event.request_id)
            raise error
        return original(self, budget)

    monkeypatch.setattr(deployment, step, throttled)
    if stack is None:
        stack = world.create(EndpointName="throttled")
        assert stack.status == "CREATE_COMPLETE", stack.reason
    else:
        assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert len(refused) == 1


@pytest.mark.parametrize("in_a_poll", [False, True])
def test_a_delete_that_cannot_read_the_functions_tags_once_goes_on(world, monkeypatch, in_a_poll):
    stack = world.create()
    original, asked, refused = invocations.buckets, [], []

    def throttled(event):
        asked.append(event)
        if len(asked) == 1 or (in_a_poll and len(asked) == 2):
            refused.append(event)
            raise THROTTLED
        return original(event)

    monkeypatch.setattr(resource, "buckets", throttled)
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert len(refused) == 1 + in_a_poll
    assert len(asked) == len(refused) + 1


@pytest.mark.parametrize(
    "error", [THROTTLED, EndpointConnectionError(**WHERE)], ids=["throttled", "no connection"]
)
def test_whether_a_poll_is_waited_for_is_asked_again(world, monkeypatch, error):
    original = invocations.is_waited_for
    refused: list[str] = []

    def lost(event, tags):
        if event.is_poll and not refused:
            refused.append(event.request_id)
            raise error
        return original(event, tags)

    monkeypatch.setattr(invocations, "is_waited_for", lost)
    stack = world.create()
    assert stack.status == "CREATE_COMPLETE", stack.reason
    assert len(refused) == 1


def test_the_endpoint_of_another_stack_is_refused_also_after_a_first_step_that_failed(
    world, monkeypatch
):
    theirs = world.create(EndpointName="taken")
    before = world.endpoint("taken")["EndpointConfigName"]

    deployment = world.functions.handler.Deployment
    original = deployment.poll

    def throttled(self, budget):
        if not self._event.is_poll:
            raise THROTTLED
        return original(self, budget)

    monkeypatch.setattr(deployment, "poll", throttled)
    ours = world.create(EndpointName="taken")
    assert ours.status == "ROLLBACK_COMPLETE"
    assert "'taken' exists that this stack did not make" in ours.reason
    assert world.endpoint("taken")["EndpointConfigName"] == before
    assert world.tags(world.endpoint("taken")["EndpointArn"])[TAG] == theirs.id


@pytest.mark.parametrize(
    ("code", "tries"), [("ValidationException", 1), ("AccessDeniedException", 2)]
)
def test_an_error_that_will_not_pass_is_told_as_soon_as_that_is_known(
    world, monkeypatch, code, tries
):
    tried = []

    def fails(self, budget):
        tried.append(code)
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "Any")

    monkeypatch.setattr(world.functions.handler.Deployment, "poll", fails)
    stack = world.create()
    assert stack.status == "ROLLBACK_COMPLETE"
    assert code in stack.reason
    assert len(tried) == tries


def test_a_permission_that_is_still_on_its_way_costs_one_poll(world, monkeypatch):
    original, denied = world.functions.handler.Deployment.poll, list[object]()

    def denied_at_first(self, budget):
        if not denied:
            denied.append(self)
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Any")
        return original(self, budget)

    monkeypatch.setattr(world.functions.handler.Deployment, "poll", denied_at_first)
    stack = world.create()
    assert stack.status == "CREATE_COMPLETE", stack.reason
    assert denied


def test_an_endpoint_that_is_overloaded_at_first_is_asked_again(world):
    world.hosting.answer = (503, {"error": "busy"})

    def recover(event):
        if len(world.hosting.requests) >= 2:
            world.hosting.answer = (200, {"text": "hello", "language": "en", "segments": []})

    del world.hosting.requests[:]
    world.functions.before_invocation = recover
    stack = world.create()
    assert stack.status == "CREATE_COMPLETE", stack.reason
    assert len(world.hosting.requests) == 3


def test_what_a_failed_request_has_staged_goes_with_any_later_delete(world):
    stack = world.create()
    properties = world.properties("WhisperModelArchive", stack)
    left = f"{properties['Prefix']}{'0' * 32}/weights/model.bin"
    world.s3.put_object(Bucket=properties["Bucket"], Key=left, Body=b"half")
    live = world.served(stack.endpoint_name)

    gone = f"s3://{properties['Bucket']}/{properties['Prefix']}{'1' * 32}/"
    world.send(stack, "WhisperModelArchive", "Delete", PhysicalResourceId=gone)
    assert left not in world.keys(properties["Bucket"])
    assert live in world.archives(properties["Bucket"])
    assert world.invoke(stack.endpoint_name)["text"]


def test_an_archive_in_a_bucket_that_the_stack_has_left_is_found_by_its_id(world):
    stack = world.create()
    properties = world.properties("WhisperModelArchive", stack)
    world.s3.create_bucket(Bucket="the-bucket-before")
    ours = f"{properties['Prefix']}{'2' * 32}/manifest.json"
    theirs = f"whisper-sagemaker/another-stack/{'2' * 32}/manifest.json"
    for key in (ours, theirs, "recording.wav"):
        world.s3.put_object(Bucket="the-bucket-before", Key=key, Body=b"x")

    for prefix in (properties["Prefix"], "whisper-sagemaker/another-stack/"):
        uri = f"s3://the-bucket-before/{prefix}{'2' * 32}/"
        world.send(stack, "WhisperModelArchive", "Delete", PhysicalResourceId=uri)
    assert world.keys("the-bucket-before") == {theirs, "recording.wav"}
    assert world.archives(properties["Bucket"]) == {world.served(stack.endpoint_name)}

    for key in (theirs, "recording.wav"):
        world.s3.delete_object(Bucket="the-bucket-before", Key=key)
    world.s3.delete_bucket(Bucket="the-bucket-before")


def test_waiting_ends_with_the_budget():
    with pytest.raises(BudgetSpent):
        Budget(0.05).sleep(3600)
    Budget(60).sleep(0)


@pytest.mark.parametrize(
    ("code", "status", "passes"),
    [
        ("ThrottlingException", 400, True),
        ("SlowDown", 503, True),
        ("Unknown", 500, True),
        ("AccessDenied", 403, False),
        ("ValidationException", 400, False),
    ],
)
def test_which_errors_pass_by_themselves(code, status, passes):
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    assert is_transient(ClientError(response, "Any")) is passes
    assert not is_transient(ValueError(json.dumps(response)))


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (ConnectionClosedError(**WHERE), True),
        (ConnectTimeoutError(**WHERE), True),
        (EndpointConnectionError(**WHERE), True),
        (ReadTimeoutError(**WHERE), True),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), True),
        (NoCredentialsError(), False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_lost_connection_passes_by_itself(error, passes):
    assert is_transient(error) is passes


def test_a_failed_endpoint_of_an_older_request_is_made_again(world):
    world.hosting.outcome = (Health.FAILED, "no capacity")
    stack = world.create(EndpointName="second-try")
    assert "no capacity" in stack.reason
    world.hosting.outcome = (Health.READY, "")
    again = world.create(EndpointName="second-try")
    assert again.status == "CREATE_COMPLETE", again.reason
