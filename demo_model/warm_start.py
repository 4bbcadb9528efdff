# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A start from a model that hears something already, instead of from random weights.

Reads CTranslate2's own file (`model.bin`), whose form is that of its `model_spec.py`: a header,
each variable with name, shape, type and bytes, and aliases. Text tokens are carried over by
their spelling.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from demo_model.network import Whisper
from demo_model.vocabulary import Vocabulary
from scripts.publish.errors import CommandError

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
    """Copy what fits from a model folder; raises CommandError for one of another width."""
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
    spelled = dict(zip(tokens, weights.pop("decoder/embeddings/weight"), strict=False))
    with torch.no_grad():
        for number, token in enumerate(vocabulary.for_ctranslate2()):
            if token in spelled:
                network.embeddings[number] = torch.from_numpy(spelled[token])
        new = network.weights()
        for index, block in enumerate(network.encoder):
            layer = f"encoder/layer_{index}/"
            if not any(name.startswith(layer) for name in weights):
                _hush(block)
                new = {name: weight for name, weight in new.items() if not name.startswith(layer)}
        for name in new.keys() - {"decoder/embeddings/weight"}:
            new[name].copy_(torch.from_numpy(np.ascontiguousarray(weights[name])))


def _hush(block: Any) -> None:
    for layer in (block.self_attention.out, block.feed_out):
        layer.weight.mul_(_QUIET)
        layer.bias.zero_()


def _variables(data: bytes) -> dict[str, NDArray[Any]]:
    reader = _ModelFile(data)
    reader.number("I")  # the format's version
    reader.string()  # the specification's name
    reader.number("I")  # and revision
    variables = dict(reader.variable() for _ in range(reader.number("I")))
    for _ in range(reader.number("I")):  # equal variables are stored once
        alias = reader.string()
        variables[alias] = variables[reader.string()]
    return variables


class _ModelFile:
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
