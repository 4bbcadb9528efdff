# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""recordings.yaml, deployed: uploads become subtitles, and all of it goes away again.

Everything but the container is real: functions, both state machines, table, topics, rules, queue.
"""

import json
import re
from typing import Any

import moto.stepfunctions.parser.models
import pytest
from moto.core.exceptions import JsonRESTError

from local_cloud.sagemaker.hosting import Health
from recordings import handlers
from recordings.jobs import Jobs
from tests.lifecycle.calls import missing
from tests.lifecycle.publishing import packaged_recordings
from tests.lifecycle.recordings.conftest import DeployedRecordings, beside, nested, until
from tests.template.parameter_sets import KEY

BROKEN = "The audio cannot be decoded: it is broken."
NOT_DECODED = f"The endpoint cannot decode the recording ({BROKEN})"


@pytest.fixture(scope="module")
def counted(first, recordings_world):
    return recordings_world.inventory()


@pytest.fixture(scope="module")
def deployed(first, counted, recordings_world):
    stack = recordings_world.create(packaged_recordings(), ModelS3Uri=None, **beside(first))
    assert stack.status == "CREATE_COMPLETE", stack.reason
    return DeployedRecordings(recordings_world, stack)


def test_an_upload_becomes_subtitles(deployed):
    uri = deployed.put("incoming/calls/hello.wav", "hello world")
    job = deployed.until("incoming/calls/hello.wav", "SUCCEEDED", "FAILED")
    assert job["status"] == "SUCCEEDED", job
    assert sorted(job["outputs"]) == ["json", "srt"]
    assert "hello world" in deployed.read(job["outputs"]["srt"])
    assert "00:00:00,000 --> 00:00:02,000" in deployed.read(job["outputs"]["srt"])
    assert deployed.world.hosting.seen[uri] == 1


def test_a_broken_recording_ends_as_one_sentence_which_the_topic_is_told(deployed):
    clients = deployed.world.cloud.client
    queue = clients("sqs").create_queue(QueueName="failed-jobs")["QueueUrl"]
    named = {"QueueUrl": queue, "AttributeNames": ["QueueArn"]}
    arn = clients("sqs").get_queue_attributes(**named)["Attributes"]["QueueArn"]
    told = {"TopicArn": deployed.stack.outputs["FailedJobsTopicArn"], "Protocol": "sqs"}
    subscribed = clients("sns").subscribe(Endpoint=arn, **told)["SubscriptionArn"]
    deployed.put("incoming/bad.wav", "broken")
    job = deployed.until("incoming/bad.wav", "SUCCEEDED", "FAILED")
    assert job["status"] == "FAILED"
    assert job["error"].startswith(
        f"{NOT_DECODED}, and MediaConvert could not be used to convert it ("
    )
    assert "The local cloud has no mediaconvert" in job["error"]
    messages = until(lambda: clients("sqs").receive_message(QueueUrl=queue).get("Messages"))
    said = json.loads(json.loads(messages[0]["Body"])["Message"])
    assert (said["TranscriptionJobName"], said["FailureReason"]) == (job["id"], job["error"])
    clients("sns").unsubscribe(SubscriptionArn=subscribed)
    clients("sqs").delete_queue(QueueUrl=queue)


def test_a_job_is_cancelled_while_the_endpoint_works(deployed):
    deployed.put("incoming/slow.wav", "long")
    job = deployed.until("incoming/slow.wav", "TRANSCRIBING")
    until(lambda: deployed.ask(action="status", id=job["id"])["job"].get("progress") == 0.25)
    assert deployed.ask(action="cancel", id=job["id"])["job"]["status"] == "CANCELLED"
    until(lambda: not deployed.executions(statusFilter="RUNNING"))
    until(lambda: deployed.world.cloud.asynchronous.backlog(endpoint_of(deployed)) == 0)
    assert deployed.jobs("incoming/slow.wav")[0]["status"] == "CANCELLED"
    assert "outputs" not in deployed.jobs("incoming/slow.wav")[0]


def test_a_job_whose_input_no_event_can_hold_is_cancelled_with_its_execution(deployed):
    uri = deployed.put("uploads/stopped.wav", "long")
    given = {"s3_uri": uri, "asked": {"tags": '"' * 100_000}}
    job_id = deployed.ask(action="submit", **given)["job"]["id"]
    deployed.until("uploads/stopped.wav", "TRANSCRIBING")
    (execution,) = [one["executionArn"] for one in deployed.executions(statusFilter="RUNNING")]
    assert execution.endswith(job_id)
    deployed.world.cloud.client("stepfunctions").stop_execution(executionArn=execution)
    job = deployed.until("uploads/stopped.wav", "CANCELLED", "FAILED")
    assert (job["status"], job["error"]) == ("CANCELLED", "The job's execution was stopped.")
    deployed.put(f"progress/{job_id}.json.stop", "")  # the endpoint


def endpoint_of(deployed):
    return deployed.stack.outputs["RecordingsEndpointName"]


def counts(deployed, name):
    """Return how the jobs of a batch ended, when it has been read and all have ended."""
    told = until(
        lambda: ended(deployed, name), lambda: deployed.ask(action="batch-status", name=name)
    )
    return told["counts"]


def ended(deployed, name):
    told = deployed.ask(action="batch-status", name=name, must_exist=True)
    return told if not told["running"] else None


def test_a_batch_goes_through_a_prefix_and_through_manifests(deployed):
    for number in range(3):
        deployed.put(f"uploads/july/{number}.wav", f"call {number}")
    deployed.put("uploads/july/3.wav", "broken")
    one, gone = (f"s3://{deployed.bucket}/uploads/july/{name}.wav" for name in (1, "gone"))
    rows = [{"s3_uri": one, "parameters": {"language": "en"}}, {"s3_uri": gone}]
    prefix = f"s3://{deployed.bucket}/uploads/july/"
    asked = {
        "prefix": {"prefix": prefix},
        "nothing": {"prefix": f"s3://{deployed.bucket}/uploads/august/"},
        "json": {"manifest": deployed.put("uploads/rows.json", json.dumps(rows))},
        "csv": {"manifest": deployed.put("uploads/rows.csv", f"s3_uri,formats\n{one},srt txt\n")},
    }
    for name, source in asked.items():
        assert deployed.ask(action="batch", name=name, **source) == {"batch": name}
    assert counts(deployed, "prefix") == {"SUCCEEDED": 3, "FAILED": 1}
    assert counts(deployed, "json") == {"SUCCEEDED": 1, "FAILED": 1}
    assert counts(deployed, "csv") == {"SUCCEEDED": 1}
    nothing = deployed.ask(action="batch-status", name="nothing")
    assert nothing == {"batch": "nothing", "running": False, "counts": {}}
    broken = deployed.put("uploads/broken.json", f"{json.dumps(rows)[:-1]},")
    deployed.ask(action="batch", name="broken", manifest=broken)
    assert "ended early, as FAILED" in until(lambda: ended(deployed, "broken"))["failure"]


def test_rows_whose_flow_may_not_be_started_are_failed_jobs(deployed, monkeypatch):
    kind = moto.stepfunctions.parser.models.StepFunctionsParserBackend
    start_execution = kind.start_execution

    def start(backend, arn, *more, **named):
        if arn == deployed.stack.outputs["StateMachineArn"]:
            raise JsonRESTError("AccessDeniedException", "It is not authorized.")
        return start_execution(backend, arn, *more, **named)

    for number in range(2):
        deployed.put(f"uploads/denied/{number}.wav", f"call {number}")
    monkeypatch.setattr(kind, "start_execution", start)
    prefix = f"s3://{deployed.bucket}/uploads/denied/"
    deployed.ask(action="batch", name="denied", prefix=prefix)
    assert counts(deployed, "denied") == {"FAILED": 2}
    (job,) = deployed.jobs("uploads/denied/0.wav")
    assert job["error"].startswith("The workflow failed (it was not started: ")


def update(deployed, **parameters):
    changed = {"ModelS3Uri": None, **parameters}
    deployed.world.update(deployed.stack, packaged_recordings(), **changed)
    return deployed.stack.status


def policies_that_alarms_set_off(deployed):
    """Return the names of the policies that alarms name; each of them has to be there."""
    clients, endpoint = deployed.world.cloud.client, endpoint_of(deployed)
    found = clients("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=f"endpoint/{endpoint}/variant/AllTraffic"
    )["ScalingPolicies"]
    names = {policy["PolicyARN"]: policy["PolicyName"] for policy in found}
    alarms = clients("cloudwatch").describe_alarms()["MetricAlarms"]
    return sorted(
        names[action]
        for alarm in alarms
        for action in alarm["AlarmActions"]
        if f"/{endpoint}/" in action
    )


def test_alarms_set_off_what_is_there_after_an_instance_type_was_rolled_back(deployed):
    expected = ["whisper-sleep-ml.g5.2xlarge", "whisper-wake-ml.g5.2xlarge"]
    assert policies_that_alarms_set_off(deployed) == expected
    deployed.world.hosting.outcome = (Health.FAILED, "no capacity")
    assert update(deployed, InstanceType="ml.g6.2xlarge") == "UPDATE_ROLLBACK_COMPLETE"
    deployed.world.hosting.outcome = (Health.READY, "")
    assert policies_that_alarms_set_off(deployed) == expected


def test_an_endpoint_that_somebody_deleted_comes_back_with_its_scaling(deployed):
    expected = policies_that_alarms_set_off(deployed)
    deployed.world.sagemaker.delete_endpoint(EndpointName=endpoint_of(deployed))
    deployed.world.settled(deployed.stack)
    assert update(deployed, MaxCapacity="2") == "UPDATE_COMPLETE", deployed.stack.reason
    assert policies_that_alarms_set_off(deployed) == expected


def test_nobody_has_called_what_its_role_does_not_allow(deployed):
    runs = deployed.world.calls.invocations
    assert missing(runs) == []
    called = {need.action for run in runs for need in run.needs}
    assert {"sagemaker:InvokeEndpointAsync", "states:SendTaskSuccess", "sns:Publish"} <= called
    assert "states:DescribeExecution" in called


def test_deleting_it_ends_what_runs_as_cancelled_and_leaves_nothing(deployed, counted, monkeypatch):
    deployed.put("incoming/last.wav", "long")
    job = deployed.until("incoming/last.wav", "TRANSCRIBING")
    seen = []

    class Watched(Jobs):
        def cancel_all(self):
            ended = super().cancel_all()
            seen.append((len(ended), self.table.get(job["id"]).status))
            return ended

    monkeypatch.setattr(handlers, "Jobs", Watched)
    world = deployed.world
    assert world.delete(deployed.stack).status == "DELETE_COMPLETE", deployed.stack.reason
    assert seen == [(1, "CANCELLED")]
    assert missing(world.calls.invocations) == []
    assert world.inventory() - counted == {}


@pytest.mark.parametrize(
    ("name", "region", "remedy"),
    [
        ("no-such-bucket", "", "a bucket of this account in us-east-1, .* NoSuchBucket"),
        ("elsewhere", "eu-central-1", "a bucket in us-east-1, where the stack is"),
        ("silent", "us-east-1", "a bucket that sends notifications to EventBridge"),
    ],
)
def test_a_bucket_whose_uploads_would_start_nothing(
    first, counted, recordings_world, name, region, remedy
):
    world = recordings_world
    if region:
        make_bucket(world, name, region)
    stack = beside_with(world, first, name)
    assert stack.status == "ROLLBACK_COMPLETE", stack.reason
    assert re.match(f"RecordingsBucketName must be {remedy}", stack.reason)
    if region:
        world.s3.delete_bucket(Bucket=name)
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert world.inventory() - counted == {}


def test_a_bucket_that_its_owner_deletes_first_keeps_no_stack(first, counted, recordings_world):
    world = recordings_world
    make_bucket(world, "ours", "us-east-1")
    told: dict[str, Any] = {"EventBridgeConfiguration": {}}
    world.s3.put_bucket_notification_configuration(Bucket="ours", NotificationConfiguration=told)
    stack = beside_with(world, first, "ours")
    assert stack.status == "CREATE_COMPLETE", stack.reason
    assert missing(world.calls.invocations) == []
    deployed = DeployedRecordings(world, stack)
    deployed.put("incoming/hello.wav", "hello")
    assert deployed.until("incoming/hello.wav", "SUCCEEDED", "FAILED")["status"] == "SUCCEEDED"
    for item in world.s3.list_objects_v2(Bucket="ours")["Contents"]:
        world.s3.delete_object(Bucket="ours", Key=item["Key"])
    world.s3.delete_bucket(Bucket="ours")
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert world.inventory() - counted == {}


def make_bucket(world, name, region):
    place = {} if region == "us-east-1" else {"LocationConstraint": region}
    more = {"CreateBucketConfiguration": place} if place else {}
    world.s3.create_bucket(Bucket=name, **more)


def beside_with(world, first, bucket):
    given = {"RecordingsBucketName": bucket, "ModelS3Uri": None}
    return world.create(packaged_recordings(), **given, **beside(first))


def test_nested_in_the_other_template(first, counted, recordings_world):
    world, template = recordings_world, nested(recordings_world.template, recordings_world)
    stack = world.update(first, template, EnableRecordings="true", RecordingsKmsKeyArns=KEY)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    deployed = DeployedRecordings(world, stack)
    deployed.put("incoming/hello.wav", "hello again")
    job = deployed.until("incoming/hello.wav", "SUCCEEDED", "FAILED")
    assert job["status"] == "SUCCEEDED"
    bucket, _, key = job["outputs"]["srt"].removeprefix("s3://").partition("/")
    written = world.s3.head_object(Bucket=bucket, Key=key)
    assert (written["ServerSideEncryption"], written["SSEKMSKeyId"]) == ("aws:kms", KEY)
    stack = world.update(first, template, EnableRecordings="false")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    left = world.inventory() - counted
    assert {kind: count for kind, count in left.items() if kind != "S3 object versions"} == {}
