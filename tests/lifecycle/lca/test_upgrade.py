# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An LCA that runs the stack it ships with gets ours, as its publish.sh and its parent do it.

The older function runs from its zip in a process of its own, ours in this one, as `world` does it.
"""

import json
from pathlib import Path

import pytest

from deploy_whisper.archive.hub import HUB_MODELS
from local_cloud.template_reader import read_template
from tests.fakes.stand_ins import StandInHub
from tests.lifecycle.calls import missing
from tests.lifecycle.lca.parent import (
    BUCKET,
    PREFIX,
    RECORDINGS,
    Lca,
    make_buckets,
    outputs,
    recordings,
    scaling,
    variant,
)
from tests.lifecycle.publishing import ARTIFACTS, zipped
from tests.lifecycle.world import MODEL, TAG

OLDER = Path(__file__).with_name("older_stack")
ENDPOINT = "whisper-endpoint-LCA"
OURS = "whisper-gpu-utilization-ml.g5.2xlarge"
LOGICAL_IDS = {
    "ModelArtifactsBucket",
    "WhisperDeploymentLambdaRole",
    "SageMakerExecutionRole",
    "AutoScalingRole",
    "WhisperDependenciesLayer0123456789",
    "WhisperDeploymentFunction",
    "WhisperModelDeployment",
    "WhisperEndpointScalableTarget",
    "WhisperEndpointScalingPolicy",
}


@pytest.fixture
def cloud(world):
    """A cloud with LCA's buckets, and with the code of the stack that it ships."""
    cloud, s3 = world.cloud, world.s3
    hub = StandInHub(*HUB_MODELS["base.en"], MODEL)
    world.functions._environment["HF_ENDPOINT"] = hub.url
    make_buckets(cloud)
    code = {"index.py": (OLDER / "index.py").read_bytes()}
    s3.put_object(Bucket=ARTIFACTS, Key="older/function.zip", Body=zipped(code))
    layer = zipped({"python/none.py": b""})
    s3.put_object(Bucket=ARTIFACTS, Key="older/layer.zip", Body=layer)
    yield cloud
    for bucket in (BUCKET, RECORDINGS):
        versions = s3.list_object_versions(Bucket=bucket)
        for item in (*versions.get("Versions", []), *versions.get("DeleteMarkers", [])):
            s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
        s3.delete_bucket(Bucket=bucket)
    del world.functions._environment["HF_ENDPOINT"]
    hub.close()


@pytest.fixture
def older_template():
    return (OLDER / "template.yaml").read_text().replace("CODE_BUCKET", ARTIFACTS)


def publish(cloud, template):
    """Put a child's template where LCA's publish.sh puts it."""
    key = f"{PREFIX}/lca-whisper-sagemaker-stack/template.yaml"
    cloud.client("s3").put_object(Bucket=BUCKET, Key=key, Body=template.encode())


def serves(cloud):
    runtime = cloud.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(
        EndpointName=ENDPOINT, ContentType="application/json", Body=b"{}"
    )
    return bool(json.loads(answer["Body"].read())["text"])


def named_in_the_log(cloud):
    """Return what the function has told to be deleted by hand."""
    (line,) = [line for line in cloud.functions.lines if "delete them after the update" in line]
    return set(line.partition("after the update: ")[2].rstrip('"}').split(", "))


def left_of_the_older_stack(cloud):
    """Return what is there of SageMaker's and below the older stack's prefix, and its layer."""
    sagemaker = cloud.client("sagemaker")
    configs = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    models = sagemaker.list_models()["Models"]
    archives = [key for key in recordings(cloud) if key.startswith("whisper/")]
    return (
        {item["EndpointConfigName"] for item in configs}
        | {item["ModelName"] for item in models}
        | {f"s3://{RECORDINGS}/{key}" for key in archives}
        | {"the layer whisper-dependencies"}
    )


def delete_by_hand(cloud, named):
    """Do what the log says; the archives go with the test's bucket."""
    sagemaker, functions = cloud.client("sagemaker"), cloud.client("lambda")
    for name in named:
        if name.startswith("whisper-model-"):
            sagemaker.delete_model(ModelName=name)
        elif name.startswith("whisper-endpoint-"):
            sagemaker.delete_endpoint_config(EndpointConfigName=name)
        elif name.startswith("the layer "):
            layer = name.removeprefix("the layer ")
            functions.delete_layer_version(LayerName=layer, VersionNumber=1)


def test_the_older_stack_has_every_logical_id_of_lcas(older_template, template):
    older = read_template(older_template)["Resources"]
    assert older.keys() == LOGICAL_IDS
    ours = read_template(template)["Resources"]
    for name in older.keys() & ours.keys():
        assert older[name]["Type"] == ours[name]["Type"]


def test_from_lcas_own_stack_to_ours_to_standard_and_back(world, cloud, older_template, template):
    lca = Lca(cloud)
    publish(cloud, older_template)
    stack = lca.create()
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["StackStatusReason"]
    assert scaling(cloud) == ([(1, 3)], ["WhisperEndpointGPUUtilizationScalingPolicy"])
    # Its own update: another model, another config, and a target without its policy.
    stack = lca.update(SageMakerInstanceType="ml.g5.2xlarge")
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["StackStatusReason"]
    assert scaling(cloud) == ([(1, 3)], [])
    endpoint = cloud.sagemaker.endpoints[ENDPOINT]

    publish(cloud, template)
    same = {"SageMakerInstanceType": "ml.g5.2xlarge"}
    stack = lca.update(**same)
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["StackStatusReason"]
    assert cloud.sagemaker.endpoints == {ENDPOINT: endpoint}
    assert scaling(cloud) == ([(1, 3)], [OURS])
    assert serves(cloud)
    tags = cloud.client("sagemaker").list_tags(ResourceArn=endpoint.arn)["Tags"]
    assert {"Key": TAG, "Value": lca.child()["StackId"]} in tags
    named = named_in_the_log(cloud)
    assert len(named) == 7  # two of configs, models and archives, and the layer

    stack = lca.update(**same, AutoScalingMaxCapacity="2")
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["StackStatusReason"]
    assert cloud.sagemaker.endpoints == {ENDPOINT: endpoint}
    assert scaling(cloud) == ([(1, 2)], [OURS])

    # As an operator might in an incident: the endpoint and its archive go.
    stack = lca.update(**same, TranscribeApiMode="standard")
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["StackStatusReason"]
    assert cloud.client("sagemaker").list_endpoints()["Endpoints"] == []
    assert scaling(cloud) == ([], [])
    assert {key.split("/")[0] for key in recordings(cloud)} == {"lca-audio", "whisper"}

    stack = lca.update(**same, AutoScalingMaxCapacity="2")
    assert stack["StackStatus"] == "UPDATE_COMPLETE", stack["StackStatusReason"]
    assert outputs(stack)["Endpoint"] == ENDPOINT
    assert variant(cloud, ENDPOINT)["InstanceType"] == "ml.g5.2xlarge"
    assert scaling(cloud) == ([(1, 2)], [OURS])
    assert serves(cloud)

    lca.client.delete_stack(StackName=lca.name)
    assert lca.settled()["StackStatus"] == "DELETE_COMPLETE"
    assert left_of_the_older_stack(cloud) == named
    assert missing(world.calls.invocations) == []
    delete_by_hand(cloud, named)  # nothing else is left: `world` counts it
