# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Application Auto Scaling's control plane for SageMaker variants.

moto's own keeps the policies of a target that is deregistered, and never asks whether there is a
target at all; what a change of instance type does to scaling could not be tested with it.
"""

import threading
import uuid
from typing import TYPE_CHECKING, Any

from local_cloud import ACCOUNT_ID

if TYPE_CHECKING:
    from collections.abc import Callable

Request = dict[str, Any]
Answer = dict[str, Any]
Place = tuple[str, str, str]


class ScalingError(Exception):
    """A refusal (HTTP 400).

    Parameters
    ----------
    code, message : str
        As the service gives them.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class ApplicationAutoScaling:
    """The control plane of one account and Region; nothing is ever scaled.

    Parameters
    ----------
    region : str
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._lock = threading.RLock()
        self.targets: dict[Place, Request] = {}
        self.policies: dict[Place, dict[str, Request]] = {}
        self.actions: dict[Place, dict[str, Request]] = {}
        self._operations: dict[str, Callable[[Request], Answer]] = {
            "RegisterScalableTarget": self._register,
            "DeregisterScalableTarget": self._deregister,
            "DescribeScalableTargets": self._describe_targets,
            "PutScalingPolicy": self._put_policy,
            "DescribeScalingPolicies": self._describe_policies,
            "DeleteScalingPolicy": self._delete_policy,
            "PutScheduledAction": self._put_action,
            "DescribeScheduledActions": self._describe_actions,
            "DeleteScheduledAction": self._delete_action,
        }

    def handle(self, operation: str, request: Request) -> Answer:
        """Carry out one API call.

        Raises
        ------
        ScalingError
        """
        if operation not in self._operations:
            message = f"The local cloud has no Application Auto Scaling {operation}"
            raise ScalingError("ValidationException", message)
        with self._lock:
            return self._operations[operation](request)

    def is_registered(self, endpoint_name: str) -> bool:
        """Tell whether a variant of an endpoint is a scalable target."""
        with self._lock:
            return any(place[1].split("/")[1] == endpoint_name for place in self.targets)

    def _register(self, request: Request) -> Answer:
        place = _place(request)
        current = self.targets.get(place, {})
        wanted = {**current, **request}
        missing = {"MinCapacity", "MaxCapacity"} - set(wanted)
        if missing:
            raise ScalingError("ValidationException", f"{', '.join(sorted(missing))} is missing.")
        if wanted["MinCapacity"] > wanted["MaxCapacity"]:
            message = "Maximum capacity cannot be less than minimum capacity"
            raise ScalingError("ValidationException", message)
        self.targets[place] = wanted
        return {"ScalableTargetARN": self._arn("scalable-target")}

    def _deregister(self, request: Request) -> Answer:
        place = self._registered(request)
        del self.targets[place]
        self.policies.pop(place, None)
        self.actions.pop(place, None)
        return {}

    def _describe_targets(self, request: Request) -> Answer:
        wanted = request.get("ResourceIds")
        found = [
            item
            for (service, resource, _), item in self.targets.items()
            if service == request["ServiceNamespace"] and (not wanted or resource in wanted)
        ]
        return {"ScalableTargets": found}

    def _put_policy(self, request: Request) -> Answer:
        policies = self.policies.setdefault(self._registered(request), {})
        name = request["PolicyName"]
        # A policy that is put again keeps its ARN; one that was deleted before gets another.
        arn = policies.get(name, {}).get("PolicyARN") or self._policy_arn(request)
        policies[name] = {**request, "PolicyARN": arn}
        return {"PolicyARN": arn, "Alarms": []}

    def _describe_policies(self, request: Request) -> Answer:
        return {"ScalingPolicies": self._of(self.policies, request, request.get("PolicyNames"))}

    def _delete_policy(self, request: Request) -> Answer:
        return self._delete(self.policies, request, request["PolicyName"])

    def _put_action(self, request: Request) -> Answer:
        actions = self.actions.setdefault(self._registered(request), {})
        actions[request["ScheduledActionName"]] = dict(request)
        return {}

    def _describe_actions(self, request: Request) -> Answer:
        names = request.get("ScheduledActionNames")
        return {"ScheduledActions": self._of(self.actions, request, names)}

    def _delete_action(self, request: Request) -> Answer:
        return self._delete(self.actions, request, request["ScheduledActionName"])

    def _of(
        self, kept: dict[Place, dict[str, Request]], request: Request, names: list[str] | None
    ) -> list[Request]:
        return [
            item
            for place, items in kept.items()
            for name, item in items.items()
            if place[0] == request["ServiceNamespace"]
            and request.get("ResourceId") in {None, place[1]}
            and (not names or name in names)
        ]

    def _delete(self, kept: dict[Place, dict[str, Request]], request: Request, name: str) -> Answer:
        items = kept.get(_place(request), {})
        if name not in items:
            raise ScalingError("ObjectNotFoundException", f"No {name} was found.")
        del items[name]
        return {}

    def _registered(self, request: Request) -> Place:
        place = _place(request)
        if place not in self.targets:
            raise ScalingError(
                "ObjectNotFoundException",
                f"No scalable target registered for service namespace: {place[0]}, "
                f"resource ID: {place[1]}, scalable dimension: {place[2]}",
            )
        return place

    def _policy_arn(self, request: Request) -> str:
        end = f"resource/sagemaker/{request['ResourceId']}:policyName/{request['PolicyName']}"
        return f"arn:aws:autoscaling:{self._region}:{ACCOUNT_ID}:scalingPolicy:{uuid.uuid4()}:{end}"

    def _arn(self, kind: str) -> str:
        start = f"arn:aws:application-autoscaling:{self._region}:{ACCOUNT_ID}"
        return f"{start}:{kind}/{uuid.uuid4().hex}"


def _place(request: Request) -> Place:
    return request["ServiceNamespace"], request["ResourceId"], request["ScalableDimension"]
