# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What Live Call Analytics passes to the stack, and reads from it."""

import pytest

from local_cloud.cloudformation.parameters import check
from tests.template.parameter_sets import LCA
from whisper_contract.languages import NAMES

DEFAULTS = {
    "WhisperModelSize": "large-v2",
    "SageMakerInstanceType": "ml.g5.2xlarge",
    "SageMakerInstanceCount": 1,
    "S3BucketName": "",
    "EndpointName": "",
    "EnableAutoScaling": "true",
    "AutoScalingMinCapacity": 1,
    "AutoScalingMaxCapacity": 3,
    "AutoScalingTargetGpuUtilization": 50,
    "AutoScalingScaleOutCooldown": 60,
    "AutoScalingScaleInCooldown": 300,
}
SIZES = [
    "tiny",
    "tiny.en",
    "base",
    "base.en",
    "small",
    "small.en",
    "medium",
    "medium.en",
    "large",
    "large-v1",
    "large-v2",
    "large-v3",
    "large-v3-turbo",
    "distil-small.en",
    "distil-medium.en",
    "distil-large-v2",
    "distil-large-v3",
    "distil-large-v3.5",
]
OUTPUTS = [
    "WhisperSageMakerEndpointName",
    "WhisperModelSize",
    "S3BucketName",
    "AutoScalingEnabled",
    "AutoScalingMinCapacity",
    "AutoScalingMaxCapacity",
    "AutoScalingTargetGpuUtilization",
    "AutoScalingScaleOutCooldown",
    "AutoScalingScaleInCooldown",
]


def test_its_eleven_parameters_have_their_defaults(template):
    parameters = template["Parameters"]
    assert {name: parameters[name]["Default"] for name in DEFAULTS} == DEFAULTS
    assert len(DEFAULTS) == len(LCA) == 11


OTHERS = {
    **dict.fromkeys(
        [
            "ModelS3Uri",
            "DiarizationModelS3Uri",
            "AudioInputS3Prefixes",
            "ImageUri",
            "HubUrl",
            "HubTokenSecretArn",
            "EndpointEnvironment",
            "ComputeType",
            "LanguageOverride",
            "AllowedLanguages",
            "Terms",
            "FallbackInstanceTypes",
            "VpcSubnetIds",
            "VpcSecurityGroupIds",
            "KmsKeyArn",
            "PermissionsBoundaryArn",
            "AlarmTopicArn",
            "RecordingsBucketName",
            "RecordingsInputS3Prefixes",
            "RecordingsKmsKeyArns",
        ],
        "",
    ),
    "Redaction": "off",
    "Diarization": "off",
    "MaxBeamSize": 0,
    "PartialBeamSize": 1,
    "FinalWindows": "auto",
    "MaxBatchSize": 0,
    "EngineWorkers": 0,
    "UpdatePolicy": "all-at-once",
    "EnableNetworkIsolation": "false",
    "AutoScalingTargetConcurrentRequests": 0,
    "LogRetentionDays": 90,
    "EnableRecordings": "false",
    "RecordingsFormats": "json,srt",
    "RecordingsMaxCapacity": 1,
    "AllowUrlSources": "false",
    "EnableJobsApi": "false",
    "JobsApiAuthorization": "iam",
}
FURTHER_OUTPUTS = {
    "DeploymentFunctionArn",
    "DeploymentRoleName",
    "DependenciesLayerArn",
    "ModelDataUri",
    "ImageUri",
}
"""What a stack of recordings.yaml beside this one takes."""


def test_every_other_parameter_changes_nothing_by_default(template):
    others = set(template["Parameters"]) - set(DEFAULTS)
    assert {name: template["Parameters"][name]["Default"] for name in others} == OTHERS


def test_its_nine_outputs(template):
    always = {name for name, one in template["Outputs"].items() if "Condition" not in one}
    assert always == {*OUTPUTS, *FURTHER_OUTPUTS}
    # The parent builds arn:…:endpoint/${name} of it: the bare name, which is the physical id.
    name = template["Outputs"]["WhisperSageMakerEndpointName"]["Value"]
    assert name == {"Ref": "WhisperModelDeployment"}


def test_without_recordings_nothing_is_made_for_them(template):
    conditional = {
        name
        for section in ("Resources", "Outputs")
        for name, one in template[section].items()
        if one.get("Condition") == "HasRecordings"
    }
    assert conditional == {"Recordings", "RecordingsBucket", "JobsFunction"}


def test_logical_ids_stay_as_in_the_stack_that_it_ships(template):
    resources = template["Resources"]
    assert resources["WhisperModelDeployment"]["Type"] == "Custom::WhisperModelDeployment"
    function = resources["WhisperDeploymentFunction"]
    assert function["Type"] == "AWS::Lambda::Function"
    # Another name would make another function, and a ServiceToken may not change.
    assert "FunctionName" not in function["Properties"]


@pytest.mark.parametrize(
    "change",
    [
        *({"WhisperModelSize": size} for size in SIZES),
        *({"AutoScalingMinCapacity": str(n), "AutoScalingMaxCapacity": "3"} for n in (1, 2, 3)),
        *({"AutoScalingMaxCapacity": str(n)} for n in (1, 2, 3)),
        *({"AutoScalingTargetGpuUtilization": str(n)} for n in (10, 90)),
        *({"AutoScalingScaleOutCooldown": str(n)} for n in (0, 3600)),
        *({"AutoScalingScaleInCooldown": str(n)} for n in (0, 3600)),
        {"EnableAutoScaling": "false"},
        {"S3BucketName": "", "EndpointName": ""},
        {"EndpointName": f"whisper-endpoint-{'x' * 46}"},
        *(
            {"SageMakerInstanceType": kind}
            for kind in ("ml.g4dn.xlarge", "ml.g6e.48xlarge", "ml.p4de.24xlarge", "ml.m5.large")
        ),
    ],
    ids=str,
)
def test_what_it_may_pass_is_accepted(template, change):
    assert check(template, {**LCA, **change}, "us-east-1", ["CAPABILITY_NAMED_IAM"]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"WhisperModelSize": "huge"},
        {"SageMakerInstanceType": "g5.2xlarge"},
        {"SageMakerInstanceCount": "0"},
        {"SageMakerInstanceCount": "11"},
        {"SageMakerInstanceCount": "1.5"},
        {"SageMakerInstanceCount": "02"},
        {"AutoScalingMinCapacity": "1.5"},
        {"AutoScalingMaxCapacity": "3.5"},
        {"AutoScalingMaxCapacity": "02"},
        {"MaxBeamSize": "2.5"},
        {"PartialBeamSize": "1.5"},
        {"EngineWorkers": "1.5"},
        {"RecordingsMaxCapacity": "1.5"},
        {"MaxBatchSize": "2.5"},
        {"AutoScalingScaleInCooldown": "60.5"},
        {"S3BucketName": "s3://bucket"},
        {"S3BucketName": "My_Bucket"},
        {"EndpointName": "whisper_endpoint"},
        {"EndpointName": "-whisper"},
        {"EndpointName": "x" * 64},
        {"EnableAutoScaling": "True"},
        {"AutoScalingMinCapacity": "0"},
        {"AutoScalingMinCapacity": "11"},
        {"AutoScalingMaxCapacity": "0"},
        {"AutoScalingMaxCapacity": "101"},
        {"AutoScalingTargetGpuUtilization": "9"},
        {"AutoScalingTargetGpuUtilization": "91"},
        {"AutoScalingScaleOutCooldown": "3601"},
        {"AutoScalingScaleInCooldown": "-1"},
        {"ModelS3Uri": "s3://bucket/model"},
        {"ModelS3Uri": "https://bucket/model/"},
        {"AudioInputS3Prefixes": "s3://bucket/calls/,s3://bucket/x"},
        {"AudioInputS3Prefixes": "s3://bucket/*/"},
        {"ImageUri": "whisper:1.0"},
        {"ImageUri": "111122223333.dkr.ecr.us-east-1.amazonaws.com/whisper"},
        {"HubUrl": "http://mirror.example"},
        {"HubUrl": "https://user:secret@mirror.example"},
        {"HubTokenSecretArn": "hf_token"},
        {"MaxBeamSize": "11"},
        {"PartialBeamSize": "-1"},
        {"LanguageOverride": "English"},
        {"LanguageOverride": "jp"},
        {"AllowedLanguages": "en, sp"},
        {"AllowedLanguages": "English"},
        {"AllowedLanguages": "en;es"},
        {"Terms": "x" * 1025},
        {"Redaction": "true"},
        {"Diarization": "true"},
        {"DiarizationModelS3Uri": "s3://bucket/models"},
        {"MaxBatchSize": "257"},
        {"EngineWorkers": "17"},
        {"ComputeType": "float64"},
        {"FinalWindows": "long"},
        {"UpdatePolicy": "blue-green"},
        {"EndpointEnvironment": "SELF_TEST=text"},
        {"FallbackInstanceTypes": "ml.g6.xlarge,g6.xlarge"},
        {"EnableNetworkIsolation": "yes"},
        {"VpcSubnetIds": "subnet-1", "VpcSecurityGroupIds": "sg-0123456789abcdef0"},
        {"KmsKeyArn": "alias/mine"},
        {"PermissionsBoundaryArn": "developers"},
        {"AlarmTopicArn": "arn:aws:sns:us-east-1:111122223333:operators.fifo"},
        {"LogRetentionDays": "91"},
        {"AutoScalingTargetConcurrentRequests": "1001"},
    ],
    ids=str,
)
def test_what_is_wrong_is_refused_with_the_remedy(template, change):
    (objection,) = check(template, {**LCA, **change}, "us-east-1", ["CAPABILITY_NAMED_IAM"])
    name = next(iter(change))
    assert name in objection
    assert "must " in objection


@pytest.mark.parametrize("code", NAMES)
def test_every_language_of_whispers_is_accepted(template, code):
    given = {"LanguageOverride": code, "AllowedLanguages": f"en, {code} {code}"}
    assert check(template, {**LCA, **given}, "us-east-1", ["CAPABILITY_NAMED_IAM"]) == []


def test_sizes_are_those_that_the_deployer_knows(template):
    from deploy_whisper.archive.hub import HUB_MODELS

    assert template["Parameters"]["WhisperModelSize"]["AllowedValues"] == SIZES
    assert sorted(SIZES) == sorted(HUB_MODELS)
