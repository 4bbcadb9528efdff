# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from tests.unit.local_cloud.parity.calls import refusal

PLACE = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/calls/variant/AllTraffic",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
SERVICE = {"ServiceNamespace": "sagemaker"}
TRACKING = {
    "TargetValue": 50.0,
    "ScaleOutCooldown": 60,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}


def put_policy(scaling, name="gpu", **more):
    return scaling.put_scaling_policy(
        **PLACE,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING | more,
    )["PolicyARN"]


@pytest.fixture
def scaling(aws):
    client = aws.client("application-autoscaling")
    client.register_scalable_target(**PLACE, MinCapacity=1, MaxCapacity=3)
    return client


def limits(scaling, **request):
    found = scaling.describe_scalable_targets(**SERVICE, **request)["ScalableTargets"]
    return [(item["ResourceId"], item["MinCapacity"], item["MaxCapacity"]) for item in found]


def test_a_target_is_registered_and_changed(scaling):
    assert limits(scaling) == [(PLACE["ResourceId"], 1, 3)]
    scaling.register_scalable_target(**PLACE, MaxCapacity=5)
    assert limits(scaling, ResourceIds=[PLACE["ResourceId"]]) == [(PLACE["ResourceId"], 1, 5)]
    assert limits(scaling, ResourceIds=["endpoint/other/variant/AllTraffic"]) == []


@pytest.mark.differs(moto="it says ValidationException")
def test_a_target_is_deregistered_once(scaling):
    scaling.deregister_scalable_target(**PLACE)
    assert limits(scaling) == []
    code, _ = refusal(scaling.deregister_scalable_target, **PLACE)
    assert code == "ObjectNotFoundException"


def test_policies_are_put_again_and_deleted(scaling):
    put_policy(scaling)
    put_policy(scaling, TargetValue=70.0)
    place = {**SERVICE, "ResourceId": PLACE["ResourceId"]}
    (policy,) = scaling.describe_scaling_policies(**place)["ScalingPolicies"]
    key = "TargetTrackingScalingPolicyConfiguration"
    assert (policy["PolicyName"], policy[key]["TargetValue"]) == ("gpu", 70.0)
    scaling.delete_scaling_policy(**PLACE, PolicyName="gpu")
    assert scaling.describe_scaling_policies(**place)["ScalingPolicies"] == []


@pytest.mark.differs(moto="it says ValidationException")
def test_a_policy_that_is_not_there_cannot_be_deleted(scaling):
    code, _ = refusal(scaling.delete_scaling_policy, **PLACE, PolicyName="gpu")
    assert code == "ObjectNotFoundException"


@pytest.mark.differs(moto="it does not look at the names")
def test_policies_by_name(scaling):
    put_policy(scaling)
    describe = scaling.describe_scaling_policies
    assert len(describe(**SERVICE, PolicyNames=["gpu"])["ScalingPolicies"]) == 1
    assert describe(**SERVICE, PolicyNames=["other"])["ScalingPolicies"] == []


@pytest.mark.differs(moto="it makes another ARN")
def test_a_policy_that_is_put_again_keeps_its_arn(scaling):
    assert put_policy(scaling) == put_policy(scaling, TargetValue=70.0)


def test_scheduled_actions(scaling):
    request = {**PLACE, "ScheduledActionName": "mornings", "Schedule": "cron(0 8 * * ? *)"}
    scaling.put_scheduled_action(**request, ScalableTargetAction={"MinCapacity": 2})
    (action,) = scaling.describe_scheduled_actions(**SERVICE)["ScheduledActions"]
    assert action["Schedule"] == "cron(0 8 * * ? *)"
    assert action["ScalableTargetAction"] == {"MinCapacity": 2}
    scaling.delete_scheduled_action(**PLACE, ScheduledActionName="mornings")
    assert scaling.describe_scheduled_actions(**SERVICE)["ScheduledActions"] == []


@pytest.mark.differs(moto="it keeps the policies")
def test_a_deregistered_target_takes_its_policies_along(scaling):
    put_policy(scaling)
    scaling.deregister_scalable_target(**PLACE)
    assert scaling.describe_scaling_policies(**SERVICE)["ScalingPolicies"] == []


@pytest.mark.differs(moto="it makes policies of targets that do not exist")
def test_a_policy_needs_a_target(aws):
    scaling = aws.client("application-autoscaling")
    code, _ = refusal(put_policy, scaling)
    assert code == "ObjectNotFoundException"
