# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json

import boto3
import pytest
from botocore.stub import Stubber

from deploy_whisper.archive.hub import HUB_MODELS, HUB_WEIGHTS, Hub
from deploy_whisper.archive.source_file import SourceFile
from deploy_whisper.archive.upload import Destination
from deploy_whisper.archive.weights import HubWeights, S3Weights, source
from deploy_whisper.budget import Budget
from deploy_whisper.settings import ArchiveSettings
from tests.fakes.stand_ins import StandInHub
from tests.unit.deployer.conftest import REPOSITORY, REVISION
from whisper_sagemaker.errors import WeightsCorrupt, WeightsNotFound, WeightsRefused

MODEL = {
    "model.bin": b"weights" * 1000,
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "preprocessor_config.json": b"{}",
    "vocabulary.json": b"[]",
}
TOKEN = "hf_this-must-stay-secret"


@pytest.fixture
def put(s3):
    def put_model(prefix="models/a/", files=MODEL):
        for name, data in files.items():
            s3.put_object(Bucket="bucket", Key=prefix + name, Body=data)
        return S3Weights(s3, f"s3://bucket/{prefix}")

    return put_model


def without(*names):
    return {name: data for name, data in MODEL.items() if name not in names}


def test_the_files_of_a_model_and_no_others(put, s3):
    weights = put(
        files=MODEL | {"README.md": b"x", "sub/model.bin": b"x", "model.bin.bak": b"x", "": b""}
    )
    files = weights.files()
    assert [file.path for file in files] == sorted(MODEL)
    assert {file.path: file.size for file in files} == {n: len(d) for n, d in MODEL.items()}
    etag = s3.head_object(Bucket="bucket", Key="models/a/model.bin")["ETag"].strip('"')
    assert files[1] == SourceFile("model.bin", 7000, f"etag:{etag}")


def test_the_root_of_a_bucket(put):
    assert len(put(prefix="").files()) == len(MODEL)


def test_an_older_vocabulary_is_one(put):
    files = put(files=without("vocabulary.json") | {"vocabulary.txt": b"a b"}).files()
    assert "vocabulary.txt" in {file.path for file in files}


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (("model.bin",), "model.bin"),
        (("config.json", "tokenizer.json"), "config.json, tokenizer.json"),
        (("vocabulary.json",), "vocabulary.json or vocabulary.txt"),
    ],
)
def test_what_a_prefix_lacks_is_named(put, missing, said):
    with pytest.raises(WeightsNotFound) as refusal:
        put(files=without(*missing)).files()
    assert str(refusal.value) == (
        f"Put a whole faster-whisper model at ModelS3Uri: s3://bucket/models/a/ lacks {said}."
    )


def test_a_bucket_that_does_not_exist(s3):
    with pytest.raises(WeightsRefused) as refusal:
        S3Weights(s3, "s3://no-such-bucket/m/").files()
    assert str(refusal.value) == (
        "Check ModelS3Uri and the bucket's policy: s3://no-such-bucket/m/ gives NoSuchBucket."
    )


def test_a_bucket_that_may_not_be_listed(s3):
    with Stubber(s3) as stub:
        stub.add_client_error("list_objects_v2", "AccessDenied", http_status_code=403)
        with pytest.raises(WeightsRefused) as refusal:
            S3Weights(s3, "s3://bucket/" + "x" * 300 + "/").files()
    assert str(refusal.value).endswith(" gives AccessDenied.")
    assert len(str(refusal.value)) <= 256


@pytest.mark.parametrize("size", [0, 1000, 17_000_000])
def test_a_file_is_copied_as_it_is(put, s3, size):
    weights = put(files=MODEL | {"model.bin": bytes(size)})
    file = weights.files()[1]
    assert (file.path, file.size) == ("model.bin", size)
    to = Destination(s3, "bucket", "copy/model.bin", {"owner": "me"})
    s3.put_object_tagging(
        Bucket="bucket",
        Key="models/a/model.bin",
        Tagging={"TagSet": [{"Key": "theirs", "Value": "1"}]},
    )
    assert weights.stage(file, to, Budget(0)) is True
    assert s3.get_object(Bucket="bucket", Key="copy/model.bin")["Body"].read() == bytes(size)
    assert to.holds(file.digest)
    tags = s3.get_object_tagging(Bucket="bucket", Key="copy/model.bin")["TagSet"]
    assert {tag["Key"] for tag in tags} == {"owner", "whisper-sagemaker:digest"}


def test_a_file_that_is_gone_since_it_was_listed(put, s3):
    weights = put()
    file = weights.files()[1]
    s3.delete_object(Bucket="bucket", Key="models/a/model.bin")
    to = Destination(s3, "bucket", "copy/model.bin", {})
    with pytest.raises(WeightsRefused) as refusal:
        weights.stage(file, to, Budget(60))
    assert str(refusal.value) == (
        "Check that this account may read below ModelS3Uri and write to S3BucketName: copying "
        "model.bin gives 404."
    )


def test_a_file_that_has_changed_since_it_was_listed(put, s3):
    weights = put()
    file = weights.files()[1]
    s3.put_object(Bucket="bucket", Key="models/a/model.bin", Body=b"another model")
    to = Destination(s3, "bucket", "copy/model.bin", {})
    with pytest.raises(WeightsRefused, match=r"copying model\.bin gives 412\.$"):
        weights.stage(file, to, Budget(60))
    assert to.size() is None


def test_a_model_of_the_hub(serve, s3):
    stand_in = serve(MODEL | {"README.md": b"x", "model.safetensors": b"x"})
    weights = HubWeights(Hub(stand_in.url, REPOSITORY, REVISION))
    files = weights.files()
    assert [file.path for file in files] == sorted(MODEL)
    to = Destination(s3, "bucket", "copy/config.json", {})
    assert weights.stage(files[0], to, Budget(60)) is True
    assert to.holds(files[0].digest)


def test_a_repository_that_holds_no_model(serve):
    stand_in = serve({"README.md": b"x"})
    with pytest.raises(WeightsNotFound, match=r"the hub's repository lacks model\.bin, config"):
        HubWeights(Hub(stand_in.url, REPOSITORY, REVISION)).files()


class TestSource:
    @pytest.fixture
    def secrets(self, s3):
        return boto3.client("secretsmanager", region_name="us-east-1")

    @pytest.fixture
    def hub(self):
        stand_in = StandInHub(*HUB_MODELS["base.en"], MODEL)
        stand_in.script.token = TOKEN
        yield stand_in
        stand_in.close()

    def settings(self, uri="", secret=""):
        return ArchiveSettings("bucket", "whisper-sagemaker/a/", "base.en", uri, secret)

    def test_a_prefix_wins_over_the_size_and_needs_no_secret(self, s3, secrets, put):
        put()
        settings = self.settings("s3://bucket/models/a/", "arn:no-such-secret")
        weights = source(s3, secrets, settings, "http://127.0.0.1:9")
        assert isinstance(weights, S3Weights)
        assert len(weights.files()) == len(MODEL)

    @pytest.mark.parametrize(
        "stored", [TOKEN, f" {TOKEN}\n", json.dumps({"token": TOKEN}), f'\n{{"token":"{TOKEN}"}}']
    )
    def test_the_secret_holds_a_bare_token_or_json(self, s3, secrets, hub, stored):
        arn = secrets.create_secret(Name="hub", SecretString=stored)["ARN"]
        files = source(s3, secrets, self.settings(secret=arn), hub.url).files()
        assert [file.path for file in files] == sorted(MODEL)

    def test_the_pinned_revision_is_asked_for(self, s3, secrets, hub):
        hub.script.token = ""
        source(s3, secrets, self.settings(), hub.url).files()
        repository, revision = HUB_MODELS["base.en"]
        assert hub.script.requests[0][1] == f"/api/models/{repository}/tree/{revision}"
        assert "Authorization" not in hub.script.requests[0][2]

    @pytest.mark.parametrize("size", sorted(HUB_WEIGHTS))
    def test_weights_whose_digest_is_known_are_taken_from_no_hub_in_another_form(
        self, s3, secrets, size
    ):
        """The hub, or a mirror, announces what it serves; so it could serve anything."""
        stand_in = StandInHub(*HUB_MODELS[size], MODEL)
        settings = ArchiveSettings("bucket", "whisper-sagemaker/a/", size, "", "")
        weights = source(s3, secrets, settings, stand_in.url)
        with pytest.raises(WeightsCorrupt, match="Check HubUrl, or give ModelS3Uri") as refusal:
            weights.files()
        assert len(str(refusal.value)) <= 256
        digest = f"sha256:{HUB_WEIGHTS[size]}"
        stand_in.announced["model.bin"]["lfs"] = {"oid": HUB_WEIGHTS[size], "size": 1}
        announced = {file.path: file.digest for file in weights.files()}
        assert announced["model.bin"] == digest
        stand_in.close()

    @pytest.mark.parametrize(
        "stored", [f'{{"token": "{TOKEN}"', f'{{"password": "{TOKEN}"}}', "{}"]
    )
    def test_a_secret_in_another_form(self, s3, secrets, hub, stored):
        arn = secrets.create_secret(Name="hub", SecretString=stored)["ARN"]
        with pytest.raises(WeightsRefused) as refusal:
            source(s3, secrets, self.settings(secret=arn), hub.url)
        assert str(refusal.value) == (
            "Store the bare token or a JSON object with the key 'token' in HubTokenSecretArn."
        )
        assert TOKEN not in str(refusal.value.__cause__)

    def test_a_binary_secret(self, s3, secrets, hub):
        arn = secrets.create_secret(Name="hub", SecretBinary=b"\x00\x01")["ARN"]
        with pytest.raises(WeightsRefused, match="Store the bare token"):
            source(s3, secrets, self.settings(secret=arn), hub.url)

    def test_a_secret_that_does_not_exist(self, s3, secrets, hub):
        with pytest.raises(WeightsRefused) as refusal:
            source(s3, secrets, self.settings(secret="arn:gone"), hub.url)
        assert str(refusal.value) == (
            "Check HubTokenSecretArn: the secret gives ResourceNotFoundException."
        )
