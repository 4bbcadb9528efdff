# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Months of an archive in a bucket that expires its objects."""

import datetime
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy_whisper.archive.renewal import WHOLE, Renewal, life_left
from tests.fakes.object_store import Bucket, Client, ObjectStore
from whisper_sagemaker.errors import ArchiveExpires, InvalidProperty

DAY = 86400
PREFIX = "whisper-sagemaker/stack-1/"
ARCHIVE = f"{PREFIX}{'a' * 32}/"
URI = f"s3://recordings/{ARCHIVE}"
MANIFEST = {"files": [{"path": "weights/model.bin"}, {"path": "config.yaml"}]}
FILES = {
    "manifest.json": json.dumps(MANIFEST).encode(),
    "weights/model.bin": b"weights",
    "config.yaml": b"",
}


class CountingClient(Client):
    """An S3 client of an object store that remembers what it has copied."""

    def __init__(self, store):
        super().__init__(lambda operation, request: self.store.call(operation, request))  # noqa: PLW0108 - replaced later
        self.store = store
        self.copied = []

    def copy(self, source, bucket, key, ExtraArgs, SourceClient=None):  # noqa: N803
        self.copied.append(key)
        super().copy(source, bucket, key, ExtraArgs, SourceClient)


class World:
    """A recordings bucket of 90 days with our archive in it."""

    def __init__(self, *, is_versioned, days=90):
        self.now = 1_700_000_000.0
        self.s3 = CountingClient(ObjectStore(lambda: self.now))
        self.bucket = Bucket(is_versioned=is_versioned, expires_after_days=days)
        self.s3.store.buckets["recordings"] = self.bucket
        for name, body in FILES.items():
            self.s3.put_object(
                Bucket="recordings",
                Key=ARCHIVE + name,
                Body=body,
                Tagging=f"whisper-sagemaker%3Adigest={name}",
                ContentType="application/json" if name == "manifest.json" else "text/plain",
            )
        self.s3.put_object(Bucket="recordings", Key="call.wav", Body=b"theirs")

    def clock(self):
        return datetime.datetime.fromtimestamp(self.now, datetime.UTC)

    def renew(self, uri=URI):
        return Renewal(self.s3, uri, 900, self.clock).run()

    def live(self, days):
        """Let days pass with the daily renewal; returns the least that was left."""
        least = WHOLE
        for _ in range(days):
            self.now += DAY
            least = min(least, self.renew())
        return least


@pytest.fixture(params=[True, False], ids=["versioned", "plain"])
def world(request):
    return World(is_versioned=request.param)


def test_without_renewal_the_archive_is_gone_after_90_days(world):
    world.now += 91 * DAY
    with pytest.raises(ArchiveExpires, match="is gone"):
        world.renew()


@pytest.mark.parametrize("lost", FILES)
def test_an_archive_that_lacks_a_file_is_gone(world, lost):
    world.s3.delete_object(Bucket="recordings", Key=ARCHIVE + lost)
    with pytest.raises(ArchiveExpires, match=f"{ARCHIVE}{lost} of the model archive is gone"):
        world.renew()


def test_a_year_with_renewal(world):
    assert world.live(365) >= 50
    listed = world.s3.list_objects_v2(Bucket="recordings", Prefix=ARCHIVE)["Contents"]
    assert {item["Key"].removeprefix(ARCHIVE) for item in listed} == set(FILES)
    # What is theirs has expired, and was not prolonged by us.
    assert "call.wav" not in world.s3.copied
    for name, body in FILES.items():
        where = {"Bucket": "recordings", "Key": ARCHIVE + name}
        assert world.s3.get_object(**where)["Body"].read() == body
        (tag,) = world.s3.get_object_tagging(**where)["TagSet"]
        assert tag == {"Key": "whisper-sagemaker:digest", "Value": name}
        # Of each one version: the one that a copy hides is deleted.
        assert len(world.bucket.keys[ARCHIVE + name]) == 1
    head = world.s3.head_object(Bucket="recordings", Key=f"{ARCHIVE}manifest.json")
    assert head["ContentType"] == "application/json"
    # About every 46 days, not daily.
    assert len(world.s3.copied) == 7 * len(FILES)


def test_nothing_is_copied_where_nothing_expires():
    world = World(is_versioned=False, days=0)
    assert world.live(400) == WHOLE
    assert world.s3.copied == []


def test_a_renewal_that_was_ended_half_way_is_gone_on_with(world):
    world.now += 50 * DAY
    copy, calls = world.s3.copy, []

    def ended(*arguments, **more):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        copy(*arguments, **more)

    world.s3.copy = ended
    with pytest.raises(KeyboardInterrupt):
        world.renew()
    world.s3.copy = copy
    world.now += DAY
    assert world.renew() >= 50


def test_a_rule_with_a_date_cannot_be_outrun(world, monkeypatch):
    head, end = world.s3.store.call, "Fri, 15 Dec 2023 00:00:00 GMT"

    def dated(operation, request):
        answer = head(operation, request)
        if operation == "head_object":
            answer["Expiration"] = f'expiry-date="{end}", rule-id="x"'
        return answer

    monkeypatch.setattr(world.s3.store, "call", dated)
    world.now += 20 * DAY  # of the 31 that it has
    with pytest.raises(ArchiveExpires, match="Exempt the prefix whisper-sagemaker/"):
        world.renew()


def test_while_a_deployment_is_at_work_nothing_is_copied(world):
    from deploy_whisper.archive.lease import Lease

    world.now += 60 * DAY
    assert Lease(world.s3, "recordings", PREFIX, 900, lambda: world.now).acquire()
    assert world.renew() == pytest.approx(100 / 3, abs=1)
    assert world.s3.copied == []


@pytest.mark.parametrize("uri", ["s3://b/other/x/", "s3://b/whisper-sagemaker/s/", "", URI + "x"])
def test_only_an_archive_is_renewed(world, uri):
    with pytest.raises(InvalidProperty, match="RenewArchive"):
        world.renew(uri)


@given(st.integers(1, 4000), st.floats(0, 1))
def test_life_left_is_a_share_of_the_whole(days, share):
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    end = begin + datetime.timedelta(days=days)
    expiry = end.strftime("%a, %d %b %Y %H:%M:%S GMT")
    answer = {"Expiration": f'expiry-date="{expiry}", rule-id="r"', "LastModified": begin}
    now = begin + (end - begin) * share
    assert life_left(answer, now) == pytest.approx(100 * (1 - share), abs=0.01)
    assert life_left({}, now) == WHOLE
