# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Engines for the tests: the demonstration model, an English-only and a multilingual one."""

import json
import shutil

import pytest

from tests.unit.endpoint import multilingual_model
from tests.unit.endpoint.helpers import WEIGHTS
from whisper_endpoint.engine import WhisperEngine
from whisper_endpoint.settings import EndpointSettings


@pytest.fixture(scope="session")
def engine() -> WhisperEngine:
    return WhisperEngine.load(WEIGHTS, "cpu", EndpointSettings())


@pytest.fixture(scope="session")
def english_engine(tmp_path_factory: pytest.TempPathFactory) -> WhisperEngine:
    """The demonstration model without the empty token, by which CTranslate2 knows languages."""
    folder = tmp_path_factory.mktemp("english") / "model"
    shutil.copytree(WEIGHTS, folder)
    vocabulary = folder / "vocabulary.json"
    tokens = json.loads(vocabulary.read_text(encoding="utf-8"))
    tokens[tokens.index("")] = "<|unused|>"
    vocabulary.write_text(json.dumps(tokens), encoding="utf-8")
    return WhisperEngine.load(folder, "cpu", EndpointSettings())


@pytest.fixture(scope="session")
def multilingual_engine(tmp_path_factory: pytest.TempPathFactory) -> WhisperEngine:
    folder = tmp_path_factory.mktemp("multilingual")
    multilingual_model.make(folder, WEIGHTS)
    return WhisperEngine.load(folder, "cpu", EndpointSettings())
