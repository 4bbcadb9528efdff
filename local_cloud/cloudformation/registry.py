# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The supported resource types; logs each ignored property once."""

import logging
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import replace

from botocore.exceptions import ClientError

from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.resource_types import (
    databases,
    functions,
    http_apis,
    iam,
    messaging,
    monitoring,
    s3,
    scaling,
    secret_store,
    workflows,
)
from local_cloud.cloudformation.resource_types.base import Clients, ResourceType
from local_cloud.cloudformation.stack import NESTED, Resource, Stack

log = logging.getLogger(__name__)

TYPES: dict[str, Callable[[Clients], ResourceType]] = {
    "AWS::ApiGatewayV2::Api": http_apis.HttpApi,
    "AWS::ApiGatewayV2::Integration": http_apis.Integration,
    "AWS::ApiGatewayV2::Route": http_apis.Route,
    "AWS::ApiGatewayV2::Stage": http_apis.HttpApiStage,
    "AWS::ApplicationAutoScaling::ScalableTarget": scaling.ScalableTarget,
    "AWS::ApplicationAutoScaling::ScalingPolicy": scaling.ScalingPolicy,
    "AWS::CloudWatch::Alarm": monitoring.Alarm,
    "AWS::CloudWatch::Dashboard": monitoring.Dashboard,
    "AWS::DynamoDB::Table": databases.Table,
    "AWS::Events::Rule": monitoring.EventsRule,
    "AWS::IAM::ManagedPolicy": iam.ManagedPolicy,
    "AWS::IAM::Policy": iam.RolePolicy,
    "AWS::IAM::Role": iam.Role,
    "AWS::Lambda::EventInvokeConfig": functions.EventInvokeConfig,
    "AWS::Lambda::EventSourceMapping": functions.EventSourceMapping,
    "AWS::Lambda::Function": functions.Function,
    "AWS::Lambda::LayerVersion": functions.LayerVersion,
    "AWS::Lambda::Permission": functions.FunctionPermission,
    "AWS::Logs::LogGroup": monitoring.LogGroup,
    "AWS::S3::Bucket": s3.S3Bucket,
    "AWS::S3::BucketPolicy": s3.BucketPolicy,
    "AWS::SNS::Subscription": messaging.Subscription,
    "AWS::SNS::Topic": messaging.Topic,
    "AWS::SNS::TopicPolicy": messaging.TopicPolicy,
    "AWS::SQS::Queue": messaging.Queue,
    "AWS::SQS::QueuePolicy": messaging.QueuePolicy,
    "AWS::SecretsManager::Secret": secret_store.Secret,
    "AWS::StepFunctions::StateMachine": workflows.StateMachine,
}

_GONE = {"NoSuchBucket", "NoSuchBucketPolicy", "NoSuchEntity"}
_GONE |= {"NotFound", "NotFoundException", "ObjectNotFoundException", "ResourceNotFoundException"}
_GONE |= {"AWS.SimpleQueueService.NonExistentQueue", "StateMachineDoesNotExist"}


class ResourceRegistry:
    """The provider of every type in ``TYPES``, of custom resources and of nested stacks.

    A service's error becomes ResourceFailed; deleting something already gone is no error.
    """

    def __init__(self, clients: Clients, custom: ResourceType, nested: ResourceType) -> None:
        self._custom = custom
        self._types: dict[str, ResourceType] = {NESTED: nested}
        self._types |= {name: kind(clients) for name, kind in TYPES.items()}
        self._said: set[tuple[str, str]] = set()

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Create a resource."""
        with _refusals():
            return self._type(wanted).create(stack, self.simulated(wanted))

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Update a resource."""
        with _refusals(current.physical_id):
            return self._type(wanted).update(stack, current, self.simulated(wanted))

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete a resource."""
        with _refusals(allowed=_GONE):
            self._type(current).delete(stack, current)

    def simulated(self, wanted: Resource) -> Resource:
        """Return a resource with its supported properties; log the others."""
        properties, ignored = self._type(wanted).known(wanted.properties)
        for path in ignored:
            if (wanted.resource_type, path) not in self._said:
                self._said.add((wanted.resource_type, path))
                name = f"{wanted.resource_type} {wanted.logical_id}"
                log.info("%s: %s is not simulated", name, path)
        return replace(wanted, properties=properties)

    def _type(self, resource: Resource) -> ResourceType:
        if resource.is_custom:
            return self._custom
        if resource.resource_type not in self._types:
            raise ResourceFailed(f"The local cloud cannot make a {resource.resource_type}")
        return self._types[resource.resource_type]


@contextmanager
def _refusals(physical_id: str = "", allowed: Container[str] = ()) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] not in allowed:
            raise ResourceFailed(str(error), physical_id) from error
