# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy_whisper import invocations
from deploy_whisper.invocations import AnsweringHelper, CloudFormationEvent, InvocationLock
from tests.chaos.aws import Aws

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:whisper"
POLL = CloudFormationEvent(
    request_type="Create",
    stack_id="arn:aws:cloudformation:us-east-1:123456789012:stack/calls/1",
    properties={"Bucket": "b"},
    logical_id="WhisperModelDeployment",
    request_id="r1",
    function_arn=FUNCTION,
    rule_arn="arn:aws:events:us-east-1:123456789012:rule/WhisperModelDeploymentAbC",
)


@pytest.fixture
def aws(monkeypatch):
    aws = Aws()
    monkeypatch.setattr("boto3.client", aws.client)
    monkeypatch.setattr(invocations, "time", aws.clock)
    return aws


def take(lock, event=POLL, seconds=900):
    return lock.is_held(event, lock.claim(event, seconds))


def is_waited_for(event):
    return invocations.is_waited_for(event, invocations.read_tags(FUNCTION))


def answered(event):
    return invocations.answered(event, invocations.read_tags(FUNCTION))


def test_one_at_a_time(aws):
    first, second = InvocationLock(), InvocationLock()
    assert take(first)
    assert not take(second)
    second.release()
    first.release()
    assert aws.function_tags[FUNCTION] == {}
    assert take(second)


def test_the_other_resource_has_a_lock_of_its_own(aws):
    assert take(InvocationLock())
    assert take(InvocationLock(), replace(POLL, logical_id="WhisperModelArchive"))


def test_the_lock_of_an_invocation_that_was_ended_ends_with_lambdas_limit(aws):
    assert take(InvocationLock())
    aws.clock.sleep(899)
    refused = InvocationLock()
    assert not take(refused)
    refused.release()
    aws.clock.sleep(3)
    heir = InvocationLock()
    assert take(heir)
    heir.release()
    assert aws.function_tags[FUNCTION] == {}


def test_where_nothing_can_be_removed_the_lock_ends_all_the_same(aws, monkeypatch):
    held = InvocationLock()
    assert take(held, seconds=10)
    with monkeypatch.context() as patch:
        patch.setattr(aws, "_untag_resource", aws._describe_log_streams)
        held.release()
    aws.clock.sleep(12)
    assert take(InvocationLock(), seconds=10)


def test_nobody_waits_for_an_older_request_or_for_one_that_has_its_answer(aws):
    newest = replace(POLL, request_id="r2")
    invocations.remember(POLL)
    assert is_waited_for(POLL)
    invocations.remember(newest)
    assert not is_waited_for(POLL)
    assert is_waited_for(newest)
    invocations.note_answer(POLL, [])
    assert is_waited_for(newest)
    invocations.note_answer(newest, answered(newest))
    assert not is_waited_for(newest)
    assert answered(POLL) == ["r2", "r1"]


def test_the_last_answers_are_kept_as_far_as_they_fit_into_a_tag(aws):
    ids = [str(uuid.UUID(int=number)) for number in range(9)]
    for number in ids:
        invocations.note_answer(replace(POLL, request_id=number), answered(POLL))
    assert answered(POLL) == ids[:2:-1]
    assert max(map(len, aws.function_tags[FUNCTION].values())) <= 256


def test_a_request_that_has_its_answer_and_comes_again_leaves_the_newest_one(aws):
    newest = replace(POLL, request_id="r2")
    invocations.note_answer(POLL, [])
    invocations.remember(newest)
    lock = InvocationLock()
    assert not invocations.may_begin(POLL, lock, 900)
    lock.release()
    assert invocations.may_go_on(newest, lock, 900)


def test_an_invocation_reads_the_functions_tags_once(aws):
    for may_act in (invocations.may_begin, invocations.may_go_on):
        before, lock = aws.calls["list_tags"], InvocationLock()
        assert may_act(POLL, lock, 900)
        assert aws.calls["list_tags"] == before + 1
        lock.release()


def test_an_event_is_read_as_lambda_hands_it_over():
    event = {
        "RequestType": "Update",
        "ResponseURL": "https://box/r",
        "StackId": POLL.stack_id,
        "RequestId": "r1",
        "LogicalResourceId": "WhisperModelDeployment",
        "ResourceType": "Custom::WhisperModelDeployment",
        "PhysicalResourceId": "calls",
        "ResourceProperties": {"Bucket": "b"},
        "OldResourceProperties": {"Bucket": "a"},
    }
    polled = {"CrHelperPoll": True, "CrHelperRule": POLL.rule_arn, "CrHelperPermission": "p"}
    context = SimpleNamespace(invoked_function_arn=FUNCTION)
    first = CloudFormationEvent.of(event, context)
    assert not first.is_poll
    assert first == replace(
        POLL,
        request_type="Update",
        resource_type="Custom::WhisperModelDeployment",
        physical_id="calls",
        old_properties={"Bucket": "a"},
        rule_arn="",
    )
    poll = CloudFormationEvent.of(event | polled, context)
    assert poll.is_poll
    assert poll == replace(first, rule_arn=POLL.rule_arn, permission="p")


class AnswerPlace:
    """Where an answer is put: each attempt meets the next outcome, the last one for good."""

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.put = []

    def __call__(self, host, context):
        assert host == "s3.example"
        return SimpleNamespace(request=self.request, getresponse=self.answer)

    def request(self, method, path, body, headers):
        assert (method, path, headers["content-type"]) == ("PUT", "/answer?signed=1", "")
        self.put.append(json.loads(body))

    def answer(self):
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return SimpleNamespace(status=outcome, reason="")


@pytest.fixture
def answer_to(aws, monkeypatch):
    def answer(place, reason="why"):
        end = aws.clock.now + 100
        helper: Any = AnsweringHelper()
        helper._event = {
            "RequestType": "Create",
            "StackId": POLL.stack_id,
            "ResourceProperties": {},
            "ResourceType": "Custom::WhisperModelDeployment",
            "LogicalResourceId": POLL.logical_id,
            "RequestId": POLL.request_id,
        }
        helper._context = SimpleNamespace(
            invoked_function_arn=FUNCTION,
            get_remaining_time_in_millis=lambda: 1000 * (end - aws.clock.now),
        )
        helper._response_url = "https://s3.example/answer?signed=1"
        helper.Status, helper.Reason = "FAILED", reason
        monkeypatch.setattr("crhelper.utils.HTTPSConnection", place)
        helper._send()
        return end - aws.clock.now

    return answer


@pytest.mark.parametrize("trouble", [503, 500, 429, ConnectionResetError(), TimeoutError()])
def test_an_answer_that_cannot_be_taken_just_now_is_put_again(answer_to, trouble):
    place = AnswerPlace(trouble, trouble, 200)
    answer_to(place)
    assert [answer["Status"] for answer in place.put] == ["FAILED"] * 3
    assert answered(POLL) == ["r1"]


def test_an_answer_that_is_refused_for_good_is_put_once(answer_to):
    place = AnswerPlace(403)
    answer_to(place)
    assert len(place.put) == 1


def test_putting_an_answer_ends_before_the_invocation_does(answer_to):
    place = AnswerPlace(503)
    assert 5 < answer_to(place) < 40
    assert 5 < len(place.put) < 20
    assert answered(POLL) == []  # it may be given by another poll


def test_the_reason_of_an_answer_is_clean_and_keeps_its_front(answer_to):
    place = AnswerPlace(200)
    answer_to(place, "Set ModelS3Uri: \x1b[31m" + "the cause " * 60 + "ends here\n")
    (answer,) = place.put
    assert answer["Reason"].startswith("Set ModelS3Uri: the cause ")
    assert answer["Reason"].endswith("the cause ends here")
    assert len(answer["Reason"]) <= 256


def rule(aws, name, event, function=FUNCTION):
    """Make a rule as crhelper does; `function` is told by the stack's name in the fake."""
    event = {"StackId": f"arn/{function.split('-')[-1]}/1", "RequestId": "r", **event}
    aws.client("events").put_rule(Name=name)
    aws.permissions.add(f"permission of {name}")
    poll = {**event, "CrHelperPermission": f"permission of {name}"}
    aws.client("events").put_targets(Rule=name, Targets=[{"Input": json.dumps(poll)}])


def test_a_delete_removes_the_rules_of_its_resources_other_requests_and_no_more(aws):
    ours = "arn:aws:lambda:us-east-1:123456789012:function:whisper-ours"
    kept = ("WhisperModelArchiveOWN", "WhisperModelDeploymentABC", "WhisperModelArchiveTHEIRS")
    for name in ("WhisperModelArchiveONE", "WhisperModelArchiveTWO", *kept[:2]):
        rule(aws, name, {}, ours)
    rule(aws, kept[2], {}, "whisper-theirs")
    delete = replace(
        POLL,
        request_type="Delete",
        logical_id="WhisperModelArchive",
        function_arn=ours,
        rule_arn="arn:aws:events:us-east-1:123456789012:rule/WhisperModelArchiveOWN",
    )
    invocations.remove_other_rules(delete)
    assert sorted(aws.rules) == sorted(kept)
    assert aws.permissions == {f"permission of {name}" for name in kept}


class Helper(AnsweringHelper):
    """The helper in the middle of a request, before it polls."""

    def __init__(self, aws):
        super().__init__()
        self._event = {
            **dict.fromkeys(("RequestType", "ResourceType", "ResponseURL"), "Create"),
            "StackId": POLL.stack_id,
            "LogicalResourceId": POLL.logical_id,
            "RequestId": POLL.request_id,
            "ResourceProperties": {},
        }
        self._context = SimpleNamespace(invoked_function_arn=FUNCTION, function_name="whisper")
        self._events_client, self._lambda_client = aws.client("events"), aws.client("lambda")


@pytest.mark.parametrize("failing", ["add_permission", "put_targets"])
def test_half_a_rule_is_not_left(aws, monkeypatch, failing):
    helper = Helper(aws)
    invocations.remember(POLL)
    with monkeypatch.context() as patch, pytest.raises(ClientError, match="ResourceNotFound"):
        patch.setattr(aws, f"_{failing}", aws._describe_log_streams)
        helper._setup_polling()
    assert (aws.rules, aws.permissions) == ({}, set())
    helper._event.pop("CrHelperRule")
    helper._setup_polling()
    assert (len(aws.rules), len(aws.permissions)) == (1, 1)


def test_a_request_that_was_overtaken_before_it_polls_leaves_no_rule(aws, monkeypatch):
    invocations.remember(replace(POLL, request_id="r2"))
    Helper(aws)._setup_polling()
    assert (aws.rules, aws.permissions) == ({}, set())
    monkeypatch.setattr(aws, "_list_tags", lambda **_: aws._describe_log_streams())
    Helper(aws)._setup_polling()  # the function is gone
    assert (aws.rules, aws.permissions) == ({}, set())
