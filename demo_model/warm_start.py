# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A start from a model that hears something already, instead of from random weights.

Reads CTranslate2's own file (`model.bin`). Text tokens are carried over by their spelling.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import torch

from demo_model.network import Whisper
from demo_model.vocabulary import Vocabulary
from scripts.publish.errors import CommandError
from whisper_endpoint.engine.encoders.weights import read_weights

_QUIET = 0.1  # how much a layer that the old model did not have may say at first


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
