# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What moto does by itself, for each of our patches a test of its name.

One that fails says that moto has changed, and that the patch is perhaps no longer needed.
"""

import inspect
import json
import time
from typing import Any

import boto3
import moto
import moto.awslambda.models
import moto.backends
import moto.events.models
import moto.stepfunctions.responses
import pytest
from botocore.exceptions import ClientError
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
    resource_eval_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service,
)
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from local_cloud import ACCOUNT_ID, REGION, moto_patches
from tests.unit.local_cloud.test_moto_patches import make_function
from tests.unit.local_cloud.test_tables import is_written_while_it_is_read

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/any"


@pytest.fixture
def clients(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    with moto.mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield lambda service: boto3.client(service, region_name=REGION)


@pytest.fixture
def calls(monkeypatch):
    """The events that functions are called with at once, none of them with success."""
    events = []

    def invoke(function, event):
        events.append(event)
        return json.dumps({"errorType": "E"}), True, ""

    monkeypatch.setattr(moto.awslambda.models.LambdaFunction, "_invoke_lambda", invoke)
    return events


def test_every_patch_has_its_test():
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert {patch.__name__ for patch in moto_patches.PATCHES} == tests - {
        "every_patch_has_its_test"
    }


def test_items_are_read_whole(clients, monkeypatch):
    assert is_written_while_it_is_read(clients("dynamodb"), monkeypatch)


def test_functions_run_their_code():
    assert "docker" in inspect.getsource(moto.awslambda.models.LambdaFunction._invoke_lambda)


def test_functions_fail_as_unhandled(clients, calls):
    make_function(clients)
    assert clients("lambda").invoke(FunctionName="f")["FunctionError"] == "Handled"


def test_events_are_answered_before_they_are_handled(clients, calls):
    make_function(clients)
    clients("lambda").invoke(FunctionName="f", InvocationType="Event", Payload='{"a": 1}')
    assert calls == [{"a": 1}]


def test_topics_call_functions_with_the_message(clients, calls):
    topic = clients("sns").create_topic(Name="t")["TopicArn"]
    function = make_function(clients)
    clients("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function)
    clients("sns").publish(TopicArn=topic, Message="m")
    (event,) = calls
    assert event["Records"][0]["Sns"]["TopicArn"] == "arn:aws:sns:EXAMPLE"


def test_queues_are_left_to_the_poller(clients, calls):
    queue = clients("sqs").create_queue(QueueName="q")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:q"
    make_function(clients)
    clients("lambda").create_event_source_mapping(FunctionName="f", EventSourceArn=arn)
    clients("sqs").send_message(QueueUrl=queue, MessageBody="b")
    time.sleep(0.1)
    assert len(calls) == 1
    assert len(clients("sqs").receive_message(QueueUrl=queue)["Messages"]) == 1


def told_of_an_upload(clients, target):
    clients("s3").create_bucket(Bucket="uploads")
    told: dict[str, Any] = {"EventBridgeConfiguration": {}}
    clients("s3").put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration=told
    )
    clients("events").put_rule(Name="r", EventPattern='{"source": ["aws.s3"]}')
    clients("events").put_targets(Rule="r", Targets=[{"Id": "t", "Arn": target}])
    clients("s3").put_object(Bucket="uploads", Key="a.wav", Body=b"RIFF")


def test_uploads_are_told_as_s3_tells_them(clients):
    clients("sqs").create_queue(QueueName="q")
    told_of_an_upload(clients, f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:q")
    queue = clients("sqs").get_queue_url(QueueName="q")["QueueUrl"]
    (message,) = clients("sqs").receive_message(QueueUrl=queue)["Messages"]
    detail = json.loads(message["Body"])["detail"]
    assert detail["reason"] == "ObjectCreated"
    assert "etag" not in detail["object"]


def test_buckets_say_that_they_tell_eventbridge(clients):
    clients("s3").create_bucket(Bucket="uploads")
    told: dict[str, Any] = {"EventBridgeConfiguration": {}}
    clients("s3").put_bucket_notification_configuration(
        Bucket="uploads", NotificationConfiguration=told
    )
    answer = clients("s3").get_bucket_notification_configuration(Bucket="uploads")
    assert "EventBridgeConfiguration" not in answer


def test_executions_that_end_are_told(clients):
    clients("sqs").create_queue(QueueName="q")
    clients("events").put_rule(Name="r", EventPattern='{"source": ["aws.states"]}')
    target = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:q"
    clients("events").put_targets(Rule="r", Targets=[{"Id": "t", "Arn": target}])
    arn = state_machine(clients, {"Type": "Pass", "End": True})["stateMachineArn"]
    states = clients("stepfunctions")
    started = states.start_execution(stateMachineArn=arn, name="e")["executionArn"]
    until_ended(states, started)
    queue = clients("sqs").get_queue_url(QueueName="q")["QueueUrl"]
    assert "Messages" not in clients("sqs").receive_message(QueueUrl=queue)


def test_rules_call_functions_and_state_machines(clients, calls):
    told_of_an_upload(clients, make_function(clients))
    assert calls == []


def test_state_machines_run():
    backend = moto.stepfunctions.responses.get_backend(ACCOUNT_ID, REGION)
    assert type(backend).__name__ == "StepFunctionBackend"


def test_tasks_call_this_cloud(clients):
    first, second = (boto_client.boto_client_for(REGION, "lambda") for _ in range(2))
    assert first is not second


def state_machine(clients, state):
    definition = json.dumps({"StartAt": "A", "States": {"A": state}})
    states = clients("stepfunctions")
    return states.create_state_machine(name="m", definition=definition, roleArn=ROLE)


def test_executions_need_no_name(clients):
    arn = state_machine(clients, {"Type": "Wait", "Seconds": 1, "End": True})["stateMachineArn"]
    clients("stepfunctions").start_execution(stateMachineArn=arn, input='{"a": 1}')
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        clients("stepfunctions").start_execution(stateMachineArn=arn, input='{"a": 2}')


def test_tasks_fail_with_their_cause():
    kind = moto.stepfunctions.responses.StepFunctionResponse
    assert "cause" not in inspect.getsource(kind.send_task_failure)


def test_executions_stop_with_their_cause(clients):
    arn = state_machine(clients, {"Type": "Wait", "Seconds": 5, "End": True})["stateMachineArn"]
    states = clients("stepfunctions")
    started = states.start_execution(stateMachineArn=arn, name="e")["executionArn"]
    until(lambda: states.get_execution_history(executionArn=started)["events"])
    states.stop_execution(executionArn=started, error="Cancelled", cause="by somebody")
    assert "cause" not in states.describe_execution(executionArn=started)


def test_executions_end_while_they_wait():
    assert "callback" not in inspect.getsource(Environment.set_stop)
    assert "Stopped" not in inspect.getsource(Environment.set_error)


def test_executions_start_others():
    kind = state_task_service.StateTaskService
    for normalise in (kind._normalise_parameters, kind._normalise_response):
        assert inspect.getsource(normalise).rstrip().endswith("pass")


def test_maps_take_every_object_of_a_prefix():
    source = inspect.getsource(resource_eval_s3.ResourceEvalS3._handle_list_objects_v2)
    assert 'response["Contents"]' in source


def test_services_that_are_not_here_fail_their_task(clients):
    convert = {
        "Type": "Task",
        "Resource": "arn:aws:states:::mediaconvert:createJob.sync",
        "Parameters": {"Role": ROLE},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A"}],
        "End": True,
    }
    arn = state_machine(clients, convert)["stateMachineArn"]
    states = clients("stepfunctions")
    started = states.start_execution(stateMachineArn=arn, name="e")["executionArn"]
    assert until_ended(states, started)["error"] == "States.Runtime"


def test_executions_stop_before_they_run():
    worker = ExecutionWorker(None, None, None, {})
    with pytest.raises(AttributeError, match="set_stop"):
        worker.stop(stop_date=None, error=None, cause=None)


def until(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def until_ended(states, arn):
    until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING")
    return states.describe_execution(executionArn=arn)
