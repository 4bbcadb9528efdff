# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import time
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy_whisper.endpoint.asynchronous import AsynchronousInference
from deploy_whisper.endpoint.smoke import transcribe_through_the_queue
from local_cloud.sagemaker.asynchronous import MAX_INLINE_BYTES
from local_cloud.server import LocalCloud
from scripts.local_stack import aws_settings
from tests.fakes.endpoints import make_endpoint
from tests.fakes.stand_ins import TRANSCRIPT, ScriptedHosting, write_tree
from whisper_sagemaker.errors import SmokeTestFailed

ROOT = Path(__file__).parents[4]
BEGIN = "Check that the weights are a Whisper model: a known clip failed: "
QUEUE = AsynchronousInference("s3://bucket/raw", "s3://bucket/failed")


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud(ScriptedHosting) as cloud, aws_settings(cloud.environment()):
        boto3.DEFAULT_SESSION = None
        cloud.client("s3").create_bucket(Bucket="bucket")
        make_endpoint(cloud.client("sagemaker"), "recordings", AsyncInferenceConfig=QUEUE.config())
        yield cloud
    boto3.DEFAULT_SESSION = None


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path, {"whisper_endpoint/selftest.wav": b"RIFF and so on"})


def poll(tree, request_id, polls=20):
    """Ask as the deployment does, poll after poll."""
    for _ in range(polls):
        if transcribe_through_the_queue(
            "recordings", tree, QUEUE, request_id, lambda seconds: time.sleep(seconds / 20)
        ):
            return
    raise AssertionError("it never says that it transcribes")


def objects(cloud, prefix):
    found = cloud.client("s3").list_objects_v2(Bucket="bucket", Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", [])]


def test_a_transcript_is_enough_and_is_taken_away(cloud, tree):
    cloud.hosting.answer = (200, TRANSCRIPT)
    del cloud.hosting.requests[:]
    poll(tree, "request-1")
    assert objects(cloud, "raw/") == []
    (request,) = cloud.hosting.requests
    headers = {name.lower(): value for name, value in request["headers"].items()}
    assert headers["content-type"] == "application/x-protobuf"
    assert headers["x-amzn-sagemaker-inference-id"].startswith("smoke-test-")
    assert b"RIFF and so on" in request["body"]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((200, TRANSCRIPT | {"text": " \n"}), "the text was empty"),
        ((200, {"text": "hello"}), "'language' is a required property"),
        ((422, {"error": "what is this?"}), "what is this?"),
    ],
)
def test_everything_else_is_refused_in_a_sentence(cloud, tree, answer, cause):
    cloud.hosting.answer = answer
    with pytest.raises(SmokeTestFailed) as refusal:
        poll(tree, f"request-{cause}")
    assert str(refusal.value).startswith(BEGIN)
    assert cause in str(refusal.value)
    assert len(str(refusal.value)) <= 256


def test_while_no_instance_is_there_it_is_too_early(cloud, tree):
    cloud.hosting.answer = (200, TRANSCRIPT)
    instances(cloud, 0)
    assert not transcribe_through_the_queue("recordings", tree, QUEUE, "r", lambda _: None)
    assert not transcribe_through_the_queue("recordings", tree, QUEUE, "r", lambda _: None)
    instances(cloud, 1)
    poll(tree, "r")


def instances(cloud, count):
    wanted = [{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
    cloud.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="recordings", DesiredWeightsAndCapacities=wanted
    )


def test_what_an_earlier_poll_asked_for_is_taken(cloud, tree, monkeypatch):
    cloud.hosting.answer = (200, TRANSCRIPT)
    asked: list[str] = []
    invoke = cloud.asynchronous.invoke

    def noted(*given):
        asked.append("asked")
        return invoke(*given)

    monkeypatch.setattr(cloud.asynchronous, "invoke", noted)
    instances(cloud, 0)
    assert not transcribe_through_the_queue("recordings", tree, QUEUE, "again", lambda _: None)
    instances(cloud, 1)
    end = time.monotonic() + 30
    while cloud.asynchronous.backlog("recordings") and time.monotonic() < end:
        time.sleep(0.05)
    poll(tree, "again")
    assert asked == ["asked"]


def test_an_endpoint_that_does_not_exist(cloud, tree):
    with pytest.raises(SmokeTestFailed, match="Endpoint gone of account 123456789012 not found"):
        transcribe_through_the_queue("gone", tree, QUEUE, "nobody's", lambda _: None)


class Denied:
    """S3 and SageMaker's runtime, which IAM does not let us ask yet."""

    def get_object(self, **_):
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")

    def invoke_endpoint_async(self, **_):
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Invoke")


def test_what_iam_does_not_know_yet_is_too_early(monkeypatch, tree):
    monkeypatch.setattr(boto3, "client", lambda *_, **__: Denied())
    assert not transcribe_through_the_queue("recordings", tree, QUEUE, "r", lambda _: None)


def test_an_error_of_s3_is_told(monkeypatch, tree):
    class Broken(Denied):
        def get_object(self, **_):
            raise ClientError({"Error": {"Code": "NoSuchBucket", "Message": "none"}}, "GetObject")

    monkeypatch.setattr(boto3, "client", lambda *_, **__: Broken())
    with pytest.raises(ClientError, match="NoSuchBucket"):
        transcribe_through_the_queue("recordings", tree, QUEUE, "r", lambda _: None)


def test_the_real_clip_fits_into_a_request():
    clip = ROOT / "inference/whisper_endpoint/selftest.wav"
    assert clip.stat().st_size < MAX_INLINE_BYTES - 1000
