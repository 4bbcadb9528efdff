# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import hashlib
import json

import pytest

from local_cloud import ACCOUNT_ID
from local_cloud.sagemaker.hosting import Health
from tests.lifecycle.world import MODEL, TAG
from tests.template.test_lca_contract import FURTHER_OUTPUTS
from whisper_contract.transcription_pb2 import TranscribeRequest

REGISTRY = "763104351884.dkr.ecr.us-east-1.amazonaws.com"


@pytest.fixture(scope="module")
def default_stack(shared_world):
    before = shared_world.inventory()
    stack = shared_world.create(name="calls")
    assert stack.status == "CREATE_COMPLETE", stack.reason
    smoke = shared_world.hosting.requests[-1]
    yield stack, smoke
    assert shared_world.delete(stack).status == "DELETE_COMPLETE"
    assert shared_world.inventory() - before == {}


def test_a_stack_with_defaults(world, default_stack):
    stack, _ = default_stack
    uuid = stack.id.split("/")[2]
    name = f"whisper-calls-{uuid[:8]}"
    bucket = stack.outputs["S3BucketName"]
    assert all(stack.outputs[key] for key in FURTHER_OUTPUTS)
    assert {key: stack.outputs[key] for key in stack.outputs.keys() - FURTHER_OUTPUTS} == {
        "WhisperSageMakerEndpointName": name,
        "WhisperModelSize": "large-v2",
        "S3BucketName": bucket,
        "AutoScalingEnabled": "true",
        "AutoScalingMinCapacity": "1",
        "AutoScalingMaxCapacity": "3",
        "AutoScalingTargetGpuUtilization": "50",
        "AutoScalingScaleOutCooldown": "60",
        "AutoScalingScaleInCooldown": "300",
    }
    assert world.resource(stack, "WhisperModelDeployment") == name
    assert world.endpoint(name)["EndpointStatus"] == "InService"
    assert world.invoke(name)["text"]

    (model_name,), (config_name,) = world.models(), world.configs()
    assert model_name.startswith(f"{name}-")
    assert config_name.startswith(f"{name}-")
    assert max(map(len, (model_name, config_name, name))) <= 63
    model = world.sagemaker.describe_model(ModelName=model_name)
    source = model["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    uri = world.resource(stack, "WhisperModelArchive")
    assert source == {"S3Uri": uri, "S3DataType": "S3Prefix", "CompressionType": "None"}
    assert uri.startswith(f"s3://{bucket}/whisper-sagemaker/calls-{uuid}/")
    assert uri.endswith("/")
    assert model["PrimaryContainer"]["Image"] == f"{REGISTRY}/ray:serve-ml-sagemaker-cuda-v1.4"
    assert model["PrimaryContainer"]["Environment"] == {
        "WHISPER_AUDIO_S3_PREFIXES": "",
        "WHISPER_COMPUTE_TYPE": "",
        "WHISPER_MAX_BEAM_SIZE": "0",
        "WHISPER_PARTIAL_BEAM_SIZE": "1",
        "WHISPER_LANGUAGE_OVERRIDE": "",
        "WHISPER_LANGUAGES": "",
        "WHISPER_FINAL_WINDOWS": "auto",
        "WHISPER_MAX_BATCH_SIZE": "0",
        "WHISPER_ENGINE_WORKERS": "0",
        "WHISPER_TERMS": "",
        "WHISPER_REDACTION": "off",
        "WHISPER_ENDPOINT_NAME": stack.endpoint_name,
        "WHISPER_ACCOUNT_ID": ACCOUNT_ID,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": (
            "whisper_endpoint.proxy.middlewares:middlewares"
        ),
        "RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S": "1",
        "RAY_SERVE_USE_GRPC_BY_DEFAULT": "1",
        "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": "67108864",
    }
    roles = world.cloud.client("iam").list_roles()["Roles"]
    assert model["ExecutionRoleArn"] in {
        role["Arn"] for role in roles if "ExecutionRole" in role["RoleName"]
    }
    (variant,) = world.sagemaker.describe_endpoint_config(EndpointConfigName=config_name)[
        "ProductionVariants"
    ]
    assert variant == {
        "VariantName": "AllTraffic",
        "ModelName": model_name,
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
        "ModelDataDownloadTimeoutInSeconds": 1800,
        "ContainerStartupHealthCheckTimeoutInSeconds": 900,
        "InferenceAmiVersion": "al2-ami-sagemaker-inference-gpu-3-1",
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }


def test_scaling_follows_the_gpu(world, default_stack):
    stack, _ = default_stack
    scaling = world.cloud.client("application-autoscaling")
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    place = f"endpoint/{stack.endpoint_name}/variant/AllTraffic"
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == (place, 1, 3)
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["ResourceId"] == place
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert (tracking["TargetValue"], tracking["ScaleOutCooldown"]) == (50.0, 60)
    summed, each = tracking["CustomizedMetricSpecification"]["Metrics"]
    assert each["Expression"] == "all / 1"
    metric = summed["MetricStat"]["Metric"]
    assert metric["MetricName"] == "GPUUtilization"
    assert {d["Name"]: d["Value"] for d in metric["Dimensions"]} == {
        "EndpointName": stack.endpoint_name,
        "VariantName": "AllTraffic",
    }


def test_the_archive_is_laid_out_as_the_image_wants_it(world, default_stack):
    stack, _ = default_stack
    bucket = stack.outputs["S3BucketName"]
    prefix = world.resource(stack, "WhisperModelArchive").removeprefix(f"s3://{bucket}/")
    found = {key.removeprefix(prefix) for key in world.keys(bucket)}
    assert found == {
        "config.yaml",
        "manifest.json",
        "code/wheels/some.whl",
        "whisper_endpoint/selftest.wav",
        "weights/model.bin",
        "weights/config.json",
        "weights/tokenizer.json",
        "weights/vocabulary.json",
    }
    read = {
        name: world.s3.get_object(Bucket=bucket, Key=prefix + name)["Body"].read() for name in found
    }
    assert read["weights/model.bin"] == MODEL["model.bin"]
    manifest = json.loads(read["manifest.json"])
    assert {f["path"]: f["size"] for f in manifest["files"]} == {
        name: len(data) for name, data in read.items() if name != "manifest.json"
    }
    digests = {f["path"]: f["digest"] for f in manifest["files"]}
    program = hashlib.sha256(read["config.yaml"]).hexdigest()
    assert digests["config.yaml"] == f"sha256:{program}"


def test_the_stacks_tag_is_on_everything(world, default_stack):
    stack, _ = default_stack
    arns = [
        world.endpoint(stack.endpoint_name)["EndpointArn"],
        world.sagemaker.list_models()["Models"][0]["ModelArn"],
        world.sagemaker.list_endpoint_configs()["EndpointConfigs"][0]["EndpointConfigArn"],
    ]
    for arn in arns:
        assert world.tags(arn)[TAG] == stack.id
    bucket = stack.outputs["S3BucketName"]
    for key in world.keys(bucket):
        tags = world.s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        assert {"Key": TAG, "Value": stack.id} in tags, key


def test_the_smoke_test_asks_in_the_compact_form_for_what_lca_reads(world, default_stack):
    _, request = default_stack
    asked = TranscribeRequest.FromString(request["body"])
    assert asked.audio[:4] == b"RIFF"
    assert asked.parameters.language == ""  # a fine-tune may have no English
    assert request["headers"]["Content-Type"] == "application/x-protobuf"
    assert request["headers"]["Accept"] == "application/json"


def cost_tags(world, stack):
    """Return the tags of endpoint, config and model that are not ours."""
    endpoint = world.endpoint(stack.endpoint_name)
    config = world.sagemaker.describe_endpoint_config(
        EndpointConfigName=endpoint["EndpointConfigName"]
    )
    model = world.sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    arns = (endpoint["EndpointArn"], config["EndpointConfigArn"], model["ModelArn"])
    return [
        {key: value for key, value in world.tags(arn).items() if "whisper-sagemaker:" not in key}
        for arn in arns
    ]


def test_the_stacks_own_tags_reach_endpoint_config_and_model(world):
    stack = world.create(tags={"team": "support", "cost-center": "4711"})
    assert stack.status == "CREATE_COMPLETE", stack.reason
    assert cost_tags(world, stack) == [{"team": "support", "cost-center": "4711"}] * 3
    arn = world.endpoint(stack.endpoint_name)["EndpointArn"]
    world.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "by-hand", "Value": "x"}])

    world.update(stack, tags={"team": "sales"}, SageMakerInstanceCount="2")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    found = cost_tags(world, stack)
    assert found == [{"team": "sales", "by-hand": "x"}, {"team": "sales"}, {"team": "sales"}]

    # Of the tags alone CloudFormation tells a custom resource nothing: the daily run sees to it.
    world.update(stack, tags={"team": "research"})
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert cost_tags(world, stack) == found
    uri = world.resource(stack, "WhisperModelArchive")
    event = {"RenewArchive": uri, "StackId": stack.id, "RequestId": "daily"}
    world.functions.invoke(world.properties("WhisperModelArchive", stack)["ServiceToken"], event)
    assert cost_tags(world, stack)[0] == {"team": "research", "by-hand": "x"}
    assert cost_tags(world, stack)[1:] == [{"team": "research"}] * 2


def test_a_change_of_tags_is_rolled_back_with_the_rest(world):
    stack = world.create(tags={"team": "support"})
    world.hosting.outcome = (Health.FAILED, "no capacity")
    world.update(stack, tags={"team": "sales"}, SageMakerInstanceCount="2")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.description["Tags"] == [{"Key": "team", "Value": "support"}]
    assert cost_tags(world, stack) == [{"team": "support"}] * 3
