# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A start from a model that hears something already, instead of from random weights.

Reads CTranslate2's own file (`model.bin`), whose form is that of its `model_spec.py`: a header,
each variable with name, shape, type and bytes, and aliases. Text tokens are carried over by
their spelling.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scripts.publish.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from demo_model.network import Whisper
    from demo_model.vocabulary import Vocabulary

    Weights = dict[str, NDArray[np.float32]]

_TYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
_QUIET = 0.1  # how much a layer that the old model did not have may say at first


def read_weights(path: Path) -> Weights:
    """Read every float or quantised variable of a `model.bin` as float32."""
    raw = _variables(path.read_bytes())
    weights: Weights = {}
    for name, array in raw.items():
        scale = raw.get(f"{name}_scale")
        if scale is not None:
            weights[name] = array.astype(np.float32) / scale.reshape(-1, *[1] * (array.ndim - 1))
        elif array.dtype in (np.float32, np.float16):
            weights[name] = array.astype(np.float32)
    return weights


def start_from(network: Whisper, vocabulary: Vocabulary, folder: Path) -> None:
    """Copy what fits from a model folder into `network`.

    Raises
    ------
    CommandError
        If the folder holds no Whisper of the same width.
    """
    try:
        weights = read_weights(folder / "model.bin")
        tokens = json.loads((folder / "vocabulary.json").read_text(encoding="utf-8"))
        width = weights["decoder/embeddings/weight"].shape[1]
    except (OSError, KeyError, ValueError, struct.error) as unreadable:
        raise CommandError(
            f"{folder} is not a folder with a Whisper for CTranslate2; give --start another one."
        ) from unreadable
    if width != network.shape.width:
        raise CommandError(
            f"The model in {folder} has width {width}, this network {network.shape.width}; "
            "leave --start out."
        )
    with torch.no_grad():
        _encoder(network, weights)
        _decoder(network, weights)
        _embeddings(network, vocabulary, weights["decoder/embeddings/weight"], tokens)


def _encoder(network: Whisper, weights: Weights) -> None:
    for name, layer in (("conv1", network.conv1), ("conv2", network.conv2)):
        _copy(layer, weights, f"encoder/{name}")
    network.positions.copy_(_tensor(weights["encoder/position_encodings/encodings"]))
    _norm(network.encoder_norm, weights, "encoder/layer_norm")
    for index, block in enumerate(network.encoder):
        if f"encoder/layer_{index}/ffn/linear_0/weight" in weights:
            _block(block, weights, f"encoder/layer_{index}")
        else:
            _hush(block)


def _decoder(network: Whisper, weights: Weights) -> None:
    network.token_positions.copy_(_tensor(weights["decoder/position_encodings/encodings"]))
    _norm(network.decoder_norm, weights, "decoder/layer_norm")
    for index, block in enumerate(network.decoder):
        name = f"decoder/layer_{index}"
        _block(block, weights, name)
        _norm(block.cross_norm, weights, f"{name}/attention/layer_norm")
        _attention(block.cross_attention, weights, f"{name}/attention")


def _embeddings(
    network: Whisper, vocabulary: Vocabulary, old: NDArray[np.float32], tokens: list[str]
) -> None:
    rows = {token: row for row, token in enumerate(tokens)}
    for number, token in enumerate(vocabulary.for_ctranslate2()):
        if token in rows:
            network.embeddings[number] = _tensor(old[rows[token]])


def _block(block: Any, weights: Weights, name: str) -> None:
    _norm(block.self_norm, weights, f"{name}/self_attention/layer_norm")
    _attention(block.self_attention, weights, f"{name}/self_attention")
    _norm(block.feed_norm, weights, f"{name}/ffn/layer_norm")
    _copy(block.feed_in, weights, f"{name}/ffn/linear_0")
    _copy(block.feed_out, weights, f"{name}/ffn/linear_1")


def _attention(attention: Any, weights: Weights, name: str) -> None:
    for index, layer in enumerate(attention.projections()):
        _copy(layer, weights, f"{name}/linear_{index}")


def _hush(block: Any) -> None:
    for layer in (block.self_attention.out, block.feed_out):
        layer.weight.mul_(_QUIET)
        layer.bias.zero_()


def _norm(layer: Any, weights: Weights, name: str) -> None:
    layer.weight.copy_(_tensor(weights[f"{name}/gamma"]))
    layer.bias.copy_(_tensor(weights[f"{name}/beta"]))


def _copy(layer: Any, weights: Weights, name: str) -> None:
    layer.weight.copy_(_tensor(weights[f"{name}/weight"]))
    layer.bias.copy_(_tensor(weights[f"{name}/bias"]))


def _tensor(array: NDArray[np.float32]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array))


def _variables(data: bytes) -> dict[str, NDArray[Any]]:
    reader = _Reader(data)
    reader.number("I")  # the format's version
    reader.string()  # the specification's name
    reader.number("I")  # and revision
    variables = dict(reader.variable() for _ in range(reader.number("I")))
    for _ in range(reader.number("I")):  # equal variables are stored once
        alias = reader.string()
        variables[alias] = variables[reader.string()]
    return variables


class _Reader:
    """Reads the parts of the file one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def string(self) -> str:
        return self._bytes(self.number("H")).rstrip(b"\0").decode()

    def variable(self) -> tuple[str, NDArray[Any]]:
        name = self.string()
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = _TYPES[self.number("B")]
        return name, np.frombuffer(self._bytes(self.number("I")), kind).reshape(shape)

    def _bytes(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]
