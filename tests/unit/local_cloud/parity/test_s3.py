# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest

from tests.unit.local_cloud.parity.calls import refusal


@pytest.fixture
def s3(aws):
    aws.make_bucket("mine")
    return aws.client("s3")


@pytest.fixture
def versioned(aws):
    aws.make_bucket("mine", is_versioned=True)
    return aws.client("s3")


def put(s3, key, body=b"x", **more):
    return s3.put_object(Bucket="mine", Key=key, Body=body, **more)


def versions(s3, **request):
    answer = s3.list_object_versions(Bucket="mine", **request)
    return (
        [(item["Key"], item["VersionId"]) for item in answer.get("Versions", [])],
        [item["Key"] for item in answer.get("DeleteMarkers", [])],
        [item["Prefix"] for item in answer.get("CommonPrefixes", [])],
    )


def test_an_object_is_put_read_and_deleted(s3):
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


@pytest.mark.differs(moto="it names the code where AWS cannot")
def test_a_head_in_a_bucket_that_does_not_exist(aws):
    head = aws.client("s3").head_object
    assert refusal(head, Bucket="none", Key="x") == ("404", 404)


def test_keys_are_listed_by_prefix_in_order(s3):
    for key in ("p/b", "p/a", "q/c"):
        put(s3, key, key.encode())
    listed = s3.list_objects_v2(Bucket="mine", Prefix="p/")["Contents"]
    assert [(item["Key"], item["Size"]) for item in listed] == [("p/a", 3), ("p/b", 3)]
    assert s3.list_objects_v2(Bucket="mine", Prefix="none").get("Contents", []) == []
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket="mine", Prefix="q/")
    assert [item["Key"] for page in pages for item in page.get("Contents", [])] == ["q/c"]


def test_versions_are_kept_hidden_and_removed_one_by_one(versioned):
    s3 = versioned
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


def test_folders_of_versions(versioned):
    s3 = versioned
    for key in ("p/one/x", "p/one/y", "p/two/x", "p/top"):
        put(s3, key)
    found, markers, folders = versions(s3, Prefix="p/", Delimiter="/")
    assert ([key for key, _ in found], markers, folders) == (["p/top"], [], ["p/one/", "p/two/"])


def test_the_one_version_of_a_bucket_without_versions(s3):
    put(s3, "k", b"1")
    put(s3, "k", b"2")
    assert versions(s3) == ([("k", "null")], [], [])
    objects = [{"Key": "k", "VersionId": "null"}]
    s3.delete_objects(Bucket="mine", Delete={"Objects": objects})
    assert versions(s3) == ([], [], [])


def test_conditions_of_writing(s3):
    etag = put(s3, "k", b"1", IfNoneMatch="*")["ETag"]
    assert refusal(put, s3, "k", b"2", IfNoneMatch="*") == ("PreconditionFailed", 412)
    newer = put(s3, "k", b"2", IfMatch=etag)["ETag"]
    assert refusal(put, s3, "k", b"3", IfMatch=etag) == ("PreconditionFailed", 412)
    assert s3.head_object(Bucket="mine", Key="k")["ETag"] == newer


def test_tags_are_put_read_and_copied(s3):
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


def test_unfinished_uploads_are_listed_and_aborted(s3):
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


def test_parts_become_an_object(s3):
    place = {"Bucket": "mine", "Key": "model.bin"}
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


@pytest.mark.differs(moto="its S3 sends no x-amz-expiration")
def test_an_object_tells_when_it_expires(aws):
    aws.make_bucket("mine", expires_after_days=90)
    s3 = aws.client("s3")
    put(s3, "k")
    expiration = s3.head_object(Bucket="mine", Key="k")["Expiration"]
    assert 'rule-id="expire"' in expiration
