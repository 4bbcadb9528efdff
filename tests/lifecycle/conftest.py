# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from local_cloud.cloudformation import custom_resources
from local_cloud.sagemaker.hosting import Health
from tests.fakes.stand_ins import TRANSCRIPT
from tests.lifecycle.publishing import ROOT, artifacts, packaged_template
from tests.lifecycle.watched_cloud import CheckedHosting, WarmFunctions, opened
from tests.lifecycle.world import TAG

TOKEN = "hf_this-must-stay-secret"


@pytest.fixture(scope="session")
def built():
    return artifacts()


@pytest.fixture(scope="session")
def template(built):
    return packaged_template((ROOT / "template.yaml").read_text(), built)


@pytest.fixture(scope="module")
def shared_world(built, template):
    """One cloud for all tests of a module: what each leaves behind is counted."""
    with opened(WarmFunctions, CheckedHosting, built, template) as world:
        yield world


@pytest.fixture
def world(shared_world):
    """The cloud, for one test; afterwards every stack is deleted and nothing may be left."""
    world = shared_world
    before = world.counted if world.counted is not None else world.inventory()
    world.stacks, world.box.bodies, world.functions.events = [], [], []
    world.cloud.sagemaker.violations = []
    del world.functions.lines[:], world.calls.invocations[:]
    world.hosting.outcome, world.hosting.answer = (Health.READY, ""), (200, TRANSCRIPT)
    world.hosting.started, world.hosting.archives_at_start = [], []
    world.functions.before_invocation = lambda event: None
    yield world
    world.counted = None
    world.hosting.outcome, world.hosting.answer = (Health.READY, ""), (200, TRANSCRIPT)
    world.functions.before_invocation = lambda event: None
    for stack in world.stacks:
        world.settled(stack)
        if stack.status != "DELETE_COMPLETE":
            assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    after = world.inventory()
    assert after - before == {}
    assert world.cloud.sagemaker.violations == []
    assert world.box.bodies or not world.stacks
    assert max(map(len, world.box.bodies), default=0) <= custom_resources.MAX_RESPONSE_BYTES
    said = "\n".join([*world.functions.lines, *(body.decode() for body in world.box.bodies)])
    for secret in (TOKEN, "/_local/responses/", "X-Amz-Signature"):
        assert secret not in said
    assert world.functions.lines or not world.stacks
    world.counted = after


@pytest.fixture
def foreign_endpoint(world):
    """An endpoint called "taken" with model and config that somebody else has made."""
    source = {"S3Uri": "s3://theirs/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    tags = [{"Key": TAG, "Value": "arn:aws:cloudformation:us-east-1:1:stack/theirs/1"}]
    world.sagemaker.create_model(
        ModelName="taken-0123456789ab",
        PrimaryContainer={"Image": "theirs", "ModelDataSource": {"S3DataSource": source}},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/theirs",
        Tags=tags,
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "taken-0123456789ab",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
    }
    world.sagemaker.create_endpoint_config(
        EndpointConfigName="taken-0123456789ab", ProductionVariants=[variant], Tags=tags
    )
    world.sagemaker.create_endpoint(
        EndpointName="taken", EndpointConfigName="taken-0123456789ab", Tags=tags
    )
    world.endpoint("taken")
    yield "taken"
    world.sagemaker.delete_endpoint(EndpointName="taken")
    world.sagemaker.delete_endpoint_config(EndpointConfigName="taken-0123456789ab")
    world.sagemaker.delete_model(ModelName="taken-0123456789ab")
