# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import re

import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.control_plane import ValidationException
from local_cloud.sagemaker.hosting import Health
from tests.lifecycle.calls import missing
from tests.lifecycle.publishing import ARTIFACTS, endpoint_layer
from tests.lifecycle.world import TAG
from tests.template.parameter_sets import KEY
from whisper_sagemaker.endpoints import StackEndpoint

MODEL_B = f"s3://{ARTIFACTS}/model-b/"


def index(events, logical_id, status):
    return next(i for i, event in enumerate(events) if event[:2] == (logical_id, status))


def state(world, stack):
    """Return what must come through a failed update unharmed."""
    bucket = stack.outputs["S3BucketName"]
    endpoint = world.endpoint(stack.endpoint_name)
    return {
        "served": world.served(stack.endpoint_name),
        "config": endpoint["EndpointConfigName"],
        "count": endpoint["ProductionVariants"][0]["CurrentInstanceCount"],
        "models": world.models(),
        "configs": world.configs(),
        "endpoints": world.endpoints(),
        "keys": world.keys(bucket),
        "outputs": stack.outputs,
    }


def test_another_model(world):
    stack = world.create()
    old, bucket = state(world, stack), stack.outputs["S3BucketName"]
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    new = state(world, stack)
    assert new["served"] != old["served"]
    assert new["served"] == world.resource(stack, "WhisperModelArchive")
    assert world.archives(bucket) == {new["served"]}
    assert len(new["models"]) == len(new["configs"]) == 1
    assert new["models"].isdisjoint(old["models"])
    assert new["configs"] == {new["config"]}
    assert new["endpoints"] == old["endpoints"]
    # The old archive was there until the new one served, and went only then.
    assert world.hosting.archives_at_start[-1] == {old["served"], new["served"]}
    events = world.events(stack)
    assert index(events, "WhisperModelDeployment", "UPDATE_COMPLETE") < index(
        events, "WhisperModelArchive", "DELETE_IN_PROGRESS"
    )


@pytest.mark.parametrize("key", [KEY[:-1] + "c", ""], ids=["another", "none"])
def test_another_key_is_another_archive(world, key):
    """The roles may use the old key no more, under which the old archive's objects are."""
    stack = world.create(KmsKeyArn=KEY)
    old = world.served(stack.endpoint_name)
    world.update(stack, KmsKeyArn=key)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    new = world.served(stack.endpoint_name)
    assert new != old
    assert world.archives(stack.outputs["S3BucketName"]) == {new}
    assert world.hosting.archives_at_start[-1] == {old, new}


def test_another_version_of_the_program(world, built):
    stack = world.create()
    old = state(world, stack)
    clip = b"RIFF" + bytes(100)
    world.s3.put_object(
        Bucket=ARTIFACTS, Key="endpoint-2.zip", Body=endpoint_layer(b"applications: [1]", clip)
    )
    world.update(stack, template=world.template.replace("build/endpoint.zip", "endpoint-2.zip"))
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert world.served(stack.endpoint_name) != old["served"]
    bucket = stack.outputs["S3BucketName"]
    prefix = world.served(stack.endpoint_name).removeprefix(f"s3://{bucket}/")
    config = world.s3.get_object(Bucket=bucket, Key=f"{prefix}config.yaml")["Body"].read()
    assert config == b"applications: [1]"


def test_an_update_whose_container_does_not_start_is_rolled_back(world):
    stack = world.create()
    old = state(world, stack)
    world.hosting.outcome = (Health.FAILED, "out of memory on the device")
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.reason.endswith("SageMaker says: out of memory on the device")
    assert state(world, stack) == old
    assert world.invoke(stack.endpoint_name)["text"]
    # The archive that served was never away: not when the new container started, not later.
    assert old["served"] in world.hosting.archives_at_start[-1]
    assert [c.model_data_uri for c in world.hosting.started].count(old["served"]) == 1


def test_a_roll_back_needs_the_weights_of_before_no_more(world):
    stack = world.create(ModelS3Uri=world.put_model("release-1", model_bin=b"first " * 999))
    old = state(world, stack)
    for key in world.keys(ARTIFACTS):
        if key.startswith("release-1/"):
            world.s3.delete_object(Bucket=ARTIFACTS, Key=key)
    world.hosting.outcome = (Health.FAILED, "out of memory on the device")
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", stack.reason
    assert state(world, stack) == old
    assert world.invoke(stack.endpoint_name)["text"]


def test_an_update_after_which_nothing_is_transcribed_is_rolled_back(world):
    stack = world.create()
    old = state(world, stack)
    transcript = world.hosting.answer

    def broken_once(event):
        serving = world.cloud.sagemaker.endpoints[stack.endpoint_name].serving
        is_new = serving.model_data_uri != old["served"]
        world.hosting.answer = (500, {"error": "no transcript"}) if is_new else transcript

    world.functions.before_invocation = broken_once
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "no transcript" in stack.reason
    assert state(world, stack) == old
    assert world.invoke(stack.endpoint_name)["text"]


def test_what_was_broken_before_an_update_does_not_block_its_roll_back(world):
    stack = world.create()
    old = state(world, stack)
    transcript = world.hosting.answer
    world.hosting.answer = (500, {"error": "CUDA error"})
    # Nothing that would start another container.
    world.update(stack, LogRetentionDays="30")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", stack.reason
    assert "CUDA error" in world.reason_of(stack, "WhisperModelDeployment")
    assert state(world, stack) == old
    assert any("the rollback continues" in line for line in world.functions.lines)

    def heal(event):
        serving = world.cloud.sagemaker.endpoints[stack.endpoint_name].serving
        if serving.model_data_uri != old["served"]:
            world.hosting.answer = transcript

    # What does, as the documentation advises.
    world.functions.before_invocation = heal
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert world.invoke(stack.endpoint_name)["text"]


def test_an_update_to_a_broken_model_never_reaches_the_endpoint(world):
    stack = world.create()
    old = state(world, stack)
    world.put_model("half", model_bin=None)
    world.update(stack, ModelS3Uri=f"s3://{ARTIFACTS}/half/")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.reason.endswith("s3://artifacts/half/ lacks model.bin.")
    assert state(world, stack) == old
    assert len(world.hosting.started) == 1


def test_an_update_that_failed_can_be_tried_again(world):
    stack = world.create()
    old = world.served(stack.endpoint_name)
    world.hosting.outcome = (Health.FAILED, "no capacity")
    world.update(stack, ModelS3Uri=MODEL_B)
    world.hosting.outcome = (Health.READY, "")
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert world.served(stack.endpoint_name) != old


def test_what_scaling_has_reached_stays_unless_the_count_is_changed(world):
    stack = world.create()
    world.cloud.sagemaker.endpoints[stack.endpoint_name].instance_count = 3
    world.update(stack, AudioInputS3Prefixes="s3://calls/")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert state(world, stack)["count"] == 3
    (model,) = world.models()
    container = world.sagemaker.describe_model(ModelName=model)["PrimaryContainer"]
    assert container["Environment"]["WHISPER_AUDIO_S3_PREFIXES"] == "s3://calls/"
    world.update(stack, SageMakerInstanceCount="2")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert state(world, stack)["count"] == 2
    assert len(world.models()) == len(world.configs()) == 1


def test_scaling_alone_does_not_touch_the_endpoint(world):
    stack = world.create()
    old = state(world, stack)
    world.update(stack, AutoScalingScaleInCooldown="60", AutoScalingMinCapacity="2")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    del old["outputs"]
    assert old.items() <= state(world, stack).items()
    scaling = world.cloud.client("application-autoscaling")
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["TargetTrackingScalingPolicyConfiguration"]["ScaleInCooldown"] == 60


def test_an_untagged_endpoint_is_adopted(world):
    stack = world.create(EndpointName="from-before", EnableAutoScaling="false")
    state = world.endpoint("from-before")
    arn, config = state["EndpointArn"], state["EndpointConfigName"]
    world.sagemaker.delete_tags(ResourceArn=arn, TagKeys=[TAG, "whisper-sagemaker:request"])
    # The older stack tags nothing, and registers scaling by itself.
    variant = world.sagemaker.describe_endpoint_config(EndpointConfigName=config)
    world.sagemaker.create_endpoint_config(
        EndpointConfigName="from-before-older", ProductionVariants=variant["ProductionVariants"]
    )
    place = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/from-before/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling = world.cloud.client("application-autoscaling")
    scaling.register_scalable_target(**place, MinCapacity=1, MaxCapacity=2)
    scaling.put_scaling_policy(**place, PolicyName="theirs", PolicyType="TargetTrackingScaling")
    world.update(stack, ModelS3Uri=MODEL_B, EnableAutoScaling="true")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert policy["PolicyName"] == "whisper-gpu-utilization-ml.g5.2xlarge"
    assert any("from-before-older" in line for line in world.functions.lines)
    assert "from-before-older" in world.configs()
    world.sagemaker.delete_endpoint_config(EndpointConfigName="from-before-older")
    assert world.tags(arn)[TAG] == stack.id
    assert world.endpoint("from-before")["EndpointArn"] == arn
    world.delete(stack)
    assert world.endpoints() == set()


@pytest.mark.parametrize("change", [{}, {"SageMakerInstanceType": "ml.g6.2xlarge"}])
def test_the_scaling_of_the_stack_that_lca_ships_is_taken_over(world, change):
    """Its target and policy have the same logical ids; its function is told nothing of them."""
    older = re.sub(
        r"\n      Scaling: !If\n.*?(?=\n      EndpointEnv)", "", world.template, flags=re.DOTALL
    )
    older = older.replace("whisper-gpu-utilization-${SageMakerInstanceType}", "lca-policy")
    stack = world.create(template=older, EndpointName="from-lca")
    arn = world.endpoint("from-lca")["EndpointArn"]
    world.sagemaker.delete_tags(ResourceArn=arn, TagKeys=[TAG, "whisper-sagemaker:request"])
    scaling, service = world.cloud.client("application-autoscaling"), "sagemaker"
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace=service)["ScalingPolicies"]
    assert policy["PolicyName"] == "lca-policy"
    world.update(stack, template=world.template, AutoScalingMaxCapacity="2", **change)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert world.endpoint("from-lca")["EndpointArn"] == arn
    (target,) = scaling.describe_scalable_targets(ServiceNamespace=service)["ScalableTargets"]
    assert target["MaxCapacity"] == 2
    (policy,) = scaling.describe_scaling_policies(ServiceNamespace=service)["ScalingPolicies"]
    kind = change.get("SageMakerInstanceType", "ml.g5.2xlarge")
    assert policy["PolicyName"] == f"whisper-gpu-utilization-{kind}"


def untagged(world, name):
    """Create a stack and leave its endpoint as the older stack does, scaled by itself."""
    stack = world.create(EndpointName=name, EnableAutoScaling="false")
    arn = world.endpoint(name)["EndpointArn"]
    world.sagemaker.delete_tags(ResourceArn=arn, TagKeys=[TAG, "whisper-sagemaker:request"])
    world.cloud.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"endpoint/{name}/variant/AllTraffic",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    return stack


@pytest.mark.parametrize("status", ["Failed", "OutOfService"])
def test_an_untagged_endpoint_that_is_not_in_service_is_made_again(world, monkeypatch, status):
    stack = untagged(world, "from-before")
    world.cloud.sagemaker.endpoints["from-before"].status = status
    original = StackEndpoint.delete
    refused: list[str] = []

    def denied(endpoint):
        # IAM sees the tag a moment later.
        if not refused:
            refused.append(endpoint.name)
            details = {"Code": "AccessDeniedException", "Message": "not authorized"}
            raise ClientError({"Error": details}, "DeleteEndpoint")
        original(endpoint)

    monkeypatch.setattr(StackEndpoint, "delete", denied)
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert refused == ["from-before"]
    assert missing(world.calls.invocations) == []
    assert world.tags(world.endpoint("from-before")["EndpointArn"])[TAG] == stack.id
    assert world.served("from-before") == world.resource(stack, "WhisperModelArchive")
    scaling = world.cloud.client("application-autoscaling")
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


def test_an_endpoint_of_ours_that_may_not_be_deleted_says_so_after_a_second_try(world, monkeypatch):
    stack = world.create(EndpointName="ours")
    world.cloud.sagemaker.endpoints["ours"].status = "Failed"
    refused = []

    def denied(endpoint):
        refused.append(endpoint.name)
        details = {"Code": "AccessDeniedException", "Message": "not authorized"}
        raise ClientError({"Error": details}, "DeleteEndpoint")

    with monkeypatch.context() as patch:
        patch.setattr(StackEndpoint, "delete", denied)
        world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    assert "AccessDeniedException" in stack.reason
    assert refused == ["ours"] * 4  # twice by the update and twice by its roll-back


def test_an_untagged_endpoint_whose_tag_could_not_be_written_is_tagged_later(world, monkeypatch):
    stack = untagged(world, "from-before")
    original = StackEndpoint.tag
    refused: list[dict[str, str]] = []

    def throttled(endpoint, state, tags):
        if not refused:
            refused.append(tags)
            details = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
            raise ClientError({"Error": details}, "AddTags")
        original(endpoint, state, tags)

    monkeypatch.setattr(StackEndpoint, "tag", throttled)
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert len(refused) == 1
    # Whatever only the tag grants was called when it was there.
    assert missing(world.calls.invocations) == []
    assert world.tags(world.endpoint("from-before")["EndpointArn"])[TAG] == stack.id


def test_an_endpoint_that_failed_is_made_again(world):
    stack = world.create()
    endpoint = world.cloud.sagemaker.endpoints[stack.endpoint_name]
    endpoint.status, endpoint.failure_reason = "Failed", "the instance was lost"
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert world.endpoint(stack.endpoint_name)["EndpointStatus"] == "InService"
    assert world.invoke(stack.endpoint_name)["text"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("calls", "calls-2"),
        ("calls-2", "calls"),
        ("whisper-endpoint-" + "x" * 40 + "-a", "whisper-endpoint-" + "x" * 40 + "-b"),
    ],
)
def test_another_name_is_another_endpoint(world, monkeypatch, old, new):
    stack = world.create(EndpointName=old)
    at_start = []
    start = world.hosting.start

    def noted(container):
        at_start.append(set(world.cloud.sagemaker.endpoints))
        start(container)

    monkeypatch.setattr(world.hosting, "start", noted)
    world.update(stack, EndpointName=new)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert old in at_start[0]
    assert stack.endpoint_name == new
    assert world.endpoints() == {new}
    # Models and configs of the two may begin alike: only the old one's are gone.
    assert len(world.models()) == len(world.configs()) == 1
    assert world.served(new) == world.resource(stack, "WhisperModelArchive")
    assert world.invoke(new)["text"]
    events = world.events(stack)
    assert index(events, "WhisperModelDeployment", "UPDATE_COMPLETE") < index(
        events, "WhisperModelDeployment", "DELETE_IN_PROGRESS"
    )


def test_another_name_that_does_not_start_leaves_the_old_endpoint_whole(world):
    stack = world.create(EndpointName="calls")
    old = state(world, stack)
    world.hosting.outcome = (Health.FAILED, "no capacity")
    world.update(stack, EndpointName="calls-2")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert state(world, stack) == old
    assert world.invoke("calls")["text"]


def test_a_name_of_somebody_else_is_refused_and_untouched(world, foreign_endpoint):
    stack = world.create(EndpointName="ours")
    old = state(world, stack)
    world.update(stack, EndpointName="taken")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "an endpoint called 'taken' exists that this stack did not make" in stack.reason
    assert state(world, stack) == old
    assert world.served("taken") == "s3://theirs/m/"


def test_scaling_that_is_under_way_is_waited_for(world, monkeypatch):
    stack = world.create()
    refusals = {"UpdateEndpoint": 2, "DeleteEndpoint": 2}
    handle = world.cloud.sagemaker.handle

    def busy(operation, request):
        if refusals.get(operation):
            refusals[operation] -= 1
            raise ValidationException(f"Cannot update in-progress endpoint {request}.")
        return handle(operation, request)

    monkeypatch.setattr(world.cloud.sagemaker, "handle", busy)
    world.update(stack, ModelS3Uri=MODEL_B)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert refusals == {"UpdateEndpoint": 0, "DeleteEndpoint": 0}


@pytest.mark.parametrize(
    ("old", "new"), [("mine-1", "mine-2"), ("", "mine-2"), ("mine-1", "")], ids=lambda name: name
)
def test_another_bucket(world, old, new):
    for bucket in ("mine-1", "mine-2"):
        world.s3.create_bucket(Bucket=bucket)
        world.s3.put_object(Bucket=bucket, Key="whisper-sagemaker/theirs", Body=b"x")
    stack = world.create(S3BucketName=old)
    before, bucket = world.served(stack.endpoint_name), stack.outputs["S3BucketName"]
    world.update(stack, S3BucketName=new)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert bucket != stack.outputs["S3BucketName"]
    assert world.served(stack.endpoint_name) != before
    assert world.archives(stack.outputs["S3BucketName"]) == {world.served(stack.endpoint_name)}
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    for bucket in ("mine-1", "mine-2"):
        assert world.keys(bucket) == {"whisper-sagemaker/theirs"}
        world.s3.delete_object(Bucket=bucket, Key="whisper-sagemaker/theirs")
        world.s3.delete_bucket(Bucket=bucket)
