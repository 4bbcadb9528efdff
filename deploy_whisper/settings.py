# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A CloudFormation event as a frozen dataclass; every refusal says the remedy."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from deploy_whisper.archive.hub import HUB_MODELS
from deploy_whisper.endpoint.further_settings import OWN_PARAMETERS, PARAMETER, further_settings
from deploy_whisper.endpoint.instances import gpu_count, has_own_disks
from deploy_whisper.requests import CloudFormationEvent
from whisper_sagemaker import names
from whisper_sagemaker.errors import InvalidProperty

SERVICE_TIMEOUT = 3600
"""Seconds that CloudFormation waits for a custom resource at most."""

_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S*")
_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_UPDATE_POLICIES = ("all-at-once", "canary", "rolling")
_MOST_FALLBACKS = 4
_MOST_SUBNETS = 16
_MOST_GROUPS = 5
# SageMaker's limit for the value of one environment variable.
_MOST_CHARACTERS = 1024
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
    kms_key_arn : str
        Key that the bucket encrypts with, or empty.
    """

    bucket: str
    prefix: str
    model_size: str
    model_s3_uri: str
    hub_token_secret_arn: str
    kms_key_arn: str = ""

    @classmethod
    def from_event(cls, event: CloudFormationEvent) -> "ArchiveSettings":
        """Read and check the event's properties.

        Raises
        ------
        InvalidProperty
        """
        properties = event.properties
        uri = properties.get("ModelS3Uri", "")
        if uri and not uri.endswith("/"):
            uri += "/"
        settings = cls(
            bucket=properties.get("Bucket", ""),
            prefix=properties.get("Prefix", ""),
            model_size=properties.get("ModelSize", ""),
            model_s3_uri=uri,
            hub_token_secret_arn=properties.get("HubTokenSecretArn", ""),
            kms_key_arn=properties.get("KmsKeyArn", ""),
        )
        settings._check()
        # The endpoint's, but this resource is made first: refused before anything is staged.
        further_settings(properties.get(PARAMETER, ""))
        return settings

    @property
    def origin(self) -> str:
        """Where the weights are from: the S3 prefix, or the hub's repository and revision."""
        return self.model_s3_uri or "@".join(HUB_MODELS[self.model_size])

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
    fallback_instance_types : tuple of str
        Taken in this order where `instance_type` has no capacity.
    instance_count : int
    environment : dict of str to str
        The container's environment variables.
    network_isolation : bool
    subnet_ids, security_group_ids : tuple of str
        Of the container's network interfaces; empty: SageMaker's own network.
    kms_key_arn : str
        Encrypts the instances' volumes; empty: SageMaker's key.
    update_policy : str
        ``all-at-once``, ``canary`` or ``rolling``.
    rollback_alarms : tuple of str
        Names of the alarms at which SageMaker takes an update back.
    log_retention_days : int
        How long the endpoint's log is kept; 0: for ever.
    """

    endpoint_name: str
    model_data_uri: str
    image_uri: str
    execution_role_arn: str
    instance_type: str
    instance_count: int
    environment: dict[str, str]
    fallback_instance_types: tuple[str, ...] = ()
    network_isolation: bool = False
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    kms_key_arn: str = ""
    update_policy: str = _UPDATE_POLICIES[0]
    rollback_alarms: tuple[str, ...] = ()
    log_retention_days: int = 0

    @classmethod
    def from_event(cls, event: CloudFormationEvent) -> "DeploymentSettings":
        """Read and check the event's properties.

        Raises
        ------
        InvalidProperty
        """
        properties = event.properties
        settings = cls(
            endpoint_name=endpoint_name(event),
            model_data_uri=properties.get("ModelDataUri", ""),
            image_uri=properties.get("ImageUri", ""),
            execution_role_arn=properties.get("ExecutionRoleArn", ""),
            instance_type=properties.get("InstanceType", ""),
            instance_count=_count(properties.get("InstanceCount", "")),
            environment={
                **properties.get("Environment", {}),
                **further_settings(properties.get(PARAMETER, "")),
            },
            fallback_instance_types=_listed(properties.get("FallbackInstanceTypes", "")),
            network_isolation=properties.get("EnableNetworkIsolation") == "true",
            subnet_ids=_listed(properties.get("SubnetIds", "")),
            security_group_ids=_listed(properties.get("SecurityGroupIds", "")),
            kms_key_arn=properties.get("KmsKeyArn", ""),
            update_policy=properties.get("UpdatePolicy", _UPDATE_POLICIES[0]),
            rollback_alarms=_listed(properties.get("RollbackAlarms", "")),
            log_retention_days=int(properties.get("LogRetentionDays", "0")),
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
        if self.update_policy not in _UPDATE_POLICIES:
            remedy = f"one of {', '.join(_UPDATE_POLICIES)}"
            raise InvalidProperty("UpdatePolicy", self.update_policy, remedy)
        self._check_fallbacks()
        self._check_network()
        for name, value in self.environment.items():
            if len(value.encode()) > _MOST_CHARACTERS:
                remedy = f"{_MOST_CHARACTERS:,} characters at most, such as one shorter prefix"
                parameter = OWN_PARAMETERS.get(name, f"{name} in {PARAMETER}")
                raise InvalidProperty(parameter, value, remedy)

    def _check_fallbacks(self) -> None:
        types = self.fallback_instance_types
        if len(types) > _MOST_FALLBACKS:
            raise InvalidProperty("FallbackInstanceTypes", ",".join(types), "four types at most")
        for other in types:
            if not _INSTANCE_TYPE.fullmatch(other) or gpu_count(other) != self.gpu_count:
                remedy = (
                    f"types with as many GPUs as {self.instance_type}, which is {self.gpu_count}"
                )
                raise InvalidProperty("FallbackInstanceTypes", other, remedy)

    def _check_network(self) -> None:
        if bool(self.subnet_ids) != bool(self.security_group_ids):
            given = ",".join(self.subnet_ids or self.security_group_ids)
            remedy = "both subnets and security groups, or to neither"
            raise InvalidProperty("VpcSubnetIds and VpcSecurityGroupIds", given, remedy)
        if len(self.subnet_ids) > _MOST_SUBNETS:
            raise InvalidProperty("VpcSubnetIds", ",".join(self.subnet_ids), "16 subnets at most")
        if len(self.security_group_ids) > _MOST_GROUPS:
            given = ",".join(self.security_group_ids)
            raise InvalidProperty("VpcSecurityGroupIds", given, "5 security groups at most")

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The instance types in the order in which SageMaker is to try them."""
        return (self.instance_type, *self.fallback_instance_types)

    @property
    def gpu_count(self) -> int:
        """How many GPUs an instance has."""
        return gpu_count(self.instance_type)

    @property
    def volume_key(self) -> str:
        """The key for the instances' volumes, empty where one of the types takes none."""
        return "" if any(map(has_own_disks, self.instance_types)) else self.kms_key_arn


def is_stack_prefix(prefix: str) -> bool:
    """Tell whether an S3 prefix is that of one stack, as the template makes it."""
    return _STACK_PREFIX.fullmatch(prefix) is not None


def endpoint_name(event: CloudFormationEvent) -> str:
    """Return the name that the event asks for: given, or generated from the stack's id."""
    given: str = event.properties.get("EndpointName", "")
    return given or names.generated_endpoint_name(event.stack_id)


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item for item in (part.strip() for part in text.split(",")) if item)


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 10:
        raise InvalidProperty("SageMakerInstanceCount", text, "a whole number from 1 to 10")
    return int(text)


def service_timeout(event: CloudFormationEvent) -> int:
    """Return the seconds after which CloudFormation stops waiting for this event's answer.

    Raises
    ------
    InvalidProperty
    """
    text = str(event.properties.get("ServiceTimeout", SERVICE_TIMEOUT))
    if not text.isdecimal() or not 1 <= int(text) <= SERVICE_TIMEOUT:
        raise InvalidProperty("ServiceTimeout", text, f"1 to {SERVICE_TIMEOUT} seconds")
    return int(text)
