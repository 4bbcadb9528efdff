# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import json
import os

import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from deploy_whisper.archive.archive import Archive
from deploy_whisper.archive.s3_prefix import Prefix
from deploy_whisper.archive.weights import S3Weights
from deploy_whisper.budget import Budget
from tests.fakes.stand_ins import write_tree
from whisper_sagemaker.errors import InvalidProperty

PROGRAM = {"config.yaml": b"applications: []", "code/wheels/a.whl": b"wheel", "deployment.py": b"x"}
MODEL = {
    "model.bin": b"weights" * 1000,
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.json": b"[]",
}
PREFIX = "whisper-sagemaker/calls-1/"
WRITES = {"PutObject", "CopyObject", "CompleteMultipartUpload"}


class Killed(BaseException):
    """The Lambda function's process is gone."""


class Looks:
    """A budget that is spent after N looks at it."""

    def __init__(self, looks):
        self._looks = looks

    def spent(self):
        self._looks -= 1
        return self._looks < 0


@pytest.fixture
def tree(tmp_path):
    return write_tree(tmp_path / "tree", PROGRAM)


@pytest.fixture
def archive(s3, tree):
    for name, data in MODEL.items():
        s3.put_object(Bucket="bucket", Key=f"models/{name}", Body=data)
    return new(s3, tree)


@pytest.fixture
def written(s3):
    """Keys that are written, in their order."""
    keys = []
    for operation in WRITES:
        s3.meta.events.register(
            f"before-parameter-build.s3.{operation}",
            lambda params, **_: keys.append(params["Key"]),
        )
    return keys


def new(s3, tree, bucket="bucket", prefix=PREFIX, model="models/", tags=None, *, key=""):
    home = Prefix(s3, bucket, prefix, tags or {"owner": "stack"}, key)
    return Archive(home, tree, S3Weights(s3, f"s3://bucket/{model}"))


def stored(s3, bucket="bucket", below=PREFIX):
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=below).get("Contents", [])
    return {item["Key"].removeprefix(below): item["Size"] for item in listed}


def finish(archive):
    while not archive.advance(Budget(60)):
        pass


def test_what_an_archive_holds(s3, archive):
    assert archive.uri == f"s3://bucket/{PREFIX}{archive.digest}/"
    assert len(archive.digest) == 32
    assert archive.is_complete() is False
    assert archive.advance(Budget(60)) is True
    assert archive.is_complete() is True
    sizes = {path: len(data) for path, data in PROGRAM.items()}
    sizes |= {f"weights/{path}": len(data) for path, data in MODEL.items()}
    found = {path.removeprefix(f"{archive.digest}/"): n for path, n in stored(s3).items()}
    found.pop("manifest.json")
    assert found == sizes
    body = s3.get_object(Bucket="bucket", Key=f"{PREFIX}{archive.digest}/manifest.json")["Body"]
    manifest = json.loads(body.read())
    assert manifest["digest"] == archive.digest
    assert {file["path"]: file["size"] for file in manifest["files"]} == sizes


def test_the_owners_tags_are_on_every_object(s3, archive):
    finish(archive)
    for path in stored(s3):
        tags = s3.get_object_tagging(Bucket="bucket", Key=PREFIX + path)["TagSet"]
        assert {"Key": "owner", "Value": "stack"} in tags, path


def test_the_digest_is_that_of_the_content_alone(s3, archive, tree, tmp_path):
    s3.create_bucket(Bucket="elsewhere")
    for name, data in reversed(MODEL.items()):
        s3.put_object(Bucket="bucket", Key=f"other/{name}", Body=data)
    copy = write_tree(tmp_path / "copy", dict(reversed(PROGRAM.items())))
    for path in copy.rglob("*"):
        os.utime(path, (1, 1))
    (copy / "empty folder").mkdir()
    other = new(s3, copy, "elsewhere", "whisper-sagemaker/x/", "other/", {"owner": "another"})
    assert other.digest == archive.digest
    assert other.uri != archive.uri


@pytest.mark.parametrize(
    ("program", "model"),
    [
        ({"config.yaml": b"applications: [1]"}, {}),
        ({"more.py": b""}, {}),
        ({}, {"model.bin": b"Weights" * 1000}),
        ({}, {"preprocessor_config.json": b"{}"}),
    ],
)
def test_any_other_content_has_another_digest(s3, archive, tree, program, model):
    for name, data in (MODEL | model).items():
        s3.put_object(Bucket="bucket", Key=f"changed/{name}", Body=data)
    before = archive.digest
    write_tree(tree, program)
    assert new(s3, tree, model="changed/").digest != before


def test_each_key_has_an_archive_of_its_own(s3, archive, tree):
    keys = [f"arn:aws:kms:us-east-1:1:key/{name}" for name in "ab"]
    digests = [new(s3, tree, key=key).digest for key in ["", *keys, keys[0]]]
    assert digests[0] == archive.digest
    assert digests[3] == digests[1]
    assert len(set(digests)) == 3
    finish(new(s3, tree, key=keys[0]))
    assert new(s3, tree, key=keys[0]).is_complete() is True
    assert new(s3, tree, key=keys[1]).is_complete() is False


def test_the_digest_stays_while_an_archive_is_staged(s3, archive, tree):
    uri = archive.uri
    archive.advance(Looks(2))
    assert new(s3, tree).uri == uri
    finish(archive)
    assert new(s3, tree).uri == uri


def test_the_manifest_is_written_last(archive, written):
    finish(archive)
    assert written[-1].endswith("/manifest.json")
    assert len(written) == len(set(written)) == len(PROGRAM) + len(MODEL) + 1


def test_killed_before_the_manifest_it_is_not_complete(s3, archive, tree, written):
    def kill(params, **_):
        if params["Key"].endswith("manifest.json"):
            raise Killed

    s3.meta.events.register("before-parameter-build.s3.PutObject", kill)
    with pytest.raises(Killed):
        finish(archive)
    assert len(stored(s3)) == len(PROGRAM) + len(MODEL)
    assert archive.is_complete() is False
    s3.meta.events.unregister("before-parameter-build.s3.PutObject", kill)
    del written[:]
    again = new(s3, tree)
    assert again.advance(Budget(60)) is True
    # Nothing else had to be written again.
    assert [key.rpartition("/")[2] for key in written] == ["manifest.json"]


@pytest.mark.parametrize("survived", [1, 3, 6])
def test_killed_anywhere_it_goes_on_from_there(s3, archive, tree, written, survived):
    def kill(**_):
        if len(written) > survived:
            raise Killed

    for operation in WRITES:
        s3.meta.events.register(f"before-parameter-build.s3.{operation}", kill)
    with pytest.raises(Killed):
        finish(archive)
    assert archive.is_complete() is False
    for operation in WRITES:
        s3.meta.events.unregister(f"before-parameter-build.s3.{operation}", kill)
    del written[:]
    finish(new(s3, tree))
    assert len(written) == len(PROGRAM) + len(MODEL) + 1 - survived
    assert archive.is_complete() is True


def test_a_spent_budget_is_told_and_what_was_done_is_kept(s3, archive):
    assert archive.advance(Budget(0)) is False
    assert stored(s3) == {}
    for looks in range(1, len(PROGRAM) + len(MODEL)):
        assert archive.advance(Looks(looks)) is False
        assert len(stored(s3)) == looks
        assert archive.is_complete() is False
    assert archive.advance(Looks(len(PROGRAM) + len(MODEL))) is True
    assert archive.is_complete() is True


def test_a_complete_archive_is_not_written_again(archive, written):
    finish(archive)
    del written[:]
    assert archive.advance(Budget(0)) is True
    assert written == []


@pytest.mark.parametrize("lost", ["weights/model.bin", "config.yaml", "manifest.json"])
def test_what_an_archive_has_lost_is_staged_again(s3, archive, tree, written, lost):
    finish(archive)
    whole = stored(s3)
    s3.delete_object(Bucket="bucket", Key=f"{PREFIX}{archive.digest}/{lost}")
    del written[:]
    again = new(s3, tree)
    assert again.is_complete() is False
    finish(again)
    assert stored(s3) == whole
    assert {key.rpartition(f"{archive.digest}/")[2] for key in written} == {lost, "manifest.json"}


def test_an_archive_with_a_file_of_another_size_is_not_complete(s3, archive):
    finish(archive)
    key = f"{PREFIX}{archive.digest}/weights/model.bin"
    s3.put_object(Bucket="bucket", Key=key, Body=b"cut off")
    assert archive.is_complete() is False
    finish(archive)
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == MODEL["model.bin"]


def test_a_file_of_another_content_is_written_over(s3, archive):
    key = f"{PREFIX}{archive.digest}/config.yaml"
    s3.put_object(Bucket="bucket", Key=key, Body=b"of an earlier, broken attempt")
    finish(archive)
    assert s3.get_object(Bucket="bucket", Key=key)["Body"].read() == PROGRAM["config.yaml"]


@pytest.mark.parametrize("code", ["NoSuchBucket", "AccessDenied", "403", "PermanentRedirect"])
def test_a_bucket_that_cannot_be_used(s3, archive, code):
    def refuse(**_):
        raise ClientError({"Error": {"Code": code}}, "PutObject")

    s3.meta.events.register("before-parameter-build.s3.PutObject", refuse)
    with pytest.raises(InvalidProperty) as refusal:
        archive.advance(Budget(60))
    assert str(refusal.value) == (
        "S3BucketName must be a bucket of this account in this Region that the stack may write to "
        f"(S3 says {code}); it is 'bucket'."
    )


def test_a_passing_trouble_is_not_blamed_on_the_bucket(s3, archive):
    archive.weights  # noqa: B018
    with Stubber(s3) as stub:
        stub.add_client_error("list_objects_v2", "SlowDown", http_status_code=503)
        with pytest.raises(ClientError, match="SlowDown"):
            archive.advance(Budget(60))


class TestEarlier:
    """What a roll-back takes as it is."""

    def of(self, s3, tree, origin="v1"):
        home = Prefix(s3, "bucket", PREFIX, {})
        return Archive(home, tree, S3Weights(s3, "s3://bucket/models/"), origin)

    def test_it_is_found_when_its_source_is_gone_or_another(self, s3, archive, tree):
        made = self.of(s3, tree)
        finish(made)
        s3.put_object(Bucket="bucket", Key="models/model.bin", Body=b"of another model")
        finish(self.of(s3, tree, origin="v2"))
        s3.delete_object(Bucket="bucket", Key="models/model.bin")
        (found,) = self.of(s3, tree).earlier()
        assert found.uri == made.uri
        assert found.advance(Budget(60)) is True

    @pytest.mark.parametrize("lost", ["manifest.json", "weights/model.bin"])
    def test_it_is_not_taken_unless_it_is_whole(self, s3, archive, tree, lost):
        made = self.of(s3, tree)
        finish(made)
        s3.delete_object(Bucket="bucket", Key=f"{PREFIX}{made.digest}/{lost}")
        assert self.of(s3, tree).earlier() == []

    def test_it_is_not_taken_with_another_program(self, s3, archive, tree):
        finish(self.of(s3, tree))
        write_tree(tree, {"config.yaml": b"applications: [1]"})
        assert self.of(s3, tree).earlier() == []

    def test_it_is_not_taken_where_its_origin_was_not_kept(self, s3, archive, tree):
        finish(archive)
        assert self.of(s3, tree).earlier() == []
