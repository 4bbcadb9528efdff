# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""CloudFormation events as frozen dataclasses; every error names the remedy."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy_whisper.archive.hub import HUB_MODELS
from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.endpoint.asynchronous import ENVIRONMENT, AsynchronousInference
from deploy_whisper.endpoint.endpoint_environment import OWN_PARAMETERS, PARAMETER, further_settings
from deploy_whisper.endpoint.instances import gpu_count, has_own_disks
from whisper_sagemaker import names
from whisper_sagemaker.errors import InvalidProperty

SERVICE_TIMEOUT = 3600
"""Maximum seconds that CloudFormation waits for a custom resource."""

_S3_URI = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/\S*")
_HUB_URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?")
_INSTANCE_TYPE = re.compile(r"ml\.[a-z0-9-]+\.[a-z0-9-]+")
_UPDATE_POLICIES = ("all-at-once", "canary", "rolling")
_MOST_FALLBACKS = 4
_MOST_SUBNETS = 16
_MOST_GROUPS = 5
# SageMaker's limit for the value of one environment variable.
_MOST_CHARACTERS = 1024
# What the recordings' bucket, with prefixes of its own, leaves of that.
_MOST_OF_PREFIXES = 780
_STACK_PREFIX = re.compile(r"whisper-sagemaker/[^/]+/")


@dataclass(frozen=True)
class Environment:
    """Configuration of the Lambda function itself.

    Attributes
    ----------
    endpoint_tree : Path
        Folder of the layer with the endpoint program and its wheels.
    hub_url : str
        Hub for models by size; its variable, ``HF_ENDPOINT``, is that of the hub's own tools.
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
class EndpointSize:
    """The endpoint's instance types, in order of preference, and its number of instances."""

    instance_types: tuple[str, ...]
    instance_count: int

    @classmethod
    def from_properties(cls, properties: Mapping[str, Any]) -> "EndpointSize | None":
        """Read the properties that both resources have; None if there is no instance type.

        Raises
        ------
        InvalidProperty
        """
        kind = properties.get("InstanceType", "")
        if not kind:
            return None
        fallbacks = _fallbacks(properties)
        _check_fallbacks(kind, fallbacks)
        return cls((kind, *fallbacks), _count(properties.get("InstanceCount", "")))


@dataclass(frozen=True)
class ArchiveSettings:
    """The properties of ``Custom::WhisperModelArchive``.

    Attributes
    ----------
    bucket : str
        Bucket that holds the archive; may be the user's own.
    prefix : str
        The stack's own prefix there, ending in a slash. Nothing outside it is ever touched.
    model_size : str
        Name of a Whisper model; ignored if `model_s3_uri` is given.
    model_s3_uri : str
        ``s3://`` prefix of a faster-whisper model, ending in a slash, or empty.
    hub_token_secret_arn : str
        Secret that holds the hub's access token, or empty.
    hub_url : str
        URL of a mirror of the hub, without a trailing slash; empty: the function's default hub.
    kms_key_arn : str
        The bucket's KMS key, or empty.
    diarization : bool
        Whether to include the hub's diarization models.
    diarization_s3_uri : str
        ``s3://`` prefix of such models, ending in a slash, or empty; takes precedence over the hub.
    """

    bucket: str
    prefix: str
    model_size: str
    model_s3_uri: str
    hub_token_secret_arn: str
    hub_url: str = ""
    kms_key_arn: str = ""
    diarization: bool = False
    diarization_s3_uri: str = ""

    @classmethod
    def from_event(cls, event: CloudFormationEvent) -> "ArchiveSettings":
        """Read and check the event's properties.

        Raises
        ------
        InvalidProperty
        """
        given = event.properties.get
        uri, speakers = given("ModelS3Uri", ""), given("DiarizationModelS3Uri", "")
        settings = cls(
            bucket=given("Bucket", ""),
            prefix=given("Prefix", ""),
            model_size=given("ModelSize", ""),
            model_s3_uri=uri and uri.removesuffix("/") + "/",
            hub_token_secret_arn=given("HubTokenSecretArn", ""),
            hub_url=given("HubUrl", "").rstrip("/"),
            kms_key_arn=given("KmsKeyArn", ""),
            diarization=given("Diarization") == "on",
            diarization_s3_uri=speakers and speakers.removesuffix("/") + "/",
        )
        settings._check()
        for name in ("KmsKeyArn", "HubTokenSecretArn", "AlarmTopicArn"):
            _require_region(name, given(name, ""), event.region)
        # For the endpoint, but this resource comes first: refuse before anything is staged.
        _environment(event)
        _check_prefixes(event, "RecordingsInputS3Prefixes")
        _network(event)
        return settings

    @property
    def origin(self) -> str:
        """Source of the weights: the S3 prefix, or the hub's repository and revision.

        With diarization models, their source is appended.
        """
        model = self.model_s3_uri or "@".join(HUB_MODELS[self.model_size])
        speakers = self.diarization_s3_uri or ("diarization" if self.diarization else "")
        return f"{model} {speakers}" if speakers else model

    def _check(self) -> None:
        _require(self.bucket, "S3BucketName", "", "the name of a bucket in this Region")
        _require(is_stack_prefix(self.prefix), "Prefix", self.prefix, "whisper-sagemaker/<stack>/")
        if self.diarization_s3_uri:
            is_uri = _S3_URI.fullmatch(self.diarization_s3_uri)
            remedy = "s3://bucket/prefix/ of models for speakers"
            _require(is_uri, "DiarizationModelS3Uri", self.diarization_s3_uri, remedy)
        if self.model_s3_uri:
            is_uri = _S3_URI.fullmatch(self.model_s3_uri)
            remedy = "s3://bucket/prefix/ of a faster-whisper model"
            _require(is_uri, "ModelS3Uri", self.model_s3_uri, remedy)
        else:
            # A list of all sizes would exceed the length of a reason.
            remedy = "one of the sizes in the template, such as large-v3 or tiny.en"
            _require(self.model_size in HUB_MODELS, "WhisperModelSize", self.model_size, remedy)
            is_url = not self.hub_url or _HUB_URL.fullmatch(self.hub_url)
            remedy = "the https:// address of a mirror of the model hub, or empty"
            _require(is_url, "HubUrl", self.hub_url, remedy)


@dataclass(frozen=True)
class DeploymentSettings:
    """The properties of ``Custom::WhisperModelDeployment``.

    Attributes
    ----------
    endpoint_name : str
        Given, or generated from the stack's id.
    model_data_uri : str
        The archive's ``s3://`` prefix, ending in a slash.
    fallback_instance_types : tuple of str
        Tried in this order if `instance_type` has no capacity.
    environment : dict of str to str
        The container's environment variables.
    subnet_ids, security_group_ids : tuple of str
        For the container's network interfaces; empty: SageMaker's own network.
    kms_key_arn : str
        Key for the instances' volumes; empty: SageMaker's key.
    update_policy : str
        ``all-at-once``, ``canary`` or ``rolling``.
    rollback_alarms : tuple of str
        Names of the alarms that make SageMaker roll an update back.
    log_retention_days : int
        Retention of the endpoint's log; 0: unlimited.
    asynchronous : AsynchronousInference, optional
        The endpoint's queue; None for a real-time endpoint.
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
    asynchronous: AsynchronousInference | None = None

    @classmethod
    def from_event(cls, event: CloudFormationEvent) -> "DeploymentSettings":
        """Read and check the event's properties.

        Raises
        ------
        InvalidProperty
        """
        given = event.properties.get
        asynchronous = AsynchronousInference.from_properties(event.properties)
        _check_prefixes(event, "InputS3Prefixes")
        environment = _environment(event)
        subnet_ids, security_group_ids = _network(event)
        settings = cls(
            endpoint_name=endpoint_name(event),
            model_data_uri=given("ModelDataUri", ""),
            image_uri=given("ImageUri", ""),
            execution_role_arn=given("ExecutionRoleArn", ""),
            instance_type=given("InstanceType", ""),
            instance_count=_count(given("InstanceCount", "")),
            environment={**ENVIRONMENT, **environment} if asynchronous else environment,
            fallback_instance_types=_fallbacks(event.properties),
            network_isolation=given("EnableNetworkIsolation") == "true",
            subnet_ids=subnet_ids,
            security_group_ids=security_group_ids,
            kms_key_arn=given("KmsKeyArn", ""),
            update_policy=given("UpdatePolicy", _UPDATE_POLICIES[0]),
            rollback_alarms=_listed(given("RollbackAlarms", "")),
            log_retention_days=int(given("LogRetentionDays", "0")),
            asynchronous=asynchronous,
        )
        settings._check()
        return settings

    def _check(self) -> None:
        remedy = "at most 63 letters, digits and hyphens, with no hyphen at either end"
        _require(names.is_valid(self.endpoint_name), "EndpointName", self.endpoint_name, remedy)
        is_prefix = _S3_URI.fullmatch(self.model_data_uri) and self.model_data_uri.endswith("/")
        _require(is_prefix, "ModelDataUri", self.model_data_uri, "s3://bucket/prefix/")
        is_type = _INSTANCE_TYPE.fullmatch(self.instance_type)
        remedy = "a SageMaker instance type such as ml.g5.2xlarge"
        _require(is_type, "SageMakerInstanceType", self.instance_type, remedy)
        remedy = "the URI of a Ray Serve image in this Region"
        _require(self.image_uri, "ImageUri", "", remedy)
        is_known = self.update_policy in _UPDATE_POLICIES
        remedy = f"one of {', '.join(_UPDATE_POLICIES)}"
        _require(is_known, "UpdatePolicy", self.update_policy, remedy)
        _check_fallbacks(self.instance_type, self.fallback_instance_types)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The instance types in the order in which SageMaker tries them."""
        return (self.instance_type, *self.fallback_instance_types)

    @property
    def gpu_count(self) -> int:
        """Number of GPUs of an instance."""
        return gpu_count(self.instance_type)

    @property
    def volume_key(self) -> str:
        """The key for the instances' volumes; empty if one of the types does not support it."""
        return "" if any(map(has_own_disks, self.instance_types)) else self.kms_key_arn


def is_stack_prefix(prefix: str) -> bool:
    """Return whether an S3 prefix is a single stack's, as generated by the template."""
    return _STACK_PREFIX.fullmatch(prefix) is not None


def endpoint_name(event: CloudFormationEvent) -> str:
    """Return the endpoint's name: given, or generated from the stack's id."""
    given: str = event.properties.get("EndpointName", "")
    return given or names.generated_endpoint_name(event.stack_id)


def _environment(event: CloudFormationEvent) -> dict[str, str]:
    """Return the container's environment variables that the event sets."""
    given = event.properties.get
    environment = {**given("Environment", {}), **further_settings(given(PARAMETER, ""))}
    remedy = f"at most {_MOST_CHARACTERS:,} bytes in UTF-8, in which é has two"
    for name, value in environment.items():
        parameter = OWN_PARAMETERS.get(name, f"{name} in {PARAMETER}")
        _require(len(value.encode()) <= _MOST_CHARACTERS, parameter, value, remedy)
    return environment


def _check_prefixes(event: CloudFormationEvent, name: str) -> None:
    prefixes = event.properties.get(name, "")
    remedy = f"at most {_MOST_OF_PREFIXES} characters in total"
    _require(len(prefixes) <= _MOST_OF_PREFIXES, name, prefixes, remedy)


def _network(event: CloudFormationEvent) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the subnets and the security groups, both empty for SageMaker's own network."""
    subnets = _listed(event.properties.get("SubnetIds", ""))
    groups = _listed(event.properties.get("SecurityGroupIds", ""))
    both, remedy = (
        "VpcSubnetIds and VpcSecurityGroupIds",
        "set together, or both empty",
    )
    _require(bool(subnets) == bool(groups), both, ",".join(subnets or groups), remedy)
    is_few = len(subnets) <= _MOST_SUBNETS
    _require(is_few, "VpcSubnetIds", ",".join(subnets), "at most 16 subnets")
    is_few = len(groups) <= _MOST_GROUPS
    _require(is_few, "VpcSecurityGroupIds", ",".join(groups), "at most 5 security groups")
    return subnets, groups


def _check_fallbacks(kind: str, others: tuple[str, ...]) -> None:
    name = "FallbackInstanceTypes"
    _require(len(others) <= _MOST_FALLBACKS, name, ",".join(others), "at most four types")
    remedy = f"types with as many GPUs as {kind}, which is {gpu_count(kind)}"
    for other in others:
        is_alike = _INSTANCE_TYPE.fullmatch(other) and gpu_count(other) == gpu_count(kind)
        _require(is_alike, name, other, remedy)


def _require_region(name: str, arn: str, region: str) -> None:
    """Refuse an ARN in another Region, which the function and SageMaker cannot use."""
    is_here = not arn or arn.split(":")[3:4] == [region]
    _require(is_here, name, arn, f"an ARN of this stack's Region, {region}")


def _fallbacks(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fallback instance types without the preferred one, which is tried anyway."""
    preferred = properties.get("InstanceType", "")
    listed = _listed(properties.get("FallbackInstanceTypes", ""))
    return tuple(kind for kind in listed if kind != preferred)


def _listed(text: str) -> tuple[str, ...]:
    """Split a text at commas; return distinct items in order."""
    return tuple(dict.fromkeys(item for part in text.split(",") if (item := part.strip())))


def _require(is_good: object, name: str, value: str, remedy: str) -> None:
    if not is_good:
        raise InvalidProperty(name, value, remedy)


def _count(text: str) -> int:
    is_count = text.isdecimal() and 1 <= int(text) <= 10
    _require(is_count, "SageMakerInstanceCount", text, "a whole number from 1 to 10")
    return int(text)


def service_timeout(event: CloudFormationEvent) -> int:
    """Return the seconds that CloudFormation waits for this event's answer.

    Raises
    ------
    InvalidProperty
    """
    text = str(event.properties.get("ServiceTimeout", SERVICE_TIMEOUT))
    is_time = text.isdecimal() and 1 <= int(text) <= SERVICE_TIMEOUT
    _require(is_time, "ServiceTimeout", text, f"1 to {SERVICE_TIMEOUT} seconds")
    return int(text)
