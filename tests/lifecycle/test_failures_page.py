# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Every row of docs/operations.md's table of failures, produced as an operator produces it."""

import io
import re
import time
from collections.abc import Callable
from contextlib import contextmanager, redirect_stdout
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy_whisper.archive import hub
from deploy_whisper.archive.hub import HUB_MODELS
from local_cloud.sagemaker.control_plane import ValidationException
from local_cloud.sagemaker.hosting import Health
from local_cloud.template_reader import read_template
from tests.fakes.stand_ins import StandInHub
from tests.lifecycle.publishing import ARTIFACTS, ROOT
from tests.lifecycle.world import MODEL
from whisper_sagemaker import container_log

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
TYPE = "ml.g5.2xlarge"
TABLE = (ROOT / "docs/operations.md").read_text().partition("| what you see |")[2]
ROWS = [line.split(" | ")[0].strip("| ") for line in TABLE.partition("\n\n")[0].splitlines()[2:]]
# A row may have several messages, each in its own code span; the others are what they say.
SEEN = [
    seen
    for row in ROWS
    for seen in ([row] if row.startswith("alarm ") else re.findall("`([^`]+)`", row) or [row])
]


def failed(world, **parameters):
    """Return the reason for which a stack is rolled back, and see that nothing is left of it."""
    before = world.inventory()
    stack = world.create(**parameters)
    assert stack.status == "ROLLBACK_COMPLETE", stack.reason
    assert world.inventory() - before == {"stacks": 1}
    return stack.reason


@contextmanager
def refusing(operation, code, message):
    """Have S3 refuse an operation, as where IAM or a key's policy does not allow it."""

    def refuse(**_):
        raise ClientError({"Error": {"Code": code, "Message": message}}, operation)

    events, name = boto3.client("s3").meta.events, f"before-parameter-build.s3.{operation}"
    events.register(name, refuse)
    yield
    events.unregister(name, refuse)


def not_authorized(action):
    return f"User: … is not authorized to perform: {action} on resource: {KEY} because …"


def unpackaged_template(world):
    reason = failed(world, template=(ROOT / "template.yaml").read_text())
    world.delete(world.stacks.pop())  # whose function was never made, let alone asked
    return reason


def no_such_mirror(world):
    return from_another_mirror(world, ModelS3Uri="", WhisperModelSize="tiny")


def no_connection(world):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hub, "_ATTEMPTS", 1)
        patch.setitem(world.functions._environment, "HF_ENDPOINT", "https://127.0.0.1:9")
        return failed(world, ModelS3Uri="", WhisperModelSize="tiny")


def no_speakers_at_the_mirror(world):
    return from_another_mirror(world, Diarization="on")


def half_of_the_speaker_models(world):
    world.s3.put_object(Bucket=ARTIFACTS, Key="speakers/segmentation.onnx", Body=b"a model")
    return failed(world, DiarizationModelS3Uri=f"s3://{ARTIFACTS}/speakers/")


def from_another_mirror(world, **parameters):
    mirror = StandInHub("somebody/else", "main", {})
    world.functions._environment["HF_ENDPOINT"] = mirror.url
    try:
        return failed(world, **parameters)
    finally:
        del world.functions._environment["HF_ENDPOINT"]
        mirror.close()


def no_such_size(world):
    unknown = failed(world, SageMakerInstanceType="ml.g9.2xlarge")
    assert unknown.startswith("SageMakerInstanceType must be a type that SageMaker has, such as")
    assert unknown.endswith("; it is 'ml.g9.2xlarge'.")
    return failed(world, SageMakerInstanceType="ml.g5.3xlarge")


def float16_on_a_cpu(world):
    return failed(world, SageMakerInstanceType="ml.c7i.4xlarge", ComputeType="float16")


def image_elsewhere(world):
    return failed(world, ImageUri="111122223333.dkr.ecr.eu-west-1.amazonaws.com/whisper:1.0")


def topic_elsewhere(world):
    return failed(world, AlarmTopicArn="arn:aws:sns:eu-west-1:111122223333:operators")


def no_bucket(world):
    return failed(world, S3BucketName="no-such-bucket")


def bucket_elsewhere(world):
    place = {"LocationConstraint": "eu-central-1"}
    world.s3.create_bucket(Bucket="elsewhere", CreateBucketConfiguration=place)
    reason = failed(world, S3BucketName="elsewhere")
    world.s3.delete_bucket(Bucket="elsewhere")
    assert reason.endswith("it is 'elsewhere in eu-central-1'.")
    return reason


def key_without_rights(world):
    with refusing("PutObject", "AccessDenied", not_authorized("kms:GenerateDataKey")):
        reason = failed(world, KmsKeyArn=KEY)
    assert KEY in reason
    return reason


def no_model_bucket(world):
    return failed(world, ModelS3Uri="s3://no-such-bucket/model/")


def half_a_model(world):
    return failed(world, ModelS3Uri=world.put_model("half", model_bin=None))


def a_folder_too_high(world):
    world.put_model("families/small")
    return failed(world, ModelS3Uri=f"s3://{ARTIFACTS}/families/")


def transformers_model(world):
    world.s3.put_object(Bucket=ARTIFACTS, Key="hf/model.safetensors", Body=b"weights")
    return failed(world, ModelS3Uri=f"s3://{ARTIFACTS}/hf/")


def model_under_another_key(world):
    with refusing("CopyObject", "AccessDenied", not_authorized("kms:Decrypt")):
        return failed(world)


def damaged_download(world):
    return from_a_hub(world, "base.en", b"?" + bytes(1_199_999))


def foreign_weights(world):
    return from_a_hub(world, "tiny", bytes(1_200_000))


def from_a_hub(world, size, sent):
    hub = StandInHub(*HUB_MODELS[size], MODEL | {"model.bin": bytes(1_200_000)})
    hub.files["model.bin"] = sent
    world.functions._environment["HF_ENDPOINT"] = hub.url
    try:
        return failed(world, ModelS3Uri="", WhisperModelSize=size)
    finally:
        del world.functions._environment["HF_ENDPOINT"]
        hub.close()


def no_quota(world):
    quotas = world.cloud.quotas.quotas
    quotas[TYPE] = 0
    try:
        with staged() as files:
            reason = failed(world)
        assert files == []
        # Where Service Quotas does not tell, SageMaker does, in the same words.
        with staged() as files, without_quotas(world):
            assert failed(world) == reason
        assert any(file.endswith("model.bin") for file in files)
    finally:
        quotas[TYPE] = 100
    return reason


@contextmanager
def staged():
    """Remember the keys that are written, but that of the lease."""
    keys = []

    def remember(params, **_):
        if not params["Key"].endswith("lease.json"):
            keys.append(params["Key"])

    events = boto3.client("s3").meta.events
    for operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        events.register(f"provide-client-params.s3.{operation}", remember)
    yield keys
    for operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
        events.unregister(f"provide-client-params.s3.{operation}", remember)


@contextmanager
def without_quotas(world):
    def refuse(request):
        del request
        raise ValidationException("not authorized", "AccessDeniedException")

    operations = world.cloud.quotas._operations
    original = operations["ListServiceQuotas"]
    operations["ListServiceQuotas"] = refuse
    yield
    operations["ListServiceQuotas"] = original


def name_taken(world):
    first = world.create(EndpointName="calls")
    reason = failed(world, EndpointName="calls")
    world.delete(first)
    return reason


def other_gpus(world):
    return failed(world, FallbackInstanceTypes="ml.g5.12xlarge")


def container_does_not_start(world):
    world.hosting.outcome = (Health.FAILED, "CannotStartContainerError: no such image")
    return failed(world)


def program_refuses(world):
    said = "whisper_endpoint.errors.InvalidSetting: WHISPER_LANGUAGE_OVERRIDE is 'ja', which …"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(container_log, "last_lines", lambda *_: [said, "an end of Ray's own"])
        reason = container_does_not_start(world)
    assert "says: LanguageOverride is 'ja'" in reason
    return reason


def does_not_transcribe(world):
    world.hosting.answer = (500, {"error": "the model is broken"})
    return failed(world)


def not_done_in_time(world):
    world.hosting.outcome = (Health.STARTING, "")
    handler = world.functions.handler
    clock = handler.time

    def late():
        return time.time() + (3500 if world.hosting.started else 0)

    handler.time = SimpleNamespace(time=late)
    stack = world.begin()
    while not any("FAILED" in status for _, status, _ in world.events(stack)):
        time.sleep(0.05)
    handler.time = clock
    for name in world.hosting.running:
        world.hosting.running[name] = (Health.READY, "")
    return world.settled(stack).reason


def taken_back(world):
    stack = world.create()
    config = world.endpoint(stack.endpoint_name)["EndpointConfigName"]
    asked = []
    handle = world.cloud.sagemaker.handle

    def watched(operation, request):
        if operation == "UpdateEndpoint":
            asked.append(request["DeploymentConfig"]["AutoRollbackConfiguration"]["Alarms"])
        return handle(operation, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.cloud.sagemaker, "handle", watched)
        world.hosting.outcome = (Health.FAILED, "One or more configured alarms were triggered")
        world.update(stack, ModelS3Uri=f"s3://{ARTIFACTS}/model-b/")
    names = [alarm["AlarmName"] for alarm in asked[0]]
    assert names == [f"{stack.name}-errors", f"{stack.name}-latency"]
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "One or more configured alarms were triggered" in stack.reason
    assert world.endpoint(stack.endpoint_name)["EndpointConfigName"] == config


def fires(world, alarm, *values):
    """Tell whether an alarm of the template fires at values of its last periods, None for none."""
    properties = read_template(world.template)["Resources"][f"{alarm}Alarm"]["Properties"]
    threshold, missing = properties["Threshold"], properties["TreatMissingData"] == "breaching"
    compare = {
        "GreaterThanOrEqualToThreshold": lambda value: value >= threshold,
        "GreaterThanThreshold": lambda value: value > threshold,
        "LessThanThreshold": lambda value: value < threshold,
    }[properties["ComparisonOperator"]]
    breaching = [missing if value is None else compare(value) for value in values]
    needed = properties.get("DatapointsToAlarm", properties["EvaluationPeriods"])
    assert len(values) == properties["EvaluationPeriods"]
    return sum(breaching) >= needed


def errors(world):
    assert fires(world, "Errors", 5, 0, 5, None, 5)
    assert not fires(world, "Errors", 5, 5, 4, 4, 4)


def latency(world):
    assert fires(world, "Latency", 2001, 2001, 2001, 2001, 100)
    assert not fires(world, "Latency", 2000, 2000, 2000, 2000, 2000)


def capacity(world):
    assert fires(world, "Capacity", 1, 0, 1, 0, 1)
    assert not fires(world, "Capacity", 9, 0, 9, 0, 0)


def deployment(world):
    with redirect_stdout(io.StringIO()) as output:
        failed(world, S3BucketName="no-such-bucket")
    assert '"Failures": 1' in output.getvalue()
    assert fires(world, "Deployment", 1)
    assert not fires(world, "Deployment", None)


def expiry(world):
    assert fires(world, "Expiry", 34, 30)
    assert fires(world, "Expiry", None, None)
    assert not fires(world, "Expiry", 50, 34)


def delete_refused(world):
    stack = world.create()
    handle = world.cloud.sagemaker.handle

    def refuse(operation, request):
        if operation == "DeleteEndpoint":
            raise ValidationException("the account is suspended")
        return handle(operation, request)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.cloud.sagemaker, "handle", refuse)
        assert world.delete(stack).status == "DELETE_FAILED"
    assert "the account is suspended" in stack.reason
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason


CASES: dict[str, Callable[[Any], str | None]] = {
    "Properties validation failed …#/Content: expected type: JSONObject, found: String…": (
        unpackaged_template
    ),
    "S3BucketName must be a bucket of this account in this Region …": no_bucket,
    "S3BucketName must be a bucket in …, where the endpoint is, …": bucket_elsewhere,
    "KmsKeyArn must be …": key_without_rights,
    "Check ModelS3Uri …": no_model_bucket,
    "Put a whole faster-whisper model at ModelS3Uri: … lacks model.bin": half_a_model,
    "Set ModelS3Uri to …": a_folder_too_high,
    "ModelS3Uri is no CTranslate2 model: convert it …": transformers_model,
    "Encrypt what ModelS3Uri holds with S3's own key …": model_under_another_key,
    "Check HubUrl, if given, or give ModelS3Uri: … is not there.": no_such_mirror,
    "Put segmentation.onnx and embedding.onnx at DiarizationModelS3Uri: … lacks …": (
        half_of_the_speaker_models
    ),
    "Check HubUrl, if given, or give DiarizationModelS3Uri: … is not there.": (
        no_speakers_at_the_mirror
    ),
    "Check HubUrl, if given, try again later, or give ModelS3Uri: … gives no connection …": (
        no_connection
    ),
    "Check HubUrl, or give ModelS3Uri for weights of your own: …": foreign_weights,
    "… has digest …, not … as announced": damaged_download,
    "Ask Service Quotas for … for endpoint usage' …": no_quota,
    "Set EndpointName to a free name …": name_taken,
    "SageMakerInstanceType must be a type that SageMaker has, …": no_such_size,
    "ComputeType must be …": float16_on_a_cpu,
    "ImageUri must be an image in this stack's Region, …": image_elsewhere,
    "AlarmTopicArn must be an ARN of this stack's Region, …": topic_elsewhere,
    "FallbackInstanceTypes must be types with as many GPUs …": other_gpus,
    "The endpoint's program says: … See /aws/sagemaker/Endpoints/….": program_refuses,
    "See /aws/sagemaker/Endpoints/… SageMaker says: …": container_does_not_start,
    "… a known clip failed: …": does_not_transcribe,
    "Try again, and if it stays so …": not_done_in_time,
    "an update is taken back though the container started": taken_back,
    "alarm `-errors`": errors,
    "alarm `-latency`": latency,
    "alarm `-capacity`": capacity,
    "alarm `-deployment`": deployment,
    "alarm `-expiry`": expiry,
    "DELETE_FAILED": delete_refused,
}


def test_every_row_has_its_case_and_every_case_its_row():
    assert len(ROWS) > 15
    assert sorted(SEEN) == sorted(CASES)


@pytest.mark.parametrize("seen", SEEN)
def test_the_row_is_what_an_operator_sees(world, seen):
    reason = CASES[seen](world)
    if reason is not None:
        assert re.match(".*".join(map(re.escape, seen.split("…"))), reason), reason
        assert len(reason) <= 256
