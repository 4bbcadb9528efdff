# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What the template makes, with which properties, and in which order."""

import json
import re
from pathlib import Path

import pytest

from deploy_whisper.endpoint.instances import gpu_count
from local_cloud.cloudformation.intrinsics import references_in
from local_cloud.cloudformation.parameters import conditions, resolver
from tests.template.parameter_sets import LCA, SETS

TAGGED = {
    "AWS::CloudWatch::Alarm",
    "AWS::IAM::Role",
    "AWS::Lambda::Function",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
}
ROOT = Path(__file__).parents[2]
UUID = "0a1b2c3d-4e5f-6a7b-8c9d-0e1f2a3b4c5d"


def properties(template, name, parameters=None, region="us-east-1"):
    declared = template["Resources"][name]["Properties"]
    return resolver(template, parameters or {}, region).resolve(declared)


@pytest.mark.parametrize("name", SETS)
def test_conditions(template, name):
    evaluated = conditions(template, SETS[name].parameters, SETS[name].region)
    assert {condition for condition, true in evaluated.items() if true} == SETS[name].true


def test_what_exists_when(template):
    def present(parameters):
        evaluator = resolver(template, parameters)
        return {name for name, item in template["Resources"].items() if evaluator.exists(item)}

    everything = set(template["Resources"]) - {"Recordings"}
    bucket = {"ModelBucket", "ModelBucketPolicy"}
    gpu, concurrency = {"WhisperEndpointScalingPolicy"}, {"WhisperConcurrencyPolicy"}
    scaling = {"WhisperEndpointScalableTarget", *gpu, *concurrency}
    assert present({"AutoScalingTargetConcurrentRequests": "8"}) == everything
    assert present({}) == everything - concurrency
    assert present(LCA) == everything - concurrency - bucket
    assert present({"EnableAutoScaling": "false"}) == everything - scaling
    assert present(SETS["cpu"].parameters) == everything - gpu
    assert present(SETS["cpu without scaling"].parameters) == everything - scaling


def test_everything_that_can_carry_our_tag_does(template):
    stack = resolver(template, {}).resolve({"Ref": "AWS::StackId"})
    taggable = [name for name, item in template["Resources"].items() if item["Type"] in TAGGED]
    assert len(taggable) == 10
    for name in taggable:
        tags = properties(template, name)["Tags"]
        assert {"Key": "whisper-sagemaker:stack", "Value": stack} in tags


def test_function(template):
    function = properties(template, "WhisperDeploymentFunction")
    assert function["Runtime"] == "python3.13"
    assert function["Architectures"] == ["x86_64"]
    assert function["Handler"] == "deploy_whisper.handler.handler"
    assert function["Timeout"] == 900
    assert function["LoggingConfig"] == {"LogGroup": "<WhisperDeploymentLogGroup>"}
    assert properties(template, "WhisperDeploymentLogGroup")["RetentionInDays"] == "90"


def test_a_failed_invocation_is_not_repeated(template):
    invocation = properties(template, "WhisperDeploymentInvocation")
    assert invocation["FunctionName"] == "<WhisperDeploymentFunction>"
    assert invocation["Qualifier"] == "$LATEST"
    assert invocation["MaximumRetryAttempts"] == 0


def test_own_bucket_is_private_encrypted_and_asks_for_tls(template):
    bucket = properties(template, "ModelBucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (lifecycle,) = bucket["LifecycleConfiguration"]["Rules"]
    assert lifecycle["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}
    assert template["Resources"]["ModelBucket"]["DeletionPolicy"] == "Delete"
    (statement,) = properties(template, "ModelBucketPolicy")["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Action"]) == ("Deny", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == ["<ModelBucket.Arn>", "<ModelBucket.Arn>/*"]


def test_archive_resource(template):
    archive = properties(template, "WhisperModelArchive", LCA)
    empty = "ModelS3Uri HubUrl HubTokenSecretArn KmsKeyArn EndpointEnvironment ImageUri ComputeType"
    empty += " FallbackInstanceTypes AlarmTopicArn DiarizationModelS3Uri LanguageOverride"
    empty += " AllowedLanguages SubnetIds SecurityGroupIds"
    assert archive == {
        **dict.fromkeys(empty.split(), ""),
        "ServiceToken": "<WhisperDeploymentFunction.Arn>",
        "ServiceTimeout": 3600,
        "Bucket": "lca-recordings-111122223333",
        "Prefix": f"whisper-sagemaker/whisper-{UUID}/",
        "ModelSize": "large-v3-turbo",
        "Diarization": "off",
        "ProgramLayer": "<EndpointProgramLayer>",
        "Environment": {
            "WHISPER_AUDIO_S3_PREFIXES": "",
            "WHISPER_LANGUAGES": "",
            "WHISPER_TERMS": "",
        },
        "EndpointName": "whisper-endpoint-LCA",
        "InstanceType": "ml.g5.xlarge",
        "InstanceCount": "1",
    }
    assert properties(template, "WhisperModelArchive")["Bucket"] == "<ModelBucket>"


def test_deployment_resource(template):
    audio = {"AudioInputS3Prefixes": "s3://a-b/c/, s3://d-e/"}
    deployment = properties(template, "WhisperModelDeployment", {**LCA, **audio}, "eu-south-1")
    image = "692866216735.dkr.ecr.eu-south-1.amazonaws.com/ray:serve-ml-sagemaker-cuda-v1.4"
    assert deployment == {
        "ServiceToken": "<WhisperDeploymentFunction.Arn>",
        "ServiceTimeout": 3600,
        "EndpointName": "whisper-endpoint-LCA",
        "ModelDataUri": "<WhisperModelArchive.S3Uri>",
        "ImageUri": image,
        "ExecutionRoleArn": "<WhisperExecutionRole.Arn>",
        "InstanceType": "ml.g5.xlarge",
        "FallbackInstanceTypes": "",
        "InstanceCount": "1",
        "EnableNetworkIsolation": "false",
        "SubnetIds": "",
        "SecurityGroupIds": "",
        "KmsKeyArn": "",
        "UpdatePolicy": "all-at-once",
        "RollbackAlarms": "whisper-errors,whisper-latency",
        "LogRetentionDays": "90",
        "Scaling": {
            "MinCapacity": "1",
            "MaxCapacity": "3",
            "ScaleOutCooldown": "60",
            "ScaleInCooldown": "300",
            "TargetGpuUtilization": "50",
        },
        "EndpointEnvironment": "",
        "Environment": {
            "WHISPER_AUDIO_S3_PREFIXES": "s3://a-b/c/,s3://d-e/",
            "WHISPER_COMPUTE_TYPE": "",
            "WHISPER_MAX_BEAM_SIZE": "0",
            "WHISPER_PARTIAL_BEAM_SIZE": "1",
            "WHISPER_LANGUAGE_OVERRIDE": "",
            "WHISPER_LANGUAGES": "",
            "WHISPER_TERMS": "",
            "WHISPER_REDACTION": "off",
            "WHISPER_FINAL_WINDOWS": "auto",
            "WHISPER_MAX_BATCH_SIZE": "0",
            "WHISPER_ENGINE_WORKERS": "0",
        },
    }
    given = SETS["china"]
    deployment = properties(template, "WhisperModelDeployment", given.parameters, given.region)
    assert deployment["ImageUri"] == given.parameters["ImageUri"]
    assert deployment["Environment"]["WHISPER_AUDIO_S3_PREFIXES"] == ""


def test_the_deployer_accepts_what_the_template_passes(template):
    from deploy_whisper.cloudformation import CloudFormationEvent
    from deploy_whisper.settings import ArchiveSettings, DeploymentSettings

    attributes = {
        "<WhisperModelArchive.S3Uri>": "s3://a-bucket/whisper-sagemaker/s/d/",
        "<ModelBucket>": "a-bucket",
    }

    def event(name, parameters, region):
        values = properties(template, name, parameters, region)
        stack = resolver(template, parameters, region).resolve({"Ref": "AWS::StackId"})
        texts = {
            key: attributes.get(value, value)
            for key, value in values.items()
            if not isinstance(value, dict)
        }
        texts = {key: str(value) for key, value in texts.items()}
        return CloudFormationEvent("Create", stack, {**values, **texts})

    for given in SETS.values():
        archive = ArchiveSettings.from_event(
            event("WhisperModelArchive", given.parameters, given.region)
        )
        assert archive.prefix.startswith("whisper-sagemaker/")
        deployment = DeploymentSettings.from_event(
            event("WhisperModelDeployment", given.parameters, given.region)
        )
        assert deployment.endpoint_name.startswith("whisper-")


def test_scaling_follows_what_gpu_utilization_really_is(template):
    target = properties(template, "WhisperEndpointScalableTarget")
    assert target["ResourceId"] == "endpoint/<WhisperModelDeployment>/variant/AllTraffic"
    assert target["ScalableDimension"] == "sagemaker:variant:DesiredInstanceCount"
    policy = properties(template, "WhisperEndpointScalingPolicy", LCA)
    assert policy["PolicyName"] == "whisper-gpu-utilization-ml.g5.xlarge"
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == "50"
    summed, each = tracking["CustomizedMetricSpecification"]["Metrics"]
    assert summed["MetricStat"] == {
        "Stat": "Average",
        "Unit": "Percent",
        "Metric": {
            "Namespace": "/aws/sagemaker/Endpoints",
            "MetricName": "GPUUtilization",
            "Dimensions": [
                {"Name": "EndpointName", "Value": "<WhisperModelDeployment>"},
                {"Name": "VariantName", "Value": "AllTraffic"},
            ],
        },
    }
    # The metric is the sum over an instance's GPUs.
    assert each["Expression"] == "all / <WhisperModelDeployment.GpuCount>"
    assert (summed["ReturnData"], each["ReturnData"]) == (False, True)


@pytest.mark.parametrize(("parameters", "target"), [("concurrency", "8"), ("cpu", 4)])
def test_scaling_by_concurrent_requests(template, parameters, target):
    policy = properties(template, "WhisperConcurrencyPolicy", SETS[parameters].parameters)
    kind = SETS[parameters].parameters.get("SageMakerInstanceType", "ml.g5.2xlarge")
    assert policy["PolicyName"] == f"whisper-concurrent-requests-{kind}"
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == target
    assert tracking["PredefinedMetricSpecification"] == {
        "PredefinedMetricType": "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    }


def numbers(value):
    """Return a value of the template's with what CloudFormation makes numbers of as numbers."""
    if isinstance(value, dict):
        return {key: numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [numbers(item) for item in value]
    is_number = not isinstance(value, bool) and str(value).isdecimal()
    return float(value) if is_number else value


@pytest.mark.parametrize("name", SETS)
def test_what_is_put_back_is_what_the_template_declares(template, name):
    from deploy_whisper.endpoint.declared_scaling import declared_scaling

    given = SETS[name].parameters, SETS[name].region
    kind = properties(template, "WhisperModelDeployment", *given)
    remembered = declared_scaling(kind, "<WhisperModelDeployment>")
    evaluator = resolver(template, *given)
    made = {
        name: item
        for name, item in template["Resources"].items()
        if item["Type"].startswith("AWS::ApplicationAutoScaling::") and evaluator.exists(item)
    }
    if not made:
        assert remembered is None
        return
    assert remembered is not None
    own = [properties(template, name, *given) for name in made]
    (target,) = [item for item in own if "MaxCapacity" in item]
    assert numbers(remembered.limits) == numbers({key: target[key] for key in remembered.limits})
    policies = [item for item in own if "PolicyName" in item]
    for policy in policies:
        del policy["ScalingTargetId"]
    count = str(max(gpu_count(kind["InstanceType"]), 1))
    text = json.dumps(policies).replace("<WhisperModelDeployment.GpuCount>", count)
    assert numbers(json.loads(text)) == numbers(remembered.policies)


@pytest.mark.parametrize(
    ("kind", "image"),
    [
        *((kind, "cuda") for kind in ("ml.g4dn.xlarge", "ml.g6e.48xlarge", "ml.p4de.24xlarge")),
        *((kind, "cpu") for kind in ("ml.c7g.xlarge", "ml.m5.large", "ml.m6gd.large")),
    ],
)
def test_the_image_fits_the_instance(template, kind, image):
    deployment = properties(template, "WhisperModelDeployment", {"SageMakerInstanceType": kind})
    assert deployment["ImageUri"].endswith(f"/ray:serve-ml-sagemaker-{image}-v1.4")


def test_every_setting_of_the_operator_reaches_the_container_with_its_default(template):
    from whisper_endpoint.settings import EndpointSettings

    environment = properties(template, "WhisperModelDeployment")["Environment"]
    assert EndpointSettings.from_environment(environment) == EndpointSettings()
    given = SETS["everything"].parameters
    environment = properties(template, "WhisperModelDeployment", given)["Environment"]
    settings = EndpointSettings.from_environment(environment)
    assert (settings.compute_type, settings.redaction) == ("int8_float16", "on")
    assert (settings.max_beam_size, settings.partial_beam_size) == (2, 1)
    assert (settings.language_override, settings.final_windows) == ("es", "short")
    assert settings.languages + settings.terms == ("es", "en", "Nguyen", "Acme Direct")
    assert (settings.max_batch_size, settings.engine_workers) == (16, 2)
    assert settings.audio_s3_prefixes == ("s3://my-recordings/calls/", "s3://my-archive/")


def test_a_setting_is_set_by_one_parameter(template):
    from deploy_whisper.endpoint.endpoint_environment import OWN_PARAMETERS

    environment = template["Resources"]["WhisperModelDeployment"]["Properties"]["Environment"]
    passed = {name: references_in(value) for name, value in environment.items()}
    others = {"WHISPER_ENDPOINT_NAME": {"EndpointName"}}  # set by the deployer itself
    assert passed | others == {name: {own} for name, own in OWN_PARAMETERS.items()}


@pytest.mark.parametrize(
    ("given", "is_one"),
    [
        ("", True),
        ("WHISPER_SELF_TEST=text", True),
        ("WHISPER_SELF_TEST=text, WHISPER_URL_PRIVATE_NETWORKS=10.1.0.0/16 fd00::/8", True),
        ("WHISPER_METRICS_FILE=", True),
        ("WHISPER_SELF_TEST", False),
        ("SELF_TEST=text", False),
        ("WHISPER_SELF_TEST=text,", False),
        ("WHISPER_SELF_TEST=text;", True),  # refused by the function, with what the setting takes
        ("WHISPER_SELF_TEST=text\n", False),
        ("WHISPER_SELF_TEST=täxt", False),
    ],
)
def test_what_the_console_takes_for_settings(template, given, is_one):
    pattern = template["Parameters"]["EndpointEnvironment"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern.replace("^", "").replace("$", ""), given)) is is_one


@pytest.mark.parametrize("parameter", ["ComputeType", "FinalWindows"])
def test_every_choice_is_one_that_the_endpoint_knows(template, parameter):
    from whisper_endpoint.settings import EndpointSettings

    for value in template["Parameters"][parameter]["AllowedValues"]:
        environment = properties(template, "WhisperModelDeployment", {parameter: value})
        EndpointSettings.from_environment(environment["Environment"])


def test_key_boundary_and_topic_are_used_where_given(template):
    given = {**SETS["everything"].parameters, "S3BucketName": ""}
    bucket = properties(template, "ModelBucket", given)
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": given["KmsKeyArn"],
    }
    for role in ("WhisperExecutionRole", "WhisperDeploymentRole"):
        bound = properties(template, role, given)["PermissionsBoundary"]
        assert bound == given["PermissionsBoundaryArn"]
        assert "PermissionsBoundary" not in properties(template, role)


ALARMS = ("ErrorsAlarm", "LatencyAlarm", "CapacityAlarm", "DeploymentAlarm", "ExpiryAlarm")


def test_alarms_tell_the_topic_where_one_is_given(template):
    given = SETS["everything"].parameters
    for name in ALARMS:
        assert properties(template, name, given)["AlarmActions"] == [given["AlarmTopicArn"]]
        quiet = properties(template, name)
        assert quiet["ActionsEnabled"] is False
        assert "AlarmActions" not in quiet


def test_updates_are_taken_back_by_alarms_that_exist(template):
    names = {properties(template, name)["AlarmName"] for name in ALARMS}
    asked = properties(template, "WhisperModelDeployment")["RollbackAlarms"].split(",")
    assert len(asked) == 2
    assert set(asked) <= names


def test_metrics_of_alarms_and_dashboard_are_ones_that_are_written(template):
    from deploy_whisper import metrics

    written = (ROOT / "docs/metrics.md").read_text()
    own = {metrics.FAILURES, metrics.LIFE_LEFT}
    shown = [
        (line[0], line[1])
        for widget in json.loads(properties(template, "WhisperDashboard")["DashboardBody"])[
            "widgets"
        ]
        for line in widget["properties"]["metrics"]
    ]
    assert len(shown) > 10
    for name in ALARMS:
        alarm = properties(template, name)
        single = [(alarm["Namespace"], alarm["MetricName"])] if "MetricName" in alarm else []
        several = [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m]
        shown += single + [(m["Namespace"], m["MetricName"]) for m in several]
    for namespace, metric in shown:
        if namespace == "WhisperEndpoint":
            assert f"`{metric}`" in written
        elif namespace == metrics.NAMESPACE:
            assert metric in own
        else:
            assert namespace in {"AWS/SageMaker", "/aws/sagemaker/Endpoints"}


def test_the_archive_is_looked_after_daily(template):
    rule = properties(template, "ArchiveRenewalSchedule")
    assert rule["ScheduleExpression"] == "rate(1 day)"
    (target,) = rule["Targets"]
    assert target["Arn"] == "<WhisperDeploymentFunction.Arn>"
    asked = json.loads(target["Input"])
    assert asked["RenewArchive"] == "<WhisperModelArchive.S3Uri>"
    assert asked["StackId"].endswith(UUID)
    permission = properties(template, "ArchiveRenewalPermission")
    assert permission["SourceArn"] == "<ArchiveRenewalSchedule.Arn>"
    alarm = properties(template, "ExpiryAlarm")
    # Silence for two days is an alarm too.
    assert (alarm["TreatMissingData"], alarm["DatapointsToAlarm"]) == ("breaching", 2)


def needs(template, name, seen=()):
    """Return all that a resource is made after, and therefore deleted before."""
    resource = template["Resources"][name]
    direct = references_in(resource["Properties"])
    after = resource.get("DependsOn", [])
    direct |= {after} if isinstance(after, str) else set(after)
    direct &= set(template["Resources"])
    return direct.union(*(needs(template, other, (*seen, name)) for other in direct - {*seen}))


def test_permissions_logs_and_layers_outlive_the_custom_resources(template):
    for name in ("WhisperModelArchive", "WhisperModelDeployment"):
        assert {
            "WhisperDeploymentFunction",
            "WhisperDeploymentInvocation",
            "WhisperDeploymentLogGroup",
            "WhisperDeploymentPolling",
            "WhisperDeploymentRole",
            "EndpointProgramLayer",
            "DependenciesLayer",
            "ModelBucket",
        } <= needs(template, name)
    assert {"WhisperModelArchive", "WhisperExecutionRole"} <= needs(
        template, "WhisperModelDeployment"
    )
    assert "WhisperModelDeployment" in needs(template, "WhisperEndpointScalableTarget")


def test_artifacts_are_where_the_build_puts_them(template):
    resources = template["Resources"]
    assert resources["WhisperDeploymentFunction"]["Properties"]["Code"] == "build/function.zip"
    assert resources["DependenciesLayer"]["Properties"]["Content"] == "build/dependencies.zip"
    assert resources["EndpointProgramLayer"]["Properties"]["Content"] == "build/endpoint.zip"
