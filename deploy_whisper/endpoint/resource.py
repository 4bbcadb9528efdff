# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""``Custom::WhisperModelDeployment``: its physical id is the endpoint's name."""

import logging
from dataclasses import replace
from functools import cached_property
from typing import Any

import boto3
from botocore.exceptions import ClientError

from deploy_whisper import metrics
from deploy_whisper.archive.own_buckets import OwnBuckets, account_of
from deploy_whisper.budget import Budget
from deploy_whisper.cloudformation import CloudFormationEvent, stack_tags
from deploy_whisper.endpoint import recordings_bucket
from deploy_whisper.endpoint.declared_scaling import declared_scaling
from deploy_whisper.endpoint.endpoint_environment import OWN_PARAMETERS
from deploy_whisper.endpoint.instances import require_known_type
from deploy_whisper.endpoint.serve_environment import SERVE_ENVIRONMENT
from deploy_whisper.endpoint.smoke import transcribe_known_clip, transcribe_through_the_queue
from deploy_whisper.endpoint.updating import way_of_updating
from deploy_whisper.invocations import forget_endpoints, note_endpoint, noted_endpoints
from deploy_whisper.settings import DeploymentSettings, Environment, endpoint_name
from whisper_sagemaker import container_log, cost_tags, names
from whisper_sagemaker.endpoints import (
    IN_PROGRESS,
    REQUEST_TAG,
    STACK_TAG,
    VARIANT,
    EndpointState,
    StackEndpoint,
)
from whisper_sagemaker.errors import NotOurs, SmokeTestFailed
from whisper_sagemaker.failures import failure
from whisper_sagemaker.scaling_backup import Remembered, Scaling, merged
from whisper_sagemaker.tagged import endpoints_of

log = logging.getLogger(__name__)

# The driver in the default host image of GPU variants is too old for CUDA 12.
_GPU_HOST_IMAGE = "al2-ami-sagemaker-inference-gpu-3-1"
_DOWNLOAD_SECONDS = 1800
# A model that cannot be loaded never passes the health check; this limits the wait for it.
_STARTUP_SECONDS = 900

# Has DeletionPolicy Retain in the stack that ships with Live Call Analytics.
_OLDER_LAYER = "the layer whisper-dependencies"

# A failed create, or a delete: nothing of the stack must remain.
_GOING = frozenset({"DELETE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS"})


class Deployment:
    """Handles a CloudFormation event for the endpoint."""

    def __init__(self, event: CloudFormationEvent, environment: Environment) -> None:
        self._event = event
        self._environment = environment
        self._client = boto3.client("sagemaker")
        self._endpoint = self._called(endpoint_name(event))

    @cached_property
    def _settings(self) -> DeploymentSettings:
        return DeploymentSettings.from_event(self._event)

    @cached_property
    def _stack_tags(self) -> dict[str, str]:
        return stack_tags(self._event.stack_id)

    @property
    def physical_id(self) -> str:
        """The endpoint's name: the requested one, or on Delete the one CloudFormation remembers."""
        is_delete = self._event.request_type == "Delete"
        return self._event.physical_id if is_delete else self._endpoint.name

    @property
    def attributes(self) -> dict[str, str]:
        """``EndpointName``, ``VariantName`` and an instance's ``GpuCount``, at least 1."""
        return {
            "EndpointName": self.physical_id,
            "VariantName": VARIANT,
            # Divisor of a metric.
            "GpuCount": str(max(self._settings.gpu_count, 1)),
        }

    def poll(self, budget: Budget) -> bool:  # noqa: ARG002 - a few quick calls
        """Take the next step; return True once the endpoint serves the requested config."""
        settings = self._settings
        # Refuse before anything is created.
        if self._own_state() is None and not self._event.is_rolling_back():
            self._endpoint.require_undeclared()
        self._require_recordings_bucket()
        note_endpoint(self._event, self._endpoint.name)
        tags = cost_tags.copied(self._stack_tags)
        model = self._endpoint.ensure_model(_model_request(settings), tags)
        try:
            config = self._endpoint.ensure_config(_config_request(settings, model), tags)
        except ClientError as error:
            require_known_type(error, settings.instance_types)
            raise
        return self._advance(model, config)

    def _require_recordings_bucket(self) -> None:
        """Check the operator's bucket for recordings, if there is one.

        Rollbacks are never refused: their target has worked before.
        """
        bucket = self._event.properties.get(recordings_bucket.PARAMETER, "")
        if bucket and not self._event.is_poll and not self._event.is_rolling_back():
            s3 = OwnBuckets(boto3.client("s3"), account_of(self._event.stack_id))
            recordings_bucket.require_events(s3, bucket, self._event.region)

    def poll_delete(self, budget: Budget) -> bool:  # noqa: ARG002 - a few quick calls
        """Take the next step of deleting; True once endpoint, configs and models are gone."""
        name = self.physical_id
        # An id made up by CloudFormation or crhelper, because a Create never reported its own.
        if self._event.logical_id in name or not names.is_valid(name):
            name = self._endpoint.name
        # If that is not a valid name either, nothing of it can exist.
        if names.is_valid(name) and not self._deleted(self._called(name)):
            return False
        # CloudFormation ignores a failed clean-up after an update and never asks again: leftovers
        # of earlier requests are deleted together with the stack.
        return self._event.stack_status() not in _GOING or self._all_gone_but(set())

    def _all_gone_but(self, known: set[str]) -> bool:
        """Delete everything with our tag that belongs to endpoints unknown to CloudFormation.

        It was left by invocations that were killed before they could report the endpoint's name.
        Recent endpoints are noted in the function's tags, since the Tagging API may not know them.
        """
        own = ("", self._event.stack_id)
        every = noted_endpoints(self._event.function_arn)
        noted = {name for name, stack_id in every.items() if stack_id in own}
        tagging = boto3.client("resourcegroupstaggingapi")
        left = (noted | endpoints_of(tagging, self._event.stack_id)) - known
        if left:
            log.info("deleting also what is left of %s", ", ".join(sorted(left)))
        gone = {name for name in sorted(left) if self._deleted(self._called(name))}
        forget_endpoints(self._event, noted & gone)
        return gone == left

    def _advance(self, model: str, config: str) -> bool:
        """Move the endpoint one step towards a config; return True once it is done."""
        state = self._own_state()
        if state is None:
            tags = cost_tags.copied(self._stack_tags) | self._scaling_tags(config)
            self._endpoint.create(config, self._event.request_id, tags)
            return False
        if state.status in IN_PROGRESS or self._adopt(state, config):
            return False
        tried = state.tags.get(REQUEST_TAG) == self._event.request_id
        if state.status == "InService" and state.config_name == config:
            return self._finish(state, model)
        if tried:
            if state.status == "InService":  # otherwise there is no variant to scale
                self._bring_scaling_back(state)
            lines = container_log.last_lines(boto3.client("logs"), self._endpoint.name)
            raise failure(self._endpoint.name, state, lines, OWN_PARAMETERS)
        if state.status == "InService":
            self._update(state, config)
        else:
            log.info("the endpoint is %s: deleting it, to make it again", state.status)
            self._delete_to_make_again(state, config)
        return False

    def _adopt(self, state: EndpointState, config: str) -> bool:
        """Tag an untagged endpoint, since IAM allows further calls only by tag; True if it did.

        An update works without the tag and writes it. This is for endpoints that are not in
        service, or that already serve the config after an update that could not write the tag.
        """
        is_in_service = state.status == "InService"
        if self._endpoint.owns(state) or (is_in_service and state.config_name != config):
            return False
        if not is_in_service:
            self._clear_the_way_of_the_older_stack(state)
        self._endpoint.tag(state, {STACK_TAG: self._event.stack_id})
        return True

    def _delete_to_make_again(self, state: EndpointState, config: str) -> None:
        self._keep_scaling(state, config)
        try:
            self._endpoint.delete()
        except ClientError as error:
            # Endpoints created or updated here have both tags; a single one was just added.
            is_adopted = REQUEST_TAG not in state.tags
            if not is_adopted or error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            log.info("trying again at the next poll, when IAM has seen the tag: %s", error)

    def _finish(self, state: EndpointState, model: str) -> bool:
        if not self._transcribes():
            return False
        if not self._all_gone_but({self._endpoint.name, self._event.physical_id}):
            return False
        self._bring_scaling_back(state)
        self._endpoint.mark(state, self._event.request_id)
        self._endpoint.carry_stack_tags(state, self._stack_tags)
        if days := self._settings.log_retention_days:
            container_log.keep(boto3.client("logs"), self._endpoint.name, days)
        deleted = self._endpoint.delete_all_but(state.config_name, model)
        log.info("the endpoint is in service; deleted %d superseded models and configs", deleted)
        return True

    def _transcribes(self) -> bool:
        """Run the smoke test; a rollback continues even if it fails.

        Failing the rollback would leave a stack that accepts no updates, and no better endpoint.
        """
        name, tree = self._endpoint.name, self._environment.endpoint_tree
        try:
            if queue := self._settings.asynchronous:
                return transcribe_through_the_queue(name, tree, queue, self._event.request_id)
            return transcribe_known_clip(name, tree)
        except SmokeTestFailed:
            if not self._event.is_rolling_back():
                raise
            metrics.put(self._event.stack_id, metrics.FAILURES, 1, "Count")
            log.exception("the rollback continues, but %s does not transcribe", self._endpoint.name)
            return True

    def _own_state(self) -> EndpointState | None:
        """Return the endpoint's state, None if there is none; raise NotOurs if it is not ours.

        It is ours by its tag or, on Update, if it was this resource's and is untagged. Checked in
        every step, because the first invocation may have been killed before it could check.
        """
        state = self._endpoint.describe()
        if state is None or self._endpoint.owns(state):
            return state
        was_this = self._event.physical_id == self._endpoint.name
        if not was_this or state.tags.get(STACK_TAG):
            raise NotOurs(self._endpoint.taken_message())
        return state

    def _update(self, state: EndpointState, config: str) -> None:
        settings, current = self._settings, self._endpoint.current_variant(state.config_name)
        # Wake an endpoint at zero instances, so that the smoke test can run.
        asleep = settings.asynchronous is not None and state.instance_count == 0
        if not state.tags.get(STACK_TAG):
            self._adopt_scaling(state)
        elif _types_of(current) not in {(), settings.instance_types}:
            self._take_scaling_away(state, _types_of(current)[0])
        self._endpoint.update(
            state,
            config,
            self._event.request_id,
            # Keep the instance count that scaling has reached, unless another is requested.
            retain=current.get("InitialInstanceCount") == settings.instance_count and not asleep,
            way=way_of_updating(boto3.client("cloudwatch"), settings, state.instance_count),
        )

    def _take_scaling_away(self, state: EndpointState, instance_type: str) -> None:
        registered = self._scaling.registered(instance_type)
        if registered:
            before = Remembered.from_tags(state.tags)
            self._endpoint.tag(state, merged(registered, before).to_tags())
            self._scaling.deregister()
            log.info("scaling is taken away for the change of instance type")

    def _keep_scaling(self, state: EndpointState, config: str) -> None:
        """Save the scaling of an endpoint that will be recreated: AWS deregisters it."""
        types = _types_of(self._endpoint.current_variant(state.config_name))
        kept = Remembered.from_tags(state.tags)
        if now := self._scaling.registered((*types, *self._settings.instance_types)[0]):
            kept = merged(now, kept)
        if kept and kept.is_away:
            self._endpoint.keep_on_config(config, self._event.request_id, kept.to_tags())

    def _scaling_tags(self, config: str) -> dict[str, str]:
        """Return tags with the scaling that CloudFormation assumes a recreated endpoint to have.

        It is what `_keep_scaling` saved or, if somebody deleted the endpoint, what the stack
        declares. For new stacks and new names, CloudFormation registers the scaling itself.
        """
        event = self._event
        kept = Remembered.from_tags(self._endpoint.kept_on_config(config, event.request_id))
        if kept is None and event.request_type == "Update":
            if event.is_rolling_back():
                kept = declared_scaling(event.properties, self._endpoint.name)
            elif event.physical_id == self._endpoint.name:
                kept = declared_scaling(event.old_properties, self._endpoint.name)
        return kept.to_tags() if kept else {}

    def _bring_scaling_back(self, state: EndpointState) -> None:
        remembered = Remembered.from_tags(state.tags)
        if remembered is None or not remembered.is_away:
            return
        types = _types_of(self._endpoint.current_variant(state.config_name))
        instance_type = types[0] if types else remembered.instance_type
        kept = self._scaling.bring_back(
            remembered, instance_type, rolling_back=self._event.is_rolling_back()
        )
        self._endpoint.tag(state, kept.to_tags())

    def _adopt_scaling(self, state: EndpointState) -> None:
        """Remove the older stack's scaling; bring back only the target, if this stack scales.

        If CloudFormation owns the target under the same logical id, it changes the limits and
        replaces the old policy by ours.
        """
        registered = self._scaling.registered("")
        if registered and self._event.properties.get("Scaling"):
            limits = replace(registered, policies=[]).to_tags()
            self._endpoint.tag(state, {STACK_TAG: self._event.stack_id, **limits})
        self._clear_the_way_of_the_older_stack(state)

    def _clear_the_way_of_the_older_stack(self, state: EndpointState) -> None:
        """Remove the scaling that Live Call Analytics' own stack has registered.

        Its policy uses another metric, and CloudFormation is about to create ours.
        """
        left = [*self._endpoint.left_by_the_older_stack(), _OLDER_LAYER]
        log.warning(
            "adopting %s; not managed by this stack, delete them after the update: %s",
            self._endpoint.name,
            ", ".join(left),
        )
        if self._scaling.registered(""):
            self._scaling.deregister()
            log.warning("deregistered the scaling that the older stack had created")
        log.info("it served the config %s", state.config_name)

    @cached_property
    def _scaling(self) -> Scaling:
        scaling, alarms = (boto3.client(name) for name in ("application-autoscaling", "cloudwatch"))
        return Scaling(scaling, self._endpoint.name, VARIANT, alarms)

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

    def _called(self, name: str) -> StackEndpoint:
        return StackEndpoint(self._client, name, self._event.stack_id)


def _model_request(settings: DeploymentSettings) -> dict[str, Any]:
    source = {
        "S3Uri": settings.model_data_uri,
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    request: dict[str, Any] = {
        "PrimaryContainer": {
            "Image": settings.image_uri,
            "ModelDataSource": {"S3DataSource": source},
            "Environment": {**settings.environment, **_endpoint_environment(settings)},
        },
        "ExecutionRoleArn": settings.execution_role_arn,
    }
    if settings.network_isolation:
        request["EnableNetworkIsolation"] = True
    if settings.subnet_ids:
        request["VpcConfig"] = {
            "Subnets": list(settings.subnet_ids),
            "SecurityGroupIds": list(settings.security_group_ids),
        }
    return request


def _endpoint_environment(settings: DeploymentSettings) -> dict[str, str]:
    """Return the environment variables for Serve, and for the endpoint's name and account."""
    return {
        **SERVE_ENVIRONMENT,
        "WHISPER_ENDPOINT_NAME": settings.endpoint_name,
        # arn:aws:iam::<account>:role/...
        "WHISPER_ACCOUNT_ID": settings.execution_role_arn.partition(":iam::")[2].partition(":")[0],
    }


def _config_request(settings: DeploymentSettings, model_name: str) -> dict[str, Any]:
    variant: dict[str, Any] = {
        "VariantName": VARIANT,
        "ModelName": model_name,
        "InitialInstanceCount": settings.instance_count,
        "ModelDataDownloadTimeoutInSeconds": _DOWNLOAD_SECONDS,
        "ContainerStartupHealthCheckTimeoutInSeconds": _STARTUP_SECONDS,
    }
    if not settings.asynchronous:  # asynchronous instances pull requests from a queue
        variant["RoutingConfig"] = {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    if settings.fallback_instance_types:
        variant["InstancePools"] = [
            {"InstanceType": kind, "Priority": number}
            for number, kind in enumerate(settings.instance_types, 1)
        ]
    else:
        variant["InstanceType"] = settings.instance_type
    if settings.gpu_count:
        variant["InferenceAmiVersion"] = _GPU_HOST_IMAGE
    request: dict[str, Any] = {"ProductionVariants": [variant]}
    if settings.volume_key:
        request["KmsKeyId"] = settings.volume_key
    if settings.asynchronous:
        request["AsyncInferenceConfig"] = settings.asynchronous.config()
    return request


def _types_of(variant: dict[str, Any]) -> tuple[str, ...]:
    """Return a variant's instance types, preferred one first; empty if unknown."""
    if "InstanceType" in variant:
        return (variant["InstanceType"],)
    pools = sorted(variant.get("InstancePools", []), key=lambda pool: pool.get("Priority", 1))
    return tuple(pool["InstanceType"] for pool in pools)
