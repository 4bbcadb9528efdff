# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from tests.unit.local_cloud.parity.calls import ACCOUNT, REGION, refusal

TARGET = {"Id": "1", "Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f", "Input": "{}"}


def test_a_rule_is_made_and_removed(aws):
    events = aws.client("events")
    arn = events.put_rule(Name="poll", ScheduleExpression="rate(2 minutes)")["RuleArn"]
    assert arn == f"arn:aws:events:{REGION}:{ACCOUNT}:rule/poll"
    assert events.put_rule(Name="poll", ScheduleExpression="rate(2 minutes)")["RuleArn"] == arn
    events.put_targets(Rule="poll", Targets=[TARGET])
    events.remove_targets(Rule="poll", Ids=["1"])
    events.delete_rule(Name="poll")


@pytest.mark.differs(fake="rules are only what crhelper makes and removes")
def test_a_rule_with_targets_is_not_deleted(aws):
    events = aws.client("events")
    events.put_rule(Name="poll", ScheduleExpression="rate(2 minutes)")
    events.put_targets(Rule="poll", Targets=[TARGET])
    code, _ = refusal(events.delete_rule, Name="poll")
    assert code == "ValidationException"


def test_targets_need_a_rule(aws):
    events = aws.client("events")
    code, _ = refusal(events.put_targets, Rule="none", Targets=[TARGET])
    assert code == "ResourceNotFoundException"
