# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Engines for the tests, the demonstration model and others, and a whole model archive."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.endpoint import multilingual_model
from tests.unit.endpoint.helpers import WEIGHTS
from whisper_endpoint.engine import service
from whisper_endpoint.engine.decoder import WhisperEngine
from whisper_endpoint.engine.throughput import choose_batch_size
from whisper_endpoint.settings import EndpointSettings

# One batch after the other, in the order of the queue, and quicker than with two threads.
ONE_WORKER = EndpointSettings(cpu_threads=1)


@pytest.fixture(scope="session", autouse=True)
def batch_size_measured_once() -> Iterator[None]:
    """Have the first service alone measure its batch size: each would take seconds for it."""
    sizes: list[int] = []

    def known(seconds_for: Callable[[int], float], budget_s: float) -> int:
        sizes[:] = sizes or [choose_batch_size(seconds_for, budget_s)]
        seconds_for(1)  # what a window takes, every service learns for itself
        return sizes[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "choose_batch_size", known)
        yield


@pytest.fixture(scope="session")
def engine() -> WhisperEngine:
    return WhisperEngine.load(WEIGHTS, "cpu", ONE_WORKER)


@pytest.fixture(scope="session")
def english_engine(tmp_path_factory: pytest.TempPathFactory) -> WhisperEngine:
    """The demonstration model without the empty token, by which CTranslate2 knows languages."""
    folder = tmp_path_factory.mktemp("english") / "model"
    shutil.copytree(WEIGHTS, folder)
    vocabulary = folder / "vocabulary.json"
    tokens = json.loads(vocabulary.read_text(encoding="utf-8"))
    tokens[tokens.index("")] = "<|unused|>"
    vocabulary.write_text(json.dumps(tokens), encoding="utf-8")
    # Random weights know nothing: in int8 the next token is a tie, and rounding decides.
    settings = ONE_WORKER.model_copy(update={"compute_type": "float32", "final_windows": "full"})
    return WhisperEngine.load(folder, "cpu", settings)


@pytest.fixture(scope="session")
def multilingual_engine(tmp_path_factory: pytest.TempPathFactory) -> WhisperEngine:
    folder = tmp_path_factory.mktemp("multilingual")
    multilingual_model.make(folder, WEIGHTS)
    return WhisperEngine.load(
        folder,
        "cpu",
        ONE_WORKER.model_copy(update={"compute_type": "float32", "final_windows": "full"}),
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The model archive, which nobody may write to."""
    folder, root = tmp_path_factory.mktemp("archive") / "model", WEIGHTS.parents[1]
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("whisper_endpoint", "config.yaml", "deployment.py"):
        source = root / "inference" / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=ignore)
        else:
            folder.mkdir(exist_ok=True)
            shutil.copy(source, folder / part)
    for shared in ("whisper_contract", "whisper_stream"):
        shutil.copytree(root / shared, folder / shared, ignore=ignore)
    shutil.copytree(WEIGHTS, folder / "weights")
    (folder / "code").mkdir()
    paths = [folder, *folder.rglob("*")]
    for path in paths:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in paths:
        path.chmod(0o755)
