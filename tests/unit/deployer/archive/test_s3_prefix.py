# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from deploy_whisper.archive.s3_prefix import delete_prefix, prefixes, require_region
from whisper_sagemaker.errors import InvalidProperty


class TestDeletePrefix:
    @pytest.fixture
    def bucket(self, s3):
        s3.put_bucket_versioning(Bucket="bucket", VersioningConfiguration={"Status": "Enabled"})
        for key in ("home/a/x", "home/a/y", "home/ab", "home/b/x", "other/a/x", "home"):
            s3.put_object(Bucket="bucket", Key=key, Body=b"1")
            s3.put_object(Bucket="bucket", Key=key, Body=b"2")
        s3.delete_object(Bucket="bucket", Key="home/a/y")
        s3.delete_object(Bucket="bucket", Key="home/b/x")
        for key in ("home/a/big", "home/b/big"):
            s3.create_multipart_upload(Bucket="bucket", Key=key)
        return "bucket"

    def left(self, s3):
        answer = s3.list_object_versions(Bucket="bucket")
        versions = [i["Key"] for i in answer.get("Versions", []) + answer.get("DeleteMarkers", [])]
        uploads = s3.list_multipart_uploads(Bucket="bucket").get("Uploads", [])
        return sorted(versions), sorted(upload["Key"] for upload in uploads)

    def test_versions_markers_and_uploads_go_and_neighbours_stay(self, s3, bucket):
        assert delete_prefix(s3, bucket, "home/a/") == 6
        assert self.left(s3) == (
            sorted(["home/ab", "home/b/x", "other/a/x", "home"] * 2 + ["home/b/x"]),
            ["home/b/big"],
        )
        assert delete_prefix(s3, bucket, "home/a/") == 0

    @pytest.mark.parametrize("prefix", ["", "/", "home", "home/a", "/home/a/"])
    def test_prefixes_that_could_hit_a_neighbour_are_refused(self, s3, bucket, prefix):
        before = self.left(s3)
        with pytest.raises(ValueError, match="refusing to delete below"):
            delete_prefix(s3, bucket, prefix)
        assert self.left(s3) == before

    def test_more_objects_than_one_page(self, s3):
        s3.meta.events.register(
            "before-parameter-build.s3.ListObjectVersions",
            lambda params, **_: params.update(MaxKeys=2),
        )
        for number in range(7):
            s3.put_object(Bucket="bucket", Key=f"home/a/{number}", Body=b"")
        assert delete_prefix(s3, "bucket", "home/a/") == 7
        assert self.left(s3) == ([], [])

    def test_a_bucket_that_is_gone_is_empty(self, s3):
        assert delete_prefix(s3, "no-such-bucket", "home/a/") == 0
        assert prefixes(s3, "no-such-bucket", "home/") == []

    @pytest.mark.parametrize("code", ["AccessDenied", "PermanentRedirect"])
    @pytest.mark.parametrize(
        ("operation", "others"), [("ListObjectVersions", 1), ("ListMultipartUploads", 5)]
    )
    def test_what_may_not_be_listed_stays(self, s3, bucket, caplog, operation, others, code):
        def refuse(**_):
            raise ClientError({"Error": {"Code": code}}, operation)

        s3.meta.events.register(f"before-parameter-build.s3.{operation}", refuse)
        assert prefixes(s3, bucket, "home/") == ["home/a/", "home/b/"]
        assert delete_prefix(s3, bucket, "home/a/") == others
        assert f"objects below s3://bucket/home/a/, if any, were not deleted: {code}" in caplog.text

    @pytest.mark.parametrize("operation", ["ListObjectVersions", "ListMultipartUploads"])
    def test_a_listing_that_fails_for_now_is_no_empty_one(self, s3, bucket, operation):
        def fail(**_):
            raise ClientError({"Error": {"Code": "SlowDown"}}, operation)

        s3.meta.events.register(f"before-parameter-build.s3.{operation}", fail)
        with pytest.raises(ClientError, match="SlowDown"):
            prefixes(s3, bucket, "home/")
        with pytest.raises(ClientError, match="SlowDown"):
            delete_prefix(s3, bucket, "home/a/")

    def test_a_refusal_is_not_passed_over(self, s3):
        s3.put_object(Bucket="bucket", Key="home/a/x", Body=b"")
        locked = {"Key": "home/a/x", "Code": "AccessDenied", "Message": "the object is locked"}
        listing = s3.list_object_versions(Bucket="bucket")
        del listing["ResponseMetadata"]
        with Stubber(s3) as stub:
            stub.add_response("list_object_versions", listing)
            stub.add_response("delete_objects", {"Errors": [locked]})
            with pytest.raises(ClientError, match="the object is locked"):
                delete_prefix(s3, "bucket", "home/a/")

    def test_the_archives_of_a_stack(self, s3, bucket):
        s3.create_multipart_upload(Bucket="bucket", Key="home/only-an-upload/weights/big")
        assert prefixes(s3, bucket, "home/") == ["home/a/", "home/b/", "home/only-an-upload/"]
        assert prefixes(s3, bucket, "nothing/") == []


@pytest.mark.parametrize(
    ("place", "region", "is_refused"),
    [
        (None, "us-east-1", False),
        ("eu-central-1", "us-east-1", True),
        ("EU", "eu-west-1", False),
        (None, "eu-west-1", True),
    ],
)
def test_a_bucket_of_another_region_is_refused(place, region, is_refused):
    client = boto3.client("s3", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    with Stubber(client) as stub:
        stub.add_response("get_bucket_location", {"LocationConstraint": place} if place else {})
        if is_refused:
            with pytest.raises(
                InvalidProperty, match=f"^S3BucketName must be a bucket in {region}"
            ):
                require_region(client, "mine", region)
        else:
            require_region(client, "mine", region)


def test_a_region_that_may_not_be_seen_refuses_nothing(s3):
    require_region(s3, "no-such-bucket", "eu-west-1")
