# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.endpoint.preflight import refuse_in_advance
from local_cloud.sagemaker.quotas import instance_types
from local_cloud.server import LocalCloud
from scripts.local_stack import aws_settings
from tests.fakes.stand_ins import ScriptedHosting
from tests.lifecycle.watched_cloud import reset_default_session
from tests.unit.deployer.test_settings import STACK_ID
from whisper_sagemaker.errors import InvalidProperty, QuotaTooLow

SIZE = {"EndpointName": "calls", "InstanceType": "ml.g5.2xlarge", "InstanceCount": "2"}


@pytest.fixture(scope="module")
def cloud():
    with LocalCloud(ScriptedHosting) as cloud, aws_settings(cloud.environment()):
        reset_default_session()
        yield cloud
    reset_default_session()


@pytest.fixture
def quotas(cloud, monkeypatch):
    monkeypatch.setattr(CloudFormationEvent, "stack_status", lambda self: "CREATE_IN_PROGRESS")
    monkeypatch.setattr(cloud.quotas, "quotas", dict(cloud.quotas.quotas))
    return cloud.quotas.quotas


def request(kind="Create", old=None, **changes):
    properties = SIZE | changes
    return CloudFormationEvent(kind, STACK_ID, properties, old_properties=SIZE | (old or {}))


def test_a_quota_that_suffices(quotas):
    quotas["ml.g5.2xlarge"] = 2
    refuse_in_advance(request())


def test_a_quota_that_does_not_is_told_with_its_name(quotas):
    quotas["ml.g5.2xlarge"] = 1
    with pytest.raises(QuotaTooLow) as refusal:
        refuse_in_advance(request())
    assert str(refusal.value) == (
        "Ask Service Quotas for 2 or more of 'ml.g5.2xlarge for endpoint usage' (Amazon "
        "SageMaker), or set SageMakerInstanceType to a type with quota or SageMakerInstanceCount "
        "to fewer: this account's is 1."
    )
    assert len(str(refusal.value)) <= 256


def test_a_type_to_fall_back_on_may_have_it(quotas):
    quotas["ml.g5.2xlarge"] = 0
    refuse_in_advance(request(FallbackInstanceTypes="ml.g6.2xlarge"))
    quotas["ml.g6.2xlarge"] = 0
    with pytest.raises(QuotaTooLow, match=r"'ml\.g5\.2xlarge for endpoint usage'"):
        refuse_in_advance(request(FallbackInstanceTypes="ml.g6.2xlarge"))


def test_what_is_not_listed_is_left_to_sagemaker(quotas):
    del quotas["ml.g5.2xlarge"]
    refuse_in_advance(request())


def test_where_quotas_may_not_be_seen_it_goes_on(quotas, monkeypatch):
    quotas["ml.g5.2xlarge"] = 0

    def denied(operation):
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, operation)

    real = boto3.client
    refusing = SimpleNamespace(get_paginator=denied)
    monkeypatch.setattr(
        boto3,
        "client",
        lambda service, **more: refusing if service == "service-quotas" else real(service, **more),
    )
    refuse_in_advance(request())


def test_an_update_is_asked_about_another_size_alone(quotas, monkeypatch):
    monkeypatch.setattr(CloudFormationEvent, "is_rolling_back", lambda self: False)
    quotas["ml.g5.2xlarge"] = 0
    refuse_in_advance(request("Update", ModelSize="tiny"))
    with pytest.raises(QuotaTooLow):
        refuse_in_advance(request("Update", old={"InstanceCount": "1"}))


def test_a_roll_back_is_never_refused(quotas, monkeypatch):
    monkeypatch.setattr(CloudFormationEvent, "is_rolling_back", lambda self: True)
    quotas["ml.g5.2xlarge"] = 0
    refuse_in_advance(request("Update", old={"InstanceType": "ml.g6.2xlarge"}))


def test_other_types_are_refused_before_anything_is_staged(quotas):
    with pytest.raises(InvalidProperty, match="FallbackInstanceTypes must be types with as"):
        refuse_in_advance(request(FallbackInstanceTypes="ml.g5.12xlarge"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"ImageUri": "111122223333.dkr.ecr.eu-west-1.amazonaws.com/whisper:1.0"},
            "ImageUri must be an image in this stack's Region, us-east-1; it is '1111",
        ),
        (
            {"ComputeType": "float16", "InstanceType": "ml.c7i.4xlarge"},
            "ComputeType must be int8 or float32, which ml.c7i.4xlarge supports, or empty",
        ),
        (
            {"ComputeType": "int8_bfloat16", "InstanceType": "ml.g4dn.xlarge"},
            "ComputeType must be float16 or int8_float16, which ml.g4dn.",
        ),
        (
            {"ComputeType": "bfloat16", "FallbackInstanceTypes": "ml.g4dn.xlarge"},
            "ComputeType must be float16 or int8_float16, which ml.g4dn.",
        ),
        ({"ComputeType": "int16"}, "ComputeType must be float16 or int8_float16, which"),
        (
            {"InstanceType": "ml.g5.3xlarge"},
            "SageMakerInstanceType must be a type that SageMaker has, such as ml.g5.",
        ),
        (
            {"InstanceType": "ml.g55.2xlarge"},
            "SageMakerInstanceType must be a type that SageMaker has, such as ml.g",
        ),
        (
            {"ModelSize": "large-v2", "LanguageOverride": "yue"},
            "LanguageOverride must be without yue, which large-v2 does not have, unless W",
        ),
        (
            {"ModelSize": "base", "AllowedLanguages": "en, yue"},
            "AllowedLanguages must be without yue, which base does not have, unless W",
        ),
    ],
    ids=str,
)
def test_what_could_never_run_is_told_at_once(quotas, monkeypatch, changes, said):
    monkeypatch.setattr(CloudFormationEvent, "is_rolling_back", lambda self: False)
    for kind in ("Create", "Update"):
        with pytest.raises(InvalidProperty) as refusal:
            refuse_in_advance(request(kind, **changes))
        assert str(refusal.value).startswith(said)


@pytest.mark.parametrize(
    "changes",
    [
        {"ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/whisper:1.0"},
        {"ComputeType": "bfloat16"},
        {"ComputeType": "int8", "InstanceType": "ml.c7i.4xlarge"},
        {"ModelSize": "large-v3", "AllowedLanguages": "en yue"},
        {"ModelSize": "large-v2", "AllowedLanguages": "en yue", "ModelS3Uri": "s3://own/model/"},
    ],
    ids=str,
)
def test_what_may_run_is_not_refused(quotas, changes):
    refuse_in_advance(request(**changes))


def test_a_type_that_is_newer_than_what_is_known_here_is_not_refused(quotas, monkeypatch):
    newer = instance_types() | {"ml.g99.2xlarge"}
    monkeypatch.setattr("local_cloud.sagemaker.control_plane.instance_types", lambda: newer)
    refuse_in_advance(request(InstanceType="ml.g99.2xlarge"))
    assert boto3.client("sagemaker").list_endpoint_configs()["EndpointConfigs"] == []


def test_the_template_of_before_tells_no_type(quotas):
    refuse_in_advance(CloudFormationEvent("Create", STACK_ID, {"Bucket": "b"}))
