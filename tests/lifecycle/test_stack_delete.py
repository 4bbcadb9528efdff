# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import time
from contextlib import contextmanager
from types import SimpleNamespace

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud.sagemaker.control_plane import ValidationException
from local_cloud.sagemaker.hosting import Health
from tests.lifecycle.calls import missing
from tests.lifecycle.publishing import ARTIFACTS
from tests.lifecycle.world import MODEL

MADE_UP = "calls-WhisperModelDeployment-1K2J3H4G5F6D"


@pytest.fixture
def own_bucket(world):
    world.s3.create_bucket(Bucket="mine")
    versioning = {"Status": "Enabled"}
    world.s3.put_bucket_versioning(Bucket="mine", VersioningConfiguration=versioning)
    for key in ("recording.wav", "whisper-sagemaker/other/model.bin", "whisper-sagemaker/readme"):
        world.s3.put_object(Bucket="mine", Key=key, Body=b"an old version")
        world.s3.put_object(Bucket="mine", Key=key, Body=key.encode())
    world.s3.put_object(Bucket="mine", Key="deleted", Body=b"x")
    world.s3.delete_object(Bucket="mine", Key="deleted")
    yield "mine"
    answer = world.s3.list_object_versions(Bucket="mine")
    for item in answer.get("Versions", []) + answer.get("DeleteMarkers", []):
        world.s3.delete_object(Bucket="mine", Key=item["Key"], VersionId=item["VersionId"])
    world.s3.delete_bucket(Bucket="mine")


def everything_in(world, bucket):
    answer = world.s3.list_object_versions(Bucket=bucket)
    return {
        kind: {(item["Key"], item["VersionId"]) for item in answer.get(kind, [])}
        for kind in ("Versions", "DeleteMarkers")
    }


def test_a_deleted_stack_leaves_nothing(world):
    before = world.inventory()
    stack = world.create()
    assert sum((world.inventory() - before).values()) > 10
    assert world.delete(stack).status == "DELETE_COMPLETE"
    assert world.inventory() - before == {}
    assert world.hosting.running == {}


def test_a_bucket_of_ones_own_keeps_all_but_ours(world, own_bucket):
    before = everything_in(world, own_bucket)
    stack = world.create(S3BucketName=own_bucket)
    assert stack.status == "CREATE_COMPLETE", stack.reason
    assert stack.outputs["S3BucketName"] == own_bucket
    world.update(stack, ModelS3Uri=f"s3://{ARTIFACTS}/model-b/")
    assert everything_in(world, own_bucket) != before
    # What the versions of an archive are hidden behind must go too, and what never became one.
    prefix = world.served(stack.endpoint_name).removeprefix(f"s3://{own_bucket}/")
    world.s3.delete_object(Bucket=own_bucket, Key=f"{prefix}config.yaml")
    world.s3.create_multipart_upload(Bucket=own_bucket, Key=f"{prefix}weights/unfinished.bin")
    foreign = world.s3.create_multipart_upload(Bucket=own_bucket, Key="video.mp4")["UploadId"]
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert everything_in(world, own_bucket) == before
    uploads = world.s3.list_multipart_uploads(Bucket=own_bucket)["Uploads"]
    assert [upload["UploadId"] for upload in uploads] == [foreign]
    world.s3.abort_multipart_upload(Bucket=own_bucket, Key="video.mp4", UploadId=foreign)


def test_a_bucket_that_is_gone_is_no_obstacle(world):
    world.s3.create_bucket(Bucket="short-lived")
    stack = world.create(S3BucketName="short-lived")
    for key in world.keys("short-lived"):
        world.s3.delete_object(Bucket="short-lived", Key=key)
    world.s3.delete_bucket(Bucket="short-lived")
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason


@contextmanager
def denied(bucket, *operations):
    """Have S3 refuse the function some operations in a bucket, or all of them."""

    def refuse(params, model, **_):
        if params.get("Bucket") == bucket and (not operations or model.name in operations):
            raise ClientError({"Error": {"Code": "AccessDenied"}}, model.name)

    events = boto3.client("s3").meta.events  # of the function's own client
    events.register("before-parameter-build.s3", refuse)
    try:
        yield
    finally:
        events.unregister("before-parameter-build.s3", refuse)


def test_a_name_that_is_of_somebody_elses_bucket(world):
    world.s3.create_bucket(Bucket="theirs")
    world.s3.put_object(Bucket="theirs", Key="whisper-sagemaker/x", Body=b"theirs")
    with denied("theirs"):
        stack = world.create(S3BucketName="theirs")
        assert stack.status == "ROLLBACK_COMPLETE", stack.reason
        reason = world.reason_of(stack, "WhisperModelArchive")
        assert reason.startswith("S3BucketName must be a bucket of this account in this Region")

        stack = world.create()
        served = world.served(stack.endpoint_name)
        assert world.update(stack, S3BucketName="theirs").status == "UPDATE_ROLLBACK_COMPLETE"
        assert world.served(stack.endpoint_name) == served
        assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert world.keys("theirs") == {"whisper-sagemaker/x"}
    world.s3.delete_object(Bucket="theirs", Key="whisper-sagemaker/x")
    world.s3.delete_bucket(Bucket="theirs")


def test_a_bucket_of_before_whose_uploads_may_not_be_seen(world):
    for bucket in ("mine-1", "mine-2"):
        world.s3.create_bucket(Bucket=bucket)
    stack = world.create(S3BucketName="mine-1")
    with denied("mine-1", "ListMultipartUploads"):
        assert world.update(stack, S3BucketName="mine-2").status == "UPDATE_COMPLETE"
        assert world.keys("mine-1") == set()
        assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    for bucket in ("mine-1", "mine-2"):
        world.s3.delete_bucket(Bucket=bucket)


def test_an_unfinished_upload_in_a_bucket_of_before_goes_too(world):
    for bucket in ("mine-1", "mine-2"):
        world.s3.create_bucket(Bucket=bucket)
    stack = world.create(S3BucketName="mine-1")
    home = world.properties("WhisperModelArchive", stack)["Prefix"]
    world.s3.create_multipart_upload(Bucket="mine-1", Key=f"{home}{'0' * 32}/weights/model.bin")
    began = len(world.calls.invocations)
    assert world.update(stack, S3BucketName="mine-2").status == "UPDATE_COMPLETE"
    assert "Uploads" not in world.s3.list_multipart_uploads(Bucket="mine-1")
    # Only the lease may be refused there.
    assert missing(world.calls.invocations[began:]) == [
        f"s3:PutObject arn:aws:s3:::mine-1/{home}lease.json"
    ]
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    for bucket in ("mine-1", "mine-2"):
        world.s3.delete_bucket(Bucket=bucket)


def test_an_endpoint_that_is_still_being_created(world, monkeypatch):
    """The request's time is over while the container starts: SageMaker refuses to delete it yet."""
    before = world.inventory()
    world.hosting.outcome = (Health.STARTING, "")

    def clock():
        return time.time() + (3500 if world.hosting.started else 0)

    monkeypatch.setattr(world.functions.handler, "time", SimpleNamespace(time=clock))
    stack = world.begin(EndpointName="slow")
    deletes = []
    handle = world.cloud.sagemaker.handle

    def watched(operation, request):
        if operation == "DescribeEndpoint" and deleting(world, stack):
            deletes.append(operation)
            if len(deletes) == 3:
                (name,) = world.hosting.running
                world.hosting.running[name] = (Health.READY, "")
        return handle(operation, request)

    monkeypatch.setattr(world.cloud.sagemaker, "handle", watched)
    world.settled(stack)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert world.reason_of(stack, "WhisperModelDeployment") == (
        "Try again, and if it stays so look into /aws/lambda/whisper: after 60 minutes "
        "WhisperModelDeployment was not done."
    )
    assert len(deletes) > 3
    assert world.inventory() - before == {"stacks": 1}
    assert world.hosting.running == {}


def deleting(world, stack):
    return any(
        event.logical_id == "WhisperModelDeployment" and event.status == "DELETE_IN_PROGRESS"
        for event in world.cloud.cloudformation.stack(stack.id).events
    )


def test_an_endpoint_that_has_failed(world):
    stack = world.create()
    world.cloud.sagemaker.endpoints[stack.endpoint_name].status = "Failed"
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason


def test_an_endpoint_that_somebody_has_deleted(world):
    stack = world.create()
    world.sagemaker.delete_endpoint(EndpointName=stack.endpoint_name)
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason
    assert world.models() == world.configs() == set()


def test_a_made_up_id_deletes_what_is_ours_and_nothing_else(world, foreign_endpoint):
    ours, other = world.create(EndpointName="calls"), world.create(EndpointName="calls-2")
    answer = world.send(ours, "WhisperModelDeployment", "Delete", PhysicalResourceId=MADE_UP)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", MADE_UP)
    assert world.endpoints() == {"calls-2", "taken"}
    assert world.served("calls-2") == world.resource(other, "WhisperModelArchive")
    assert world.served("taken") == "s3://theirs/m/"
    assert len(world.models()) == len(world.configs()) == 2


@pytest.mark.parametrize("identity", ["taken", "not a name of anything", "x" * 200])
def test_ids_that_are_not_ours(world, foreign_endpoint, identity):
    stack = world.create(EndpointName="calls")
    properties = world.properties("WhisperModelDeployment", stack) | {"EndpointName": "taken"}
    answer = world.send(
        stack,
        "WhisperModelDeployment",
        "Delete",
        PhysicalResourceId=identity,
        ResourceProperties=properties,
    )
    assert answer["Status"] == "SUCCESS"
    assert world.endpoints() == {"calls", "taken"}
    assert world.served("taken") == "s3://theirs/m/"
    assert world.served("calls") == world.resource(stack, "WhisperModelArchive")


def test_a_made_up_id_of_an_archive_spares_what_a_model_uses(world, monkeypatch):
    stack, other = world.create(), world.create()
    handle = world.cloud.sagemaker.handle

    def listing_what_is_just_gone(operation, request):
        answer = handle(operation, request)
        if operation == "ListModels":
            gone = {"ModelName": "gone", "ModelArn": "arn:aws:gone:1:1:m/1", "CreationTime": 0}
            answer["Models"].append(gone)
        return answer

    monkeypatch.setattr(world.cloud.sagemaker, "handle", listing_what_is_just_gone)
    bucket, served = stack.outputs["S3BucketName"], world.served(stack.endpoint_name)
    home = served.removeprefix(f"s3://{bucket}/").rsplit("/", 2)[0]
    world.s3.put_object(Bucket=bucket, Key=f"{home}/0000/weights/model.bin", Body=b"unfinished")
    world.s3.create_multipart_upload(Bucket=bucket, Key=f"{home}/1111/weights/model.bin")
    answer = world.send(stack, "WhisperModelArchive", "Delete", PhysicalResourceId="no-archive")
    assert answer["Status"] == "SUCCESS"
    assert world.archives(bucket) == {served}
    assert all(f"s3://{bucket}/{key}".startswith(served) for key in world.keys(bucket))
    assert "Uploads" not in world.s3.list_multipart_uploads(Bucket=bucket)
    assert len(world.archives(other.outputs["S3BucketName"])) == 1


@pytest.mark.parametrize(
    "prefix", ["whisper-sagemaker/", "whisper-sagemaker/st", "", "/", "other/"]
)
def test_a_prefix_that_is_no_stacks_is_left_alone(world, prefix):
    stack = world.create()
    bucket = stack.outputs["S3BucketName"]
    for key in ("whisper-sagemaker/stack/1/model.bin", "whisper-sagemaker/x", "other/1/x"):
        world.s3.put_object(Bucket=bucket, Key=key, Body=b"not this stack's")
    before = world.keys(bucket)
    properties = world.properties("WhisperModelArchive", stack) | {"Prefix": prefix}
    answer = world.send(
        stack,
        "WhisperModelArchive",
        "Delete",
        PhysicalResourceId="no-archive",
        ResourceProperties=properties,
    )
    assert answer["Status"] == "SUCCESS"
    assert world.keys(bucket) == before
    for key in ("whisper-sagemaker/stack/1/model.bin", "whisper-sagemaker/x", "other/1/x"):
        world.s3.delete_object(Bucket=bucket, Key=key)


def test_a_delete_that_sagemaker_refuses_says_so_and_can_be_tried_again(world, monkeypatch):
    stack = world.create()
    handle = world.cloud.sagemaker.handle

    def refusing(operation, request):
        if operation == "DeleteEndpoint":
            raise ValidationException("the account is suspended")
        return handle(operation, request)

    with monkeypatch.context() as patch:
        patch.setattr(world.cloud.sagemaker, "handle", refusing)
        assert world.delete(stack).status == "DELETE_FAILED"
    assert "the account is suspended" in stack.reason
    assert world.invoke(stack.endpoint_name)["text"]
    assert world.delete(stack).status == "DELETE_COMPLETE", stack.reason


def test_a_create_that_is_delivered_twice_makes_one_of_each(world):
    stack = world.create()
    name = stack.endpoint_name
    uri = world.resource(stack, "WhisperModelArchive")
    world.send(stack, "WhisperModelDeployment", "Delete", PhysicalResourceId=name)
    world.send(stack, "WhisperModelArchive", "Delete", PhysicalResourceId=uri)
    assert world.keys(stack.outputs["S3BucketName"]) == set()
    answer = world.send(stack, "WhisperModelArchive", "Create", times=2)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", uri)
    assert answer["Data"]["S3Uri"] == uri
    answer = world.send(stack, "WhisperModelDeployment", "Create", times=2)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", name)
    assert world.endpoints() == {name}
    assert len(world.models()) == len(world.configs()) == 1
    assert world.served(name) == uri
    weights = {key.rsplit("/", 1)[1] for key in world.keys(stack.outputs["S3BucketName"])}
    assert {"model.bin", "manifest.json"} <= weights
    assert "README.md" in MODEL
    assert "README.md" not in weights


def test_an_update_and_a_delete_that_are_delivered_twice(world):
    stack = world.create()
    name = stack.endpoint_name
    changed = world.properties("WhisperModelDeployment", stack) | {"InstanceCount": "2"}
    update = {"PhysicalResourceId": name, "ResourceProperties": changed}
    answer = world.send(stack, "WhisperModelDeployment", "Update", times=2, **update)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", name)
    assert len(world.models()) == len(world.configs()) == 1
    assert world.endpoint(name)["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    delete = {"PhysicalResourceId": name, "ResourceProperties": changed}
    answer = world.send(stack, "WhisperModelDeployment", "Delete", times=2, **delete)
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", name)
    assert world.endpoints() == world.models() == world.configs() == set()
