# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import secrets

import pytest

from local_cloud.sagemaker.hosting import Health
from local_cloud.server import LocalCloud
from tests.fakes.stand_ins import TRANSCRIPT, ScriptedHosting


@pytest.fixture(scope="module")
def shared_cloud():
    with LocalCloud(ScriptedHosting) as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud):
    shared_cloud.hosting.outcome = (Health.READY, "")
    shared_cloud.hosting.answer = (200, TRANSCRIPT)
    return shared_cloud


@pytest.fixture
def bucket(cloud):
    s3, name = cloud.client("s3"), f"b-{secrets.token_hex(8)}"
    s3.create_bucket(Bucket=name)
    yield name
    for item in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)
