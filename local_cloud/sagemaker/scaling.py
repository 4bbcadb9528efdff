# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Application Auto Scaling's control plane for SageMaker variants.

moto's keeps the policies of deregistered targets, and does not require a target, so the effects of
changing the instance type could not be tested with it.
"""

import uuid

from local_cloud import ACCOUNT_ID
from local_cloud.service import ApiAnswer, ApiRequest, Service, ServiceError

_NOT_FOUND = "ObjectNotFoundException"

Place = tuple[str, str, str]


class ScalingError(ServiceError):
    """An error response of Application Auto Scaling."""


class ApplicationAutoScaling(Service):
    """The control plane of one account and Region; nothing is actually scaled."""

    title = "Application Auto Scaling"
    service = "application-autoscaling"
    refusal = ScalingError

    def __init__(self, region: str) -> None:
        super().__init__()
        self._region = region
        self.targets: dict[Place, ApiRequest] = {}
        self.policies: dict[Place, dict[str, ApiRequest]] = {}
        self.actions: dict[Place, dict[str, ApiRequest]] = {}

    def is_registered(self, endpoint_name: str) -> bool:
        """Return whether a variant of an endpoint is a scalable target."""
        with self._lock:
            return any(place[1].split("/")[1] == endpoint_name for place in self.targets)

    def forget(self, endpoint_name: str) -> None:
        """Deregister an endpoint's variants, as the service does when the endpoint is deleted."""
        with self._lock:
            for kept in (self.targets, self.policies, self.actions):
                for place in [item for item in kept if item[1].split("/")[1] == endpoint_name]:
                    del kept[place]

    def _register_scalable_target(self, request: ApiRequest) -> ApiAnswer:
        place = _place(request)
        current = self.targets.get(place, {})
        wanted = {**current, **request}
        missing = {"MinCapacity", "MaxCapacity"} - set(wanted)
        if missing:
            raise ScalingError(f"{', '.join(sorted(missing))} is missing.")
        if wanted["MinCapacity"] > wanted["MaxCapacity"]:
            raise ScalingError("Maximum capacity cannot be less than minimum capacity")
        self.targets[place] = wanted
        start = f"arn:aws:application-autoscaling:{self._region}:{ACCOUNT_ID}"
        return {"ScalableTargetARN": f"{start}:scalable-target/{uuid.uuid4().hex}"}

    def _deregister_scalable_target(self, request: ApiRequest) -> ApiAnswer:
        place = self._registered(request)
        del self.targets[place]
        self.policies.pop(place, None)
        self.actions.pop(place, None)
        return {}

    def _describe_scalable_targets(self, request: ApiRequest) -> ApiAnswer:
        wanted = request.get("ResourceIds")
        found = [
            item
            for (service, resource, _), item in self.targets.items()
            if service == request["ServiceNamespace"] and (not wanted or resource in wanted)
        ]
        return {"ScalableTargets": found}

    def _put_scaling_policy(self, request: ApiRequest) -> ApiAnswer:
        policies = self.policies.setdefault(self._registered(request), {})
        name = request["PolicyName"]
        # An overwritten policy keeps its ARN; a recreated one gets a new one.
        start = f"arn:aws:autoscaling:{self._region}:{ACCOUNT_ID}:scalingPolicy:{uuid.uuid4()}"
        made_up = f"{start}:resource/sagemaker/{request['ResourceId']}:policyName/{name}"
        arn = policies.get(name, {}).get("PolicyARN") or made_up
        policies[name] = {**request, "PolicyARN": arn}
        return {"PolicyARN": arn, "Alarms": []}

    def _describe_scaling_policies(self, request: ApiRequest) -> ApiAnswer:
        return {"ScalingPolicies": self._of(self.policies, request, request.get("PolicyNames"))}

    def _delete_scaling_policy(self, request: ApiRequest) -> ApiAnswer:
        return self._delete(self.policies, request, request["PolicyName"])

    def _put_scheduled_action(self, request: ApiRequest) -> ApiAnswer:
        actions = self.actions.setdefault(self._registered(request), {})
        actions[request["ScheduledActionName"]] = dict(request)
        return {}

    def _describe_scheduled_actions(self, request: ApiRequest) -> ApiAnswer:
        names = request.get("ScheduledActionNames")
        return {"ScheduledActions": self._of(self.actions, request, names)}

    def _delete_scheduled_action(self, request: ApiRequest) -> ApiAnswer:
        return self._delete(self.actions, request, request["ScheduledActionName"])

    def _of(
        self, kept: dict[Place, dict[str, ApiRequest]], request: ApiRequest, names: list[str] | None
    ) -> list[ApiRequest]:
        return [
            item
            for place, items in kept.items()
            for name, item in items.items()
            if place[0] == request["ServiceNamespace"]
            and request.get("ResourceId") in {None, place[1]}
            and (not names or name in names)
        ]

    def _delete(
        self, kept: dict[Place, dict[str, ApiRequest]], request: ApiRequest, name: str
    ) -> ApiAnswer:
        items = kept.get(_place(request), {})
        if name not in items:
            raise ScalingError(f"No {name} was found.", _NOT_FOUND)
        del items[name]
        return {}

    def _registered(self, request: ApiRequest) -> Place:
        place = _place(request)
        if place not in self.targets:
            raise ScalingError(
                f"No scalable target registered for service namespace: {place[0]}, "
                f"resource ID: {place[1]}, scalable dimension: {place[2]}",
                _NOT_FOUND,
            )
        return place


def _place(request: ApiRequest) -> Place:
    return request["ServiceNamespace"], request["ResourceId"], request["ScalableDimension"]
