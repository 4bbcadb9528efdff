# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""ONNX models are read by their metadata, and what is none of them is refused at the start."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.speaker_models.onnx_file import Graph
from whisper_endpoint.errors import ModelNotLoadable
from whisper_endpoint.speakers import filterbank
from whisper_endpoint.speakers.models import Embedding, Segmentation

SEGMENTATION = {
    "sample_rate": 16_000,
    "window_size": 160_000,
    "receptive_field_size": 991,
    "receptive_field_shift": 270,
    "num_classes": 7,
}
EMBEDDING = {"sample_rate": 16_000, "output_dim": 2, "feature_normalize_type": "global-mean"}


def segmentation(folder: Path, **metadata: Any) -> Path:
    """A model that scores as many classes as it has samples."""
    graph = Graph()
    last = graph.add("Transpose", "x", perm=[0, 2, 1])
    path = folder / "segmentation.onnx"
    takes, gives = ("x", ("N", 1, "T")), ("y", last, ("N", "T", 1))
    graph.write(path, takes, gives, SEGMENTATION | metadata)
    return path


def embedding(folder: Path, **metadata: Any) -> Path:
    """A model that has the greatest of the first two features."""
    graph = Graph()
    last = graph.add("ReduceMax", "x", axes=[1], keepdims=0)
    last = graph.add("Slice", last, *(graph.constant([one]) for one in (0, 2, 1)))
    path = folder / "embedding.onnx"
    said = {key: value for key, value in (EMBEDDING | metadata).items() if value is not None}
    graph.write(path, ("x", ("N", "T", 80)), ("embedding", last, ("N", 2)), said)
    return path


def test_what_a_segmentation_is_stands_in_its_metadata(tmp_path: Path) -> None:
    model = Segmentation(segmentation(tmp_path))
    assert (model.window, model.hop, model.offset, model.frames) == (160_000, 270, 495, 589)


@pytest.mark.parametrize(
    "metadata", [{"sample_rate": 8_000}, {"num_classes": 4}, {"window_size": "long"}]
)
def test_another_segmentation_is_refused(tmp_path: Path, metadata: dict[str, Any]) -> None:
    with pytest.raises(
        ModelNotLoadable, match=r"use sherpa-onnx's conversion of pyannote's segmentation-3\.0"
    ):
        Segmentation(segmentation(tmp_path, **metadata))


def test_an_embedding_of_another_size_is_taken(tmp_path: Path) -> None:
    model = Embedding(embedding(tmp_path))
    assert model.dimension == 2
    features = np.zeros((1, 4, 80), np.float32)
    features[0, :, 0] = 1, 1, 1, 5
    features[0, :, 1] = 3, 3, 3, 3
    # Each feature less its mean, and the whole of length 1.
    np.testing.assert_allclose(model.of(features), [[1.0, 0.0]])


def test_an_embedding_that_was_trained_on_whole_numbers_gets_them(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).normal(0, 0.1, 4000).astype(np.float32)
    unit = Embedding(embedding(tmp_path)).features(samples)
    whole = Embedding(embedding(tmp_path, normalize_samples=0)).features(samples)
    np.testing.assert_allclose(whole - unit, 2 * np.log(32768), rtol=1e-4)


@pytest.mark.parametrize(
    "metadata",
    [{"sample_rate": 8_000}, {"feature_normalize_type": "per_feature"}, {"output_dim": None}],
)
def test_another_embedding_is_refused(tmp_path: Path, metadata: dict[str, Any]) -> None:
    with pytest.raises(ModelNotLoadable, match="conversions of 3D-Speaker's"):
        Embedding(embedding(tmp_path, **metadata))


def test_features_of_a_tone_are_loudest_at_its_pitch() -> None:
    time = np.arange(16_000) / 16_000
    found = filterbank.features(np.sin(2 * np.pi * 1000 * time).astype(np.float32))
    assert found.shape == (98, 80)
    assert found.dtype == np.float32
    # 1,000 Hz is 1,000 mel, and 80 triangles have their middles from 31.7 to 2,840 mel evenly.
    step = (1127 * np.log1p(8000 / 700) - 1127 * np.log1p(20 / 700)) / 81
    wanted = round((1127 * np.log1p(1000 / 700) - 1127 * np.log1p(20 / 700)) / step) - 1
    assert {int(one) for one in found.argmax(axis=1)} == {wanted}
    assert filterbank.features(np.zeros(399, np.float32)).shape == (0, 80)
    assert np.isfinite(filterbank.features(np.zeros(800, np.float32))).all()
