# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A CloudFormation event as a frozen dataclass; every refusal says the remedy."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_whisper.hub import HUB_MODELS
from whisper_sagemaker import names
from whisper_sagemaker.errors import InvalidProperty

SERVICE_TIMEOUT = 3600
"""Seconds that CloudFormation waits for a custom resource at most."""

_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S*")
_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_STACK_PREFIX = re.compile(r"whisper-sagemaker/[^/]+/")


@dataclass(frozen=True)
class Environment:
    """What the Lambda function itself is configured with.

    Attributes
    ----------
    endpoint_tree : Path
        Folder of the layer that holds the endpoint program and its wheels.
    hub_url : str
        Where models are fetched from by size; the variable is the one that the hub's own tools use.
    """

    endpoint_tree: Path
    hub_url: str

    @classmethod
    def from_environ(cls) -> "Environment":
        """Read the function's environment variables."""
        return cls(
            endpoint_tree=Path(os.environ.get("ENDPOINT_TREE", "/opt/endpoint")),
            hub_url=os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/"),
        )


@dataclass(frozen=True)
class ArchiveSettings:
    """What ``Custom::WhisperModelArchive`` asks for.

    Attributes
    ----------
    bucket : str
        Bucket that holds the archive; may be the user's own.
    prefix : str
        The stack's own prefix there, ending in a slash. Nothing outside it is ever touched.
    model_size : str
        Name of a Whisper model; ignored where `model_s3_uri` is given.
    model_s3_uri : str
        ``s3://`` prefix of a faster-whisper model, ending in a slash, or empty.
    hub_token_secret_arn : str
        Secret that holds the hub's access token, or empty.
    """

    bucket: str
    prefix: str
    model_size: str
    model_s3_uri: str
    hub_token_secret_arn: str

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> "ArchiveSettings":
        """Read and check the event's properties.

        Raises
        ------
        InvalidProperty
        """
        properties = event["ResourceProperties"]
        uri = properties.get("ModelS3Uri", "")
        if uri and not uri.endswith("/"):
            uri += "/"
        settings = cls(
            bucket=properties.get("Bucket", ""),
            prefix=properties.get("Prefix", ""),
            model_size=properties.get("ModelSize", ""),
            model_s3_uri=uri,
            hub_token_secret_arn=properties.get("HubTokenSecretArn", ""),
        )
        settings._check()
        return settings

    def _check(self) -> None:
        if not self.bucket:
            raise InvalidProperty("S3BucketName", "", "the name of a bucket in this Region")
        if not is_stack_prefix(self.prefix):
            raise InvalidProperty("Prefix", self.prefix, "whisper-sagemaker/<stack>/")
        if self.model_s3_uri:
            if not _S3_URI.fullmatch(self.model_s3_uri):
                remedy = "s3://bucket/prefix/ of a faster-whisper model"
                raise InvalidProperty("ModelS3Uri", self.model_s3_uri, remedy)
        elif self.model_size not in HUB_MODELS:
            # All of them would be more than a reason may have.
            remedy = "one of the sizes in the template, such as large-v3 or tiny.en"
            raise InvalidProperty("WhisperModelSize", self.model_size, remedy)


@dataclass(frozen=True)
class DeploymentSettings:
    """What ``Custom::WhisperModelDeployment`` asks for.

    Attributes
    ----------
    endpoint_name : str
        Given or generated from the stack's id.
    model_data_uri : str
        The archive's ``s3://`` prefix, ending in a slash.
    image_uri, execution_role_arn, instance_type : str
    instance_count : int
    environment : dict of str to str
        The container's environment variables.
    """

    endpoint_name: str
    model_data_uri: str
    image_uri: str
    execution_role_arn: str
    instance_type: str
    instance_count: int
    environment: dict[str, str]

    @classmethod
    def from_event(cls, event: dict[str, Any]) -> "DeploymentSettings":
        """Read and check the event's properties.

        Raises
        ------
        InvalidProperty
        """
        properties = event["ResourceProperties"]
        settings = cls(
            endpoint_name=endpoint_name(event),
            model_data_uri=properties.get("ModelDataUri", ""),
            image_uri=properties.get("ImageUri", ""),
            execution_role_arn=properties.get("ExecutionRoleArn", ""),
            instance_type=properties.get("InstanceType", ""),
            instance_count=_count(properties.get("InstanceCount", "")),
            environment=dict(properties.get("Environment", {})),
        )
        settings._check()
        return settings

    def _check(self) -> None:
        if not names.is_valid(self.endpoint_name):
            remedy = "at most 63 letters, digits and hyphens, with no hyphen at either end"
            raise InvalidProperty("EndpointName", self.endpoint_name, remedy)
        if not (_S3_URI.fullmatch(self.model_data_uri) and self.model_data_uri.endswith("/")):
            raise InvalidProperty("ModelDataUri", self.model_data_uri, "s3://bucket/prefix/")
        if not _INSTANCE_TYPE.fullmatch(self.instance_type):
            remedy = "a SageMaker instance type such as ml.g5.2xlarge"
            raise InvalidProperty("SageMakerInstanceType", self.instance_type, remedy)
        if not self.image_uri:
            raise InvalidProperty("ImageUri", "", "the URI of a Ray Serve image in this Region")

    @property
    def has_gpu(self) -> bool:
        """Whether the instance family is one with NVIDIA GPUs (``ml.g…`` and ``ml.p…``)."""
        return self.instance_type.startswith(("ml.g", "ml.p"))


def is_stack_prefix(prefix: str) -> bool:
    """Tell whether an S3 prefix is that of one stack, as the template makes it."""
    return _STACK_PREFIX.fullmatch(prefix) is not None


def endpoint_name(event: dict[str, Any]) -> str:
    """Return the name that the event asks for: given, or generated from the stack's id."""
    given: str = event["ResourceProperties"].get("EndpointName", "")
    return given or names.generated_endpoint_name(event["StackId"])


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10:
        raise InvalidProperty("SageMakerInstanceCount", text, "a whole number from 1 to 10")
    return int(text)


def service_timeout(event: dict[str, Any]) -> int:
    """Return the seconds after which CloudFormation stops waiting for this event's answer.

    Raises
    ------
    InvalidProperty
    """
    text = str(event["ResourceProperties"].get("ServiceTimeout", SERVICE_TIMEOUT))
    if not text.isdecimal() or not 1 <= int(text) <= SERVICE_TIMEOUT:
        raise InvalidProperty("ServiceTimeout", text, f"1 to {SERVICE_TIMEOUT} seconds")
    return int(text)
