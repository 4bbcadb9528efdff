# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""No request about an archive reaches a bucket that has become a stranger's."""

from typing import Any

import boto3
import botocore.session
import moto
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from deploy_whisper.archive.archive import Archive
from deploy_whisper.archive.lease import Lease
from deploy_whisper.archive.own_buckets import OwnBuckets, account_of
from deploy_whisper.archive.renewal import Renewal
from deploy_whisper.archive.s3_prefix import Prefix, delete_prefix, prefixes
from deploy_whisper.archive.weights import S3Weights
from deploy_whisper.budget import Budget
from tests.fakes.object_store import Bucket, Client, ObjectStore
from tests.fakes.stand_ins import write_tree
from whisper_sagemaker.errors import InvalidProperty

OURS, STRANGER = "123456789012", "210987654321"
HOME = "whisper-sagemaker/calls-1/"
MODEL = ("model.bin", "config.json", "tokenizer.json", "vocabulary.json")


class World:
    """A bucket of ours, and models in a bucket of another account that lets us read them."""

    def __init__(self, tmp_path):
        self.now = 0.0
        self.store = ObjectStore(lambda: self.now)
        self.store.buckets["ours"] = Bucket(expires_after_days=90)
        self.store.buckets["theirs"] = Bucket(owner=STRANGER)
        self.plain = Client(self.store.call)
        for name in MODEL:
            self.plain.put_object(Bucket="theirs", Key=f"m/{name}", Body=b"1")
        self.s3 = OwnBuckets(self.plain, OURS)
        tree = write_tree(tmp_path, {"config.yaml": b"applications: []"})
        home = Prefix(self.s3, "ours", HOME, {})
        self.archive = Archive(home, tree, S3Weights(self.plain, "s3://theirs/m/"))

    def lose_the_bucket(self):
        """Have a stranger take its name, and put there what our archive holds."""
        self.store.buckets["ours"].owner = STRANGER


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_model_is_copied_from_another_accounts_bucket(world):
    assert world.archive.advance(Budget(60))
    assert f"{HOME}{world.archive.digest}/weights/model.bin" in world.store.buckets["ours"].keys


def test_a_strangers_bucket_is_neither_written_nor_taken_for_an_archive(world):
    assert world.archive.advance(Budget(60))
    kept = dict(world.store.buckets["ours"].keys)
    world.lose_the_bucket()
    with pytest.raises(InvalidProperty, match="a bucket of this account in this Region"):
        world.archive.advance(Budget(60))
    assert world.archive.earlier() == []
    assert prefixes(world.s3, "ours", HOME) == []
    assert delete_prefix(world.s3, "ours", HOME) == 0
    assert Lease(world.s3, "ours", HOME, 60).acquire()  # where nothing can be written
    world.now = 80 * 86400
    with pytest.raises(ClientError, match="AccessDenied"):
        Renewal(world.s3, world.archive.uri, 900).run()
    assert world.store.buckets["ours"].keys == kept


def test_a_weight_that_is_staged_when_the_bucket_is_taken_stays_with_us(world):
    (weight, *_) = world.archive.weights
    world.lose_the_bucket()
    to = world.archive._at("weights/model.bin")
    assert not to.holds(weight.digest)
    with pytest.raises(ClientError):
        to.s3.copy({"Bucket": "theirs", "Key": "m/model.bin"}, to.bucket, to.key, ExtraArgs={})
    assert world.store.buckets["ours"].keys == {}


@pytest.mark.parametrize(
    "size", [1, pytest.param(9 << 20, id="so large that it is copied in parts")]
)
def test_every_request_to_s3_names_the_owner_but_that_for_the_sources_size(size):
    asked: dict[str, Any] = {}
    with moto.mock_aws():
        plain = boto3.client("s3", region_name="us-east-1")
        for bucket in ("ours", "theirs"):
            plain.create_bucket(Bucket=bucket)
        plain.put_object(Bucket="theirs", Key="x", Body=b"1")
        plain.meta.events.register(
            "provide-client-params.s3",
            lambda params, model, **_: asked.setdefault(model.name, params),
        )
        OwnBuckets(plain, OURS).copy({"Bucket": "theirs", "Key": "x"}, "ours", "y", ExtraArgs={})
        list(OwnBuckets(plain, OURS).get_paginator("list_objects_v2").paginate(Bucket="ours"))
        OwnBuckets(plain, OURS).delete_object(Bucket="ours", Key="y")
    source = asked.pop("HeadObject")
    assert source["Bucket"] == "theirs"
    assert "ExpectedBucketOwner" not in source
    assert {"ListObjectsV2", "DeleteObject"} < set(asked)
    assert {params.get("ExpectedBucketOwner") for params in asked.values()} == {OURS}


def test_every_operation_on_an_archive_can_name_the_owner():
    model = botocore.session.get_session().get_service_model("s3")
    named = {xform_name(n): model.operation_model(n).input_shape for n in model.operation_names}
    used = (
        *("abort_multipart_upload", "complete_multipart_upload", "create_multipart_upload"),
        *("delete_object", "delete_objects", "get_object", "get_object_tagging", "head_object"),
        *("list_multipart_uploads", "list_object_versions", "list_objects_v2", "list_parts"),
        *("put_object", "put_object_tagging", "upload_part"),
    )
    assert all("ExpectedBucketOwner" in named[operation].members for operation in used)


def test_the_account_is_that_of_the_stack():
    assert account_of(f"arn:aws-cn:cloudformation:cn-north-1:{OURS}:stack/calls/1") == OURS
