# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The ways in which people deploy the stack: a region and what they pass."""

from dataclasses import dataclass, field

IMAGE = "111122223333.dkr.ecr.{region}.amazonaws.com{end}/team/whisper:1.0"


@dataclass(frozen=True)
class ParameterSet:
    parameters: dict[str, str] = field(default_factory=dict)
    region: str = "us-east-1"
    true: frozenset[str] = frozenset()


LCA = {
    "WhisperModelSize": "large-v3-turbo",
    "SageMakerInstanceType": "ml.g5.xlarge",
    "SageMakerInstanceCount": "1",
    "S3BucketName": "lca-recordings-111122223333",
    "EndpointName": "whisper-endpoint-LCA",
    "EnableAutoScaling": "true",
    "AutoScalingMinCapacity": "1",
    "AutoScalingMaxCapacity": "3",
    "AutoScalingTargetGpuUtilization": "50",
    "AutoScalingScaleOutCooldown": "60",
    "AutoScalingScaleInCooldown": "300",
}

GPU = frozenset({"HasGpu", "HasAutoScaling", "HasGpuScaling"})

KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"

SETS = {
    "alone": ParameterSet(true=GPU | {"HasNoBucket"}),
    "lca": ParameterSet(LCA, true=GPU | {"HasBucket", "HasEndpointName"}),
    "own bucket": ParameterSet({"S3BucketName": "my-bucket"}, true=GPU | {"HasBucket"}),
    "scaling off": ParameterSet(
        {"EnableAutoScaling": "false"}, true=frozenset({"HasNoBucket", "HasGpu"})
    ),
    "concurrency": ParameterSet(
        {"AutoScalingTargetConcurrentRequests": "8"},
        true=GPU | {"HasNoBucket", "HasConcurrencyScaling", "HasTargetConcurrentRequests"},
    ),
    "cpu": ParameterSet(
        {"SageMakerInstanceType": "ml.c7i.4xlarge", "WhisperModelSize": "tiny"},
        true=frozenset({"HasNoBucket", "HasAutoScaling", "HasConcurrencyScaling"}),
    ),
    "cpu without scaling": ParameterSet(
        {"SageMakerInstanceType": "ml.m5.large", "EnableAutoScaling": "false"},
        true=frozenset({"HasNoBucket"}),
    ),
    "several gpus": ParameterSet(
        {
            "SageMakerInstanceType": "ml.g5.12xlarge",
            "FallbackInstanceTypes": "ml.g6.12xlarge,ml.g6e.12xlarge",
            "SageMakerInstanceCount": "2",
            "AutoScalingMinCapacity": "2",
            "UpdatePolicy": "rolling",
        },
        true=GPU | {"HasNoBucket"},
    ),
    "isolation": ParameterSet({"EnableNetworkIsolation": "true"}, true=GPU | {"HasNoBucket"}),
    "vpc": ParameterSet(
        {
            "VpcSubnetIds": "subnet-0123456789abcdef0, subnet-0123456789abcdef1",
            "VpcSecurityGroupIds": "sg-0123456789abcdef0",
        },
        true=GPU | {"HasNoBucket", "HasVpc"},
    ),
    "everything": ParameterSet(
        {
            **LCA,
            "ModelS3Uri": "s3://my-models/whisper/legal/",
            "HubUrl": "https://mirror.example/hub",
            "HubTokenSecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:hub-AbCdEf",
            "ImageUri": IMAGE.format(region="us-east-1", end=""),
            "AudioInputS3Prefixes": "s3://my-recordings/calls/, s3://my-archive/",
            "ComputeType": "int8_float16",
            "MaxBeamSize": "2",
            "PartialBeamSize": "1",
            "LanguageOverride": "es",
            "AllowedLanguages": "es en",
            "Terms": "Nguyen, Acme Direct",
            "Redaction": "on",
            "Diarization": "on",
            "DiarizationModelS3Uri": "s3://my-models/speakers/",
            "FinalWindows": "short",
            "MaxBatchSize": "16",
            "EngineWorkers": "2",
            "FallbackInstanceTypes": "ml.g6.xlarge",
            "SageMakerInstanceCount": "2",
            "AutoScalingMinCapacity": "2",
            "UpdatePolicy": "canary",
            "EndpointEnvironment": "WHISPER_SELF_TEST=text,WHISPER_URL_SOURCES=off",
            "VpcSubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
            "VpcSecurityGroupIds": "sg-0123456789abcdef0",
            "KmsKeyArn": KEY,
            "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/bounds/developers",
            "AlarmTopicArn": "arn:aws:sns:us-east-1:111122223333:operators",
            "LogRetentionDays": "30",
            "AutoScalingTargetConcurrentRequests": "8",
        },
        true=GPU
        | {
            "HasBucket",
            "HasEndpointName",
            "HasModelS3Uri",
            "HasDiarizationModelS3Uri",
            "HasHubTokenSecret",
            "HasImageUri",
            "HasAudioInput",
            "HasTargetConcurrentRequests",
            "HasConcurrencyScaling",
            "HasVpc",
            "HasKmsKey",
            "HasPermissionsBoundary",
            "HasAlarmTopic",
        },
    ),
    "china": ParameterSet(
        {"ImageUri": IMAGE.format(region="cn-north-1", end=".cn")},
        "cn-north-1",
        GPU | {"HasNoBucket", "HasImageUri"},
    ),
    "govcloud": ParameterSet(
        {"ImageUri": IMAGE.format(region="us-gov-west-1", end="")},
        "us-gov-west-1",
        GPU | {"HasNoBucket", "HasImageUri"},
    ),
}
