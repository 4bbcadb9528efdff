# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One suite for two stand-ins: the fake that random lives run on, and moto.

Where one of them cannot do what AWS does, or does otherwise, the test says what AWS does, and the
stand-in is listed below with the reason. A stand-in that learns it fails until it is off the list.
"""

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from tests.chaos.aws import Aws
from tests.fakes.object_store import Bucket

REGION = "us-east-1"
ARN = f"arn:aws:sagemaker:{REGION}:123456789012"

# Call, and what it names: the parameter and the noun.
MISSING = {
    "describe_model": ("ModelName", "model"),
    "delete_model": ("ModelName", "model"),
    "describe_endpoint_config": ("EndpointConfigName", "endpoint configuration"),
    "delete_endpoint_config": ("EndpointConfigName", "endpoint configuration"),
    "describe_endpoint": ("EndpointName", "endpoint"),
    "delete_endpoint": ("EndpointName", "endpoint"),
}

DIFFERS = {
    "moto": {
        "test_an_object_tells_when_it_expires": "moto's S3 sends no x-amz-expiration",
        "test_a_head_in_a_bucket_that_does_not_exist": "moto names the code where AWS cannot",
        "test_a_target_is_deregistered_once": "moto says ValidationException",
        "test_a_policy_that_is_put_again_keeps_its_arn": "moto makes another ARN",
        "test_a_policy_that_is_not_there_cannot_be_deleted": "moto says ValidationException",
        "test_policies_by_name": "moto does not look at the names",
        "test_models_by_a_part_of_their_name": "moto lists all of them",
        **dict.fromkeys(
            (f"test_the_words_for_what_does_not_exist[{call}]" for call in MISSING),
            "moto words it otherwise",
        ),
        "test_a_deregistered_target_takes_its_policies_along": "moto keeps the policies",
        "test_a_policy_needs_a_target": "moto makes policies of targets that do not exist",
        "test_a_name_is_taken_once[model]": "moto writes over a model of that name",
        "test_a_name_is_taken_once[endpoint config]": "moto writes over a config of that name",
        "test_a_config_needs_its_model": "moto does not look for the model",
        "test_an_endpoint_is_updated": "moto has no UpdateEndpoint",
        "test_an_endpoint_is_created_and_then_in_service": "moto's is in service at once",
    },
    "fake": {
        "test_parts_become_an_object": "no life on the fake fetches from a hub, which sends parts",
        "test_a_rule_with_targets_is_not_deleted": "rules are only what crhelper makes and removes",
    },
}


class Fake:
    """The services in memory."""

    def __init__(self):
        self._aws = Aws()

    def client(self, service):
        return self._aws.client(service)

    def make_bucket(self, name, *, is_versioned=False, expires_after_days=0):
        self._aws.s3.buckets[name] = Bucket(is_versioned, expires_after_days)


class Moto:
    """The services of moto."""

    def client(self, service):
        return boto3.client(service, region_name=REGION)

    def make_bucket(self, name, *, is_versioned=False, expires_after_days=0):
        s3 = self.client("s3")
        s3.create_bucket(Bucket=name)
        if is_versioned:
            status = {"Status": "Enabled"}
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration=status)
        if expires_after_days:
            rule = {
                "ID": "expire",
                "Status": "Enabled",
                "Filter": {"Prefix": ""},
                "Expiration": {"Days": expires_after_days},
            }
            s3.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration={"Rules": [rule]}
            )


@pytest.fixture(params=["fake", "moto"])
def aws(request):
    name = request.node.name.replace(f"[{request.param}-", "[").replace(f"[{request.param}]", "")
    if name in DIFFERS[request.param]:
        reason = DIFFERS[request.param][name]
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    if request.param == "fake":
        yield Fake()
    else:
        with mock_aws():
            yield Moto()


def test_every_listed_difference_is_of_a_test_that_is_here():
    listed = {name.split("[")[0] for names in DIFFERS.values() for name in names}
    assert listed <= set(globals())


def refusal(call, *arguments, **request):
    """Return code and status of a refusal."""
    with pytest.raises(ClientError) as error:
        call(*arguments, **request)
    response = error.value.response
    return response["Error"]["Code"], response.get("ResponseMetadata", {}).get("HTTPStatusCode")


def message(call, **request):
    """Return code and message of a refusal."""
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def put(s3, key, body=b"x", **more):
    return s3.put_object(Bucket="mine", Key=key, Body=body, **more)


def versions(s3, **request):
    answer = s3.list_object_versions(Bucket="mine", **request)
    return (
        [(item["Key"], item["VersionId"]) for item in answer.get("Versions", [])],
        [item["Key"] for item in answer.get("DeleteMarkers", [])],
        [item["Prefix"] for item in answer.get("CommonPrefixes", [])],
    )


# S3


def test_an_object_is_put_read_and_deleted(aws):
    aws.make_bucket("mine")
    s3 = aws.client("s3")
    etag = put(s3, "a/x", b"weights", ContentType="text/plain")["ETag"]
    answer = s3.get_object(Bucket="mine", Key="a/x")
    assert (answer["Body"].read(), answer["ETag"]) == (b"weights", etag)
    head = s3.head_object(Bucket="mine", Key="a/x")
    assert (head["ETag"], head["ContentLength"], head["ContentType"]) == (etag, 7, "text/plain")
    assert "VersionId" not in head
    s3.delete_object(Bucket="mine", Key="a/x")
    s3.delete_object(Bucket="mine", Key="a/x")
    assert refusal(s3.get_object, Bucket="mine", Key="a/x") == ("NoSuchKey", 404)
    # The answer to a HEAD has no body that could name the code.
    assert refusal(s3.head_object, Bucket="mine", Key="a/x") == ("404", 404)


def test_a_bucket_that_does_not_exist(aws):
    s3 = aws.client("s3")
    assert refusal(s3.get_object, Bucket="none", Key="x") == ("NoSuchBucket", 404)
    assert refusal(s3.put_object, Bucket="none", Key="x", Body=b"") == ("NoSuchBucket", 404)
    assert refusal(s3.list_objects_v2, Bucket="none") == ("NoSuchBucket", 404)


def test_a_head_in_a_bucket_that_does_not_exist(aws):
    head = aws.client("s3").head_object
    assert refusal(head, Bucket="none", Key="x") == ("404", 404)


def test_keys_are_listed_by_prefix_in_order(aws):
    aws.make_bucket("mine")
    s3 = aws.client("s3")
    for key in ("p/b", "p/a", "q/c"):
        put(s3, key, key.encode())
    listed = s3.list_objects_v2(Bucket="mine", Prefix="p/")["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [("p/a", 3), ("p/b", 3)]
    assert s3.list_objects_v2(Bucket="mine", Prefix="none").get("Contents", []) == []
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="mine", Prefix="q/")
    assert [item["Key"] for page in pages for item in page.get("Contents", [])] == ["q/c"]


def test_versions_are_kept_hidden_and_removed_one_by_one(aws):
    aws.make_bucket("mine", is_versioned=True)
    s3 = aws.client("s3")
    first, second = put(s3, "k", b"1")["VersionId"], put(s3, "k", b"2")["VersionId"]
    assert first != second
    assert s3.head_object(Bucket="mine", Key="k")["VersionId"] == second
    assert versions(s3) == ([("k", second), ("k", first)], [], [])
    s3.delete_object(Bucket="mine", Key="k")
    assert refusal(s3.get_object, Bucket="mine", Key="k") == ("NoSuchKey", 404)
    assert versions(s3) == ([("k", second), ("k", first)], ["k"], [])
    (marker,) = s3.list_object_versions(Bucket="mine")["DeleteMarkers"]
    s3.delete_object(Bucket="mine", Key="k", VersionId=marker["VersionId"])
    assert s3.get_object(Bucket="mine", Key="k")["Body"].read() == b"2"
    objects = [{"Key": "k", "VersionId": item} for item in (first, second)]
    s3.delete_objects(Bucket="mine", Delete={"Objects": objects, "Quiet": True})
    assert versions(s3) == ([], [], [])


def test_folders_of_versions(aws):
    aws.make_bucket("mine", is_versioned=True)
    s3 = aws.client("s3")
    for key in ("p/one/x", "p/one/y", "p/two/x", "p/top"):
        put(s3, key)
    found, markers, folders = versions(s3, Prefix="p/", Delimiter="/")
    assert ([key for key, _ in found], markers, folders) == (["p/top"], [], ["p/one/", "p/two/"])


def test_the_one_version_of_a_bucket_without_versions(aws):
    aws.make_bucket("mine")
    s3 = aws.client("s3")
    put(s3, "k", b"1")
    put(s3, "k", b"2")
    assert versions(s3) == ([("k", "null")], [], [])
    objects = [{"Key": "k", "VersionId": "null"}]
    s3.delete_objects(Bucket="mine", Delete={"Objects": objects})
    assert versions(s3) == ([], [], [])


def test_conditions_of_writing(aws):
    aws.make_bucket("mine")
    s3 = aws.client("s3")
    etag = put(s3, "k", b"1", IfNoneMatch="*")["ETag"]
    assert refusal(put, s3, "k", b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    newer = put(s3, "k", b"2", IfMatch=etag)["ETag"]
    assert refusal(put, s3, "k", b"3", IfMatch=etag) == ("PreconditionFailed", 412)
    assert s3.head_object(Bucket="mine", Key="k")["ETag"] == newer


def test_tags_are_put_read_and_copied(aws):
    aws.make_bucket("mine")
    s3 = aws.client("s3")
    put(s3, "k", Tagging="a=1&b=2")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    assert s3.get_object_tagging(Bucket="mine", Key="k")["TagSet"] == tags
    extra = {
        "MetadataDirective": "REPLACE",
        "ContentType": "text/plain",
        "TaggingDirective": "REPLACE",
        "Tagging": "a=3",
    }
    s3.copy({"Bucket": "mine", "Key": "k"}, "mine", "k", ExtraArgs=extra)
    tags = [{"Key": "a", "Value": "3"}]
    assert s3.get_object_tagging(Bucket="mine", Key="k")["TagSet"] == tags
    assert s3.head_object(Bucket="mine", Key="k")["ContentType"] == "text/plain"
    assert refusal(s3.get_object_tagging, Bucket="mine", Key="none") == ("NoSuchKey", 404)


def test_a_copy_from_another_bucket_takes_the_newest_version(aws):
    aws.make_bucket("mine", is_versioned=True)
    aws.make_bucket("other")
    s3 = aws.client("s3")
    put(s3, "k", b"old")
    put(s3, "k", b"new", ContentType="text/plain")
    s3.copy({"Bucket": "mine", "Key": "k"}, "other", "to", ExtraArgs={})
    answer = s3.get_object(Bucket="other", Key="to")
    assert (answer["Body"].read(), answer["ContentType"]) == (b"new", "text/plain")


def test_unfinished_uploads_are_listed_and_aborted(aws):
    aws.make_bucket("mine")
    s3 = aws.client("s3")
    mine = s3.create_multipart_upload(Bucket="mine", Key="p/model.bin")["UploadId"]
    s3.create_multipart_upload(Bucket="mine", Key="video.mp4")
    uploads = s3.list_multipart_uploads(Bucket="mine", Prefix="p/")["Uploads"]
    assert [(item["Key"], item["UploadId"]) for item in uploads] == [("p/model.bin", mine)]
    place = {"Bucket": "mine", "Key": "p/model.bin"}
    s3.abort_multipart_upload(**place, UploadId=mine)
    assert s3.list_multipart_uploads(Bucket="mine", Prefix="p/").get("Uploads", []) == []
    assert [item["Key"] for item in s3.list_multipart_uploads(Bucket="mine")["Uploads"]] == [
        "video.mp4"
    ]
    assert refusal(s3.abort_multipart_upload, **place, UploadId=mine) == ("NoSuchUpload", 404)


def test_parts_become_an_object(aws):
    aws.make_bucket("mine")
    s3, place = aws.client("s3"), {"Bucket": "mine", "Key": "model.bin"}
    place |= {"UploadId": s3.create_multipart_upload(**place)["UploadId"]}
    bodies = [b"a" * (5 << 20), b"b"]
    parts = [
        {"PartNumber": n, "ETag": s3.upload_part(**place, PartNumber=n, Body=body)["ETag"]}
        for n, body in enumerate(bodies, 1)
    ]
    listed = s3.list_parts(**place)["Parts"]
    assert [(item["PartNumber"], item["Size"]) for item in listed] == [(1, 5 << 20), (2, 1)]
    s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket="mine", Key="model.bin")["Body"].read() == b"".join(bodies)
    assert s3.list_multipart_uploads(Bucket="mine").get("Uploads", []) == []


def test_an_object_tells_when_it_expires(aws):
    aws.make_bucket("mine", expires_after_days=90)
    s3 = aws.client("s3")
    put(s3, "k")
    expiration = s3.head_object(Bucket="mine", Key="k")["Expiration"]
    assert 'rule-id="expire"' in expiration


# Application Auto Scaling


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


def test_a_policy_that_is_not_there_cannot_be_deleted(scaling):
    code, _ = refusal(scaling.delete_scaling_policy, **PLACE, PolicyName="gpu")
    assert code == "ObjectNotFoundException"


def test_policies_by_name(scaling):
    put_policy(scaling)
    describe = scaling.describe_scaling_policies
    assert len(describe(**SERVICE, PolicyNames=["gpu"])["ScalingPolicies"]) == 1
    assert describe(**SERVICE, PolicyNames=["other"])["ScalingPolicies"] == []


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


def test_a_deregistered_target_takes_its_policies_along(scaling):
    put_policy(scaling)
    scaling.deregister_scalable_target(**PLACE)
    assert scaling.describe_scaling_policies(**SERVICE)["ScalingPolicies"] == []


def test_a_policy_needs_a_target(aws):
    scaling = aws.client("application-autoscaling")
    code, _ = refusal(put_policy, scaling)
    assert code == "ObjectNotFoundException"


# EventBridge


TARGET = {"Id": "1", "Arn": f"arn:aws:lambda:{REGION}:123456789012:function:f", "Input": "{}"}


def test_a_rule_is_made_and_removed(aws):
    events = aws.client("events")
    arn = events.put_rule(Name="poll", ScheduleExpression="rate(2 minutes)")["RuleArn"]
    assert arn == f"arn:aws:events:{REGION}:123456789012:rule/poll"
    assert events.put_rule(Name="poll", ScheduleExpression="rate(2 minutes)")["RuleArn"] == arn
    events.put_targets(Rule="poll", Targets=[TARGET])
    events.remove_targets(Rule="poll", Ids=["1"])
    events.delete_rule(Name="poll")


def test_a_rule_with_targets_is_not_deleted(aws):
    events = aws.client("events")
    events.put_rule(Name="poll", ScheduleExpression="rate(2 minutes)")
    events.put_targets(Rule="poll", Targets=[TARGET])
    code, _ = refusal(events.delete_rule, Name="poll")
    assert code == "ValidationException"


def test_targets_need_a_rule(aws):
    events = aws.client("events")
    code, _ = refusal(events.put_targets, Rule="none", Targets=[TARGET])
    assert code == "ResourceNotFoundException"


# SageMaker


TAGS = [{"Key": "whisper-sagemaker:stack", "Value": "s"}]
SOURCE = {"S3Uri": "s3://b/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}


def make_model(sagemaker, name="calls"):
    container = {"Image": "image", "ModelDataSource": {"S3DataSource": SOURCE}}
    role = "arn:aws:iam::123456789012:role/r"
    return sagemaker.create_model(
        ModelName=name, PrimaryContainer=container, ExecutionRoleArn=role, Tags=TAGS
    )["ModelArn"]


def make_config(sagemaker, name="calls", model="calls"):
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": model,
        # moto knows no newer types.
        "InstanceType": "ml.m4.xlarge",
        "InitialInstanceCount": 1,
    }
    return sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant], Tags=TAGS
    )["EndpointConfigArn"]


def make_endpoint(sagemaker):
    make_model(sagemaker)
    make_config(sagemaker)
    return sagemaker.create_endpoint(EndpointName="calls", EndpointConfigName="calls", Tags=TAGS)[
        "EndpointArn"
    ]


MAKE = {"model": make_model, "endpoint config": make_config, "endpoint": make_endpoint}


@pytest.fixture
def sagemaker(aws):
    return aws.client("sagemaker")


def test_models(sagemaker):
    assert make_model(sagemaker) == f"{ARN}:model/calls"
    model = sagemaker.describe_model(ModelName="calls")
    assert model["PrimaryContainer"]["ModelDataSource"] == {"S3DataSource": SOURCE}
    assert sagemaker.list_tags(ResourceArn=f"{ARN}:model/calls")["Tags"] == TAGS
    make_model(sagemaker, "other")
    listed = sagemaker.list_models()["Models"]
    assert {(m["ModelName"], m["ModelArn"]) for m in listed} == {
        (name, f"{ARN}:model/{name}") for name in ("calls", "other")
    }
    sagemaker.delete_model(ModelName="calls")
    assert [m["ModelName"] for m in sagemaker.list_models()["Models"]] == ["other"]


def test_models_by_a_part_of_their_name(sagemaker):
    for name in ("calls", "other"):
        make_model(sagemaker, name)
    listed = sagemaker.list_models(NameContains="call")["Models"]
    assert [item["ModelName"] for item in listed] == ["calls"]


def test_endpoint_configs(sagemaker):
    make_model(sagemaker)
    arn = make_config(sagemaker)
    assert arn == f"{ARN}:endpoint-config/calls"
    config = sagemaker.describe_endpoint_config(EndpointConfigName="calls")
    (variant,) = config["ProductionVariants"]
    assert (variant["ModelName"], variant["InstanceType"]) == ("calls", "ml.m4.xlarge")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS
    listed = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert [item["EndpointConfigName"] for item in listed] == ["calls"]
    sagemaker.delete_endpoint_config(EndpointConfigName="calls")
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []


@pytest.mark.parametrize("call", MISSING)
def test_what_does_not_exist(sagemaker, call):
    name, _ = MISSING[call]
    code, _ = message(getattr(sagemaker, call), **{name: "no"})
    assert code == "ValidationException"


@pytest.mark.parametrize("call", MISSING)
def test_the_words_for_what_does_not_exist(sagemaker, call):
    name, noun = MISSING[call]
    part = noun.replace("configuration", "config").replace(" ", "-")
    _, said = message(getattr(sagemaker, call), **{name: "No"})
    assert said == f'Could not find {noun} "{ARN}:{part}/no".'


@pytest.mark.parametrize("kind", ["model", "endpoint config"])
def test_a_name_is_taken_once(sagemaker, kind):
    make_model(sagemaker, "calls")
    if kind == "endpoint config":
        make_config(sagemaker)
    code, said = message(MAKE[kind], sagemaker=sagemaker)
    assert code == "ValidationException"
    assert said.startswith("Cannot create already existing")


def test_a_config_needs_its_model(sagemaker):
    code, said = message(make_config, sagemaker=sagemaker, model="none")
    assert (code, said) == ("ValidationException", f'Could not find model "{ARN}:model/none".')


def test_an_endpoint_is_created_and_then_in_service(sagemaker):
    arn = make_endpoint(sagemaker)
    assert arn == f"{ARN}:endpoint/calls"
    assert sagemaker.describe_endpoint(EndpointName="calls")["EndpointStatus"] == "Creating"
    state = sagemaker.describe_endpoint(EndpointName="calls")
    assert state["EndpointStatus"] == "InService"


def test_an_endpoint_lives_and_is_deleted(sagemaker):
    arn = make_endpoint(sagemaker)
    sagemaker.describe_endpoint(EndpointName="calls")
    state = sagemaker.describe_endpoint(EndpointName="calls")
    assert (state["EndpointStatus"], state["EndpointConfigName"]) == ("InService", "calls")
    (variant,) = state["ProductionVariants"]
    assert (variant["VariantName"], variant["CurrentInstanceCount"]) == ("AllTraffic", 1)
    listed = sagemaker.list_endpoints(NameContains="calls")["Endpoints"]
    assert [(item["EndpointName"], item["EndpointStatus"]) for item in listed] == [
        ("calls", "InService")
    ]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": "1"}])
    tags = sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert {tag["Key"] for tag in tags} == {"more", TAGS[0]["Key"]}
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["more"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == TAGS
    sagemaker.delete_endpoint(EndpointName="calls")
    assert sagemaker.list_endpoints()["Endpoints"] == []


def test_an_endpoint_is_updated(sagemaker):
    make_endpoint(sagemaker)
    for _ in range(2):
        sagemaker.describe_endpoint(EndpointName="calls")
    make_config(sagemaker, "newer")
    sagemaker.update_endpoint(EndpointName="calls", EndpointConfigName="newer")
    for _ in range(2):
        state = sagemaker.describe_endpoint(EndpointName="calls")
    assert (state["EndpointStatus"], state["EndpointConfigName"]) == ("InService", "newer")
