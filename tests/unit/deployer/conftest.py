# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import boto3
import moto
import pytest

from tests.fakes.stand_ins import StandInHub

REPOSITORY, REVISION = "somebody/a-model", "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def s3():
    with moto.mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="bucket")
        yield client


@pytest.fixture
def serve():
    """Serve files as a hub does: ``serve(files)`` returns the stand-in."""
    hubs = []

    def begin(files):
        hubs.append(StandInHub(REPOSITORY, REVISION, files))
        return hubs[-1]

    yield begin
    for hub in hubs:
        hub.close()
