# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Generate Whisper models with random weights in the shapes of stock models.

Their output is meaningless, but encoding and decoding cost as much as with the stock model, and
every window takes the same number of tokens: from a fixed decoder position on, position encodings
force the end token. So two programs decoding the same window do the same work, with no
special options.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec
from faster_whisper.tokenizer import _LANGUAGE_CODES
from numpy.typing import NDArray

from demo_model.model_specs import leave_out_what_is_unset, special_tokens

TOKENS = 17
"""Tokens of a window: a timestamp and 16 of text, as for an utterance of about six seconds."""

PROMPT = 3
"""Tokens for start of transcript, language, task."""

_POSITIONS = 448
_BLOCK = 1_000_003
"""Number of random values that large weights repeat; a prime, so that no two rows are equal."""

_SPIKE, _CERTAIN, _NEVER = 200.0, 2.0, -10.0


@dataclass(frozen=True)
class ModelShape:
    """Dimensions of a Whisper model, with the multilingual vocabulary reduced to `words`.

    `size`: model width; `heads`: attention heads; `mels`: mel bins; `words`: text tokens, without
    the empty one.
    """

    layers: int
    decoder_layers: int
    size: int
    heads: int
    mels: int = 80
    words: int = 50_256
    languages: int = 99


SHAPES = {
    "tiny": ModelShape(4, 4, 384, 6),
    "small": ModelShape(12, 12, 768, 12),
    "large-v3": ModelShape(32, 32, 1280, 20, mels=128, languages=100),
    "turbo": ModelShape(32, 4, 1280, 20, mels=128, languages=100),
    "toy": ModelShape(1, 1, 64, 1, words=1_000, languages=3),
}
"""Dimensions from the models' configurations; ``toy`` is for tests of this program."""


def make(folder: Path, shape: ModelShape, tokenizer: Path, quantization: str) -> None:
    """Write a model for ``faster_whisper.WhisperModel`` and the endpoint.

    `folder`: existing, empty. `tokenizer`: a byte-level ``tokenizer.json`` whose words come first;
    the rest are invented. `quantization`: CTranslate2's, such as ``int8`` or ``float16``.
    """
    document = json.loads(tokenizer.read_text(encoding="utf-8"))
    words = _words(document, shape.words)
    tokens = [*words, "", *special_tokens(_codes(shape.languages))]
    _write_tokenizer(folder / "tokenizer.json", document, tokens, len(words))
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": shape.mels}))
    spec = whisper_spec.WhisperSpec(shape.layers, shape.heads, shape.decoder_layers, shape.heads)
    _Weights(shape, tokens, quantization).fill(spec)
    spec.register_vocabulary(tokens)
    spec.config.suppress_ids_begin = [tokens.index("<|endoftext|>")]
    spec.config.lang_ids = [tokens.index(f"<|{code}|>") for code in _codes(shape.languages)]
    spec.config.alignment_heads = [[shape.decoder_layers - 1, 0]]
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))


def _codes(languages: int) -> tuple[str, ...]:
    """Return language codes, English first as in the stock vocabulary, others in any order."""
    others = sorted(code for code in _LANGUAGE_CODES if code != "en")
    return ("en", *others)[:languages]


def _words(document: dict[str, Any], count: int) -> list[str]:
    vocabulary: dict[str, int] = document["model"]["vocab"]
    known = sorted(vocabulary, key=vocabulary.__getitem__)
    invented = (f"Ġ{_letters(number)}" for number in range(count + len(known)))
    fresh = (word for word in invented if word not in vocabulary)
    return [*known, *(next(fresh) for _ in range(count - len(known)))]


def _letters(number: int) -> str:
    return "".join(chr(ord("a") + number // 26**place % 26) for place in range(4))


def _write_tokenizer(path: Path, document: dict[str, Any], tokens: list[str], empty: int) -> None:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    document["added_tokens"] = [
        {"id": number, "content": token, "special": True, **flags}
        for number, token in enumerate(tokens)
        if number > empty
    ]
    document["model"]["vocab"] = {token: number for number, token in enumerate(tokens[: empty + 1])}
    path.write_text(json.dumps(document), encoding="utf-8")


class _Weights:
    """Fills a specification with random weights, scaled so that no layer dominates."""

    def __init__(self, shape: ModelShape, tokens: list[str], quantization: str) -> None:
        self._shape = shape
        self._tokens = tokens
        # CTranslate2 quantises from float32; float16 halves the memory otherwise.
        self._type: Any = np.float16 if quantization == "float16" else np.float32
        self._block = np.random.default_rng(7).standard_normal(_BLOCK, np.float32)
        self._begin = 0

    def fill(self, spec: Any) -> None:
        """Set every weight; mark those this architecture lacks."""
        encoder, decoder, size = spec.encoder, spec.decoder, self._shape.size
        for part, inputs in ((encoder.conv1, self._shape.mels), (encoder.conv2, size)):
            part.weight, part.bias = self._random(size, inputs, 3), self._zeros(size)
        encoder.position_encodings.encodings = self._random(1500, size)
        self._norm(encoder.layer_norm)
        self._norm(decoder.layer_norm)
        for layer in encoder.layer:
            self._attention(layer.self_attention, 3 * size, size)
            self._feed_forward(layer.ffn)
        for layer in decoder.layer:
            self._attention(layer.self_attention, 3 * size, size)
            self._attention(layer.attention, size, 2 * size, size)
            self._feed_forward(layer.ffn)
        self._words(decoder)
        leave_out_what_is_unset(spec)

    def _words(self, decoder: Any) -> None:
        """Set embeddings that force the end token from position ``PROMPT + TOKENS - 1``."""
        end = self._tokens.index("<|endoftext|>")
        embeddings = self._random(len(self._tokens), self._shape.size)
        embeddings[:, 0] = 0
        embeddings[end, 0] = _CERTAIN
        positions = self._random(_POSITIONS, self._shape.size)
        positions[:, 0] = 0
        positions[PROMPT + TOKENS - 1 :, 0] = _SPIKE
        bias = self._zeros(len(self._tokens))
        # Never choose anything but text and the end token.
        bias[end:] = _NEVER
        decoder.embeddings.weight = decoder.projection.weight = embeddings
        decoder.projection.bias = bias
        decoder.position_encodings.encodings = positions

    def _random(self, *shape: int) -> NDArray[Any]:
        scale = np.float32(1 / np.sqrt(np.prod(shape[1:])))
        # A different offset each time: equal weights would be stored, and cached, once.
        self._begin += 1009
        block = np.roll(self._block, self._begin) * scale
        return np.resize(block.astype(self._type), shape)

    def _zeros(self, count: int) -> NDArray[Any]:
        return np.zeros(count, self._type)

    def _norm(self, part: Any) -> None:
        part.gamma = np.ones(self._shape.size, self._type)
        part.beta = self._zeros(self._shape.size)

    def _linear(self, part: Any, outputs: int, inputs: int) -> None:
        part.weight, part.bias = self._random(outputs, inputs), self._zeros(outputs)

    def _attention(self, part: Any, *outputs: int) -> None:
        self._norm(part.layer_norm)
        for layer, count in zip(part.linear, outputs, strict=True):
            self._linear(layer, count, self._shape.size)

    def _feed_forward(self, part: Any) -> None:
        size = self._shape.size
        self._norm(part.layer_norm)
        self._linear(part.linear_0, 4 * size, size)
        self._linear(part.linear_1, size, 4 * size)
