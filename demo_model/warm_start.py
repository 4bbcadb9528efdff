# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Start training from an existing model instead of random weights.

Reads CTranslate2's file (`model.bin`). Text tokens are matched by spelling.
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

_QUIET = 0.1  # initial output scale of layers missing from the old model


def start_from(network: Whisper, vocabulary: Vocabulary, folder: Path) -> None:
    """Copy matching weights from a model folder; raises CommandError if the width differs."""
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
