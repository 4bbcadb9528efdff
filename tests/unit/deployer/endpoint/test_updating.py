# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError

from deploy_whisper.endpoint.endpoint_environment import OWN_PARAMETERS
from deploy_whisper.endpoint.instances import gpu_count, has_own_disks, require_known_type
from deploy_whisper.endpoint.updating import way_of_updating
from whisper_sagemaker import container_log
from whisper_sagemaker.endpoints import EndpointState
from whisper_sagemaker.errors import InvalidProperty
from whisper_sagemaker.failures import failure


def cloudwatch(**states):
    alarms = [{"AlarmName": name, "StateValue": state} for name, state in states.items()]
    return SimpleNamespace(describe_alarms=lambda AlarmNames: {"MetricAlarms": alarms})  # noqa: N803


def settings(policy):
    return SimpleNamespace(update_policy=policy, rollback_alarms=("errors", "latency"))


def traffic(way):
    return way["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"]


def test_all_at_once_is_taken_back_by_the_alarms_that_exist_and_are_quiet():
    way = way_of_updating(cloudwatch(errors="OK", latency="ALARM"), settings("all-at-once"), 1)
    assert way
    assert traffic(way) == "ALL_AT_ONCE"
    assert way["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "errors"}]}
    # An alarm that fires would take back the update that is to mend its cause.
    assert way_of_updating(cloudwatch(errors="ALARM"), settings("all-at-once"), 1) is None
    assert way_of_updating(cloudwatch(), settings("all-at-once"), 1) is None


@pytest.mark.parametrize("count", [1, 2])
def test_gradual_updates_need_two_instances(count):
    quiet = cloudwatch(errors="INSUFFICIENT_DATA")
    canary = way_of_updating(quiet, settings("canary"), count)
    rolling = way_of_updating(quiet, settings("rolling"), count)
    if count == 2:
        assert traffic(canary) == "CANARY"
        assert rolling
        assert "BlueGreenUpdatePolicy" not in rolling
        assert rolling["RollingUpdatePolicy"]["MaximumBatchSize"]["Value"] == 1
    else:
        assert traffic(canary) == traffic(rolling) == "ALL_AT_ONCE"


@pytest.mark.parametrize(
    ("kind", "gpus", "disks"),
    [
        ("ml.g4dn.xlarge", 1, True),
        ("ml.g4dn.12xlarge", 4, True),
        ("ml.g5.2xlarge", 1, True),
        ("ml.g6e.48xlarge", 8, True),
        ("ml.p3.8xlarge", 4, False),
        ("ml.p4d.24xlarge", 8, True),
        ("ml.c7i.4xlarge", 0, False),
        ("ml.m5d.large", 0, True),
        ("ml.m6gd.large", 0, True),
        ("ml.r5.large", 0, False),
    ],
)
def test_instance_types(kind, gpus, disks):
    assert (gpu_count(kind), has_own_disks(kind)) == (gpus, disks)


@pytest.mark.parametrize(
    ("kind", "place", "parameter"),
    [
        ("ml.t3.medium", "productionVariants.1.member.instanceType", "SageMakerInstanceType"),
        (
            "ml.g9.2xlarge",
            "productionVariants.1.member.instancePools.2.member.instanceType",
            "FallbackInstanceTypes",
        ),
    ],
)
def test_a_type_that_sagemaker_does_not_know_is_refused_in_a_sentence(kind, place, parameter):
    said = f"1 validation error detected: Value '{kind}' at '{place}' failed to satisfy constraint"
    refused = {"Error": {"Code": "ValidationException", "Message": said}}
    with pytest.raises(InvalidProperty, match=f"^{parameter} must be a type that SageMaker has"):
        require_known_type(
            ClientError(refused, "CreateEndpointConfig"), ("ml.t3.medium", "ml.g9.2xlarge")
        )


def test_another_refusal_is_left_to_who_asked():
    refused = {"Error": {"Code": "ValidationException", "Message": "Value 'a' at 'b' failed"}}
    require_known_type(ClientError(refused, "CreateEndpointConfig"), ("ml.t3.medium",))


STATE = EndpointState("arn", "Failed", "c", "The container did not\n pass the ping. " * 9, {})


@pytest.mark.parametrize("name", ["calls", "x" * 63])
@pytest.mark.parametrize("lines", [[], ["first", "CUDA out of memory " * 9]])
def test_a_failure_says_where_to_look_what_sagemaker_says_and_the_last_line(name, lines):
    said = str(failure(name, STATE, lines))
    assert said.startswith(f"See /aws/sagemaker/Endpoints/{name} in CloudWatch Logs. SageMaker")
    assert "The container did not pass" in said
    assert ("out of memory" in said) == bool(lines)
    # crhelper cuts off what is longer, from the front.
    assert len(said) <= 256


# As Ray writes it, with colours; in between and after it come a traceback and Ray's own end.
SERVE = "\x1b[36m(ServeController pid=24922)\x1b[0m "
REFUSED = "whisper_endpoint.errors.InvalidSetting: WHISPER_LANGUAGE_OVERRIDE is 'ja', which this "
RAY = [
    f"{SERVE}    raise InvalidSetting(",
    f"{SERVE}{REFUSED}model does not support: use auto or one of en, es.",
    *["[2026-11-29 09:49:10,452 E 25163 25163] logging.cc:474:     @ ... and 4 more frames"] * 40,
]


def test_a_failure_says_why_the_program_refused_by_the_stacks_parameter():
    said = str(failure("calls", STATE, RAY, OWN_PARAMETERS))
    assert said == (
        "The endpoint's program says: LanguageOverride is 'ja', which this model does not support: "
        "use auto or one of en, es. See /aws/sagemaker/Endpoints/calls."
    )


def test_a_long_cause_is_cut_in_its_middle():
    line = f"{SERVE}whisper_endpoint.errors.ModelNotLoadable: segmentation.onnx cannot be loaded "
    said = str(failure("x" * 63, STATE, [line + "/opt/ml/model" * 40 + " failed:Protobuf parsing"]))
    assert said.startswith("The endpoint's program says: segmentation.onnx cannot be loaded")
    assert "failed:Protobuf parsing See /aws/sagemaker/Endpoints/xxx" in said
    assert len(said) <= 256


EVENTS = {
    "a": [{"timestamp": 3, "message": "third\n"}, {"timestamp": 1, "message": "first"}],
    "b": [{"timestamp": 2, "message": "  second  line "}, {"timestamp": 4, "message": "\n"}],
}


class Logs:
    def describe_log_streams(self, **request):
        assert request["logGroupName"] == "/aws/sagemaker/Endpoints/calls"
        return {"logStreams": [{"logStreamName": name} for name in EVENTS]}

    def get_log_events(self, **request):
        assert request["limit"] >= 1000
        return {"events": EVENTS[request["logStreamName"]]}


def test_last_lines_of_all_containers_in_their_order():
    assert container_log.last_lines(Logs(), "calls") == ["first", "second line", "third"]


def test_a_log_that_cannot_be_read_hides_no_failure():
    def denied(**_):
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DescribeLogStreams")

    assert container_log.last_lines(SimpleNamespace(describe_log_streams=denied), "calls") == []


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "ThrottlingException"])
def test_the_log_is_kept_as_long_as_asked_where_there_is_one(code):
    def put(**_):
        raise ClientError({"Error": {"Code": code}}, "PutRetentionPolicy")

    logs = SimpleNamespace(put_retention_policy=put)
    if code == "ResourceNotFoundException":
        container_log.keep(logs, "calls", 90)
    else:
        with pytest.raises(ClientError):
            container_log.keep(logs, "calls", 90)
