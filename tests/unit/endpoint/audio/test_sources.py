# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from whisper_endpoint import errors
from whisper_endpoint.audio.sources import InlineAudio, S3Audio, fetch
from whisper_endpoint.settings import EndpointSettings

SETTINGS = EndpointSettings(
    audio_s3_prefixes=("s3://calls/in/", "s3://other/"), max_source_bytes=3_000_000
)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="calls")
        client.put_object(Bucket="calls", Key="in/a b#1?.wav", Body=b"x" * 2_500_000)
        client.put_object(Bucket="calls", Key="in/long.wav", Body=b"x" * 3_000_001)
        client.put_object(Bucket="calls", Key="private/a.wav", Body=b"secret")
        yield


def test_inline_audio_is_itself() -> None:
    assert fetch(InlineAudio(b"abc"), SETTINGS) == b"abc"


@pytest.mark.usefixtures("bucket")
def test_an_allowed_object_is_read_whole() -> None:
    assert fetch(S3Audio("s3://calls/in/a b#1?.wav"), SETTINGS) == b"x" * 2_500_000


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    "uri",
    [
        "s3://calls/private/a.wav",
        "s3://calls/in/../private/a.wav",
        "s3://calls/in/./a.wav",
        "s3://other-2/a.wav",
        "s3://CALLS/in/a.wav",
    ],
)
def test_outside_the_prefixes_nothing_is_read(uri: str) -> None:
    with pytest.raises(errors.SourceNotAllowed, match="is not allowed") as caught:
        fetch(S3Audio(uri), SETTINGS)
    assert (caught.value.status, caught.value.field) == (403, "s3_uri")


def test_without_prefixes_nothing_is_allowed() -> None:
    with pytest.raises(errors.SourceNotAllowed):
        fetch(S3Audio("s3://calls/in/a.wav"), EndpointSettings())


@pytest.mark.usefixtures("bucket")
def test_a_missing_object() -> None:
    with pytest.raises(errors.SourceNotFetchable, match="NoSuchKey") as caught:
        fetch(S3Audio("s3://calls/in/none.wav"), SETTINGS)
    assert caught.value.status == 424


@pytest.mark.usefixtures("bucket")
def test_more_bytes_than_allowed() -> None:
    with pytest.raises(errors.BodyTooLarge, match="3,000,000 bytes") as caught:
        fetch(S3Audio("s3://calls/in/long.wav"), SETTINGS)
    assert caught.value.status == 413


@pytest.mark.usefixtures("bucket")
def test_longer_than_allowed() -> None:
    slow = EndpointSettings.model_construct(
        audio_s3_prefixes=("s3://calls/",), source_timeout_s=1e-9
    )
    with pytest.raises(errors.SourceNotFetchable):
        fetch(S3Audio("s3://calls/in/long.wav"), slow)
