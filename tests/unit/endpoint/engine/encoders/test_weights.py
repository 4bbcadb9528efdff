# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Weights out of CTranslate2's file, in every type that it stores."""

import struct
from pathlib import Path

import numpy as np
import pytest

from benchmarks.bench import shapes
from tests.unit.endpoint.helpers import WEIGHTS
from whisper_endpoint.engine.encoders.weights import Weights, read_weights

NAMES = (
    "encoder/conv1/weight",
    "encoder/conv1/bias",
    "encoder/layer_0/ffn/linear_0/weight",
    "encoder/layer_norm/gamma",
    "encoder/position_encodings/encodings",
)


def stored_as(folder: Path, quantization: str) -> Path:
    folder.mkdir()
    shapes.make(folder, shapes.SHAPES["toy"], WEIGHTS / "tokenizer.json", quantization)
    return folder / "model.bin"


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Weights:
    return read_weights(stored_as(tmp_path_factory.mktemp("exact") / "model", "float32"))


@pytest.mark.parametrize(
    ("quantization", "share"),
    [("float16", 1e-3), ("int16", 1e-3), ("int8", 1e-2)],
)
def test_weights_are_what_they_were_before_they_were_stored(
    exact: Weights, tmp_path: Path, quantization: str, share: float
) -> None:
    read = read_weights(stored_as(tmp_path / "model", quantization), "encoder/")
    for name in NAMES:
        assert read[name].dtype == np.float32
        largest = np.abs(exact[name]).max()
        np.testing.assert_allclose(read[name], exact[name], atol=share * largest, err_msg=name)
    assert read["encoder/num_heads"] == exact["encoder/num_heads"] == 1


def test_bfloat16_is_the_upper_half_of_a_float32(tmp_path: Path) -> None:
    """CTranslate2 stores it with PyTorch alone, so the file is written here."""
    name = struct.pack("<H2s", 2, b"x\0")
    values = np.array([1.0, -2.5, 0.15625], np.float32)
    stored = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    header = struct.pack("<I", 6) + name + struct.pack("<II", 3, 1)
    variable = name + struct.pack("<BIBI", 1, 3, 5, len(stored)) + stored
    (tmp_path / "model.bin").write_bytes(header + variable + struct.pack("<I", 0))
    np.testing.assert_array_equal(read_weights(tmp_path / "model.bin")["x"], values)


def test_only_what_is_wanted_is_read_and_an_alias_is_the_variable(exact: Weights) -> None:
    everything = read_weights(WEIGHTS / "model.bin")
    encoder = read_weights(WEIGHTS / "model.bin", "encoder/")
    assert encoder.keys() == {name for name in everything if name.startswith("encoder/")}
    embeddings = everything["decoder/embeddings/weight"]
    np.testing.assert_array_equal(everything["decoder/projection/weight"], embeddings)


@pytest.mark.parametrize("size", [0, 3, 10_000])
def test_a_file_that_ends_too_early_is_refused(tmp_path: Path, size: int) -> None:
    cut = tmp_path / "model.bin"
    cut.write_bytes((WEIGHTS / "model.bin").read_bytes()[:size])
    with pytest.raises((ValueError, struct.error)):
        read_weights(cut, "encoder/")
