# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Removes and restores an endpoint's scaling around a change of instance type.

SageMaker refuses to change the instance type while the variant is a scalable target, and
deregistering the target deletes its policies. In the meantime the registered scaling is saved in
tags of the endpoint, so that an invocation killed half-way loses nothing.

CloudFormation creates policies named after an instance type: ``…-ml.g5.xlarge``. After a change to
another type it replaces them, because their name changes. When it rolls back, it assumes that the
old ones were never gone, so they are restored here. A restored policy has a new ARN, so the alarms
that trigger it are updated.
"""

import base64
import datetime
import json
import logging
import re
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

log = logging.getLogger(__name__)

TAG = "whisper-sagemaker:scaling-"

_TAG_CHARACTERS = 256
_NAMED_FOR_TYPE = re.compile(r"whisper-.*-(ml\.[a-z0-9-]+\.[a-z0-9-]+)")
_POLICY = (
    "PolicyName",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
)
_LIMITS = ("MinCapacity", "MaxCapacity", "SuspendedState")
_ACTION = (
    "ScheduledActionName",
    "Schedule",
    "Timezone",
    "StartTime",
    "EndTime",
    "ScalableTargetAction",
)


@dataclass(frozen=True)
class Remembered:
    """The saved scaling of a variant.

    Attributes
    ----------
    instance_type : str
        Instance type at that time.
    is_away : bool
        Whether it is deregistered and has to be restored.
    limits : dict
        ``MinCapacity``, ``MaxCapacity`` and ``SuspendedState``.
    policies, actions : list of dict
        Requests without the fields that identify the variant; times in ISO 8601.
    """

    instance_type: str
    is_away: bool
    limits: dict[str, Any]
    policies: list[dict[str, Any]] = field(default_factory=list)
    actions: list[dict[str, Any]] = field(default_factory=list)

    def to_tags(self) -> dict[str, str]:
        """Return this as tags; their number is stored, since old tags may follow shorter data."""
        text = base64.b64encode(zlib.compress(json.dumps(asdict(self)).encode(), 9)).decode()
        parts = [text[i : i + _TAG_CHARACTERS] for i in range(0, len(text), _TAG_CHARACTERS)]
        return {f"{TAG}parts": str(len(parts))} | {f"{TAG}{i}": p for i, p in enumerate(parts)}

    @classmethod
    def from_tags(cls, tags: Mapping[str, str]) -> "Remembered | None":
        """Read the scaling saved in an endpoint's tags; None if there is none."""
        count = int(tags.get(f"{TAG}parts", "0"))
        if not count:
            return None
        text = "".join(tags[f"{TAG}{i}"] for i in range(count))
        return cls(**json.loads(zlib.decompress(base64.b64decode(text))))


class Scaling:
    """The scaling of a variant of an endpoint.

    Parameters
    ----------
    client : boto3 Application Auto Scaling client
    alarms : boto3 CloudWatch client, optional
        For the alarms that trigger step policies; not needed without such policies.
    """

    def __init__(self, client: Any, endpoint_name: str, variant: str, alarms: Any = None) -> None:
        self._client = client
        self._alarms = alarms
        self._target = {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{endpoint_name}/variant/{variant}",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }

    def registered(self, instance_type: str) -> Remembered | None:
        """Return the registered scaling, or None."""
        targets = self._client.describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[self._target["ResourceId"]]
        )["ScalableTargets"]
        if not targets:
            return None
        return Remembered(
            instance_type,
            True,
            _kept(targets[0], _LIMITS),
            self._listed("describe_scaling_policies", "ScalingPolicies", _POLICY),
            self._listed("describe_scheduled_actions", "ScheduledActions", _ACTION),
        )

    def deregister(self) -> None:
        """Deregister the target, which deletes its policies and scheduled actions."""
        self._client.deregister_scalable_target(**self._target)

    def bring_back(
        self, remembered: Remembered, instance_type: str, *, rolling_back: bool
    ) -> Remembered:
        """Restore saved scaling.

        Parameters
        ----------
        instance_type : str
            The endpoint's current instance type.
        rolling_back : bool
            Whether CloudFormation is rolling back, and so will not recreate its policies.

        Returns
        -------
        Remembered
            To be saved: a later rollback may need the policies of the previous type.
        """
        self._client.register_scalable_target(**self._target, **remembered.limits)
        is_theirs = instance_type != remembered.instance_type and not rolling_back
        for policy in remembered.policies:
            kind = _type_in(policy["PolicyName"])
            if kind is None or (kind == instance_type and not is_theirs):
                made = self._client.put_scaling_policy(**self._target, **policy)
                if policy["PolicyType"] == "StepScaling":
                    self._point_alarms_to(made["PolicyARN"])
        for action in _still_to_come(remembered.actions):
            self._client.put_scheduled_action(**self._target, **action)
        log.info("scaling is registered again for %s", instance_type)
        return replace(remembered, is_away=False)

    def _point_alarms_to(self, policy_arn: str) -> None:
        """Update alarms that trigger an earlier policy of this name to trigger this one."""
        start, _, _ = policy_arn.partition(":scalingPolicy:")
        _, _, name = policy_arn.partition(":resource/")
        taken = self._alarms.meta.service_model.operation_model("PutMetricAlarm").input_shape
        pages = self._alarms.get_paginator("describe_alarms").paginate(
            ActionPrefix=f"{start}:scalingPolicy:"
        )
        for alarm in [item for page in pages for item in page["MetricAlarms"]]:
            actions = [
                policy_arn if action.partition(":resource/")[2] == name else action
                for action in alarm["AlarmActions"]
            ]
            if actions != alarm["AlarmActions"]:
                request = {key: alarm[key] for key in alarm if key in taken.members}
                self._alarms.put_metric_alarm(**{**request, "AlarmActions": actions})

    def _listed(self, operation: str, key: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
        pages = self._client.get_paginator(operation).paginate(**self._target)
        return [_kept(item, fields) for page in pages for item in page[key]]


def merged(now: Remembered, before: Remembered | None) -> Remembered:
    """Add the policies of other instance types that were saved in an earlier change."""
    if before is None:
        return now
    if before.is_away:  # it was only partly restored
        return replace(
            now,
            instance_type=before.instance_type,
            policies=_joined(now.policies, before.policies, "PolicyName"),
            actions=_joined(now.actions, before.actions, "ScheduledActionName"),
        )
    names = {policy["PolicyName"] for policy in now.policies}
    others = [
        policy
        for policy in before.policies
        if policy["PolicyName"] not in names
        and _type_in(policy["PolicyName"]) not in {None, now.instance_type}
    ]
    # Keep only the last change's, since tags have limited space.
    last = before.instance_type
    return replace(
        now, policies=now.policies + [p for p in others if _type_in(p["PolicyName"]) == last]
    )


def _kept(item: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return the existing fields, in a form that is valid in JSON and accepted by the SDK."""
    found = {name: item[name] for name in fields if name in item}
    return {
        name: value.isoformat() if isinstance(value, datetime.datetime) else value
        for name, value in found.items()
    }


def _still_to_come(actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop actions that have ended, and past start times, which are not allowed."""
    now = datetime.datetime.now(datetime.UTC)

    def is_over(action: dict[str, Any], key: str) -> bool:
        return key in action and datetime.datetime.fromisoformat(action[key]) <= now

    return [
        {key: action[key] for key in action if key != "StartTime" or not is_over(action, key)}
        for action in actions
        if not is_over(action, "EndTime")
    ]


def _joined(
    now: list[dict[str, Any]], before: list[dict[str, Any]], key: str
) -> list[dict[str, Any]]:
    names = {item[key] for item in now}
    return now + [item for item in before if item[key] not in names]


def _type_in(policy_name: str) -> str | None:
    found = _NAMED_FOR_TYPE.fullmatch(policy_name)
    return found[1] if found else None
