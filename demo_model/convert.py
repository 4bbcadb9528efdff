# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Convert the trained network to a model folder: CTranslate2's Whisper spec in int8."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ctranslate2.specs import model_spec, whisper_spec

from demo_model.model_specs import leave_out_what_is_unset
from demo_model.network import Whisper
from demo_model.tts.sentences import LANGUAGES
from demo_model.vocabulary import Vocabulary

WINDOWS = {"window_seconds": [4, 6, 8, 10, 15, 20, 30], "margin_seconds": 0.5, "pause_seconds": 0.9}
"""Window lengths at which it is accurate, margin at a window's end, and longest pause within
a window; read by the endpoint.
"""

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
    """Write a model for faster-whisper and the endpoint; word times come from `heads`."""
    shape = network.shape
    spec = whisper_spec.WhisperSpec(
        shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads
    )
    for name, weight in network.weights().items():
        layer, _, attribute = name.rpartition("/")
        setattr(model_spec.index_spec(spec, layer), attribute, _array(weight))
    spec.decoder.projection.weight = _array(network.embeddings)
    spec.register_vocabulary(vocabulary.for_ctranslate2())
    # Nothing is suppressed: this model signals silence by ending at once.
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


def _array(tensor: Any) -> Any:
    return tensor.detach().float().numpy().copy()  # quantising modifies its input
