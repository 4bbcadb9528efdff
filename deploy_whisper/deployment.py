# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``Custom::WhisperModelDeployment``: its physical id is the endpoint's name."""

import logging
from typing import Any

import boto3

from deploy_whisper.settings import DeploymentSettings, Environment, endpoint_name
from deploy_whisper.smoke import transcribe_known_clip
from deploy_whisper.staging import Budget
from whisper_sagemaker import names
from whisper_sagemaker.endpoints import (
    IN_PROGRESS,
    REQUEST_TAG,
    STACK_TAG,
    VARIANT,
    EndpointState,
    StackEndpoint,
    failure,
)
from whisper_sagemaker.errors import NotOurs, ScalingInTheWay

log = logging.getLogger(__name__)

# The default host image of GPU variants has a driver that CUDA 12 cannot use.
_GPU_HOST_IMAGE = "al2-ami-sagemaker-inference-gpu-3-1"
_DOWNLOAD_SECONDS = 1800
# A model that cannot be loaded never passes the health check: this is how long one waits for it.
_STARTUP_SECONDS = 900


class Deployment:
    """The endpoint that one CloudFormation event is about.

    Parameters
    ----------
    event : dict
        CloudFormation's request.
    environment : Environment
    """

    def __init__(self, event: dict[str, Any], environment: Environment) -> None:
        self._event = event
        self._environment = environment
        self._client = boto3.client("sagemaker")

    @property
    def physical_id(self) -> str:
        """The endpoint's name: asked for, or on Delete the one that CloudFormation remembers."""
        if self._event["RequestType"] == "Delete":
            return str(self._event["PhysicalResourceId"])
        return endpoint_name(self._event)

    @property
    def attributes(self) -> dict[str, str]:
        """``EndpointName`` and ``VariantName``."""
        return {"EndpointName": self.physical_id, "VariantName": VARIANT}

    def begin(self, budget: Budget) -> None:  # noqa: ARG002 - a few quick calls
        """Refuse what cannot work before anything is made, then take the first step."""
        settings = DeploymentSettings.from_event(self._event)
        endpoint = self._endpoint(settings.endpoint_name)
        state = endpoint.describe()
        if state and not self._may_take(endpoint, state):
            raise NotOurs(endpoint.taken_message())
        if state and state.status == "InService":
            self._refuse_type_change_while_scaling(settings, endpoint, state)
        self._advance(settings, endpoint)

    def poll(self, budget: Budget) -> bool:  # noqa: ARG002 - a few quick calls
        """Take the next step; True when the endpoint serves what was asked for."""
        settings = DeploymentSettings.from_event(self._event)
        return self._advance(settings, self._endpoint(settings.endpoint_name))

    def poll_delete(self, budget: Budget) -> bool:  # noqa: ARG002 - a few quick calls
        """Take the next step of deleting; True when endpoint, configs and models are gone."""
        known = {self.physical_id, endpoint_name(self._event)}
        # A made-up id may be no name at all; then nothing of that name can exist.
        return all(self._deleted(self._endpoint(n)) for n in sorted(known) if names.is_valid(n))

    def _advance(self, settings: DeploymentSettings, endpoint: StackEndpoint) -> bool:
        model = endpoint.ensure_model(_model_request(settings))
        config = endpoint.ensure_config(_config_request(settings, model))
        state = endpoint.describe()
        if state is None:
            endpoint.create(config, self._event["RequestId"])
            return False
        if state.status in IN_PROGRESS:
            return False
        tried = state.tags.get(REQUEST_TAG) == self._event["RequestId"]
        if state.status == "InService" and state.config_name == config:
            return self._finish(endpoint, state, model)
        if tried:
            raise failure(endpoint.name, state)
        if state.status == "InService":
            retain = self._keeps_instance_count(settings, endpoint, state)
            endpoint.update(state, config, self._event["RequestId"], retain)
        else:
            log.info("the endpoint is %s: deleting it, to make it again", state.status)
            endpoint.delete()
        return False

    def _finish(self, endpoint: StackEndpoint, state: EndpointState, model: str) -> bool:
        if not transcribe_known_clip(endpoint.name, self._environment.endpoint_tree):
            return False
        endpoint.mark(state, self._event["RequestId"])
        deleted = endpoint.delete_all_but(state.config_name, model)
        log.info("the endpoint is in service; deleted %d superseded models and configs", deleted)
        return True

    def _may_take(self, endpoint: StackEndpoint, state: EndpointState) -> bool:
        """Ours by tag, or on Update the very endpoint that this resource was, tagged or not."""
        same = self._event.get("PhysicalResourceId") == endpoint.name
        return endpoint.owns(state) or (same and not state.tags.get(STACK_TAG))

    def _keeps_instance_count(
        self, settings: DeploymentSettings, endpoint: StackEndpoint, state: EndpointState
    ) -> bool:
        """Whether the count is unchanged, so that what scaling has reached should stay."""
        variant = endpoint.current_variant(state.config_name)
        return variant.get("InitialInstanceCount") == settings.instance_count

    def _refuse_type_change_while_scaling(
        self, settings: DeploymentSettings, endpoint: StackEndpoint, state: EndpointState
    ) -> None:
        current = endpoint.current_variant(state.config_name).get("InstanceType")
        if current in {None, settings.instance_type}:
            return
        targets = boto3.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="sagemaker",
            ResourceIds=[f"endpoint/{endpoint.name}/variant/{VARIANT}"],
        )["ScalableTargets"]
        if targets:
            raise ScalingInTheWay(
                "Update three times: EnableAutoScaling=false, then the new type, then "
                f"EnableAutoScaling=true. SageMaker refuses to change {current} to "
                f"{settings.instance_type} while scaling is registered."
            )

    def _deleted(self, endpoint: StackEndpoint) -> bool:
        state = endpoint.describe()
        if state and not endpoint.owns(state):
            log.info("leaving the endpoint %s alone: it is not this stack's", endpoint.name)
        elif state:
            if state.status not in IN_PROGRESS:
                endpoint.delete()
            return False
        endpoint.delete_all_but()
        return True

    def _endpoint(self, name: str) -> StackEndpoint:
        return StackEndpoint(self._client, name, self._event["StackId"])


def _model_request(settings: DeploymentSettings) -> dict[str, Any]:
    source = {
        "S3Uri": settings.model_data_uri,
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    return {
        "PrimaryContainer": {
            "Image": settings.image_uri,
            "ModelDataSource": {"S3DataSource": source},
            "Environment": {**settings.environment, **_endpoint_environment(settings)},
        },
        "ExecutionRoleArn": settings.execution_role_arn,
    }


def _endpoint_environment(settings: DeploymentSettings) -> dict[str, str]:
    """Return what the endpoint program needs to know of its place.

    Serve's proxy imports the gate: without it the health route says 200 whatever fails later.
    """
    return {
        "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "whisper_endpoint.health_gate:middlewares",
        "WHISPER_ENDPOINT_NAME": settings.endpoint_name,
        # arn:aws:iam::<account>:role/...
        "WHISPER_ACCOUNT_ID": settings.execution_role_arn.partition(":iam::")[2].partition(":")[0],
    }


def _config_request(settings: DeploymentSettings, model_name: str) -> dict[str, Any]:
    variant: dict[str, Any] = {
        "VariantName": VARIANT,
        "ModelName": model_name,
        "InstanceType": settings.instance_type,
        "InitialInstanceCount": settings.instance_count,
        "ModelDataDownloadTimeoutInSeconds": _DOWNLOAD_SECONDS,
        "ContainerStartupHealthCheckTimeoutInSeconds": _STARTUP_SECONDS,
        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    }
    if settings.has_gpu:
        variant["InferenceAmiVersion"] = _GPU_HOST_IMAGE
    return {"ProductionVariants": [variant]}
