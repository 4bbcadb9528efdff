# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Engines for the endpoint's tests: the demonstration model, and a multilingual one."""

import pytest

from tests.unit.endpoint import multilingual_model
from tests.unit.endpoint.helpers import WEIGHTS
from whisper_endpoint.engine import WhisperEngine
from whisper_endpoint.settings import EndpointSettings


@pytest.fixture(scope="session")
def engine() -> WhisperEngine:
    return WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings())


@pytest.fixture(scope="session")
def multilingual_engine(tmp_path_factory: pytest.TempPathFactory) -> WhisperEngine:
    folder = tmp_path_factory.mktemp("multilingual")
    multilingual_model.make(folder, WEIGHTS)
    return WhisperEngine.load(folder, "cpu", EndpointSettings())
