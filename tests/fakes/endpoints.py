# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An endpoint in a local cloud, for tests that are not about making one."""

from typing import Any


def make_endpoint(sagemaker: Any, name: str, **config: Any) -> None:
    """Make a model, the endpoint config ``c`` of it, and an endpoint of that.

    Parameters
    ----------
    sagemaker : boto3 SageMaker client
    config
        More of the request for the config.
    """
    source = {"S3Uri": "s3://a/b/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    sagemaker.create_model(
        ModelName="m",
        PrimaryContainer={"Image": "i", "ModelDataSource": {"S3DataSource": source}},
        ExecutionRoleArn="arn:aws:iam::123456789012:role/endpoint",
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": "m",
        "InstanceType": "ml.g5.2xlarge",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant], **config)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="c")
