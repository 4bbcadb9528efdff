# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Real weights and real voices; tests without them are skipped, but fail where CI is set."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from benchmarks.real_calls import prompts
from scripts.publish.errors import CommandError
from scripts.weights import cache, weights
from tests.real.side_by_side import SideBySide


@pytest.fixture(scope="session")
def voices() -> None:
    if sentence := prompts.missing():
        without(sentence)


@pytest.fixture(scope="session")
def tiny_weights(voices: None) -> Path:
    return _weights("tiny.en")


@pytest.fixture(scope="session")
def base_weights(voices: None) -> Path:
    return _weights("base")


@pytest.fixture(scope="session")
def kept_folder(pytestconfig: pytest.Config) -> Path | None:
    """Beside the weights, for every checkout, unless pytest is told to keep or to use nothing."""
    if getattr(pytestconfig, "cache", None) is None or pytestconfig.getoption("cacheclear"):
        return None
    folder = cache().with_name("faster-whisper")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def tiny(tiny_weights: Path, kept_folder: Path | None) -> Iterator[SideBySide]:
    pair = SideBySide(tiny_weights, kept_folder)
    yield pair
    pair.close()


@pytest.fixture(scope="module")
def base(base_weights: Path, kept_folder: Path | None) -> Iterator[SideBySide]:
    pair = SideBySide(base_weights, kept_folder)
    yield pair
    pair.close()


def _weights(model: str) -> Path:
    try:
        return weights(model)
    except CommandError as error:
        without(str(error))


def without(sentence: str) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)
