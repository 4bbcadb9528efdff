# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The trained network as a model folder: CTranslate2's Whisper spec in int8, and its files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ctranslate2.specs import whisper_spec

from demo_model.model_specs import leave_out_what_is_unset
from demo_model.tts.sentences import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demo_model.network import Attention, Block, Whisper
    from demo_model.vocabulary import Vocabulary

WINDOWS = {
    "window_seconds": [4, 6, 8, 10, 15, 20, 30],
    "margin_seconds": 0.5,
    "pause_seconds": 0.9,
}
"""The window lengths that it keeps its accuracy at, how near to its end a window may be filled, and
the longest pause within one; the endpoint reads them."""

_FEATURES = {
    "feature_size": 80,
    "sampling_rate": 16_000,
    "hop_length": 160,
    "chunk_length": 30,
    "n_fft": 400,
}


def convert(
    network: Whisper, vocabulary: Vocabulary, heads: Sequence[tuple[int, int]], folder: Path
) -> None:
    """Write a model that `faster_whisper.WhisperModel` and the endpoint load.

    Parameters
    ----------
    network : Whisper
    vocabulary : Vocabulary
    heads : sequence of (layer, head)
        Whose cross-attention tells when a word is spoken.
    folder : Path
        Made if it is not there; files of the same names are replaced.
    """
    shape = network.shape
    spec = whisper_spec.WhisperSpec(
        shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads
    )
    _encoder(spec.encoder, network)
    _decoder(spec.decoder, network)
    spec.register_vocabulary(vocabulary.for_ctranslate2())
    # Nothing is suppressed: this model says that nobody speaks by ending at once.
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = [vocabulary.id(language) for language in LANGUAGES]
    spec.config.alignment_heads = [list(head) for head in heads]
    leave_out_what_is_unset(spec)
    spec.validate()
    spec.optimize(quantization="int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    vocabulary.tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps(_FEATURES) + "\n")
    (folder / "windows.json").write_text(json.dumps(WINDOWS) + "\n")


def _encoder(spec: Any, network: Whisper) -> None:
    for part, layer in ((spec.conv1, network.conv1), (spec.conv2, network.conv2)):
        part.weight, part.bias = _array(layer.weight), _array(layer.bias)
    spec.position_encodings.encodings = _array(network.positions)
    _norm(spec.layer_norm, network.encoder_norm)
    for part, block in zip(spec.layer, network.encoder, strict=True):
        _block(part, block)


def _decoder(spec: Any, network: Whisper) -> None:
    spec.embeddings.weight = _array(network.embeddings)
    spec.projection.weight = _array(network.embeddings)
    spec.position_encodings.encodings = _array(network.token_positions)
    _norm(spec.layer_norm, network.decoder_norm)
    for part, block in zip(spec.layer, network.decoder, strict=True):
        _block(part, block)
        _norm(part.attention.layer_norm, block.cross_norm)
        _linears(part.attention, block.cross_attention)


def _block(part: Any, block: Block | Any) -> None:
    _norm(part.self_attention.layer_norm, block.self_norm)
    _linears(part.self_attention, block.self_attention)
    _norm(part.ffn.layer_norm, block.feed_norm)
    _linear(part.ffn.linear_0, block.feed_in)
    _linear(part.ffn.linear_1, block.feed_out)


def _linears(part: Any, attention: Attention | Any) -> None:
    for linear, layer in zip(part.linear, attention.projections(), strict=True):
        _linear(linear, layer)


def _linear(part: Any, layer: Any) -> None:
    part.weight, part.bias = _array(layer.weight), _array(layer.bias)


def _norm(part: Any, layer: Any) -> None:
    part.gamma, part.beta = _array(layer.weight), _array(layer.bias)


def _array(tensor: Any) -> Any:
    return tensor.detach().float().numpy().copy()  # quantising writes into what it is given
