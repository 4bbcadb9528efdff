# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How an update reaches the running instances: SageMaker's ``DeploymentConfig``."""

import logging
from typing import Any

from deploy_whisper.settings import DeploymentSettings

log = logging.getLogger(__name__)

_CANARY_SECONDS = 600
_ROLLING_SECONDS = 60
# As long as an alarm needs to see five bad minutes would double every update; it sees the worst.
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
        That run now; a canary or rolling update needs two.

    Returns
    -------
    dict or None
        None where SageMaker's default is all that is wanted.
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
    """Return the alarms that exist and do not fire now.

    One that fires would take back the very update that is to mend its cause; none exists yet when
    an endpoint is adopted.
    """
    if not names:
        return []
    found = cloudwatch.describe_alarms(AlarmNames=list(names))["MetricAlarms"]
    return [alarm["AlarmName"] for alarm in found if alarm["StateValue"] != "ALARM"]
