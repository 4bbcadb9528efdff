# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""An endpoint in a local cloud, for tests of other things."""

from typing import Any


def make_endpoint(sagemaker: Any, name: str, **config: Any) -> None:
    """Create a model, its endpoint config ``c``, and an endpoint.

    Parameters
    ----------
    sagemaker : boto3 SageMaker client
    config
        Additional fields of the endpoint config.
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
