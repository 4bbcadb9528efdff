# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How an update is rolled out to running instances: SageMaker's ``DeploymentConfig``."""

import logging
from typing import Any

from deploy_whisper.settings import DeploymentSettings

log = logging.getLogger(__name__)

_CANARY_SECONDS = 600
_ROLLING_SECONDS = 60
# Waiting until an alarm can see five bad minutes would double every update; this catches the worst.
_WATCH_SECONDS = 180
_ONE = {"Type": "INSTANCE_COUNT", "Value": 1}


def way_of_updating(
    cloudwatch: Any, settings: DeploymentSettings, instance_count: int
) -> dict[str, Any] | None:
    """Return the ``DeploymentConfig`` of an update.

    Parameters
    ----------
    cloudwatch : boto3 CloudWatch client
    instance_count : int
        Number of running instances; a canary or rolling update needs two.

    Returns
    -------
    dict or None
        None for SageMaker's default.
    """
    alarms = _quiet_alarms(cloudwatch, settings.rollback_alarms)
    policy = settings.update_policy
    if policy != "all-at-once" and instance_count < 2:
        log.warning("updating all at once: a %s update needs two instances", policy)
        policy = "all-at-once"
    if policy == "all-at-once" and not alarms:
        return None
    way: dict[str, Any] = {}
    if policy == "rolling":
        batch = {"MaximumBatchSize": _ONE, "WaitIntervalInSeconds": _ROLLING_SECONDS}
        way["RollingUpdatePolicy"] = batch
    else:
        traffic: dict[str, Any] = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": _WATCH_SECONDS}
        if policy == "canary":
            traffic = {"Type": "CANARY", "CanarySize": _ONE}
            traffic["WaitIntervalInSeconds"] = _CANARY_SECONDS
        way["BlueGreenUpdatePolicy"] = {"TrafficRoutingConfiguration": traffic}
    if alarms:
        way["AutoRollbackConfiguration"] = {"Alarms": [{"AlarmName": name} for name in alarms]}
    return way


def _quiet_alarms(cloudwatch: Any, names: tuple[str, ...]) -> list[str]:
    """Return the alarms that exist and are not firing.

    One that fires would roll back the very update meant to fix its cause. When an endpoint is
    adopted, none exists yet.
    """
    if not names:
        return []
    found = cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    return [alarm["AlarmName"] for alarm in found if alarm["StateValue"] != "ALARM"]
