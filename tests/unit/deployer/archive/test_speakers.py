# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Models for speakers, beside the Whisper model in the archive."""

import hashlib
from dataclasses import replace

import pytest

from deploy_whisper.archive import speakers
from deploy_whisper.archive.source_file import SourceFile
from deploy_whisper.archive.speakers import HUB_SPEAKERS, HubSpeakerFile, with_speakers
from deploy_whisper.archive.upload import Destination
from deploy_whisper.budget import Budget
from deploy_whisper.cloudformation import CloudFormationEvent
from deploy_whisper.settings import ArchiveSettings
from tests.fakes.stand_ins import StandInHub
from whisper_sagemaker.errors import InvalidProperty, WeightsCorrupt, WeightsNotFound

SETTINGS = ArchiveSettings("bucket", "whisper-sagemaker/a/", "base.en", "", "")
THERE = {"model.onnx": b"who of three" * 1000, "campplus.onnx": b"what a voice is like" * 1000}
NAMES = ["speakers/segmentation.onnx", "speakers/embedding.onnx"]


class Whisper:
    def files(self):
        return [SourceFile("model.bin", 3, "sha256:abc")]

    def stage(self, file, destination, budget):
        destination.s3.put_object(Bucket="bucket", Key=destination.key, Body=b"abc")
        return file.path == "model.bin"


@pytest.fixture
def hub(monkeypatch):
    stand_in = StandInHub("someone/voices", "0" * 40, THERE)
    pinned = tuple(
        HubSpeakerFile(
            "someone/voices",
            "0" * 40,
            name,
            SourceFile(one.file.path, len(data), f"sha256:{hashlib.sha256(data).hexdigest()}"),
        )
        for one, (name, data) in zip(HUB_SPEAKERS, THERE.items(), strict=True)
    )
    monkeypatch.setattr(speakers, "HUB_SPEAKERS", pinned)
    yield stand_in
    stand_in.close()


def staged(s3, weights):
    for file in weights.files():
        to = Destination(s3, "bucket", f"archive/weights/{file.path}", {"owner": "me"})
        assert weights.stage(file, to, Budget(60)) is True
    listed = s3.list_objects_v2(Bucket="bucket", Prefix="archive/")["Contents"]
    return {
        item["Key"].removeprefix("archive/weights/"): s3.get_object(
            Bucket="bucket", Key=item["Key"]
        )["Body"].read()
        for item in listed
    }


def test_by_default_there_are_none(s3):
    model = Whisper()
    assert with_speakers(model, s3, SETTINGS, "http://127.0.0.1:9") is model
    assert " " not in SETTINGS.origin


def test_the_hubs_are_beside_the_model(s3, hub):
    asked = replace(SETTINGS, diarization=True)
    weights = with_speakers(Whisper(), s3, asked, hub.url)
    assert [file.path for file in weights.files()] == ["model.bin", *NAMES]
    found = staged(s3, weights)
    assert found == {"model.bin": b"abc", **dict(zip(NAMES, THERE.values(), strict=True))}
    assert all("Authorization" not in request[2] for request in hub.script.requests)
    # A roll-back must not take an archive without them for this one.
    assert asked.origin != SETTINGS.origin


def test_another_file_at_the_hub_is_not_taken(s3, hub, monkeypatch):
    first, second = speakers.HUB_SPEAKERS
    other = replace(first.file, digest="sha256:" + "0" * 64)
    monkeypatch.setattr(speakers, "HUB_SPEAKERS", (replace(first, file=other), second))
    weights = with_speakers(Whisper(), s3, replace(SETTINGS, diarization=True), hub.url)
    with pytest.raises(WeightsCorrupt, match=r"segmentation\.onnx of the hub has digest"):
        staged(s3, weights)


def test_a_mirror_without_them_names_their_parameter(s3, hub, monkeypatch):
    first, second = speakers.HUB_SPEAKERS
    monkeypatch.setattr(speakers, "HUB_SPEAKERS", (replace(first, repository="no/such"), second))
    weights = with_speakers(Whisper(), s3, replace(SETTINGS, diarization=True), hub.url)
    with pytest.raises(WeightsNotFound, match="if given, or give DiarizationModelS3Uri"):
        staged(s3, weights)


@pytest.mark.parametrize("diarization", [False, True])
def test_a_prefix_wins_over_the_hub(s3, diarization):
    for name, data in {"segmentation.onnx": b"s", "embedding.onnx": b"e", "x.md": b""}.items():
        s3.put_object(Bucket="bucket", Key=f"mine/{name}", Body=data)
    asked = replace(SETTINGS, diarization=diarization, diarization_s3_uri="s3://bucket/mine/")
    found = staged(s3, with_speakers(Whisper(), s3, asked, "http://127.0.0.1:9"))
    assert found == {"model.bin": b"abc", NAMES[0]: b"s", NAMES[1]: b"e"}
    assert asked.origin.endswith(" s3://bucket/mine/")


def test_a_prefix_that_lacks_one_is_named(s3):
    s3.put_object(Bucket="bucket", Key="mine/segmentation.onnx", Body=b"s")
    asked = replace(SETTINGS, diarization_s3_uri="s3://bucket/mine/")
    with pytest.raises(WeightsNotFound) as refusal:
        with_speakers(Whisper(), s3, asked, "").files()
    assert str(refusal.value) == (
        "Put segmentation.onnx and embedding.onnx at DiarizationModelS3Uri: s3://bucket/mine/ "
        "lacks embedding.onnx."
    )


def test_what_is_pinned_is_whole():
    assert [one.file.path for one in HUB_SPEAKERS] == ["segmentation.onnx", "embedding.onnx"]
    for one in HUB_SPEAKERS:
        assert len(one.revision) == 40
        assert len(one.file.digest.removeprefix("sha256:")) == 64


def test_the_stacks_properties():
    given = {"Bucket": "bucket", "Prefix": "whisper-sagemaker/a/", "ModelSize": "base.en"}

    def settings(**more):
        stack = "arn:aws:cloudformation:us-east-1:123456789012:stack/calls/0a1b2c3d"
        return ArchiveSettings.from_event(CloudFormationEvent("Create", stack, given | more))

    assert settings(Diarization="off", DiarizationModelS3Uri="") == SETTINGS
    found = settings(Diarization="on", DiarizationModelS3Uri="s3://bucket/mine")
    assert (found.diarization, found.diarization_s3_uri) == (True, "s3://bucket/mine/")
    with pytest.raises(InvalidProperty, match="DiarizationModelS3Uri"):
        settings(DiarizationModelS3Uri="https://bucket/mine/")
