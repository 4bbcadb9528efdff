# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The deployment function is allowed what it calls while stacks live, and nothing else.

Stacks live through everything here, so that what is granted and never called shows, too. Only a
change of bucket is left out: in the old one the function asks for what it may be denied.
"""

import copy
import datetime
import email.utils
import json

import boto3
import pytest

from deploy_whisper.archive.hub import HUB_MODELS
from local_cloud.sagemaker.hosting import Health
from local_cloud.template_reader import read_template
from tests.fakes.stand_ins import TRANSCRIPT, StandInHub
from tests.lifecycle.calls import missing, unused
from tests.lifecycle.conftest import TOKEN
from tests.lifecycle.publishing import ARTIFACTS, ROOT
from tests.lifecycle.world import MODEL, TAG
from tests.template.iam import listed, statements
from tests.template.parameter_sets import KEY, SETS

# Granted, and shown by no call: who makes use of it, and why.
NOT_SHOWN = {
    ("DecryptHubToken", "kms:Decrypt"): "Secrets Manager: the secret is under a customer's key",
    ("EncryptArchive", "kms:Decrypt"): "S3: objects under the key are read, and parts joined",
    ("EncryptArchive", "kms:GenerateDataKey"): "S3: objects under the key are written",
    ("EncryptVolumes", "kms:CreateGrant"): "SageMaker: CreateEndpointConfig names the key",
    ("WriteOwnLogs", "logs:CreateLogStream"): "Lambda: the function's own log",
    ("WriteOwnLogs", "logs:PutLogEvents"): "Lambda: the function's own log",
    ("PollByRule", "events:ListTargetsByRule"): "the function: a request that a Delete overtakes",
    ("WriteArchive", "s3:ListMultipartUploadParts"): (
        "the function: an upload from the hub that takes longer than one invocation"
    ),
}


@pytest.fixture(scope="module")
def parsed_template():
    return read_template((ROOT / "template.yaml").read_text())


@pytest.fixture(scope="module")
def hub(shared_world):
    weights = bytes(range(256)) * 12_000
    stand_in = StandInHub(*HUB_MODELS["base.en"], MODEL | {"model.bin": weights})
    stand_in.script.token = TOKEN
    shared_world.functions._environment["HF_ENDPOINT"] = stand_in.url
    yield stand_in
    del shared_world.functions._environment["HF_ENDPOINT"]
    stand_in.close()


@pytest.fixture(scope="module")
def secret(shared_world):
    client = shared_world.cloud.client("secretsmanager")
    arn = client.create_secret(Name="hub", SecretString=json.dumps({"token": TOKEN}))["ARN"]
    yield arn
    client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


@pytest.fixture(scope="module")
def invocations(shared_world, hub, secret):
    """All runs of the function in the lives of three stacks."""
    world = shared_world
    world.hosting.outcome, world.hosting.answer = (Health.READY, ""), (200, TRANSCRIPT)
    world.s3.create_bucket(Bucket="own")
    status = {"Status": "Enabled"}
    world.s3.put_bucket_versioning(Bucket="own", VersioningConfiguration=status)
    for name in ("segmentation", "embedding"):
        world.s3.put_object(Bucket=ARTIFACTS, Key=f"speakers/{name}.onnx", Body=b"a model")
    before = world.inventory()
    live_through_everything(world, secret)
    live_on_weights_of_the_hub(world, hub, secret)
    assert world.inventory() - before == {"stacks": 1}  # the one that was rolled back
    return list(world.calls.invocations)


def live_through_everything(world, secret):
    stack = world.create(
        name="calls",
        EndpointName="whisper-endpoint-Calls",
        S3BucketName="own",
        KmsKeyArn=KEY,
        HubTokenSecretArn=secret,
        DiarizationModelS3Uri=f"s3://{ARTIFACTS}/speakers/",
        tags={"team": "support", "cost-center": "4711"},
    )
    assert stack.status == "CREATE_COMPLETE", stack.reason
    write_a_line_as_the_container(world, stack)
    scale_by_hand(world, stack)
    fewer = {"team": "sales"}
    world.update(stack, tags=fewer, SageMakerInstanceType="ml.g6.2xlarge")
    assert stack.status == "UPDATE_COMPLETE", stack.reason

    world.hosting.outcome = (Health.FAILED, "no capacity")
    # So large that it is copied in parts.
    other_model = world.put_model("model-in-parts", model_bin=bytes(9 << 20))
    assert world.update(stack, ModelS3Uri=other_model).status == "UPDATE_ROLLBACK_COMPLETE"
    world.hosting.outcome = (Health.READY, "")

    assert world.update(stack, EnableAutoScaling="false").status == "UPDATE_COMPLETE"
    make_it_the_older_stacks(world, stack)
    world.update(stack, ModelS3Uri=other_model, EnableAutoScaling="true")
    assert stack.status == "UPDATE_COMPLETE", stack.reason

    renew_what_expires(world, stack)
    leave_an_upload_unfinished(world, stack)
    assert world.delete(stack).status == "DELETE_COMPLETE"
    world.cloud.client("logs").delete_log_group(logGroupName=log_of(stack))


def live_on_weights_of_the_hub(world, hub, secret):
    wanted = {"ModelS3Uri": "", "WhisperModelSize": "base.en", "HubTokenSecretArn": secret}
    stack = world.create(**wanted)
    assert stack.status == "CREATE_COMPLETE", stack.reason
    assert world.delete(stack).status == "DELETE_COMPLETE"
    hub.files["model.bin"] = hub.files["model.bin"][:-1] + b"?"
    assert world.create(**wanted).status == "ROLLBACK_COMPLETE"


def log_of(stack):
    return f"/aws/sagemaker/Endpoints/{stack.endpoint_name}"


def write_a_line_as_the_container(world, stack):
    logs, place = world.cloud.client("logs"), {"logGroupName": log_of(stack)}
    logs.create_log_group(**place)
    logs.create_log_stream(**place, logStreamName="AllTraffic/i-0")
    now = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
    line = {"timestamp": now, "message": "out of memory"}
    logs.put_log_events(**place, logStreamName="AllTraffic/i-0", logEvents=[line])


def target_of(stack):
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{stack.endpoint_name}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def scale_by_hand(world, stack):
    scaling = world.cloud.client("application-autoscaling")
    scaling.put_scheduled_action(
        **target_of(stack),
        ScheduledActionName="mornings",
        Schedule="cron(0 8 * * ? *)",
        ScalableTargetAction={"MinCapacity": 2},
    )
    scaling.put_scaling_policy(
        **target_of(stack),
        PolicyName="by-hand",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 3.0},
    )


def make_it_the_older_stacks(world, stack):
    """Leave the endpoint as the stack that LCA ships does where it does not scale: untagged.

    Where it scales, the endpoint has our tag before it is updated.
    """
    arn = world.endpoint(stack.endpoint_name)["EndpointArn"]
    world.sagemaker.delete_tags(ResourceArn=arn, TagKeys=list(world.tags(arn)))
    scaling = world.cloud.client("application-autoscaling")
    if scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]:
        scaling.deregister_scalable_target(**target_of(stack))


def renew_what_expires(world, stack):
    """Run the daily renewal when two thirds of the archive's life are over, as S3 tells it."""
    now = datetime.datetime.now(datetime.UTC)
    renewed = set()

    def tell_age(parsed, model, context, **_):
        key = context["whisper_key"]
        begin = now if key in renewed else now - datetime.timedelta(days=60)
        end = begin + datetime.timedelta(days=90)
        parsed["LastModified"] = begin
        parsed["Expiration"] = f'expiry-date="{email.utils.format_datetime(end)}", rule-id="all"'

    def remember(params, context, **_):
        context["whisper_key"] = params["Key"]

    def notice(params, **_):
        renewed.add(params["Key"])

    events = boto3.client("s3").meta.events  # made once, when the session was asked first
    hooks = [
        ("provide-client-params.s3.HeadObject", remember),
        ("after-call.s3.HeadObject", tell_age),
        ("provide-client-params.s3.CopyObject", notice),
        ("provide-client-params.s3.CompleteMultipartUpload", notice),
    ]
    for name, hook in hooks:
        events.register(name, hook)
    uri = world.resource(stack, "WhisperModelArchive")
    event = {"RenewArchive": uri, "StackId": stack.id, "RequestId": "renewal"}
    world.functions.invoke(world.properties("WhisperModelArchive", stack)["ServiceToken"], event)
    for name, hook in hooks:
        events.unregister(name, hook)
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    assert renewed == {key for key in world.keys(bucket) if key.startswith(prefix)}


def leave_an_upload_unfinished(world, stack):
    uri = world.resource(stack, "WhisperModelArchive")
    bucket, _, prefix = uri.removeprefix("s3://").partition("/")
    world.s3.create_multipart_upload(Bucket=bucket, Key=f"{prefix}weights/model.bin")


def planted(invocations, change):
    """Return the invocations under policies in which every statement went through a change."""
    changed = copy.deepcopy(invocations)
    for invocation in changed:
        for statement in invocation.policy:
            change(statement)
    return changed


def actions_used(invocations):
    return {need.action for invocation in invocations for need in invocation.needs}


def test_what_is_called_is_allowed_and_what_is_allowed_is_called(invocations):
    assert len(actions_used(invocations)) > 40
    assert missing(invocations) == []
    assert unused(invocations) == set(NOT_SHOWN)


def test_these_lives_were_granted_all_that_the_template_can_grant(invocations, parsed_template):
    policy = statements(parsed_template, "WhisperDeploymentRole", SETS["everything"].parameters)
    pairs = {(item["Sid"], action) for item in policy for action in listed(item["Action"])}
    lived = {
        (item["Sid"], action)
        for invocation in invocations
        for item in invocation.policy
        for action in listed(item["Action"])
    }
    assert lived == pairs


def test_a_planted_extra_action_is_noticed(invocations):
    def widen(statement):
        if statement["Sid"] == "WriteOwnLogs":
            statement["Action"] = [*listed(statement["Action"]), "logs:DeleteLogGroup"]

    extra = unused(planted(invocations, widen)) - set(NOT_SHOWN)
    assert extra == {("WriteOwnLogs", "logs:DeleteLogGroup")}


def test_every_planted_missing_action_is_noticed(invocations):
    for action in sorted(actions_used(invocations)):

        def narrow(statement, action=action):
            kept = [item for item in listed(statement["Action"]) if item != action]
            statement["Action"] = kept

        found = missing(planted(invocations, narrow))
        assert {line.split()[0] for line in found} == {action}


def test_a_planted_narrower_resource_and_a_planted_condition_are_noticed(invocations):
    def narrow(statement):
        if statement["Sid"] == "ChangeWhatCarriesOurTag":
            statement["Resource"] = statement["Resource"][:1]

    found = missing(planted(invocations, narrow))
    assert any(line.startswith("sagemaker:DeleteModel ") for line in found)

    def rename(statement):
        if statement["Sid"] == "CreateWithOurTag":
            statement["Condition"] = {"StringEquals": {f"aws:RequestTag/{TAG}": "another"}}

    found = missing(planted(invocations, rename))
    assert {line.split()[0] for line in found} == {
        "sagemaker:CreateEndpoint",
        "sagemaker:CreateEndpointConfig",
        "sagemaker:CreateModel",
    }
