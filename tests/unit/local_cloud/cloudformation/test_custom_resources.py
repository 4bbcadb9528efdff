# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import itertools
import json
from typing import Any

import boto3
import moto
import pytest

from local_cloud.cloudformation import custom_resources
from local_cloud.cloudformation.custom_resources import (
    MAX_RESPONSE_BYTES,
    CustomResources,
    EventBridgePolls,
    ResponseBox,
)
from local_cloud.cloudformation.provider import ResourceFailed
from local_cloud.cloudformation.stack import Resource, Stack


class Runner:
    """Runs functions: each invocation does what the next line of its script says."""

    def __init__(self, box, events):
        self.invocations = []
        self.script = []
        self._box = box
        self._events = events

    def invoke(self, function_arn, event):
        self.invocations.append((function_arn, json.loads(json.dumps(event))))
        self.script.pop(0)(event)

    def answers(self, **answer):
        def put(event):
            self._stop_polling()
            full = {"Status": "SUCCESS", "PhysicalResourceId": "the-id", "Data": {}} | answer
            token = event["ResponseURL"].rpartition("/")[2]
            self.taken = self._box.put(token, json.dumps(full).encode())

        self.script.append(put)

    def polls(self):
        """Ask to be called again, as crhelper does: by a rule whose input is the event."""

        def put_rule(event):
            self._stop_polling()
            poll = event | {"CrHelperPoll": True, "Polls": event.get("Polls", 0) + 1}
            self._events.put_rule(Name="poll", ScheduleExpression="rate(2 minutes)")
            target = {"Id": "1", "Arn": "arn:aws:lambda:x", "Input": json.dumps(poll)}
            self._events.put_targets(Rule="poll", Targets=[target])

        self.script.append(put_rule)

    def ends(self):
        self.script.append(lambda event: self._stop_polling())

    def _stop_polling(self):
        if self._events.list_rules()["Rules"]:
            self._events.remove_targets(Rule="poll", Ids=["1"])
            self._events.delete_rule(Name="poll")


class Setting:
    def __init__(self, events):
        self.box = ResponseBox("https://127.0.0.1:1")
        self.runner = Runner(self.box, events)
        polls = EventBridgePolls(lambda service: events)
        self.provider = CustomResources(self.runner, self.box, polls)
        self.stack = Stack("calls", "us-east-1")

    def create(self, stack=None, **properties):
        return self.provider.create(stack or self.stack, resource(**properties))

    @property
    def event(self):
        return self.runner.invocations[-1][1]


def resource(physical_id="", **properties):
    properties = {"ServiceToken": "arn:aws:lambda:us-east-1:1:function:f"} | properties
    return Resource("Thing", "Custom::Thing", properties, physical_id)


@pytest.fixture
def setting(monkeypatch):
    monkeypatch.setattr(custom_resources, "_POLL_SECONDS", 0)
    with moto.mock_aws():
        yield Setting(boto3.client("events", region_name="us-east-1"))


def test_a_create_is_sent_as_cloudformation_sends_it(setting):
    setting.runner.answers(Data={"Arn": "arn:thing"})
    made = setting.create(
        Count=3, Ratio=0.5, On=True, Off=False, Text="x", Nested={"List": [1, {"Deep": True}]}
    )
    assert (made.physical_id, made.attributes) == ("the-id", {"Arn": "arn:thing"})
    event = setting.event
    assert event.pop("RequestId")
    assert event.pop("ResponseURL").startswith("https://127.0.0.1:1/_local/responses/")
    assert event == {
        "RequestType": "Create",
        "StackId": setting.stack.stack_id,
        "LogicalResourceId": "Thing",
        "ResourceType": "Custom::Thing",
        "ResourceProperties": {
            "ServiceToken": "arn:aws:lambda:us-east-1:1:function:f",
            "Count": "3",
            "Ratio": "0.5",
            "On": "true",
            "Off": "false",
            "Text": "x",
            "Nested": {"List": ["1", {"Deep": "true"}]},
        },
    }
    assert setting.runner.invocations[-1][0] == "arn:aws:lambda:us-east-1:1:function:f"


def test_an_update_says_what_was(setting):
    setting.runner.answers(PhysicalResourceId="the-new-id")
    made = setting.provider.update(
        setting.stack, resource("the-id", Count=1), resource("the-id", Count=2)
    )
    assert made.physical_id == "the-new-id"
    assert setting.event["RequestType"] == "Update"
    assert setting.event["PhysicalResourceId"] == "the-id"
    assert setting.event["ResourceProperties"]["Count"] == "2"
    assert setting.event["OldResourceProperties"]["Count"] == "1"


def test_a_delete_names_the_stack_that_made_it(setting):
    other = Stack("other", "us-east-1")
    for stack, function in ((setting.stack, "arn:f1"), (other, "arn:f2")):
        setting.runner.answers()
        setting.create(stack, ServiceToken=function)
    for stack, function in ((setting.stack, "arn:f1"), (other, "arn:f2")):
        setting.runner.answers()
        setting.provider.delete(stack, resource("the-id", ServiceToken=function))
        assert setting.event["RequestType"] == "Delete"
        assert setting.event["PhysicalResourceId"] == "the-id"
        assert setting.event["StackId"] == stack.stack_id


def test_the_functions_own_rule_is_followed_until_it_answers(setting):
    setting.runner.polls()
    setting.runner.polls()
    setting.runner.answers()
    assert setting.create().physical_id == "the-id"
    assert [event.get("Polls") for _, event in setting.runner.invocations] == [None, 1, 2]


def test_a_failure_carries_its_reason_and_its_id(setting):
    setting.runner.answers(Status="FAILED", Reason="no quota", PhysicalResourceId="half")
    with pytest.raises(ResourceFailed, match=r"^no quota$") as failure:
        setting.create()
    assert failure.value.physical_id == "half"


def test_an_answer_that_is_too_large_is_not_taken(setting):
    largest = MAX_RESPONSE_BYTES - len(
        json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "the-id", "Data": {"A": ""}})
    )
    setting.runner.answers(Data={"A": "x" * largest})
    assert setting.create().attributes["A"] == "x" * largest
    assert setting.runner.taken is True
    setting.runner.answers(Data={"A": "x" * (largest + 1)})
    with pytest.raises(ResourceFailed, match="Thing did not answer: see the function's log"):
        setting.create()
    assert setting.runner.taken is False


def test_a_function_that_neither_answers_nor_polls(setting):
    setting.runner.ends()
    with pytest.raises(ResourceFailed, match="did not answer") as failure:
        setting.provider.update(setting.stack, resource("the-id"), resource("the-id"))
    assert failure.value.physical_id == "the-id"


def test_the_time_to_answer_is_the_resources_own(setting, monkeypatch):
    now = iter(range(0, 10_000, 50))
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    for _ in range(20):
        setting.runner.polls()
    with pytest.raises(ResourceFailed, match="did not answer"):
        setting.create(ServiceTimeout=300)
    assert 3 < len(setting.runner.invocations) < 10


def test_only_the_first_answer_counts(setting):
    token, _ = setting.box.open()
    assert setting.box.answer(token) is None
    assert setting.box.put(token, b'{"Status": "SUCCESS"}') is True
    assert setting.box.put(token, b'{"Status": "FAILED"}') is True
    assert setting.box.answer(token) == {"Status": "SUCCESS"}


def test_an_answer_that_nobody_waits_for_is_refused(setting):
    assert setting.box.put("no-such-token", b"{}") is False


class Clock:
    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += 120


def test_it_works_without_http_moto_threads_and_time():
    """As the simulation of faults uses it: every part is given, and nothing is random."""
    events: list[dict[str, Any]] = []
    answers: list[dict[str, str]] = []

    class Invoker:
        def invoke(self, function_arn, event):
            events.append(event)
            token = event["ResponseURL"].rpartition("/")[2]
            if answers:
                box.put(token, json.dumps(answers.pop()).encode())

    clock, number = Clock(), itertools.count(1)
    box = ResponseBox("https://box", new_id=lambda: f"token-{next(number)}")
    provider = CustomResources(
        Invoker(), box, lambda request_id: events[0], clock, lambda: f"request-{next(number)}"
    )
    stack = Stack("calls", "us-east-1", stack_id="arn:calls")
    with pytest.raises(ResourceFailed, match="did not answer"):
        provider.create(stack, resource())
    assert len(events) == 32
    assert (events[0]["RequestId"], events[0]["ResponseURL"]) == (
        "request-2",
        "https://box/_local/responses/token-1",
    )
    answers.append({"Status": "SUCCESS", "PhysicalResourceId": "the-id"})
    assert provider.create(stack, resource()).physical_id == "the-id"
