# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The stack as Live Call Analytics has it: published by its script, nested in its template.

Everything is what is published: the zips that publish.sh uploads are those that run, in processes
of their own. Only the container and the model hub are scripted.
"""

import json

import pytest

from deploy_whisper.archive.hub import HUB_MODELS
from local_cloud import inventory, server
from local_cloud.cloudformation import custom_resources
from local_cloud.server import LocalCloud
from tests.fakes.stand_ins import StandInHub
from tests.lifecycle.lca.parent import (
    BUCKET,
    GIVEN,
    PREFIX,
    RECORDINGS,
    REGION,
    Lca,
    make_buckets,
    outputs,
    recordings,
    scaling,
    variant,
)
from tests.lifecycle.publishing import check_out, run, variables
from tests.lifecycle.watched_cloud import CheckedHosting, KeptProcesses
from tests.lifecycle.world import MODEL
from tests.template.parameter_sets import LCA

# As LCA's own script does with each of its nested stacks.
PUBLISH = 'set -e; pushd lca-whisper-sagemaker-stack; ./publish.sh "$@"; popd'


@pytest.fixture(scope="module")
def hub():
    weights = bytes(range(256)) * 6_000
    stand_in = StandInHub(*HUB_MODELS["base.en"], MODEL | {"model.bin": weights})
    yield stand_in
    stand_in.close()


@pytest.fixture(scope="module")
def cloud(hub):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(custom_resources, "_POLL_SECONDS", 0.05)
        patch.setattr(server, "LambdaProcesses", KeptProcesses)
        environment = {"HF_ENDPOINT": hub.url}
        with LocalCloud(CheckedHosting, function_environment=environment) as cloud:
            make_buckets(cloud)
            yield cloud


@pytest.fixture(scope="module")
def published(cloud, tmp_path_factory):
    """What publishing twice said, and the versions that are there after each time."""
    checkout = check_out(tmp_path_factory.mktemp("lca"))
    environment = variables(cloud.environment(), tmp_path_factory.mktemp("home"))
    command = ["bash", "-c", PUBLISH, "publish", BUCKET, PREFIX, REGION]
    s3, results, listings = cloud.client("s3"), [], []
    for _ in range(2):
        results.append(run(command, checkout.parent, environment))
        versions = s3.list_object_versions(Bucket=BUCKET)["Versions"]
        listings.append({(v["Key"], v["ETag"]) for v in versions if v["IsLatest"]})
    return results, listings


@pytest.mark.slow
def test_published_twice_by_lcas_command(published):
    results, listings = published
    url = f"https://s3.{REGION}.amazonaws.com/{BUCKET}/{PREFIX}/lca-whisper-sagemaker-stack/"
    for result in results:
        assert result.returncode == 0, result.stderr
        assert f"{url}template.yaml" in result.stdout.splitlines()
    assert listings[0] == listings[1]
    # Two templates; the code of both, the layer, the model's program, and three state machines.
    assert len(listings[0]) == 9


@pytest.mark.slow
def test_the_published_template_lives_as_a_child(cloud, published):
    assert [result.returncode for result in published[0]] == [0, 0]
    assert len(GIVEN.keys() - {"TranscribeApiMode"} | {"EndpointName"}) == 11
    before = inventory.take(cloud)
    lca = Lca(cloud)

    stack = lca.create()
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["StackStatusReason"]
    child = lca.child()
    assert child["StackStatus"] == "CREATE_COMPLETE"
    assert {item["ParameterKey"] for item in child["Parameters"]} == set(LCA)
    assert outputs(stack)["Endpoint"] == "whisper-endpoint-LCA"
    assert outputs(child)["WhisperSageMakerEndpointName"] == "whisper-endpoint-LCA"
    assert outputs(child)["S3BucketName"] == RECORDINGS
    runtime = cloud.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName=outputs(stack)["Endpoint"], ContentType="application/json", Body=b"{}"
    )
    assert json.loads(answer["Body"].read())["text"]
    policy = cloud.client("iam").get_role_policy(
        RoleName=outputs(stack)["Role"], PolicyName="whisper"
    )["PolicyDocument"]
    assert policy["Statement"][0]["Resource"] == (
        f"arn:aws:sagemaker:{REGION}:123456789012:endpoint/whisper-endpoint-LCA"
    )
    assert variant(cloud, "whisper-endpoint-LCA")["InstanceType"] == "ml.g5.xlarge"
    assert scaling(cloud) == ([(1, 3)], ["whisper-gpu-utilization-ml.g5.xlarge"])

    # Other parameters, through the parent; the endpoint stays the one that it was.
    stack = lca.update(SageMakerInstanceType="ml.g6.xlarge", AutoScalingMaxCapacity="2")
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["StackStatusReason"]
    assert outputs(stack)["Endpoint"] == "whisper-endpoint-LCA"
    assert lca.child()["StackId"] == child["StackId"]
    assert outputs(lca.child())["AutoScalingMaxCapacity"] == "2"
    assert variant(cloud, "whisper-endpoint-LCA")["InstanceType"] == "ml.g6.xlarge"
    assert scaling(cloud) == ([(1, 2)], ["whisper-gpu-utilization-ml.g6.xlarge"])

    # Something else of LCA fails when ours has succeeded: ours goes back with all.
    cloud.client("logs").create_log_group(logGroupName="/lca/taken")
    stack = lca.update(SageMakerInstanceType="ml.g5.xlarge", OtherLogName="/lca/taken")
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "already exists" in stack["StackStatusReason"]
    assert lca.child()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    state = cloud.client("sagemaker").describe_endpoint(EndpointName="whisper-endpoint-LCA")
    assert state["EndpointStatus"] == "InService"
    assert variant(cloud, "whisper-endpoint-LCA")["InstanceType"] == "ml.g6.xlarge"
    assert scaling(cloud) == ([(1, 2)], ["whisper-gpu-utilization-ml.g6.xlarge"])
    assert outputs(lca.child())["AutoScalingMaxCapacity"] == "2"
    cloud.client("logs").delete_log_group(logGroupName="/lca/taken")

    lca.client.delete_stack(StackName=lca.name)
    assert lca.settled()["StackStatus"] == "DELETE_COMPLETE"
    assert inventory.take(cloud) == before
    assert recordings(cloud) == ["lca-audio/call.wav"]
