# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Scaling that an endpoint loses: for another instance type, or because it is made again."""

import datetime

import pytest

from local_cloud.sagemaker.hosting import Health
from local_cloud.sagemaker.scaling import ScalingError

OLD, NEW = "ml.g5.2xlarge", "ml.g6.2xlarge"
PAST, FUTURE, LATER = (
    datetime.datetime(year, 1, 31, 8, tzinfo=datetime.UTC) for year in (2020, 2090, 2091)
)
SUSPENDED = {
    "DynamicScalingInSuspended": True,
    "DynamicScalingOutSuspended": False,
    "ScheduledScalingSuspended": False,
}

# A sibling that cannot be made, after everything else of the update has succeeded.
BROKEN_SIBLING = """
  Sibling:
    Type: AWS::Lambda::Permission
    DependsOn:
      - WhisperEndpointScalingPolicy
      - WhisperConcurrencyPolicy
    Properties:
      Action: lambda:InvokeFunction
      FunctionName: no-such-function
      Principal: events.amazonaws.com

Outputs:
"""


@pytest.fixture
def scaling(world):
    return world.cloud.client("application-autoscaling")


@pytest.fixture
def stack(world):
    return world.create(
        AutoScalingTargetConcurrentRequests="8",
        AutoScalingMaxCapacity="2",
        SageMakerInstanceCount="2",
    )


def place(stack):
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{stack.endpoint_name}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def registered(scaling):
    """Return the limits, and each policy's and action's name with what it aims at."""
    service = {"ServiceNamespace": "sagemaker"}
    targets = scaling.describe_scalable_targets(**service)["ScalableTargets"]
    policies = scaling.describe_scaling_policies(**service)["ScalingPolicies"]
    actions = scaling.describe_scheduled_actions(**service)["ScheduledActions"]
    key = "TargetTrackingScalingPolicyConfiguration"
    return (
        [(target["MinCapacity"], target["MaxCapacity"]) for target in targets],
        {policy["PolicyName"]: policy[key]["TargetValue"] for policy in policies},
        {action["ScheduledActionName"] for action in actions},
    )


def whole(kind, **more):
    names = (f"whisper-gpu-utilization-{kind}", f"whisper-concurrent-requests-{kind}")
    return [(1, 2)], {names[0]: 50.0, names[1]: 8.0, **more}, {"mornings"} if more else set()


def limit_by_hand(scaling, stack):
    """Suspend scaling in, and let actions begin and end on dates, one of which is over."""
    scaling.register_scalable_target(**place(stack), SuspendedState=SUSPENDED)
    for name, dates in (
        ("to-come", {"StartTime": FUTURE, "EndTime": LATER}),
        ("begun", {"StartTime": PAST, "EndTime": LATER}),
        ("over", {"StartTime": PAST, "EndTime": PAST}),
    ):
        scaling.put_scheduled_action(
            **place(stack),
            ScheduledActionName=name,
            Schedule="cron(0 8 * * ? *)",
            Timezone="Europe/Berlin",
            ScalableTargetAction={"MinCapacity": 2},
            **dates,
        )


def require_limited(scaling):
    service = {"ServiceNamespace": "sagemaker"}
    (target,) = scaling.describe_scalable_targets(**service)["ScalableTargets"]
    assert target["SuspendedState"] == SUSPENDED
    actions = scaling.describe_scheduled_actions(**service)["ScheduledActions"]
    dates = {a["ScheduledActionName"]: (a.get("StartTime"), a.get("EndTime")) for a in actions}
    # A start that is over may not be asked for again, and makes no difference.
    assert dates == {"to-come": (FUTURE, LATER), "begun": (None, LATER)}
    assert {action["Timezone"] for action in actions} == {"Europe/Berlin"}


def instance_type(world, stack):
    config = world.endpoint(stack.endpoint_name)["EndpointConfigName"]
    (variant,) = world.sagemaker.describe_endpoint_config(EndpointConfigName=config)[
        "ProductionVariants"
    ]
    return variant["InstanceType"]


def add_by_hand(scaling, stack):
    """Add what an operator may have added, of which CloudFormation knows nothing."""
    key = "TargetTrackingScalingPolicyConfiguration"
    scaling.put_scaling_policy(
        **place(stack),
        PolicyName="by-hand",
        PolicyType="TargetTrackingScaling",
        **{key: {"TargetValue": 3.0}},
    )
    scaling.put_scheduled_action(
        **place(stack),
        ScheduledActionName="mornings",
        Schedule="cron(0 8 * * ? *)",
        ScalableTargetAction={"MinCapacity": 2},
    )


def test_scaling_is_whole_after_the_change(world, scaling, stack):
    add_by_hand(scaling, stack)
    assert registered(scaling) == whole(OLD, **{"by-hand": 3.0})
    world.update(stack, SageMakerInstanceType=NEW)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert instance_type(world, stack) == NEW
    assert registered(scaling) == whole(NEW, **{"by-hand": 3.0})
    assert world.endpoint(stack.endpoint_name)["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    # And back, when the old type's policies are remembered and CloudFormation makes them.
    world.update(stack, SageMakerInstanceType=OLD, AutoScalingMaxCapacity="3")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    limits, policies, _ = registered(scaling)
    assert limits == [(1, 3)]
    assert set(policies) == {*whole(OLD)[1], "by-hand"}


def test_scaling_is_whole_after_a_change_that_failed(world, scaling, stack):
    add_by_hand(scaling, stack)
    world.hosting.outcome = (Health.FAILED, "no capacity for the type")
    world.update(stack, SageMakerInstanceType=NEW)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "no capacity for the type" in stack.reason
    assert instance_type(world, stack) == OLD
    assert registered(scaling) == whole(OLD, **{"by-hand": 3.0})
    world.hosting.outcome = (Health.READY, "")
    world.update(stack, AutoScalingTargetConcurrentRequests="16")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert registered(scaling)[1][f"whisper-concurrent-requests-{OLD}"] == 16.0


@pytest.mark.parametrize("outcome", [Health.READY, Health.FAILED], ids=lambda kind: kind.name)
def test_what_is_suspended_and_what_is_to_end_stay_so(world, scaling, stack, outcome):
    limit_by_hand(scaling, stack)
    world.hosting.outcome = (outcome, "no capacity for the type")
    world.update(stack, SageMakerInstanceType=NEW)
    ended = {Health.READY: "UPDATE_COMPLETE", Health.FAILED: "UPDATE_ROLLBACK_COMPLETE"}[outcome]
    assert stack.status == ended, stack.reason
    require_limited(scaling)


def test_scaling_is_whole_when_a_sibling_takes_the_change_back(world, scaling, stack):
    add_by_hand(scaling, stack)
    broken = world.template.replace("\nOutputs:\n", BROKEN_SIBLING, 1)
    world.update(stack, template=broken, SageMakerInstanceType=NEW)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert "no-such-function" in stack.reason
    assert instance_type(world, stack) == OLD
    assert registered(scaling) == whole(OLD, **{"by-hand": 3.0})
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert registered(scaling) == ([], {}, set())


def test_a_poll_that_ends_half_way_loses_no_policy(world, scaling, stack, monkeypatch):
    add_by_hand(scaling, stack)
    handle = world.cloud.scaling.handle
    killed: list[str] = []

    def killing(operation, request):
        # In the middle of bringing it back: the target is there again, its policies not yet. The
        # SDK tries five times by itself.
        if operation == "PutScalingPolicy" and len(killed) < 5:
            killed.append(operation)
            raise ScalingError("Rate exceeded", "ThrottlingException")
        return handle(operation, request)

    monkeypatch.setattr(world.cloud.scaling, "handle", killing)
    world.update(stack, SageMakerInstanceType=NEW)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert len(killed) == 5
    assert registered(scaling) == whole(NEW, **{"by-hand": 3.0})


@pytest.mark.parametrize(
    "change", [{"AudioInputS3Prefixes": "s3://calls/"}, {"LogRetentionDays": "7"}]
)
def test_an_endpoint_that_is_repaired_keeps_its_scaling(world, scaling, stack, change):
    add_by_hand(scaling, stack)
    world.cloud.sagemaker.endpoints[stack.endpoint_name].status = "Failed"
    world.update(stack, **change)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert registered(scaling) == whole(OLD, **{"by-hand": 3.0})


def delete_by_hand(world, stack):
    world.sagemaker.delete_endpoint(EndpointName=stack.endpoint_name)
    assert world.endpoints() == set()


@pytest.mark.parametrize(
    "change",
    [
        {"AudioInputS3Prefixes": "s3://calls/"},
        {"AutoScalingTargetGpuUtilization": "50", "AutoScalingScaleInCooldown": "60"},
        {"SageMakerInstanceType": NEW},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_endpoint_that_was_deleted_by_hand_is_scaled_again(world, scaling, stack, change):
    delete_by_hand(world, stack)
    assert registered(scaling) == ([], {}, set())
    world.update(stack, **change)
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert registered(scaling) == whole(change.get("SageMakerInstanceType", OLD))
    cooldown = change.get("AutoScalingScaleInCooldown")
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    key = "TargetTrackingScalingPolicyConfiguration"
    said = {policy[key]["ScaleInCooldown"] for policy in policies}
    assert said == {int(cooldown)} if cooldown else len(said) == 1
    world.update(stack, EnableAutoScaling="false")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert registered(scaling) == ([], {}, set())


@pytest.mark.parametrize("kind", [OLD, NEW])
def test_an_endpoint_made_again_in_a_change_that_is_taken_back_is_scaled(
    world, scaling, stack, kind
):
    delete_by_hand(world, stack)
    broken = world.template.replace("\nOutputs:\n", BROKEN_SIBLING, 1)
    world.update(stack, template=broken, SageMakerInstanceType=kind, LogRetentionDays="7")
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", stack.reason
    assert instance_type(world, stack) == OLD
    assert registered(scaling) == whole(OLD)


def test_an_endpoint_that_is_made_again_only_by_the_roll_back_is_scaled(
    world, scaling, stack, monkeypatch
):
    handle = world.cloud.sagemaker.handle

    def recovering(operation, request):
        if operation == "DeleteEndpoint":  # of what failed
            world.hosting.outcome = (Health.READY, "")
        return handle(operation, request)

    delete_by_hand(world, stack)
    world.hosting.outcome = (Health.FAILED, "no capacity for the type")
    monkeypatch.setattr(world.cloud.sagemaker, "handle", recovering)
    world.update(stack, AutoScalingMaxCapacity="3")
    assert "no capacity for the type" in stack.reason
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE", stack.reason
    assert registered(scaling) == whole(OLD)


def test_a_stack_that_does_not_scale_is_not_scaled_by_a_repair(world, scaling):
    stack = world.create(EnableAutoScaling="false")
    delete_by_hand(world, stack)
    world.update(stack, LogRetentionDays="7")
    assert stack.status == "UPDATE_COMPLETE", stack.reason
    assert registered(scaling) == ([], {}, set())


def test_a_target_that_another_resource_of_the_stack_owns_is_refused(world, scaling, stack):
    renamed = world.template.replace("WhisperEndpointScalableTarget", "AnotherTarget")
    world.update(stack, template=renamed)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    reason = world.reason_of(stack, "AnotherTarget")
    assert "already exists in stack" in reason
    assert reason.endswith("WhisperEndpointScalableTarget")
    assert registered(scaling) == whole(OLD)
