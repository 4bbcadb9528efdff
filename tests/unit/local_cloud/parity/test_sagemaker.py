# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from tests.unit.local_cloud.parity.calls import ACCOUNT, REGION, message

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"

# Call, and what it names: the parameter and the noun.
MISSING = {
    "describe_model": ("ModelName", "model"),
    "delete_model": ("ModelName", "model"),
    "describe_endpoint_config": ("EndpointConfigName", "endpoint configuration"),
    "delete_endpoint_config": ("EndpointConfigName", "endpoint configuration"),
    "describe_endpoint": ("EndpointName", "endpoint"),
    "delete_endpoint": ("EndpointName", "endpoint"),
}

TAGS = [{"Key": "whisper-sagemaker:stack", "Value": "s"}]
SOURCE = {"S3Uri": "s3://b/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}


def make_model(sagemaker, name="calls"):
    container = {"Image": "image", "ModelDataSource": {"S3DataSource": SOURCE}}
    role = "arn:aws:iam::123456789012:role/r"
    return sagemaker.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role, Tags=TAGS
    )["ModelArn"]


def make_config(sagemaker, name="calls", model="calls"):
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        # moto knows no newer types.
        "InstanceType": "ml.m4.xlarge",
        "InitialInstanceCount": 1,
    }
    return sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS
    )["EndpointConfigArn"]


def make_endpoint(sagemaker):
    make_model(sagemaker)
    make_config(sagemaker)
    return sagemaker.create_endpoint(EndpointName="calls", EndpointConfigName="calls", Tags=TAGS)[
        "EndpointArn"
    ]


MAKE = {"model": make_model, "endpoint config": make_config, "endpoint": make_endpoint}


@pytest.fixture
def sagemaker(aws):
    return aws.client("sagemaker")


def test_models(sagemaker):
    assert make_model(sagemaker) == f"{ARN}:model/calls"
    model = sagemaker.describe_model(ModelName="calls")
    assert model["PrimaryContainer"]["ModelDataSource"] == {"S3DataSource": SOURCE}
    assert sagemaker.list_tags(ResourceArn=f"{ARN}:model/calls")["Tags"] == TAGS
    make_model(sagemaker, "other")
    listed = sagemaker.list_models()["Models"]
    assert {(m["ModelName"], m["ModelArn"]) for m in listed} == {
        (name, f"{ARN}:model/{name}") for name in ("calls", "other")
    }
    sagemaker.delete_model(ModelName="calls")
    assert [m["ModelName"] for m in sagemaker.list_models()["Models"]] == ["other"]


@pytest.mark.differs(moto="it lists all of them")
def test_models_by_a_part_of_their_name(sagemaker):
    for name in ("calls", "other"):
        make_model(sagemaker, name)
    listed = sagemaker.list_models(NameContains="call")["Models"]
    assert [item["ModelName"] for item in listed] == ["calls"]


def test_endpoint_configs(sagemaker):
    make_model(sagemaker)
    arn = make_config(sagemaker)
    assert arn == f"{ARN}:endpoint-config/calls"
    config = sagemaker.describe_endpoint_config(EndpointConfigName="calls")
    (variant,) = config["ProductionVariants"]
    assert (variant["ModelName"], variant["InstanceType"]) == ("calls", "ml.m4.xlarge")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS
    listed = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert [item["EndpointConfigName"] for item in listed] == ["calls"]
    sagemaker.delete_endpoint_config(EndpointConfigName="calls")
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []


@pytest.mark.parametrize("call", MISSING)
def test_what_does_not_exist(sagemaker, call):
    name, _ = MISSING[call]
    code, _ = message(getattr(sagemaker, call), **{name: "no"})
    assert code == "ValidationException"


@pytest.mark.differs(moto="it words it otherwise")
@pytest.mark.parametrize("call", MISSING)
def test_the_words_for_what_does_not_exist(sagemaker, call):
    name, noun = MISSING[call]
    part = noun.replace("configuration", "config").replace(" ", "-")
    _, said = message(getattr(sagemaker, call), **{name: "No"})
    assert said == f'Could not find {noun} "{ARN}:{part}/no".'


@pytest.mark.differs(moto="it writes over what has that name")
@pytest.mark.parametrize("kind", ["model", "endpoint config"])
def test_a_name_is_taken_once(sagemaker, kind):
    make_model(sagemaker, "calls")
    if kind == "endpoint config":
        make_config(sagemaker)
    code, said = message(MAKE[kind], sagemaker=sagemaker)
    assert code == "ValidationException"
    assert said.startswith("Cannot create already existing")


@pytest.mark.differs(moto="it does not look for the model")
def test_a_config_needs_its_model(sagemaker):
    code, said = message(make_config, sagemaker=sagemaker, model="none")
    assert (code, said) == ("ValidationException", f'Could not find model "{ARN}:model/none".')


@pytest.mark.differs(moto="its endpoints are in service at once")
def test_an_endpoint_is_created_and_then_in_service(sagemaker):
    arn = make_endpoint(sagemaker)
    assert arn == f"{ARN}:endpoint/calls"
    assert sagemaker.describe_endpoint(EndpointName="calls")["EndpointStatus"] == "Creating"
    state = sagemaker.describe_endpoint(EndpointName="calls")
    assert state["EndpointStatus"] == "InService"


def test_an_endpoint_lives_and_is_deleted(sagemaker):
    arn = make_endpoint(sagemaker)
    sagemaker.describe_endpoint(EndpointName="calls")
    state = sagemaker.describe_endpoint(EndpointName="calls")
    assert (state["EndpointStatus"], state["EndpointConfigName"]) == ("InService", "calls")
    (variant,) = state["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"]) == ("AllTraffic", 1)
    listed = sagemaker.list_endpoints(NameContains="calls")["Endpoints"]
    assert [(item["EndpointName"], item["EndpointStatus"]) for item in listed] == [
        ("calls", "InService")
    ]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": "1"}])
    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert {tag["Key"] for tag in tags} == {"more", TAGS[0]["Key"]}
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["more"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS
    sagemaker.delete_endpoint(EndpointName="calls")
    assert sagemaker.list_endpoints()["Endpoints"] == []


@pytest.mark.differs(moto="it has no UpdateEndpoint")
def test_an_endpoint_is_updated(sagemaker):
    make_endpoint(sagemaker)
    for _ in range(2):
        sagemaker.describe_endpoint(EndpointName="calls")
    make_config(sagemaker, "newer")
    sagemaker.update_endpoint(EndpointName="calls", EndpointConfigName="newer")
    for _ in range(2):
        state = sagemaker.describe_endpoint(EndpointName="calls")
    assert (state["EndpointStatus"], state["EndpointConfigName"]) == ("InService", "newer")
