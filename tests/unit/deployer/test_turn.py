# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import uuid

import pytest

from deploy_whisper import newest_request, turn
from tests.chaos.aws import Aws

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:whisper"
POLL = {"LogicalResourceId": "WhisperModelDeployment", "RequestId": "r1", "CrHelperPoll": True}


@pytest.fixture
def aws(monkeypatch):
    aws = Aws()
    monkeypatch.setattr(turn.boto3, "client", aws.client)
    monkeypatch.setattr(turn, "time", aws.clock)
    return aws


def test_one_at_a_time(aws):
    first, second = turn.Turn(), turn.Turn()
    assert first.take(POLL, FUNCTION, 900)
    assert not second.take(POLL, FUNCTION, 900)
    second.end()
    first.end()
    assert aws.function_tags[FUNCTION] == {}
    assert second.take(POLL, FUNCTION, 900)


def test_the_other_resource_has_a_turn_of_its_own(aws):
    assert turn.Turn().take(POLL, FUNCTION, 900)
    assert turn.Turn().take({**POLL, "LogicalResourceId": "WhisperModelArchive"}, FUNCTION, 900)


def test_the_turn_of_an_invocation_that_was_ended_ends_with_lambdas_limit(aws):
    assert turn.Turn().take(POLL, FUNCTION, 900)
    aws.clock.sleep(899)
    refused = turn.Turn()
    assert not refused.take(POLL, FUNCTION, 900)
    refused.end()
    aws.clock.sleep(3)
    heir = turn.Turn()
    assert heir.take(POLL, FUNCTION, 900)
    heir.end()
    assert aws.function_tags[FUNCTION] == {}


def test_where_nothing_can_be_removed_the_turn_ends_all_the_same(aws, monkeypatch):
    held = turn.Turn()
    assert held.take(POLL, FUNCTION, 10)
    with monkeypatch.context() as patch:
        patch.setattr(aws, "_untag_resource", aws._describe_log_streams)
        held.end()
    aws.clock.sleep(12)
    assert turn.Turn().take(POLL, FUNCTION, 10)


def test_nobody_waits_for_an_older_request_or_for_one_that_has_its_answer(aws):
    newest = {**POLL, "RequestId": "r2"}
    properties = {"RequestType": "Create", "ResourceProperties": {"Bucket": "b"}}
    newest_request.remember({**POLL, **properties}, FUNCTION)
    assert newest_request.is_waited_for(POLL, FUNCTION)
    newest_request.remember({**newest, **properties}, FUNCTION)
    assert not newest_request.is_waited_for(POLL, FUNCTION)
    assert newest_request.is_waited_for(newest, FUNCTION)
    newest_request.note_answer(POLL, FUNCTION, [])
    assert newest_request.is_waited_for(newest, FUNCTION)
    newest_request.note_answer(newest, FUNCTION, newest_request.answered(newest, FUNCTION))
    assert not newest_request.is_waited_for(newest, FUNCTION)
    assert newest_request.answered(POLL, FUNCTION) == ["r2", "r1"]


def test_the_last_answers_are_kept_as_far_as_they_fit_into_a_tag(aws):
    ids = [str(uuid.UUID(int=number)) for number in range(9)]
    for number in ids:
        earlier = newest_request.answered(POLL, FUNCTION)
        newest_request.note_answer({**POLL, "RequestId": number}, FUNCTION, earlier)
    assert newest_request.answered(POLL, FUNCTION) == ids[:2:-1]
    assert max(map(len, aws.function_tags[FUNCTION].values())) <= 256
