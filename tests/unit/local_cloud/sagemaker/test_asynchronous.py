# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_cloud import ACCOUNT_ID, REGION
from local_cloud.sagemaker import asynchronous
from local_cloud.server import LocalCloud
from tests.fakes.stand_ins import TRANSCRIPT, ScriptedHosting

ROLE = f"arn:aws:iam::{ACCOUNT_ID}:role/endpoint"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:inference"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:told"
PUBLISH: dict[str, Any] = {"Effect": "Allow", "Action": "sns:Publish", "Resource": TOPIC}


def queue_config(**output):
    told: dict[str, Any] = {"SuccessTopic": TOPIC, "ErrorTopic": TOPIC}
    told["IncludeInferenceResponseIn"] = ["ERROR_NOTIFICATION_TOPIC"]
    paths = {"S3OutputPath": "s3://bucket/raw", "S3FailurePath": "s3://bucket/failed"}
    return {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 2},
        "OutputConfig": paths | {"NotificationConfig": told} | output,
    }


def allow(cloud, *statements):
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    cloud.client("iam").put_role_policy(
        RoleName="endpoint", PolicyName="p", PolicyDocument=document
    )


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud(ScriptedHosting) as cloud:
        cloud.client("iam").create_role(RoleName="endpoint", AssumeRolePolicyDocument="{}")
        cloud.client("s3").create_bucket(Bucket="bucket")
        cloud.client("sns").create_topic(Name="inference")
        cloud.client("sqs").create_queue(QueueName="told")
        raw = {"RawMessageDelivery": "true"}
        cloud.client("sns").subscribe(
            TopicArn=TOPIC, Protocol="sqs", Endpoint=QUEUE, Attributes=raw
        )
        allow(cloud, PUBLISH)
        client = cloud.client("sagemaker")
        source = {"S3Uri": "s3://b/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}
        client.create_model(
            ModelName="m",
            PrimaryContainer={"Image": "i", "ModelDataSource": {"S3DataSource": source}},
            ExecutionRoleArn=ROLE,
        )
        variant = {
            "VariantName": "AllTraffic",
            "ModelName": "m",
            "InstanceType": "ml.g5.2xlarge",
            "InitialInstanceCount": 1,
        }
        for name, more in (("now", {}), ("queue", {"AsyncInferenceConfig": queue_config()})):
            client.create_endpoint_config(
                EndpointConfigName=name, ProductionVariants=[variant], **more
            )
            client.create_endpoint(EndpointName=name, EndpointConfigName=name)
        yield cloud


@pytest.fixture(autouse=True)
def awake(cloud):
    cloud.hosting.answer = (200, TRANSCRIPT)
    del cloud.hosting.requests[:]
    instances(cloud, 1)


def instances(cloud, count, endpoint="queue"):
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
    cloud.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=endpoint, DesiredWeightsAndCapacities=wanted
    )


def invoke(cloud, endpoint="queue", **request):
    given: dict[str, Any] = {"Body": b"{}"} if "InputLocation" not in request else {}
    request = {"ContentType": "application/json"} | given | request
    client = cloud.client("sagemaker-runtime", parameter_validation=False)
    return client.invoke_endpoint_async(EndpointName=endpoint, **request)


def told(cloud):
    """Return the next notification."""
    client, end = cloud.client("sqs"), time.monotonic() + 30
    url = client.get_queue_url(QueueName="told")["QueueUrl"]
    while time.monotonic() < end:
        for message in client.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            return json.loads(message["Body"])
    raise AssertionError("there is no notification")


def content(cloud, place):
    bucket, _, key = place.removeprefix("s3://").partition("/")
    return json.loads(cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def test_an_answer_is_put_where_it_was_promised_and_told(cloud):
    answer = invoke(
        cloud,
        Body=b'{"s3_uri": "s3://a/b"}',
        InferenceId="job.1",
        S3OutputPathExtension="job",
        Filename="1.json",
        CustomAttributes="mine",
        Accept="application/json",
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    places = (answer["InferenceId"], answer["OutputLocation"], answer["FailureLocation"])
    assert places == ("job.1", "s3://bucket/raw/job/1.json", "s3://bucket/failed/job/1.json")
    message = told(cloud)
    assert content(cloud, answer["OutputLocation"]) == TRANSCRIPT
    assert message.pop("eventTime") >= message.pop("receivedTime")
    assert message == {
        "awsRegion": REGION,
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "application/json",
            "contentType": "application/json",
            "customAttributes": "mine",
            "endpointName": "queue",
        },
        "responseParameters": {
            "contentType": "application/json",
            "outputLocation": answer["OutputLocation"],
        },
        "inferenceId": "job.1",
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    (request,) = cloud.hosting.requests
    assert request["body"] == b'{"s3_uri": "s3://a/b"}'
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert headers["content-type"] == "application/json"
    assert headers["x-amzn-sagemaker-custom-attributes"] == "mine"


def test_an_input_from_s3(cloud):
    cloud.client("s3").put_object(Bucket="bucket", Key="in.json", Body=b'{"a": 1}')
    answer = invoke(cloud, InputLocation="s3://bucket/in.json")
    message = told(cloud)
    assert message["requestParameters"]["inputLocation"] == "s3://bucket/in.json"
    assert message["inferenceId"] == answer["InferenceId"]
    assert cloud.hosting.requests[0]["body"] == b'{"a": 1}'


def test_a_refusal_is_put_with_the_failures_and_told(cloud):
    cloud.hosting.answer = (422, {"error": "no audio in it"})
    answer = invoke(cloud)
    message = told(cloud)
    assert message["invocationStatus"] == "Failed"
    assert "Received client error (422) from model" in message["failureReason"]
    assert message["responseBody"]["content"]
    assert content(cloud, answer["FailureLocation"]) == {"error": "no audio in it"}
    with pytest.raises(ClientError, match="NoSuchKey"):
        content(cloud, answer["OutputLocation"])


def test_an_input_that_is_not_there(cloud):
    invoke(cloud, InputLocation="s3://bucket/none.json")
    assert "The input could not be read" in told(cloud)["failureReason"]


def test_without_instances_requests_wait(cloud):
    instances(cloud, 0)
    asked = {invoke(cloud)["InferenceId"] for _ in range(3)}
    time.sleep(3 * asynchronous._PACE_SECONDS)
    assert cloud.hosting.requests == []
    assert cloud.asynchronous.backlog("queue") == 3
    cloud.asynchronous._tell_metrics()
    assert metric(cloud, "ApproximateBacklogSize", "Maximum") >= 3
    assert metric(cloud, "HasBacklogWithoutCapacity", "Maximum") == 1
    instances(cloud, 1)
    assert {told(cloud)["inferenceId"] for _ in range(3)} == asked
    cloud.asynchronous._tell_metrics()
    assert metric(cloud, "HasBacklogWithoutCapacity", "Minimum") == 0


def metric(cloud, name, statistic):
    """Return the lowest or highest value of the last minutes."""
    query = {
        "Id": "m",
        "MetricStat": {
            "Stat": statistic,
            "Period": 60,
            "Metric": {
                "Namespace": "AWS/SageMaker",
                "MetricName": name,
                "Dimensions": [{"Name": "EndpointName", "Value": "queue"}],
            },
        },
    }
    answer = cloud.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=time.time() - 600, EndTime=time.time() + 60
    )
    choose = {"Minimum": min, "Maximum": max}[statistic]
    return choose(answer["MetricDataResults"][0]["Values"])


def test_an_instance_is_given_no_more_at_once_than_its_config_says(cloud, monkeypatch):
    running: list[dict[str, Any]] = []
    monkeypatch.setattr(cloud.asynchronous, "_ask", lambda waiting: hold(running, waiting))
    for _ in range(5):
        invoke(cloud)
    wait_for(lambda: len(running) == 2)
    time.sleep(3 * asynchronous._PACE_SECONDS)
    assert len(running) == 2
    instances(cloud, 2)
    wait_for(lambda: len(running) == 4)
    for event in running:
        event["go"] = True
    wait_for(lambda: len(running) == 5)
    running[-1]["go"] = True
    wait_for(lambda: cloud.asynchronous.backlog("queue") == 0)


def hold(running, waiting):
    event = {"go": False, "id": waiting.inference_id}
    running.append(event)
    wait_for(lambda: event["go"])


def wait_for(condition):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_waits_too_long_expires(cloud, monkeypatch):
    instances(cloud, 0)
    monkeypatch.setitem(asynchronous._RANGES, "requestttlseconds", (0, 60))
    answer = invoke(cloud, RequestTTLSeconds=0)
    message = told(cloud)
    assert message["inferenceId"] == answer["InferenceId"]
    assert "expired" in message["failureReason"]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Body": bytes(128_001)}, "larger than 128000 bytes"),
        ({"InputLocation": "s3://bucket/in.json", "Body": b"{}"}, "Exactly one of"),
        ({"RequestTTLSeconds": 59}, "from 60 to 21600"),
        ({"InvocationTimeoutSeconds": 3601}, "from 1 to 3600"),
        ({"InferenceId": "x" * 65}, "'inference-id'"),
        ({"Filename": "a.b.c"}, "'filename'"),
        ({"S3OutputPathExtension": "s3://elsewhere"}, "'s3outputpathextension'"),
        ({"endpoint": "now"}, "is not asynchronous: call InvokeEndpoint"),
        ({"endpoint": "none"}, "Endpoint none of account 123456789012 not found"),
    ],
)
def test_what_is_refused_at_once(cloud, request_, message):
    with pytest.raises(ClientError, match=message) as refusal:
        invoke(cloud, **request_)
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    assert cloud.asynchronous.backlog("queue") == 0


def test_an_asynchronous_endpoint_does_not_answer_at_once(cloud):
    runtime = cloud.client("sagemaker-runtime")
    with pytest.raises(ClientError, match="is asynchronous: call InvokeEndpointAsync"):
        runtime.invoke_endpoint(EndpointName="queue", Body=b"{}")


def test_a_real_time_endpoint_keeps_an_instance(cloud):
    with pytest.raises(ClientError, match="DesiredInstanceCount"):
        instances(cloud, 0, "now")


@pytest.mark.parametrize(
    "statements",
    [
        [{**PUBLISH, "Resource": f"{TOPIC}-other"}],
        [{**PUBLISH, "Action": ["sns:Subscribe"]}],
        [PUBLISH, {**PUBLISH, "Effect": "Deny"}],
    ],
)
def test_topics_that_the_role_may_not_publish_to(cloud, statements):
    allow(cloud, *statements)
    try:
        with pytest.raises(ClientError, match="not authorized to perform: SNS:Publish"):
            cloud.client("sagemaker").create_endpoint(
                EndpointName="another", EndpointConfigName="queue"
            )
    finally:
        allow(cloud, PUBLISH)
