# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
import uuid
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from deploy_whisper import invocations, polling_rules
from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.invocations import AnsweringHelper, InvocationLock
from tests.chaos.aws import Aws
from tests.fakes.object_store import refusal

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


def begin(event):
    invocations.remember(event, invocations.read_tags(FUNCTION))


def note_answer(event):
    invocations.note_answer(event, invocations.read_tags(FUNCTION))


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
    begin(POLL)
    assert is_waited_for(POLL)
    begin(newest)
    assert not is_waited_for(POLL)
    assert is_waited_for(newest)
    note_answer(POLL)
    assert is_waited_for(newest)
    note_answer(newest)
    assert not is_waited_for(newest)
    assert answered(POLL) == ["r2", "r1"]


def test_the_last_answers_are_kept_as_far_as_they_fit_into_a_tag(aws):
    ids = [str(uuid.UUID(int=number)) for number in range(9)]
    for number in ids:
        note_answer(replace(POLL, request_id=number))
    assert answered(POLL) == ids[:2:-1]
    assert max(map(len, aws.function_tags[FUNCTION].values())) <= 256


def test_a_request_that_has_its_answer_and_comes_again_leaves_the_newest_one(aws):
    newest = replace(POLL, request_id="r2")
    note_answer(POLL)
    begin(newest)
    lock = InvocationLock()
    assert not invocations.may_begin(POLL, lock, 900)
    lock.release()
    assert invocations.may_go_on(newest, lock, 900)


def test_a_request_that_comes_again_after_a_newer_one_does_not_become_the_newest(aws):
    lock, newest = InvocationLock(), replace(POLL, request_type="Delete", request_id="r2")
    for event, may_begin in ((POLL, True), (POLL, True), (newest, True), (POLL, False)):
        assert invocations.may_begin(event, lock, 900) == may_begin
        lock.release()
    assert is_waited_for(newest)
    assert not is_waited_for(POLL)


def test_two_stacks_that_use_one_function_have_nothing_in_common(aws):
    theirs = replace(POLL, stack_id=POLL.stack_id.replace("calls/1", "calls/2"), request_id="t")
    lock, other = InvocationLock(), InvocationLock()
    assert invocations.may_begin(POLL, lock, 900)
    assert invocations.may_begin(theirs, other, 900)
    assert is_waited_for(POLL)
    assert is_waited_for(theirs)
    note_answer(theirs)
    assert answered(POLL) == []


def test_what_is_kept_of_a_deleted_resource_expires_a_day_later(aws):
    theirs = replace(POLL, stack_id=POLL.stack_id.replace("calls/1", "calls/2"))
    begin(POLL)
    before = dict(aws.function_tags[FUNCTION])
    delete = replace(theirs, request_type="Delete", request_id="r2")
    begin(theirs)
    begin(delete)
    note_answer(delete)
    assert len(aws.function_tags[FUNCTION]) == len(before) + 1
    for seconds, is_kept in ((86_000, True), (500, False)):
        aws.clock.sleep(seconds)
        take(lock := InvocationLock())
        lock.release()
        assert (aws.function_tags[FUNCTION] != before) == is_kept
        assert answered(theirs) == (["r2", "r1"] if is_kept else [])


def test_a_delete_that_was_overtaken_leaves_the_newer_request_to_be_answered(aws):
    delete = replace(POLL, request_type="Delete", request_id="r2")
    newest = replace(POLL, request_type="Delete", request_id="r3")
    for event in (POLL, delete, newest):
        begin(event)
    note_answer(delete)
    assert is_waited_for(newest)
    assert not any(map(is_waited_for, (POLL, delete)))


def test_a_resource_that_lives_on_after_a_delete_keeps_its_newest_request(aws):
    """Its previous id is deleted after an update that has replaced it."""
    lock, later = InvocationLock(), []
    for number, kind in enumerate(("Create", "Update", "Delete", "Update", "Update")):
        event = replace(POLL, request_type=kind, request_id=f"r{number}")
        later.append(event)
        assert invocations.may_begin(event, lock, 900)
        lock.release()
        if number < 3:
            note_answer(event)
    aws.clock.sleep(90_000)
    assert not invocations.may_go_on(later[3], lock, 900)
    lock.release()
    assert invocations.may_go_on(later[4], lock, 900)


def test_tags_that_are_no_longer_needed_make_room(aws):
    lock, tags = InvocationLock(), aws.function_tags
    theirs = replace(POLL, request_type="Delete", stack_id=POLL.stack_id.replace("calls/1", "b/2"))
    begin(theirs)
    note_answer(theirs)
    tags[FUNCTION] |= {f"theirs{number}": "" for number in range(50 - len(tags[FUNCTION]))}
    ours = replace(POLL, properties={})
    with pytest.raises(ClientError, match="too many"):
        invocations.may_begin(ours, lock, 900)
    old = "whisper-sagemaker:answered:WhisperModelDeployment"  # by a version without stacks
    tags[FUNCTION].popitem()
    tags[FUNCTION][old] = "r0"
    aws.clock.sleep(90_000)
    assert invocations.may_begin(ours, lock, 900)
    assert old not in tags[FUNCTION]


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


OURS = "arn:aws:cloudformation:us-east-1:123456789012:stack/ours/1"
DELETE = replace(
    POLL,
    request_type="Delete",
    stack_id=OURS,
    logical_id="WhisperModelArchive",
    request_id="delete",
    function_arn="arn:aws:lambda:us-east-1:123456789012:function:whisper-ours",
    rule_arn="arn:aws:events:us-east-1:123456789012:rule/WhisperModelArchiveOWN",
)


def rule(aws, name, request_id, logical_id="WhisperModelArchive", stack_id=OURS):
    """Make a rule as crhelper does; its function is the stack's."""
    aws.client("events").put_rule(Name=name)
    aws.permissions.add(f"permission of {name}")
    poll = {
        "StackId": stack_id,
        "LogicalResourceId": logical_id,
        "RequestId": request_id,
        "CrHelperPermission": f"permission of {name}",
    }
    aws.client("events").put_targets(Rule=name, Targets=[{"Input": json.dumps(poll)}])


def test_a_delete_removes_the_rules_of_its_resources_other_requests_and_no_more(aws):
    rule(aws, "WhisperModelArchiveONE", "create")
    rule(aws, "WhisperModelArchiveTWICE", "delete")
    rule(aws, "WhisperModelArchiveOWN", "delete")
    rule(aws, "WhisperModelArchiveNEW", "newer")
    rule(aws, "WhisperModelDeploymentABC", "create", "WhisperModelDeployment")
    rule(aws, "WhisperModelArchiveTHEIRS", "create", stack_id=OURS.replace("ours", "theirs"))
    begin(replace(DELETE, request_id="newer"))
    polling_rules.remove_others(DELETE, invocations.newest_request(DELETE))
    kept = {name.removeprefix("WhisperModel") for name in aws.rules}
    assert kept == {"ArchiveOWN", "ArchiveNEW", "DeploymentABC", "ArchiveTHEIRS"}
    assert {one.removeprefix("permission of WhisperModel") for one in aws.permissions} == kept


@pytest.mark.parametrize("other", ['{"RenewArchive": "s3://"}', "{}", "[]"])
def test_a_rule_of_that_name_that_polls_for_nothing_stays(aws, monkeypatch, other):
    rule(aws, "WhisperModelArchiveONE", "create")
    rule(aws, "WhisperModelArchive-prod-ArchiveRenewalSchedule", "")
    targets = aws._list_targets_by_rule

    def of_a_stack_of_that_name(Rule):  # noqa: N803
        return {"Targets": [{"Input": other}]} if "-prod-" in Rule else targets(Rule)

    monkeypatch.setattr(aws, "_list_targets_by_rule", of_a_stack_of_that_name)
    polling_rules.remove_others(DELETE, invocations.newest_request(DELETE))
    assert list(aws.rules) == ["WhisperModelArchive-prod-ArchiveRenewalSchedule"]


def test_a_rule_that_is_gone_or_must_stay_keeps_none_of_the_others(aws, monkeypatch):
    for name in ("GONE", "STAYS", "LAST"):
        rule(aws, f"WhisperModelArchive{name}", "create")
    targets, permission = aws._list_targets_by_rule, aws._remove_permission

    def gone(Rule):  # noqa: N803
        return aws._describe_log_streams() if Rule.endswith("GONE") else targets(Rule)

    def conflict(StatementId, **_):  # noqa: N803
        if StatementId.endswith("STAYS"):
            raise ClientError({"Error": {"Code": "PolicyLengthExceededException"}}, "Any")
        return permission(StatementId)

    monkeypatch.setattr(aws, "_list_targets_by_rule", gone)
    monkeypatch.setattr(aws, "_remove_permission", conflict)
    polling_rules.remove_others(DELETE, invocations.newest_request(DELETE))
    assert sorted(aws.rules) == ["WhisperModelArchiveGONE", "WhisperModelArchiveSTAYS"]


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
    begin(POLL)
    with monkeypatch.context() as patch, pytest.raises(ClientError, match="ResourceNotFound"):
        patch.setattr(aws, f"_{failing}", aws._describe_log_streams)
        helper._setup_polling()
    assert (aws.rules, aws.permissions) == ({}, set())
    helper._event.pop("CrHelperRule")
    helper._setup_polling()
    assert (len(aws.rules), len(aws.permissions)) == (1, 1)


def test_a_rule_stays_where_tags_lag_and_goes_where_the_function_is_gone(aws, monkeypatch):
    begin(replace(POLL, request_id="r0"))
    Helper(aws)._setup_polling()
    assert len(aws.rules) == 1
    monkeypatch.setattr(aws, "_list_tags", lambda **_: aws._describe_log_streams())
    with pytest.raises(ClientError, match="ResourceNotFound"):
        Helper(aws)._setup_polling()
    assert len(aws.rules) == 1


@pytest.mark.parametrize(("kind", "left"), [("Delete", 0), ("Create", 1)])
def test_a_deletes_own_rule_is_removed_in_a_second_attempt(aws, monkeypatch, kind, left):
    helper = Helper(aws)
    helper._event["RequestType"], helper.Data = kind, {}
    helper._setup_polling()
    removed, failures = aws._remove_targets, [refusal("ThrottlingException", "RemoveTargets")]

    def throttled_once(**request):
        if failures:
            raise failures.pop()
        return removed(**request)

    monkeypatch.setattr(aws, "_remove_targets", throttled_once)
    helper._remove_polling()
    assert len(aws.rules) == left
