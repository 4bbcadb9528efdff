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

SETS = {
    "alone": ParameterSet(true=frozenset({"HasNoBucket", "HasAutoScaling"})),
    "lca": ParameterSet(LCA, true=frozenset({"HasBucket", "HasEndpointName", "HasAutoScaling"})),
    "own bucket": ParameterSet(
        {"S3BucketName": "my-bucket"}, true=frozenset({"HasBucket", "HasAutoScaling"})
    ),
    "scaling off": ParameterSet({"EnableAutoScaling": "false"}, true=frozenset({"HasNoBucket"})),
    "everything": ParameterSet(
        {
            **LCA,
            "ModelS3Uri": "s3://my-models/whisper/legal/",
            "HubTokenSecretArn": "arn:aws:secretsmanager:us-east-1:111122223333:secret:hub-AbCdEf",
            "ImageUri": IMAGE.format(region="us-east-1", end=""),
            "AudioInputS3Prefixes": "s3://my-recordings/calls/, s3://my-archive/",
        },
        true=frozenset(
            {
                "HasBucket",
                "HasEndpointName",
                "HasModelS3Uri",
                "HasHubTokenSecret",
                "HasImageUri",
                "HasAudioInput",
                "HasAutoScaling",
            }
        ),
    ),
    "china": ParameterSet(
        {"ImageUri": IMAGE.format(region="cn-north-1", end=".cn")},
        "cn-north-1",
        frozenset({"HasNoBucket", "HasImageUri", "HasAutoScaling"}),
    ),
    "govcloud": ParameterSet(
        {"ImageUri": IMAGE.format(region="us-gov-west-1", end="")},
        "us-gov-west-1",
        frozenset({"HasNoBucket", "HasImageUri", "HasAutoScaling"}),
    ),
}
