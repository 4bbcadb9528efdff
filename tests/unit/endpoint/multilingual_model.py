# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A Whisper of random weights with a multilingual vocabulary, made on the spot.

It says nothing sensible, but it takes a language and a task, detects a language, and generates
text of the demonstration model's vocabulary: every other path of a stock model is the same.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import common_spec, whisper_spec

from demo_model.model_specs import special_tokens

LANGUAGES = ("en", "es", "fr")
DETECTED = "es"

_SIZE, _MELS, _LAYERS = 64, 128, 1
# CTranslate2 calls a model multilingual if its vocabulary has the empty token, as stock ones do.
_EMPTY = ""
_SPECIAL = special_tokens(LANGUAGES)


def make(folder: Path, demonstration: Path) -> None:
    """Write the model into a folder, with words of the demonstration model's tokenizer."""
    tokenizer = json.loads((demonstration / "tokenizer.json").read_text())
    words = sorted(tokenizer["model"]["vocab"], key=tokenizer["model"]["vocab"].get)
    tokens = [*words, _EMPTY, *_SPECIAL]
    _write_tokenizer(folder / "tokenizer.json", tokenizer, tokens, len(words))
    spec = whisper_spec.WhisperSpec(_LAYERS, 1, _LAYERS, 1)
    _fill(spec, tokens)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids_begin = [tokens.index("<|endoftext|>")]
    spec.config.lang_ids = [tokens.index(f"<|{code}|>") for code in LANGUAGES]
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    spec.optimize()
    spec.save(str(folder))


def _write_tokenizer(path: Path, tokenizer: dict[str, Any], tokens: list[str], first: int) -> None:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    tokenizer["added_tokens"] = [
        {"id": number, "content": token, "special": True, **flags}
        for number, token in enumerate(tokens)
        if number > first
    ]
    tokenizer["model"]["vocab"][_EMPTY] = first
    path.write_text(json.dumps(tokenizer))


def _fill(spec: Any, tokens: list[str]) -> None:
    random = np.random.default_rng(7)

    def weights(*shape: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        return (random.standard_normal(shape) * 0.3).astype(np.float32)

    def linear(part: Any, outputs: int, inputs: int) -> None:
        part.weight, part.bias = weights(outputs, inputs), np.zeros(outputs, np.float32)

    def norm(part: Any) -> None:
        part.gamma, part.beta = np.ones(_SIZE, np.float32), np.zeros(_SIZE, np.float32)

    def attention(part: Any, *sizes: int) -> None:
        norm(part.layer_norm)
        for layer, size in zip(part.linear, sizes, strict=True):
            linear(layer, size, _SIZE)

    def feed_forward(part: Any) -> None:
        norm(part.layer_norm)
        linear(part.linear_0, 4 * _SIZE, _SIZE)
        linear(part.linear_1, _SIZE, 4 * _SIZE)

    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = weights(_SIZE, _MELS, 3), weights(_SIZE)
    encoder.conv2.weight, encoder.conv2.bias = weights(_SIZE, _SIZE, 3), weights(_SIZE)
    encoder.position_encodings.encodings = weights(1500, _SIZE)
    norm(encoder.layer_norm)
    decoder.embeddings.weight = weights(len(tokens), _SIZE)
    decoder.position_encodings.encodings = weights(448, _SIZE)
    norm(decoder.layer_norm)
    for layer in encoder.layer:
        attention(layer.self_attention, 3 * _SIZE, _SIZE)
        feed_forward(layer.ffn)
    for layer in decoder.layer:
        attention(layer.self_attention, 3 * _SIZE, _SIZE)
        attention(layer.attention, _SIZE, 2 * _SIZE, _SIZE)
        feed_forward(layer.ffn)
    decoder.projection.weight = weights(len(tokens), _SIZE)
    decoder.projection.bias = _bias(tokens)
    _unset(spec)


def _bias(tokens: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    bias = np.zeros(len(tokens), np.float32)
    for code in LANGUAGES:
        # Never generated as text; among themselves one always wins.
        bias[tokens.index(f"<|{code}|>")] = -40.0 if code == DETECTED else -80.0
    bias[tokens.index(_EMPTY)] = -80.0
    return bias


def _unset(spec: Any) -> None:
    """Mark what this architecture does not have, as CTranslate2's own converters do."""
    for name, value in spec.variables().items():
        if value is None:
            *path, last = name.split("/")
            part = spec
            for step in path:
                part = getattr(part, step) if not step.isdigit() else part[int(step)]
            setattr(part, last, common_spec.model_spec.OPTIONAL)
