# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json

import pytest
from botocore.exceptions import ClientError

from deploy_whisper.archive.hub import HUB_MODELS
from local_cloud.sagemaker.hosting import Health
from tests.fakes.stand_ins import StandInHub
from tests.lifecycle.conftest import TOKEN
from tests.lifecycle.publishing import ARTIFACTS
from tests.lifecycle.world import MODEL


@pytest.fixture
def hub(world):
    weights = bytes(range(256)) * 12_000
    files = MODEL | {"model.bin": weights}
    stand_in = StandInHub(*HUB_MODELS["base.en"], files)
    world.functions._environment["HF_ENDPOINT"] = stand_in.url
    yield stand_in
    del world.functions._environment["HF_ENDPOINT"]
    stand_in.close()


def test_a_stack_with_everything_given(world):
    name = "Whisper-Endpoint-" + "x" * 46
    image = "111122223333.dkr.ecr.us-east-1.amazonaws.com/whisper:1.0"
    stack = world.create(
        EndpointName=name,
        SageMakerInstanceType="ml.c5.2xlarge",
        SageMakerInstanceCount="2",
        ImageUri=image,
        AudioInputS3Prefixes="s3://calls/in/,s3://archive/",
        EnableAutoScaling="false",
    )
    assert stack.status == "CREATE_COMPLETE", stack.reason
    assert stack.endpoint_name == name
    (model_name,), (config_name,) = world.models(), world.configs()
    assert len(model_name) <= 63
    assert len(config_name) <= 63
    container = world.sagemaker.describe_model(ModelName=model_name)["PrimaryContainer"]
    assert container["Image"] == image
    assert container["Environment"]["WHISPER_AUDIO_S3_PREFIXES"] == "s3://calls/in/,s3://archive/"
    answer = world.sagemaker.describe_endpoint_config(EndpointConfigName=config_name)
    (variant,) = answer["ProductionVariants"]
    assert variant["InstanceType"] == "ml.c5.2xlarge"
    assert variant["InitialInstanceCount"] == 2
    assert "InferenceAmiVersion" not in variant
    (summary,) = world.endpoint(name)["ProductionVariants"]
    assert summary["CurrentInstanceCount"] == 2
    scaling = world.cloud.client("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert targets == []


def test_weights_from_the_hub(world, hub):
    hub.script.token = TOKEN
    hub.script.busy = ["0", "0"]
    # One break of the connection, in the large file.
    hub.script.truncate = [1_500_000, 10_000_000, 10_000_000]
    secrets = world.cloud.client("secretsmanager")
    arn = secrets.create_secret(Name="hub", SecretString=json.dumps({"token": TOKEN}))["ARN"]
    stack = world.create(ModelS3Uri="", WhisperModelSize="base.en", HubTokenSecretArn=arn)
    assert stack.status == "CREATE_COMPLETE", stack.reason
    bucket = stack.outputs["S3BucketName"]
    prefix = world.resource(stack, "WhisperModelArchive").removeprefix(f"s3://{bucket}/")
    body = world.s3.get_object(Bucket=bucket, Key=f"{prefix}weights/model.bin")["Body"]
    assert body.read() == hub.files["model.bin"]
    assert any("Range" in headers for host, _, headers in hub.script.requests if host == "storage")
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def test_a_hub_that_refuses_is_named_without_the_token(world, hub):
    hub.script.token = "another"
    secrets = world.cloud.client("secretsmanager")
    arn = secrets.create_secret(Name="hub", SecretString=TOKEN)["ARN"]
    stack = world.create(ModelS3Uri="", WhisperModelSize="base.en", HubTokenSecretArn=arn)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert world.reason_of(stack, "WhisperModelArchive") == (
        "Give a token with HubTokenSecretArn, or ModelS3Uri: "
        "Systran/faster-whisper-base.en gives 401."
    )
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def test_corrupt_weights_are_refused_and_nothing_is_kept(world, hub):
    before = world.inventory()
    hub.files["model.bin"] = hub.files["model.bin"][:-1] + b"?"
    stack = world.create(ModelS3Uri="", WhisperModelSize="base.en")
    assert stack.status == "ROLLBACK_COMPLETE"
    reason = world.reason_of(stack, "WhisperModelArchive")
    assert reason.startswith("Try again or give ModelS3Uri: model.bin of the hub has digest ")
    assert world.inventory() - before == {"stacks": 1}


def test_a_container_that_does_not_start(world):
    before = world.inventory()
    world.hosting.outcome = (Health.FAILED, "CannotStartContainerError: no such image")
    stack = world.create(name="doomed")
    assert stack.status == "ROLLBACK_COMPLETE"
    reason = world.reason_of(stack, "WhisperModelDeployment")
    assert "CloudWatch Logs" in reason
    assert reason.endswith("SageMaker says: CannotStartContainerError: no such image")
    assert stack.reason == reason
    # A failure reports the same id as a success would, so that Delete is for the endpoint.
    failed = next(json.loads(body) for body in world.box.bodies if b"FAILED" in body)
    assert failed["PhysicalResourceId"] == f"whisper-doomed-{stack.id.split('/')[2][:8]}"
    assert world.inventory() - before == {"stacks": 1}


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ((500, {"error": "the model is broken"}), "the model is broken"),
        ((200, {"text": "  ", "language": "en", "segments": []}), "the text was empty"),
    ],
)
def test_an_endpoint_that_does_not_transcribe(world, answer, cause):
    before = world.inventory()
    world.hosting.answer = answer
    stack = world.create()
    assert stack.status == "ROLLBACK_COMPLETE"
    reason = world.reason_of(stack, "WhisperModelDeployment")
    assert reason.startswith("Check that the weights are a Whisper model: a known clip failed: ")
    assert cause in reason
    assert len(reason) <= 256
    assert world.inventory() - before == {"stacks": 1}


def test_a_prefix_without_a_whole_model(world):
    before = world.inventory()
    uri = world.put_model("broken", tokenizer_json=None, vocabulary_json=None)
    stack = world.create(ModelS3Uri=uri)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert world.reason_of(stack, "WhisperModelArchive") == (
        f"Put a whole faster-whisper model at ModelS3Uri: {uri} lacks tokenizer.json, "
        "vocabulary.json or vocabulary.txt."
    )
    assert world.inventory() - before == {"stacks": 1}


def test_a_model_bucket_that_does_not_exist(world):
    stack = world.create(ModelS3Uri="s3://no-such-bucket/model/")
    assert world.reason_of(stack, "WhisperModelArchive") == (
        "Check ModelS3Uri and the bucket's policy: s3://no-such-bucket/model/ gives NoSuchBucket."
    )


def test_a_bucket_of_ones_own_that_does_not_exist(world):
    stack = world.create(S3BucketName="no-such-bucket")
    assert stack.status == "ROLLBACK_COMPLETE"
    assert world.reason_of(stack, "WhisperModelArchive") == (
        "S3BucketName must be a bucket of this account in this Region that the stack may write to "
        "(S3 says NoSuchBucket); it is 'no-such-bucket'."
    )


def test_a_bucket_of_ones_own_that_refuses(world):
    world.s3.create_bucket(Bucket="closed")
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::closed/*",
    }
    world.s3.put_bucket_policy(Bucket="closed", Policy=json.dumps({"Statement": [deny]}))
    stack = world.create(S3BucketName="closed")
    assert stack.status == "ROLLBACK_COMPLETE"
    reason = world.reason_of(stack, "WhisperModelArchive")
    assert reason.startswith(
        "S3BucketName must be a bucket of this account in this Region that the stack may write"
    )
    assert reason.endswith("it is 'closed'.")
    assert world.keys("closed") == set()
    world.s3.delete_bucket(Bucket="closed")


def test_an_endpoint_of_somebody_else_is_refused_and_untouched(world, foreign_endpoint):
    before = (world.endpoint("taken"), world.inventory())
    tags = world.tags(before[0]["EndpointArn"])
    stack = world.create(EndpointName="taken")
    assert stack.status == "ROLLBACK_COMPLETE"
    # Before anything is staged.
    assert world.reason_of(stack, "WhisperModelArchive") == (
        "Set EndpointName to a free name or delete the other endpoint: an endpoint called 'taken' "
        "exists that this stack did not make."
    )
    world.delete(stack)
    after = world.endpoint("taken")
    for answer in (before[0], after):
        del answer["ResponseMetadata"]
    assert (after, world.inventory()) == (before[0], before[1])
    assert world.tags(after["EndpointArn"]) == tags
    assert world.served("taken") == "s3://theirs/m/"


def test_a_name_that_another_stack_still_counts_on_is_refused(world):
    before = world.inventory()
    first = world.create(name="first", EndpointName="calls")
    world.sagemaker.delete_endpoint(EndpointName="calls")
    world.settled(first)
    second = world.create(name="second", EndpointName="calls")
    said = (
        "Set EndpointName to a free name or delete the stack 'first' first: it made 'calls', which "
        "is gone, and will take the scaling of that name with it."
    )
    assert second.status == "ROLLBACK_COMPLETE"
    assert world.reason_of(second, "WhisperModelArchive").startswith(said)
    world.delete(second)
    third = world.create(name="third", EndpointName="others")
    assert third.status == "CREATE_COMPLETE", third.reason
    world.update(third, EndpointName="calls")
    assert third.status == "UPDATE_ROLLBACK_COMPLETE"
    assert said in third.reason
    world.delete(first)
    # What is told of a stack that is gone is nothing.
    assert world.update(third, EndpointName="calls").status == "UPDATE_COMPLETE", third.reason
    world.delete(third)
    assert world.inventory() - before == {}


def test_two_stacks_do_not_get_in_each_others_way(world):
    first = world.create(name="first")
    second = world.create(name="second", EndpointName=first.endpoint_name)
    assert second.status == "ROLLBACK_COMPLETE"
    world.delete(second)
    assert world.invoke(first.endpoint_name)["text"]
    world.delete(first)
    assert world.endpoints() == world.models() == world.configs() == set()


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"AutoScalingMinCapacity": "3", "AutoScalingMaxCapacity": "1"}, "is above AutoScalingMax"),
        ({"EndpointName": "no_underscores"}, "EndpointName must be empty or at most 63"),
        ({"EndpointName": "x" * 64}, "EndpointName must be empty or at most 63"),
        ({"WhisperModelSize": "enormous"}, "WhisperModelSize must be tiny, tiny.en,"),
        ({"SageMakerInstanceType": "g5.2xlarge"}, "such as ml.g5.2xlarge"),
        ({"SageMakerInstanceCount": "0"}, "from 1 to 10"),
        ({"ModelS3Uri": "s3://models/whisper"}, "ends in a slash"),
        ({"S3BucketName": "s3://mine"}, "name of a bucket, without s3://"),
        ({"HubUrl": "http://mirror.example"}, "begins with https://"),
        ({"HubTokenSecretArn": "my-secret"}, "complete ARN"),
        ({"AutoScalingTargetGpuUtilization": "95"}, "from 10 to 90"),
        ({"AutoScalingScaleInCooldown": "-1"}, "from 0 to 3600"),
        ({"EnableAutoScaling": "yes"}, "EnableAutoScaling must be true or false."),
    ],
)
def test_wrong_parameters_are_refused_before_anything_is_made(world, parameters, sentence):
    before = world.inventory()
    with pytest.raises(ClientError, match=sentence) as refusal:
        world.begin(**parameters)
    assert refusal.value.response["Error"]["Code"] == "ValidationError"
    assert next(iter(parameters)) in str(refusal.value)
    assert world.inventory() - before == {}


def test_an_unknown_instance_type_is_refused_by_sagemaker(world):
    before = world.inventory()
    stack = world.create(SageMakerInstanceType="ml.g99.2xlarge")
    assert stack.status == "ROLLBACK_COMPLETE"
    said = world.reason_of(stack, "WhisperModelArchive")
    assert "SageMakerInstanceType must be a type that SageMaker has" in said
    assert world.inventory() - before == {"stacks": 1}


def test_a_missing_capability(world):
    url = f"https://s3.us-east-1.amazonaws.com/{ARTIFACTS}/template.yaml"
    world.s3.put_object(Bucket=ARTIFACTS, Key="template.yaml", Body=world.template.encode())
    before = world.inventory()
    with pytest.raises(ClientError, match="CAPABILITY_IAM") as refusal:
        world.cloudformation.create_stack(StackName="calls", TemplateURL=url)
    assert refusal.value.response["Error"]["Code"] == "InsufficientCapabilitiesException"
    assert world.inventory() - before == {}
