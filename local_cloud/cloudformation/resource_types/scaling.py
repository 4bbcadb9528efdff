# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Scalable targets and scaling policies of endpoints; nothing is actually scaled."""

from local_cloud.cloudformation.provider import PhysicalResource, ResourceFailed
from local_cloud.cloudformation.resource_types.base import OperationResource
from local_cloud.cloudformation.stack import Resource, Stack

_TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")


class ScalableTarget(OperationResource):
    """``AWS::ApplicationAutoScaling::ScalableTarget``."""

    service = "application-autoscaling"
    operation = "RegisterScalableTarget"
    ignores = ("RoleARN",)

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Register the target or change its limits; like the service, require the endpoint."""
        _, endpoint, _, _ = wanted.properties["ResourceId"].split("/")
        self._clients("sagemaker").describe_endpoint(EndpointName=endpoint)
        self.call(wanted.properties)
        return PhysicalResource("|".join(wanted.properties[key] for key in _TARGET))

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Change an existing target's limits, or register its replacement."""
        if "|".join(wanted.properties[key] for key in _TARGET) == current.physical_id:
            self._require_registered(wanted)
        return self.create(stack, wanted)

    def _require_registered(self, wanted: Resource) -> None:
        """Refuse to change a target that was deregistered meanwhile."""
        place = wanted.properties
        found = self.client.describe_scalable_targets(
            ServiceNamespace=place["ServiceNamespace"], ResourceIds=[place["ResourceId"]]
        )
        if not found["ScalableTargets"]:
            raise ResourceFailed(f"No scalable target is registered for {place['ResourceId']}.")

    def delete(self, stack: Stack, current: Resource) -> None:
        """Deregister the target."""
        target = {key: current.properties[key] for key in _TARGET}
        self.client.deregister_scalable_target(**target)


class ScalingPolicy(OperationResource):
    """``AWS::ApplicationAutoScaling::ScalingPolicy``; its name is create-only."""

    service = "application-autoscaling"
    operation = "PutScalingPolicy"
    adds = ("ScalingTargetId",)

    def create(self, stack: Stack, wanted: Resource) -> PhysicalResource:
        """Write the policy."""
        request = {**wanted.properties}
        if target := request.pop("ScalingTargetId", ""):
            request |= dict(zip(_TARGET, target.split("|"), strict=True))
        arn = self.call(request)["PolicyARN"]
        return PhysicalResource(arn, {"Arn": arn, "Request": request})

    def update(self, stack: Stack, current: Resource, wanted: Resource) -> PhysicalResource:
        """Overwrite it; a new name means a new policy."""
        made = self.create(stack, wanted)
        old, new = current.attributes["Request"], made.attributes["Request"]
        if any(old[key] != new[key] for key in ("PolicyName", "ResourceId")):
            return made
        return PhysicalResource(current.physical_id, {"Arn": current.physical_id, "Request": new})

    def delete(self, stack: Stack, current: Resource) -> None:
        """Delete the policy by name, even if it was recreated since."""
        request = current.attributes["Request"]
        self.client.delete_scaling_policy(**{key: request[key] for key in ("PolicyName", *_TARGET)})
