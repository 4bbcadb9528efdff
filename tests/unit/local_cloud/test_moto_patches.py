# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What AWS does and moto does not: with each patch, and without it.

A test of moto alone that fails says that a patch is no longer needed.
"""

import io
import json
import time
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from local_cloud import ACCOUNT_ID, REGION
from local_cloud.aws_lambda import asynchronous

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/any"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}"
CODE = """
import boto3, json, os

calls = 0

def handler(event, context):
    global calls
    calls += 1
    if "answer" in event:
        return {"event": event, "calls": calls}
    if "token" in event:
        states = boto3.client("stepfunctions")
        if event["fail"]:
            states.send_task_failure(taskToken=event["token"], error="Lost", cause="a cause")
        else:
            states.send_task_success(taskToken=event["token"], output='{"done": true}')
        return None
    queues = boto3.client("sqs")
    url = queues.get_queue_url(QueueName="seen")["QueueUrl"]
    queues.send_message(QueueUrl=url, MessageBody=json.dumps(event))
    if "bad" in json.dumps(event):
        raise ValueError("a bad one")
"""


def zipped(code=CODE):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("index.py", code)
    return archive.getvalue()


def make_function(client, name="f"):
    trust = {"Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Statement": [trust | {"Effect": "Allow"}]})
    role = client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]
    return client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role["Arn"],
        Handler="index.handler",
        Timeout=20,
        Code={"ZipFile": zipped()},
    )["FunctionArn"]


@pytest.fixture
def function(cloud, monkeypatch):
    monkeypatch.setattr(asynchronous, "RETRY_PAUSES", (0.05, 0.05))
    arn = make_function(cloud.client)
    cloud.client("sqs").create_queue(QueueName="seen")
    yield arn
    cloud.client("lambda").delete_function(FunctionName="f")
    cloud.client("iam").delete_role(RoleName="f")
    cloud.client("sqs").delete_queue(QueueUrl=url(cloud, "seen"))
    end = time.monotonic() + 30
    while cloud.processes():  # the last event may still be answered
        assert time.monotonic() < end
        time.sleep(0.05)


def url(cloud, name):
    return cloud.client("sqs").get_queue_url(QueueName=name)["QueueUrl"]


def seen(cloud, count, queue="seen"):
    """Return what the function was called with, this many times and not once more."""
    client, end = cloud.client("sqs"), time.monotonic() + 30
    found: list[Any] = []
    while len(found) < count and time.monotonic() < end:
        answer = client.receive_message(QueueUrl=url(cloud, queue), WaitTimeSeconds=1)
        found += [json.loads(message["Body"]) for message in answer.get("Messages", [])]
    assert len(found) == count
    assert "Messages" not in client.receive_message(QueueUrl=url(cloud, queue))
    return found


def run(cloud, states, given="{}", start="A"):
    """Run a state machine to its end."""
    client = cloud.client("stepfunctions")
    definition = json.dumps({"StartAt": start, "States": states})
    arn = client.create_state_machine(name="m", definition=definition, roleArn=ROLE)
    execution = client.start_execution(stateMachineArn=arn["stateMachineArn"], input=given)
    ended = until_ended(cloud, execution["executionArn"])
    client.delete_state_machine(stateMachineArn=arn["stateMachineArn"])
    return ended


def until_ended(cloud, arn):
    client, end = cloud.client("stepfunctions"), time.monotonic() + 30
    while time.monotonic() < end:
        found = client.describe_execution(executionArn=arn)
        if found["status"] != "RUNNING":
            return found
        time.sleep(0.02)
    raise AssertionError(f"{arn} does not end")


def task(resource, parameters, **more):
    resource = f"arn:aws:states:::{resource}"
    return {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **more}


def test_functions_run_their_code_and_stay_warm(cloud, function):
    client = cloud.client("lambda")
    calls = []
    for _ in range(2):
        answer = client.invoke(FunctionName=function, Payload='{"answer": 1}')
        calls.append(json.loads(answer["Payload"].read())["calls"])
    assert calls == [1, 2]
    client.update_function_configuration(
        FunctionName="f", Environment={"Variables": {"ANOTHER": "1"}}
    )
    answer = client.invoke(FunctionName=function, Payload='{"answer": 1}')
    assert json.loads(answer["Payload"].read())["calls"] == 1
    assert len(cloud.processes()) == 1  # the one with the earlier environment is ended
    client.delete_function(FunctionName="f")
    assert cloud.processes() == []
    client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Role=cloud.client("iam").get_role(RoleName="f")["Role"]["Arn"],
        Handler="index.handler",
        Code={"ZipFile": zipped()},
    )


def test_what_a_function_raises_is_unhandled(cloud, function):
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload='{"bad": 1}')
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"].read())
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "a bad one")
    seen(cloud, 1)


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("import time\ndef handler(e, c): time.sleep(60)", "Sandbox.Timedout", "timed out after 1"),
        ("import os\ndef handler(e, c): os._exit(3)", "Runtime.ExitError", "exit status 3"),
        ("def handler(e, c): return object()", "TypeError", "not JSON serializable"),
    ],
)
def test_a_function_that_does_not_answer(cloud, function, code, kind, message):
    client = cloud.client("lambda")
    client.update_function_code(FunctionName="f", ZipFile=zipped(code))
    client.update_function_configuration(FunctionName="f", Timeout=1)
    answer = client.invoke(FunctionName=function, Payload="{}")
    error = json.loads(answer["Payload"].read())
    assert (answer["FunctionError"], error["errorType"]) == ("Unhandled", kind)
    assert message in error["errorMessage"]


def test_an_event_is_tried_three_times_and_then_told(cloud, function):
    client = cloud.client("lambda")
    cloud.client("sqs").create_queue(QueueName="failed")
    destination = {"OnFailure": {"Destination": f"{QUEUE_ARN}:failed"}}
    client.put_function_event_invoke_config(FunctionName="f", DestinationConfig=destination)
    answer = client.invoke(FunctionName="f", InvocationType="Event", Payload='{"bad": 1}')
    assert answer["StatusCode"] == 202
    assert seen(cloud, 3) == [{"bad": 1}] * 3
    (told,) = seen(cloud, 1, "failed")
    assert told["requestContext"]["approximateInvokeCount"] == 3
    assert told["requestPayload"] == {"bad": 1}
    assert told["responsePayload"]["errorMessage"] == "a bad one"
    client.put_function_event_invoke_config(FunctionName="f", MaximumRetryAttempts=0)
    client.invoke(FunctionName="f", InvocationType="Event", Payload='{"bad": 2}')
    assert seen(cloud, 1) == [{"bad": 2}]
    cloud.client("sqs").delete_queue(QueueUrl=url(cloud, "failed"))


def test_a_topic_calls_a_function_with_its_message(cloud, function):
    client = cloud.client("sns")
    topic = client.create_topic(Name="t")["TopicArn"]
    subscription = client.subscribe(
        TopicArn=topic,
        Protocol="lambda",
        Endpoint=function,
        Attributes={"FilterPolicy": '{"kind": ["wanted"]}'},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    for kind in ("wanted", "other"):
        said = {"kind": {"DataType": "String", "StringValue": kind}}
        sent = client.publish(TopicArn=topic, Message=kind, Subject="s", MessageAttributes=said)
        if kind == "wanted":
            message_id = sent["MessageId"]
    (event,) = seen(cloud, 1)
    (record,) = event["Records"]
    assert (record["EventSource"], record["EventSubscriptionArn"]) == ("aws:sns", subscription)
    told = record["Sns"]
    assert (told["TopicArn"], told["MessageId"], told["Message"]) == (topic, message_id, "wanted")
    assert told["MessageAttributes"] == {"kind": {"Type": "String", "Value": "wanted"}}
    client.delete_topic(TopicArn=topic)


def test_a_message_comes_again_until_it_is_given_up(cloud, function):
    client = cloud.client("sqs")
    client.create_queue(QueueName="dead")
    redrive = {"deadLetterTargetArn": f"{QUEUE_ARN}:dead", "maxReceiveCount": 2}
    attributes = {"VisibilityTimeout": "30", "RedrivePolicy": json.dumps(redrive)}
    work = client.create_queue(QueueName="work", Attributes=attributes)["QueueUrl"]
    cloud.client("lambda").invoke(FunctionName="f", Payload='{"answer": 1}')  # warm from here
    mapping = cloud.client("lambda").create_event_source_mapping(
        FunctionName="f", EventSourceArn=f"{QUEUE_ARN}:work", BatchSize=1
    )["UUID"]
    client.send_message(QueueUrl=work, MessageBody='"good"')
    assert [event["Records"][0]["body"] for event in seen(cloud, 1)] == ['"good"']
    # However slow the machine, only a message that fails comes again.
    client.set_queue_attributes(QueueUrl=work, Attributes={"VisibilityTimeout": "2"})
    client.send_message(QueueUrl=work, MessageBody='"bad"')
    assert seen(cloud, 1, "dead") == ["bad"]
    assert [event["Records"][0]["body"] for event in seen(cloud, 2)] == 2 * ['"bad"']
    cloud.client("lambda").delete_event_source_mapping(UUID=mapping)
    for name in ("work", "dead"):
        client.delete_queue(QueueUrl=url(cloud, name))


def upload_rule(cloud, target, **more):
    """Have uploads of a bucket told to a target."""
    s3, events = cloud.client("s3"), cloud.client("events")
    s3.create_bucket(Bucket="uploads")
    told: dict[str, Any] = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket="uploads", NotificationConfiguration=told)
    assert "EventBridgeConfiguration" in s3.get_bucket_notification_configuration(Bucket="uploads")
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["uploads"]}, "object": {"key": [{"prefix": "incoming/"}]}},
    }
    events.put_rule(Name="uploads", EventPattern=json.dumps(pattern))
    events.put_rule(Name="daily", ScheduleExpression="rate(1 day)")
    for name in ("uploads", "daily"):
        events.put_targets(Rule=name, Targets=[{"Id": "t", "Arn": target, **more}])


def remove_upload_rule(cloud):
    for name in ("uploads", "daily"):
        cloud.client("events").remove_targets(Rule=name, Ids=["t"])
        cloud.client("events").delete_rule(Name=name)
    s3 = cloud.client("s3")
    for item in s3.list_objects_v2(Bucket="uploads").get("Contents", []):
        s3.delete_object(Bucket="uploads", Key=item["Key"])
    s3.delete_bucket(Bucket="uploads")


def test_an_upload_calls_a_function(cloud, function):
    upload_rule(cloud, function)
    s3 = cloud.client("s3")
    for key in ("incoming/a b.wav", "other/c.wav"):
        etag = s3.put_object(Bucket="uploads", Key=key, Body=b"RIFF")["ETag"]
    (event,) = seen(cloud, 1)
    detail = event["detail"]
    assert (event["source"], event["detail-type"]) == ("aws.s3", "Object Created")
    assert datetime.fromisoformat(event["time"]).tzinfo == UTC
    assert detail["reason"] == "PutObject"
    assert detail["object"].pop("sequencer")
    assert detail["object"] == {"key": "incoming/a b.wav", "size": 4, "etag": etag.strip('"')}
    remove_upload_rule(cloud)


def test_an_upload_starts_a_state_machine_with_what_the_rule_makes_of_it(cloud):
    states = {"A": {"Type": "Pass", "End": True}}
    client = cloud.client("stepfunctions")
    definition = json.dumps({"StartAt": "A", "States": states})
    made = client.create_state_machine(name="u", definition=definition, roleArn=ROLE)
    arn = made["stateMachineArn"]
    paths = {"key": "$.detail.object.key", "size": "$.detail.object.size"}
    template = '{"source": "s3://uploads/<key>", "key": "<key>", "size": <size>}'
    transformer = {"InputPathsMap": paths, "InputTemplate": template}
    upload_rule(cloud, arn, RoleArn=ROLE, InputTransformer=transformer)
    for _ in range(2):
        cloud.client("s3").put_object(Bucket="uploads", Key="incoming/a.wav", Body=b"RIFF")
    executions = client.list_executions(stateMachineArn=arn)["executions"]
    assert len(executions) == 2
    outputs = [until_ended(cloud, item["executionArn"])["output"] for item in executions]
    said = {"source": "s3://uploads/incoming/a.wav", "key": "incoming/a.wav", "size": 4}
    assert list(map(json.loads, outputs)) == [said] * 2
    remove_upload_rule(cloud)
    client.delete_state_machine(stateMachineArn=arn)


def test_a_flow_of_functions_tokens_and_tables(cloud, function):
    cloud.client("dynamodb").create_table(
        TableName="jobs",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    put = {"TableName": "jobs", "Item": {"id": {"S.$": "$.id"}}}
    put["ConditionExpression"] = "attribute_not_exists(id)"
    payload = {"token.$": "$$.Task.Token", "fail": False}
    waits = {"FunctionName": function, "Payload": payload}
    refused = [{"ErrorEquals": ["DynamoDB.ConditionalCheckFailedException"], "Next": "Known"}]
    states = {
        "A": task("dynamodb:putItem", put, ResultPath=None, Catch=refused) | {"Next": "B"},
        "B": task("lambda:invoke.waitForTaskToken", waits, TimeoutSeconds=20, ResultPath="$.b"),
        "Known": {"Type": "Fail", "Error": "Known", "Cause": "it is there"},
    }
    del states["A"]["End"]
    first, second = (run(cloud, states, '{"id": "1"}') for _ in range(2))
    assert json.loads(first["output"]) == {"id": "1", "b": {"done": True}}
    assert (second["status"], second["error"]) == ("FAILED", "Known")
    cloud.client("dynamodb").delete_table(TableName="jobs")


def test_a_token_that_fails_tells_why(cloud, function):
    payload = {"token.$": "$$.Task.Token", "fail": True}
    waits = {"FunctionName": function, "Payload": payload}
    ended = run(cloud, {"A": task("lambda:invoke.waitForTaskToken", waits, TimeoutSeconds=20)})
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "Lost", "a cause")


def test_an_error_of_a_function_is_caught_by_its_type(cloud, function):
    calls = {"FunctionName": function, "Payload": {"bad": 1}}
    caught = [{"ErrorEquals": ["ValueError"], "ResultPath": "$.problem", "Next": "B"}]
    states = {"A": task("lambda:invoke", calls, Catch=caught), "B": {"Type": "Pass", "End": True}}
    ended = run(cloud, states)
    assert json.loads(ended["output"])["problem"]["Error"] == "ValueError"
    seen(cloud, 1)


@pytest.mark.parametrize("action", ["mediaconvert:createJob.sync", "batch:submitJob.sync"])
def test_a_service_that_is_not_here_fails_its_task(cloud, action):
    caught = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.problem", "Next": "B"}]
    states = {"A": task(action, {"Role": ROLE}, Catch=caught), "B": {"Type": "Pass", "End": True}}
    said = json.loads(run(cloud, states)["output"])["problem"]
    assert said["Cause"] == f"The local cloud has no {action.partition(':')[0]}"


def test_an_execution_that_is_stopped_at_once(cloud, monkeypatch):
    client = cloud.client("stepfunctions")
    states = {"A": {"Type": "Wait", "Seconds": 60, "End": True}}
    definition = json.dumps({"StartAt": "A", "States": states})
    made = client.create_state_machine(name="s", definition=definition, roleArn=ROLE)
    logic = ExecutionWorker._execution_logic

    def begin_late(worker):
        time.sleep(0.5)
        logic(worker)

    monkeypatch.setattr(ExecutionWorker, "_execution_logic", begin_late)
    arn = client.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
    client.stop_execution(executionArn=arn, error="Cancelled", cause="at once")
    assert until_ended(cloud, arn)["cause"] == "at once"
    client.delete_state_machine(stateMachineArn=made["stateMachineArn"])


def test_executions_without_names_and_one_that_is_stopped(cloud):
    client = cloud.client("stepfunctions")
    states = {"A": {"Type": "Wait", "Seconds": 60, "End": True}}
    definition = json.dumps({"StartAt": "A", "States": states})
    made = client.create_state_machine(name="w", definition=definition, roleArn=ROLE)
    arns = {
        client.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
        for _ in range(2)
    }
    assert len(arns) == 2
    for arn in arns:
        client.stop_execution(executionArn=arn, error="Cancelled", cause="by somebody")
        ended = until_ended(cloud, arn)
        said = (ended["status"], ended["error"], ended["cause"])
        assert said == ("ABORTED", "Cancelled", "by somebody")
    client.delete_state_machine(stateMachineArn=made["stateMachineArn"])


def test_an_execution_that_waits_for_a_token_is_stopped(cloud, function):
    client = cloud.client("stepfunctions")
    waits = {"FunctionName": function, "Payload": {"answer": 1}}
    states = {"A": task("lambda:invoke.waitForTaskToken", waits, TimeoutSeconds=600)}
    definition = json.dumps({"StartAt": "A", "States": states})
    made = client.create_state_machine(name="w", definition=definition, roleArn=ROLE)
    arn = client.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
    time.sleep(0.2)
    client.stop_execution(executionArn=arn, error="Cancelled", cause="by somebody")
    assert until_ended(cloud, arn)["status"] == "ABORTED"
    client.delete_state_machine(stateMachineArn=made["stateMachineArn"])


def test_a_map_over_a_prefix_starts_an_execution_for_each_object(cloud):
    s3, client = cloud.client("s3"), cloud.client("stepfunctions")
    s3.create_bucket(Bucket="listed")
    for number in range(3):
        s3.put_object(Bucket="listed", Key=f"full/{number}.wav", Body=b"RIFF")
    one = {"A": {"Type": "Pass", "Parameters": {"key.$": "$.object.Key"}, "End": True}}
    definition = json.dumps({"StartAt": "A", "States": one})
    made = client.create_state_machine(name="one", definition=definition, roleArn=ROLE)
    named = {"StateMachineArn": made["stateMachineArn"], "Input.$": "$"}
    selected = {"arn.$": "$.ExecutionArn", "status.$": "$.Status"}
    start = task("states:startExecution.sync", named, ResultSelector=selected)
    distributed = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    of_each = {"ProcessorConfig": distributed, "StartAt": "A", "States": {"A": start}}
    listing = {"Bucket": "listed", "Prefix.$": "$.prefix"}
    reader = {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": listing}
    many = {
        "Type": "Map",
        "ItemReader": reader,
        "ItemSelector": {"object.$": "$$.Map.Item.Value"},
        "ItemProcessor": of_each,
        "End": True,
    }
    nothing, everything = (run(cloud, {"A": many}, json.dumps({"prefix": p})) for p in ("no/", ""))
    assert json.loads(nothing["output"]) == []
    results = json.loads(everything["output"])
    assert {result["status"] for result in results} == {"SUCCEEDED"}
    outputs = [client.describe_execution(executionArn=item["arn"])["output"] for item in results]
    keys = sorted(json.loads(output)["key"] for output in outputs)
    assert keys == ["full/0.wav", "full/1.wav", "full/2.wav"]
    for key in keys:
        s3.delete_object(Bucket="listed", Key=key)
    s3.delete_bucket(Bucket="listed")
    client.delete_state_machine(stateMachineArn=made["stateMachineArn"])


def test_an_execution_that_fails_is_told(cloud, function):
    events = cloud.client("events")
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED", "ABORTED"]}}
    events.put_rule(Name="ends", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="ends", Targets=[{"Id": "t", "Arn": function}])
    run(cloud, {"A": {"Type": "Pass", "End": True}})
    ended = run(cloud, {"A": {"Type": "Fail", "Error": "E", "Cause": "c"}}, '{"job": "1"}')
    (event,) = seen(cloud, 1)
    assert event["detail-type"] == "Step Functions Execution Status Change"
    detail = event["detail"]
    assert (detail["executionArn"], detail["status"]) == (ended["executionArn"], "FAILED")
    assert (detail["input"], detail["error"], detail["cause"]) == ('{"job": "1"}', "E", "c")
    events.remove_targets(Rule="ends", Ids=["t"])
    events.delete_rule(Name="ends")
