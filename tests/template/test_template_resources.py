# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the template makes, with which properties, and in which order."""

import pytest

from local_cloud.intrinsics import references_in
from local_cloud.parameters import conditions, resolver
from tests.template.parameter_sets import LCA, SETS

TAGGED = {"AWS::S3::Bucket", "AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::Lambda::Function"}
UUID = "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"


def properties(template, name, parameters=None, region="us-east-1"):
    declared = template["Resources"][name]["Properties"]
    return resolver(template, parameters or {}, region).resolve(declared)


@pytest.mark.parametrize("name", SETS)
def test_conditions(template, name):
    evaluated = conditions(template, SETS[name].parameters, SETS[name].region)
    assert {condition for condition, true in evaluated.items() if true} == SETS[name].true


def test_what_exists_when(template):
    def present(parameters):
        evaluator = resolver(template, parameters)
        return {name for name, item in template["Resources"].items() if evaluator.exists(item)}

    everything = set(template["Resources"])
    bucket = {"ModelBucket", "ModelBucketPolicy"}
    scaling = {"WhisperScalableTarget", "WhisperScalingPolicy"}
    assert present({}) == everything
    assert present(LCA) == everything - bucket
    assert present({"EnableAutoScaling": "false"}) == everything - scaling


def test_everything_that_can_carry_our_tag_does(template):
    stack = resolver(template, {}).resolve({"Ref": "AWS::StackId"})
    taggable = [name for name, item in template["Resources"].items() if item["Type"] in TAGGED]
    assert len(taggable) == 5
    for name in taggable:
        tags = properties(template, name)["Tags"]
        assert {"Key": "whisper-sagemaker:stack", "Value": stack} in tags


def test_function(template):
    function = properties(template, "WhisperDeploymentFunction")
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["x86_64"]
    assert function["Handler"] == "deploy_whisper.handler.handler"
    assert function["Timeout"] == 900
    assert function["LoggingConfig"] == {"LogGroup": "<WhisperDeploymentLogGroup>"}
    assert properties(template, "WhisperDeploymentLogGroup")["RetentionInDays"] == 90


def test_a_failed_invocation_is_not_repeated(template):
    invocation = properties(template, "WhisperDeploymentInvocation")
    assert invocation["FunctionName"] == "<WhisperDeploymentFunction>"
    assert invocation["Qualifier"] == "$LATEST"
    assert invocation["MaximumRetryAttempts"] == 0


def test_own_bucket_is_private_encrypted_and_asks_for_tls(template):
    bucket = properties(template, "ModelBucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (lifecycle,) = bucket["LifecycleConfiguration"]["Rules"]
    assert lifecycle["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert template["Resources"]["ModelBucket"]["DeletionPolicy"] == "Delete"
    (statement,) = properties(template, "ModelBucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["<ModelBucket.Arn>", "<ModelBucket.Arn>/*"]


def test_archive_resource(template):
    archive = properties(template, "WhisperModelArchive", LCA)
    assert archive == {
        "ServiceToken": "<WhisperDeploymentFunction.Arn>",
        "ServiceTimeout": 3600,
        "Bucket": "lca-recordings-111122223333",
        "Prefix": f"whisper-sagemaker/whisper-{UUID}/",
        "ModelSize": "large-v3-turbo",
        "ModelS3Uri": "",
        "HubTokenSecretArn": "",
        "ProgramLayer": "<EndpointProgramLayer>",
    }
    assert properties(template, "WhisperModelArchive")["Bucket"] == "<ModelBucket>"


def test_deployment_resource(template):
    audio = {"AudioInputS3Prefixes": "s3://a-b/c/, s3://d-e/"}
    deployment = properties(template, "WhisperModelDeployment", {**LCA, **audio}, "eu-south-1")
    image = "692866216735.dkr.ecr.eu-south-1.amazonaws.com/ray:serve-ml-sagemaker-cuda-v1.4"
    assert deployment == {
        "ServiceToken": "<WhisperDeploymentFunction.Arn>",
        "ServiceTimeout": 3600,
        "EndpointName": "whisper-endpoint-LCA",
        "ModelDataUri": "<WhisperModelArchive.S3Uri>",
        "ImageUri": image,
        "ExecutionRoleArn": "<WhisperExecutionRole.Arn>",
        "InstanceType": "ml.g5.xlarge",
        "InstanceCount": "1",
        "Environment": {"WHISPER_AUDIO_S3_PREFIXES": "s3://a-b/c/,s3://d-e/"},
    }
    given = SETS["china"]
    deployment = properties(template, "WhisperModelDeployment", given.parameters, given.region)
    assert deployment["ImageUri"] == given.parameters["ImageUri"]
    assert deployment["Environment"] == {"WHISPER_AUDIO_S3_PREFIXES": ""}


def test_the_deployer_accepts_what_the_template_passes(template):
    from deploy_whisper.settings import ArchiveSettings, DeploymentSettings

    attributes = {
        "<WhisperModelArchive.S3Uri>": "s3://a-bucket/whisper-sagemaker/s/d/",
        "<ModelBucket>": "a-bucket",
    }

    def event(name, parameters, region):
        values = properties(template, name, parameters, region)
        stack = resolver(template, parameters, region).resolve({"Ref": "AWS::StackId"})
        texts = {
            key: attributes.get(value, value)
            for key, value in values.items()
            if not isinstance(value, dict)
        }
        texts = {key: str(value) for key, value in texts.items()}
        return {
            "StackId": stack,
            "ResourceProperties": {**{k: v for k, v in values.items() if k not in texts}, **texts},
        }

    for given in SETS.values():
        archive = ArchiveSettings.from_event(
            event("WhisperModelArchive", given.parameters, given.region)
        )
        assert archive.prefix.startswith("whisper-sagemaker/")
        deployment = DeploymentSettings.from_event(
            event("WhisperModelDeployment", given.parameters, given.region)
        )
        assert deployment.endpoint_name.startswith("whisper-")


def test_scaling_follows_what_gpu_utilization_really_is(template):
    target = properties(template, "WhisperScalableTarget")
    assert target["ResourceId"] == "endpoint/<WhisperModelDeployment>/variant/AllTraffic"
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    policy = properties(template, "WhisperScalingPolicy", LCA)
    assert policy["PolicyName"] == "whisper-gpu-utilization-ml.g5.xlarge"
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == "50"
    assert tracking["CustomizedMetricSpecification"] == {
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "GPUUtilization",
        "Statistic": "Average",
        "Unit": "Percent",
        "Dimensions": [
            {"Name": "EndpointName", "Value": "<WhisperModelDeployment>"},
            {"Name": "VariantName", "Value": "AllTraffic"},
        ],
    }


def needs(template, name, seen=()):
    """Return all that a resource is made after, and therefore deleted before."""
    resource = template["Resources"][name]
    direct = references_in(resource["Properties"])
    after = resource.get("DependsOn", [])
    direct |= {after} if isinstance(after, str) else set(after)
    direct &= set(template["Resources"])
    return direct.union(*(needs(template, other, (*seen, name)) for other in direct - {*seen}))


def test_permissions_logs_and_layers_outlive_the_custom_resources(template):
    for name in ("WhisperModelArchive", "WhisperModelDeployment"):
        assert {
            "WhisperDeploymentFunction",
            "WhisperDeploymentInvocation",
            "WhisperDeploymentLogGroup",
            "WhisperDeploymentPolling",
            "WhisperDeploymentRole",
            "EndpointProgramLayer",
            "DependenciesLayer",
            "ModelBucket",
        } <= needs(template, name)
    assert {"WhisperModelArchive", "WhisperExecutionRole"} <= needs(
        template, "WhisperModelDeployment"
    )
    assert "WhisperModelDeployment" in needs(template, "WhisperScalableTarget")


def test_artifacts_are_where_the_build_puts_them(template):
    resources = template["Resources"]
    assert resources["WhisperDeploymentFunction"]["Properties"]["Code"] == "build/function.zip"
    assert resources["DependenciesLayer"]["Properties"]["Content"] == "build/dependencies.zip"
    assert resources["EndpointProgramLayer"]["Properties"]["Content"] == "build/endpoint.zip"
