# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The scaling declared by a stack, for an endpoint whose registered scaling was lost.

AWS deregisters a scalable target when its endpoint is deleted. CloudFormation does not notice, and
does not register it again. The policies are those of template.yaml or, for asynchronous endpoints,
of recordings.yaml; a test compares them.
"""

from collections.abc import Mapping
from typing import Any

from deploy_whisper.endpoint.instances import gpu_count
from whisper_sagemaker.endpoints import VARIANT
from whisper_sagemaker.scaling_backup import Remembered


def declared_scaling(properties: Mapping[str, Any], endpoint_name: str) -> Remembered | None:
    """Return what the stack's scaling resources register; None if the stack does not scale.

    Parameters
    ----------
    properties : mapping
        Of ``Custom::WhisperModelDeployment``. ``Scaling`` has capacities in instances, cooldowns in
        seconds, and a target for each policy: GPU utilization in percent, or concurrent requests
        per instance. For an endpoint with a queue it has capacities and ``TargetBacklog``, requests
        per instance.
    """
    given = properties.get("Scaling")
    if not given:
        return None
    kind = properties["InstanceType"]
    limits = {key: int(given[key]) for key in ("MinCapacity", "MaxCapacity")}
    if "TargetBacklog" in given:
        policies = _of_a_queue(endpoint_name, kind, float(given["TargetBacklog"]))
        return Remembered(kind, is_away=True, limits=limits, policies=policies)
    metrics = {
        "TargetGpuUtilization": ("gpu-utilization", _gpu_utilization(endpoint_name, kind)),
        "TargetConcurrentRequests": ("concurrent-requests", _CONCURRENT_REQUESTS),
    }
    policies = [
        {
            "PolicyName": f"whisper-{name}-{kind}",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": float(given[key]),
                "ScaleOutCooldown": int(given["ScaleOutCooldown"]),
                "ScaleInCooldown": int(given["ScaleInCooldown"]),
                **metric,
            },
        }
        for key, (name, metric) in metrics.items()
        if key in given
    ]
    return Remembered(kind, is_away=True, limits=limits, policies=policies)


_CONCURRENT_REQUESTS = {
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    }
}


def _of_a_queue(endpoint_name: str, instance_type: str, target: float) -> list[dict[str, Any]]:
    """Return the policies of an endpoint that scales to zero while its queue is empty."""
    backlog = {
        "TargetValue": target,
        "DisableScaleIn": True,
        "ScaleOutCooldown": 60,
        "CustomizedMetricSpecification": {
            "Namespace": "AWS/SageMaker",
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Dimensions": [{"Name": "EndpointName", "Value": endpoint_name}],
            "Statistic": "Average",
        },
    }
    wake = {
        "AdjustmentType": "ChangeInCapacity",
        "Cooldown": 300,
        "MetricAggregationType": "Maximum",
        "StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}],
    }
    sleep = {
        "AdjustmentType": "ExactCapacity",
        "MetricAggregationType": "Maximum",
        "StepAdjustments": [{"MetricIntervalUpperBound": 0.0, "ScalingAdjustment": 0}],
    }
    steps = {"wake": wake, "sleep": sleep}
    return [
        {
            "PolicyName": f"whisper-backlog-{instance_type}",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": backlog,
        },
        *(
            {
                "PolicyName": f"whisper-{name}-{instance_type}",
                "PolicyType": "StepScaling",
                "StepScalingPolicyConfiguration": step,
            }
            for name, step in steps.items()
        ),
    ]


def _gpu_utilization(endpoint_name: str, instance_type: str) -> dict[str, Any]:
    """Return the mean utilization per GPU; SageMaker's own metric is the sum over the GPUs."""
    metric = {
        "Namespace": "/aws/sagemaker/Endpoints",
        "MetricName": "GPUUtilization",
        "Dimensions": [
            {"Name": "EndpointName", "Value": endpoint_name},
            {"Name": "VariantName", "Value": VARIANT},
        ],
    }
    summed = {
        "Id": "all",
        "ReturnData": False,
        "MetricStat": {"Stat": "Average", "Unit": "Percent", "Metric": metric},
    }
    each = {
        "Id": "each",
        "Label": "GPU utilization",
        "ReturnData": True,
        "Expression": f"all / {max(gpu_count(instance_type), 1)}",
    }
    return {"CustomizedMetricSpecification": {"Metrics": [summed, each]}}
