# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
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
