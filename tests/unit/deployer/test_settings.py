# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import dataclasses
from pathlib import Path

import pytest

from deploy_whisper.archive.hub import HUB_MODELS
from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.settings import (
    ArchiveSettings,
    DeploymentSettings,
    EndpointSize,
    Environment,
    endpoint_name,
    is_stack_prefix,
    service_timeout,
)
from local_cloud.template_reader import read_template
from whisper_sagemaker.errors import InvalidProperty

STACK_ID = (
    "arn:aws:cloudformation:us-east-1:123456789012:stack/calls/0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"
)
ARCHIVE = {
    "Bucket": "my-bucket",
    "Prefix": "whisper-sagemaker/calls-0a1b2c3d/",
    "ModelSize": "large-v2",
    "ModelS3Uri": "",
    "HubUrl": "",
    "HubTokenSecretArn": "",
    "KmsKeyArn": "",
}
DEPLOYMENT = {
    "EndpointName": "calls",
    "ModelDataUri": "s3://my-bucket/whisper-sagemaker/calls/1/",
    "ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/ray:1",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/endpoint",
    "InstanceType": "ml.g5.2xlarge",
    "InstanceCount": "1",
    "Environment": {"WHISPER_AUDIO_S3_PREFIXES": ""},
}
TEMPLATE = Path(__file__).parents[3] / "template.yaml"
LONGEST_REASON = 256
"""Characters; crhelper keeps the last 240 of a longer one."""


def event(properties, **changes):
    return CloudFormationEvent("Create", STACK_ID, properties | changes)


def test_an_archives_settings():
    assert ArchiveSettings.from_event(event(ARCHIVE)) == ArchiveSettings(
        bucket="my-bucket",
        prefix="whisper-sagemaker/calls-0a1b2c3d/",
        model_size="large-v2",
        model_s3_uri="",
        hub_token_secret_arn="",
    )


@pytest.mark.parametrize(
    ("name", "arn"),
    [
        ("KmsKeyArn", "arn:aws:kms:eu-west-1:111122223333:key/1"),
        ("HubTokenSecretArn", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:hub-AbCdEf"),
        ("AlarmTopicArn", "arn:aws:sns:eu-west-1:111122223333:operators"),
    ],
)
def test_what_is_in_another_region_is_refused(name, arn):
    with pytest.raises(InvalidProperty) as refusal:
        ArchiveSettings.from_event(event(ARCHIVE, **{name: arn}))
    remedy = "an ARN of this stack's Region, us-east-1"
    assert str(refusal.value) == f"{name} must be {remedy}; it is {arn!r}."


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("", ""),
        ("https://mirror.example", "https://mirror.example"),
        ("https://mirror.example:8443/hub/", "https://mirror.example:8443/hub"),
    ],
)
def test_a_mirror_of_the_hub(given, url):
    assert ArchiveSettings.from_event(event(ARCHIVE, HubUrl=given)).hub_url == url


@pytest.mark.parametrize(
    "given",
    [
        "http://mirror.example",
        "mirror.example",
        "https://",
        "https://user:secret@mirror.example",
        "https://mirror.example/?a=b",
        "https://mirror.example/hub#x",
        "https://mirror example",
        "https://mirror.example\n",
    ],
)
def test_a_mirror_that_is_no_https_address(given):
    with pytest.raises(InvalidProperty, match="HubUrl must be the https:// address"):
        ArchiveSettings.from_event(event(ARCHIVE, HubUrl=given))


def test_an_archives_key():
    key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert ArchiveSettings.from_event(event(ARCHIVE, KmsKeyArn=key)).kms_key_arn == key


def test_optional_properties_may_be_missing():
    given = {key: ARCHIVE[key] for key in ("Bucket", "Prefix", "ModelSize")}
    settings = ArchiveSettings.from_event(event(given))
    assert settings == ArchiveSettings.from_event(event(ARCHIVE))


def test_a_model_of_ones_own_needs_no_size_and_gets_its_slash():
    settings = ArchiveSettings.from_event(event(ARCHIVE, ModelS3Uri="s3://models/a", ModelSize=""))
    assert settings.model_s3_uri == "s3://models/a/"


@pytest.mark.parametrize(
    ("name", "value", "said_as", "remedy"),
    [
        ("Bucket", "", "S3BucketName", "the name of a bucket in this Region"),
        ("Prefix", "", "Prefix", "whisper-sagemaker/<stack>/"),
        ("Prefix", "recordings/", "Prefix", "whisper-sagemaker/<stack>/"),
        ("Prefix", "whisper-sagemaker/", "Prefix", "whisper-sagemaker/<stack>/"),
        ("Prefix", "whisper-sagemaker/calls", "Prefix", "whisper-sagemaker/<stack>/"),
        ("Prefix", "x/whisper-sagemaker/calls/", "Prefix", "whisper-sagemaker/<stack>/"),
        ("ModelS3Uri", "models/a/", "ModelS3Uri", "s3://bucket/prefix/ of a faster-whisper model"),
        ("ModelS3Uri", "s3://A/b/", "ModelS3Uri", "s3://bucket/prefix/ of a faster-whisper model"),
        (
            "ModelSize",
            "enormous",
            "WhisperModelSize",
            "one of the sizes in the template, such as large-v3 or tiny.en",
        ),
        (
            "ModelSize",
            "",
            "WhisperModelSize",
            "one of the sizes in the template, such as large-v3 or tiny.en",
        ),
    ],
)
def test_what_an_archive_is_refused_for(name, value, said_as, remedy):
    with pytest.raises(InvalidProperty) as refusal:
        ArchiveSettings.from_event(event(ARCHIVE, **{name: value}))
    assert str(refusal.value) == f"{said_as} must be {remedy}; it is {value!r}."
    assert refusal.value.name == said_as
    assert len(str(refusal.value)) <= LONGEST_REASON


def test_a_deployments_settings():
    settings = DeploymentSettings.from_event(event(DEPLOYMENT, InstanceCount="10"))
    assert settings == DeploymentSettings(
        endpoint_name="calls",
        model_data_uri="s3://my-bucket/whisper-sagemaker/calls/1/",
        image_uri="111122223333.dkr.ecr.us-east-1.amazonaws.com/ray:1",
        execution_role_arn="arn:aws:iam::123456789012:role/endpoint",
        instance_type="ml.g5.2xlarge",
        instance_count=10,
        environment={"WHISPER_AUDIO_S3_PREFIXES": ""},
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.instance_count = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "said_as", "remedy"),
    [
        *(
            (
                "EndpointName",
                value,
                "EndpointName",
                "at most 63 letters, digits and hyphens, with no hyphen at either end",
            )
            for value in ("no_underscores", "-calls", "calls-", "x" * 64, "a" + "---b" * 20, "ä")
        ),
        ("ModelDataUri", "", "ModelDataUri", "s3://bucket/prefix/"),
        ("ModelDataUri", "s3://my-bucket/no-slash", "ModelDataUri", "s3://bucket/prefix/"),
        *(
            (
                "InstanceType",
                value,
                "SageMakerInstanceType",
                "a SageMaker instance type such as ml.g5.2xlarge",
            )
            for value in ("", "g5.2xlarge", "ml.g5", "ml.g5.2xlarge;")
        ),
        *(
            ("InstanceCount", value, "SageMakerInstanceCount", "a whole number from 1 to 10")
            for value in ("", "0", "11", "1.5", "-1", "one", "²")
        ),
        ("ImageUri", "", "ImageUri", "the URI of a Ray Serve image in this Region"),
    ],
)
def test_what_a_deployment_is_refused_for(name, value, said_as, remedy):
    with pytest.raises(InvalidProperty) as refusal:
        DeploymentSettings.from_event(event(DEPLOYMENT, **{name: value}))
    assert str(refusal.value) == f"{said_as} must be {remedy}; it is {value[:80]!r}."
    assert len(str(refusal.value)) <= LONGEST_REASON


def test_a_name_is_generated_only_where_none_is_given():
    assert endpoint_name(event(DEPLOYMENT)) == "calls"
    generated = "whisper-calls-0a1b2c3d"
    assert endpoint_name(event(DEPLOYMENT, EndpointName="")) == generated
    assert endpoint_name(event({})) == generated


@pytest.mark.parametrize(
    ("instance_type", "count"),
    [
        ("ml.g4dn.xlarge", 1),
        ("ml.g6e.2xlarge", 1),
        ("ml.p5.48xlarge", 8),
        ("ml.c6i.2xlarge", 0),
        ("ml.m5.large", 0),
        ("ml.inf2.xlarge", 0),
    ],
)
def test_how_many_gpus_instances_have(instance_type, count):
    settings = DeploymentSettings.from_event(event(DEPLOYMENT, InstanceType=instance_type))
    assert settings.gpu_count == count


CONTAINER = [
    ("AudioInputS3Prefixes", {"Environment": {"WHISPER_AUDIO_S3_PREFIXES": "x" * 1025}}),
    ("Terms", {"Environment": {"WHISPER_TERMS": "é" * 513}}),
    (
        "WHISPER_METRICS_FILE in EndpointEnvironment",
        {"EndpointEnvironment": f"WHISPER_METRICS_FILE={'x' * 1025}"},
    ),
    ("VpcSubnetIds and VpcSecurityGroupIds", {"SubnetIds": "subnet-1"}),
    ("VpcSubnetIds and VpcSecurityGroupIds", {"SecurityGroupIds": "sg-1"}),
    (
        "VpcSubnetIds",
        {"SubnetIds": ",".join(f"s{n}" for n in range(17)), "SecurityGroupIds": "sg-1"},
    ),
    (
        "VpcSecurityGroupIds",
        {"SubnetIds": "s", "SecurityGroupIds": ",".join(f"sg{n}" for n in range(6))},
    ),
]


@pytest.mark.parametrize(
    ("name", "given"),
    [
        *CONTAINER,
        ("FallbackInstanceTypes", {"FallbackInstanceTypes": "ml.g5.12xlarge"}),
        ("FallbackInstanceTypes", {"FallbackInstanceTypes": "ml.c7i.xlarge"}),
        (
            "FallbackInstanceTypes",
            {"FallbackInstanceTypes": ",".join(f"ml.g{n}.xlarge" for n in range(5))},
        ),
        ("UpdatePolicy", {"UpdatePolicy": "blue-green"}),
        ("InputS3Prefixes", {"InputS3Prefixes": f"s3://archive/{'x' * 787}/"}),
    ],
)
def test_what_sagemaker_would_refuse_later_is_refused_with_the_remedy(name, given):
    with pytest.raises(InvalidProperty) as refusal:
        DeploymentSettings.from_event(event(DEPLOYMENT, **given))
    assert refusal.value.name == name
    assert str(refusal.value).startswith(f"{name} must be ")


RECORDINGS = ("RecordingsInputS3Prefixes", {"RecordingsInputS3Prefixes": "s3://a-b/," * 81})


@pytest.mark.parametrize(("name", "given"), [*CONTAINER, RECORDINGS])
def test_what_no_container_can_have_is_refused_before_anything_is_staged(name, given):
    with pytest.raises(InvalidProperty) as refusal:
        ArchiveSettings.from_event(event(ARCHIVE, **given))
    assert refusal.value.name == name


def test_the_template_names_to_the_archive_all_that_is_refused_before_it_is_staged():
    resources = read_template(TEMPLATE.read_text())["Resources"]
    archive = resources["WhisperModelArchive"]["Properties"]
    endpoint = resources["WhisperModelDeployment"]["Properties"]
    for name in ("SubnetIds", "SecurityGroupIds", "EndpointEnvironment"):
        assert archive[name] == endpoint[name]
    nested = resources["Recordings"]["Properties"]["Parameters"]
    condition, prefixes, _ = archive["RecordingsInputS3Prefixes"]["Fn::If"]
    assert (condition, prefixes) == ("HasRecordings", nested["InputS3Prefixes"])
    assert archive["Environment"].items() <= endpoint["Environment"].items()


def test_further_settings_join_the_containers_environment():
    given = event(DEPLOYMENT, EndpointEnvironment="WHISPER_SELF_TEST=text")
    assert DeploymentSettings.from_event(given).environment == {
        "WHISPER_AUDIO_S3_PREFIXES": "",
        "WHISPER_SELF_TEST": "text",
    }


def test_a_further_setting_that_cannot_be_used_is_refused_before_anything_is_staged():
    with pytest.raises(InvalidProperty, match="WHISPER_SELF_TEST in EndpointEnvironment"):
        ArchiveSettings.from_event(event(ARCHIVE, EndpointEnvironment="WHISPER_SELF_TEST=no"))


def test_what_is_listed_twice_counts_once():
    given = event(
        DEPLOYMENT,
        InstanceType="ml.g5.xlarge",
        FallbackInstanceTypes="ml.g6.xlarge, ml.g5.xlarge,ml.g6.xlarge,ml.g5.2xlarge",
        SubnetIds=",".join(["subnet-1"] * 17),
        SecurityGroupIds="sg-1,sg-2, sg-1",
    )
    settings = DeploymentSettings.from_event(given)
    assert settings.instance_types == ("ml.g5.xlarge", "ml.g6.xlarge", "ml.g5.2xlarge")
    assert EndpointSize.from_properties(given.properties) == EndpointSize(
        settings.instance_types, settings.instance_count
    )
    assert settings.subnet_ids == ("subnet-1",)
    assert settings.security_group_ids == ("sg-1", "sg-2")


@pytest.mark.parametrize(
    ("kind", "fallbacks", "key"),
    [("ml.g5.xlarge", "", ""), ("ml.c7i.xlarge", "", "k"), ("ml.c7i.xlarge", "ml.c5d.xlarge", "")],
)
def test_volumes_are_encrypted_where_sagemaker_takes_a_key(kind, fallbacks, key):
    given = {"InstanceType": kind, "FallbackInstanceTypes": fallbacks, "KmsKeyArn": "k"}
    assert DeploymentSettings.from_event(event(DEPLOYMENT, **given)).volume_key == key


@pytest.mark.parametrize(
    ("given", "seconds"), [({}, 3600), ({"ServiceTimeout": "1"}, 1), ({"ServiceTimeout": 900}, 900)]
)
def test_service_timeout(given, seconds):
    assert service_timeout(event(given)) == seconds


@pytest.mark.parametrize("value", ["0", "3601", "", "soon", "-5", "60.0"])
def test_service_timeout_out_of_range(value):
    with pytest.raises(InvalidProperty) as refusal:
        service_timeout(event({"ServiceTimeout": value}))
    assert str(refusal.value) == (f"ServiceTimeout must be 1 to 3600 seconds; it is {value!r}.")


def test_a_long_value_is_shortened():
    refusal = InvalidProperty("EndpointName", "x" * 500, "a name")
    assert str(refusal) == f"EndpointName must be a name; it is {'x' * 80!r}."


def test_the_functions_environment(monkeypatch):
    monkeypatch.delenv("ENDPOINT_TREE", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert Environment.from_environ() == Environment(
        endpoint_tree=Path("/opt/endpoint"), hub_url="https://huggingface.co"
    )
    monkeypatch.setenv("ENDPOINT_TREE", "/elsewhere")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert Environment.from_environ() == Environment(
        endpoint_tree=Path("/elsewhere"), hub_url="https://mirror.example"
    )


@pytest.mark.parametrize(
    ("prefix", "is_one"),
    [
        ("whisper-sagemaker/calls-1/", True),
        ("whisper-sagemaker/calls-1", False),
        ("whisper-sagemaker/", False),
        ("whisper-sagemaker//", False),
        ("whisper-sagemaker/a/b/", False),
        ("", False),
        ("/", False),
    ],
)
def test_a_stacks_prefix(prefix, is_one):
    assert is_stack_prefix(prefix) is is_one


def test_every_size_of_the_template_is_known_at_a_pinned_revision():
    template = read_template(TEMPLATE.read_text())
    sizes = template["Parameters"]["WhisperModelSize"]["AllowedValues"]
    assert set(sizes) == set(HUB_MODELS)
    for repository, revision in HUB_MODELS.values():
        assert repository.count("/") == 1
        assert len(revision) == 40
        assert int(revision, 16)
    assert HUB_MODELS["large"] == HUB_MODELS["large-v3"]
