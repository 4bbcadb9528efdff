# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import hashlib
import math
import time
import tracemalloc

import boto3
import pytest
from botocore.exceptions import ClientError

from deploy_whisper.archive import upload as staging
from deploy_whisper.archive.hub import Hub
from deploy_whisper.archive.upload import DIGEST_TAG, Destination, upload
from deploy_whisper.budget import Budget
from tests.fakes.object_store import Bucket, ObjectStore
from tests.fakes.stand_ins import served
from tests.unit.deployer.conftest import REPOSITORY, REVISION
from whisper_sagemaker.errors import WeightsCorrupt

PART = 5 << 20
"""The least that S3 takes for a part that is not the last."""

OWNER = {"owner": "arn:aws:cloudformation:us-east-1:123456789012:stack/calls/1"}
KEY = "home/weights/model.bin"


class Killed(BaseException):
    """The Lambda function's process is gone."""


class KilledAfter(Budget):
    """A budget that is never spent, until the process is killed."""

    def __init__(self, looks):
        super().__init__(math.inf)
        self._looks = looks

    def spent(self):
        self._looks -= 1
        if self._looks < 0:
            raise Killed
        return False


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(staging, "PART_BYTES", PART)


@pytest.fixture
def data():
    return b"".join(hashlib.sha256(bytes([n % 251, n // 251])).digest() * 1000 for n in range(600))


@pytest.fixture
def stand_in(serve, data):
    return serve({"model.bin": data})


@pytest.fixture
def hub(stand_in):
    return Hub(stand_in.url, REPOSITORY, REVISION, sleep=lambda seconds: None)


@pytest.fixture
def file(hub):
    (file,) = hub.files()
    return file


@pytest.fixture
def to(s3):
    return Destination(s3, "bucket", KEY, OWNER)


def content(s3):
    return s3.get_object(Bucket="bucket", Key=KEY)["Body"].read()


def uploads(s3):
    return s3.list_multipart_uploads(Bucket="bucket").get("Uploads", [])


def parts(s3):
    (unfinished,) = uploads(s3)
    listed = s3.list_parts(Bucket="bucket", Key=KEY, UploadId=unfinished["UploadId"])
    return [part["Size"] for part in listed.get("Parts", [])]


def ranges(stand_in):
    return [r[2].get("Range") for r in stand_in.script.requests if r[0] == "storage"]


def test_a_file_arrives_whole_and_marked(s3, hub, file, to, data):
    assert upload(hub, file, to, Budget(60)) is True
    assert content(s3) == data
    tags = s3.get_object_tagging(Bucket="bucket", Key=KEY)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == OWNER | {DIGEST_TAG: file.digest}
    assert to.holds(file.digest)
    assert to.size() == len(data)
    assert uploads(s3) == []


def test_small_and_empty_files(s3, serve):
    stand_in = serve({"a.json": b"{}", "empty": b""})
    hub = Hub(stand_in.url, REPOSITORY, REVISION)
    for file in hub.files():
        to = Destination(s3, "bucket", file.path, {})
        assert upload(hub, file, to, Budget(60)) is True
        assert to.holds(file.digest)
        assert to.size() == file.size


def test_a_spent_budget_keeps_the_parts(s3, stand_in, hub, file, to, data):
    for sent in (1, 2, 3):
        assert upload(hub, file, to, Budget(0)) is False
        assert parts(s3) == [PART] * sent
        assert not to.holds(file.digest)
        assert to.size() is None
    assert upload(hub, file, to, Budget(60)) is True
    assert content(s3) == data
    assert to.holds(file.digest)
    assert ranges(stand_in) == [None, f"bytes={PART}-", f"bytes={2 * PART}-", f"bytes={3 * PART}-"]


@pytest.mark.parametrize("survived", [1, 2, 3])
def test_a_killed_upload_goes_on_after_its_last_part(s3, stand_in, hub, to, data, survived):
    (file,) = hub.files()
    with pytest.raises(Killed):
        upload(hub, file, to, KilledAfter(survived - 1))
    assert parts(s3) == [PART] * survived
    assert upload(hub, file, to, Budget(60)) is True
    assert content(s3) == data
    assert to.holds(file.digest)
    assert ranges(stand_in)[-1] == f"bytes={survived * PART}-"


def test_an_upload_killed_before_its_parts_were_put_together(s3, hub, serve):
    data = bytes(2 * PART)
    stand_in = serve({"model.bin": data})
    hub = Hub(stand_in.url, REPOSITORY, REVISION)
    (file,) = hub.files()
    to = Destination(s3, "bucket", KEY, OWNER)
    with pytest.raises(Killed):
        upload(hub, file, to, KilledAfter(1))
    assert parts(s3) == [PART, PART]
    asked = len(stand_in.script.requests)
    assert upload(hub, file, to, Budget(60)) is True
    assert content(s3) == data
    assert len(stand_in.script.requests) == asked


def test_an_upload_killed_before_it_was_marked_is_read_back(s3, stand_in, hub, file, to, data):
    s3.put_object(Bucket="bucket", Key=KEY, Body=data)
    assert not to.holds(file.digest)
    asked = len(stand_in.script.requests)
    assert upload(hub, file, to, Budget(60)) is True
    assert to.holds(file.digest)
    assert len(stand_in.script.requests) == asked


def test_reading_back_keeps_to_its_budget(s3, hub, file, to, data):
    s3.put_object(Bucket="bucket", Key=KEY, Body=data)
    assert upload(hub, file, to, Budget(0)) is False
    assert not to.holds(file.digest)
    assert to.size() == len(data)


def test_an_unfinished_upload_that_cannot_be_gone_on_with_is_begun_anew(s3, hub, file, to, data):
    begun = s3.create_multipart_upload(Bucket="bucket", Key=KEY)["UploadId"]
    for number, size in ((1, PART), (2, 1000), (3, PART)):
        s3.upload_part(
            Bucket="bucket", Key=KEY, UploadId=begun, PartNumber=number, Body=data[:size]
        )
    # The upload of a neighbour, whose key begins alike.
    s3.create_multipart_upload(Bucket="bucket", Key=KEY + ".old")
    assert upload(hub, file, to, Budget(60)) is True
    assert content(s3) == data
    assert [item["Key"] for item in uploads(s3)] == [KEY + ".old"]


def test_what_comes_after_a_missing_part_is_sent_again(s3, stand_in, hub, file, to, data):
    begun = s3.create_multipart_upload(Bucket="bucket", Key=KEY)["UploadId"]
    for number in (1, 3):
        body = data[(number - 1) * PART : number * PART]
        s3.upload_part(Bucket="bucket", Key=KEY, UploadId=begun, PartNumber=number, Body=body)
    assert upload(hub, file, to, Budget(60)) is True
    assert ranges(stand_in) == [f"bytes={PART}-"]
    assert content(s3) == data


def test_the_upload_of_a_longer_key_is_left_alone(s3, hub, file, to, data):
    neighbour = s3.create_multipart_upload(Bucket="bucket", Key=KEY + ".old")["UploadId"]
    assert upload(hub, file, to, Budget(60)) is True
    assert content(s3) == data
    assert [item["UploadId"] for item in uploads(s3)] == [neighbour]


def test_corrupt_content_is_refused_and_not_kept(s3, stand_in, hub, file, to, data):
    stand_in.files["model.bin"] = data[:-1] + b"?"
    found = hashlib.sha256(stand_in.files["model.bin"]).hexdigest()
    with pytest.raises(WeightsCorrupt) as refusal:
        upload(hub, file, to, Budget(60))
    assert str(refusal.value) == (
        f"Try again or give ModelS3Uri: model.bin of the hub has digest {found[:12]}, "
        f"not {file.digest[7:19]} as announced."
    )
    assert to.size() is None
    assert uploads(s3) == []
    stand_in.files["model.bin"] = data
    assert upload(hub, file, to, Budget(60)) is True
    assert content(s3) == data


def test_a_part_that_was_corrupt_is_found_when_the_rest_is_right(s3, stand_in, hub, file, to, data):
    stand_in.files["model.bin"] = b"?" + data[1:]
    assert upload(hub, file, to, Budget(0)) is False
    stand_in.files["model.bin"] = data
    with pytest.raises(WeightsCorrupt, match="has digest"):
        upload(hub, file, to, Budget(60))
    assert to.size() is None
    assert not to.holds(file.digest)


def test_a_corrupt_object_of_the_right_size_is_not_taken(s3, hub, file, to, data):
    s3.put_object(Bucket="bucket", Key=KEY, Body=b"?" * len(data))
    with pytest.raises(WeightsCorrupt, match="has digest"):
        upload(hub, file, to, Budget(60))
    assert to.size() is None


@pytest.mark.parametrize("script", ["too long", "breaks without end"])
def test_nothing_is_kept_of_what_does_not_end_as_announced(s3, stand_in, hub, file, to, script):
    if script == "too long":
        stand_in.files["model.bin"] += bytes(10_000_000)
    else:
        stand_in.script.truncate = [12_000_000] + [0] * 50
    with pytest.raises(WeightsCorrupt):
        upload(hub, file, to, Budget(60))
    assert uploads(s3) == []
    assert to.size() is None


def test_a_tag_of_another_content_is_not_enough(s3, to):
    s3.put_object(Bucket="bucket", Key=KEY, Body=b"x", Tagging=to.tagging("sha256:1"))
    assert to.holds("sha256:1")
    assert not to.holds("sha256:2")


def test_a_missing_bucket_is_not_taken_for_a_missing_object(s3):
    with pytest.raises(ClientError, match="NoSuchBucket"):
        Destination(s3, "no-such-bucket", KEY, {}).holds("sha256:1")


def test_memory_does_not_grow_with_the_file(serve, monkeypatch):
    """100 MB through boto3 itself, to a server that keeps one block of them."""
    monkeypatch.setattr(staging, "PART_BYTES", 32 << 20)
    stand_in = serve({"model.bin": bytes(100_000_000)})
    hub = Hub(stand_in.url, REPOSITORY, REVISION)
    (file,) = hub.files()
    store = ObjectStore(time.time)
    store.buckets["bucket"] = Bucket()
    with served(store) as (url, calls):
        client = boto3.client(
            "s3",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
        )
        to = Destination(client, "bucket", KEY, {})
        tracemalloc.start()
        assert upload(hub, file, to, Budget(60)) is True
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert to.size() == 100_000_000
    (stored,) = store.buckets["bucket"].keys[KEY]
    assert stored.data
    assert stored.data[:] == bytes(100_000_000)
    assert calls["put_object_tagging"] == 1
    assert peak < 80_000_000
