# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Choose alignment heads: measure each alone, keep the best.

There are two measures. A head is monotonic if the frames it attends to most advance from token to
token. And it is accurate if the word starts that CTranslate2 derives from this head alone (by
dynamic time warping) match those reported by the synthesiser.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import numpy as np
import torch
from torch import Tensor

from demo_model.convert import convert
from demo_model.features import log_mel
from demo_model.model_specs import TIME_STEP
from demo_model.network import Whisper
from demo_model.tts.synthesis import Spoken
from demo_model.vocabulary import Vocabulary

_LEAD_SAMPLES = 8_000
_WINDOW_SAMPLES = 160_000
_NEARLY_AS_GOOD = 1.15
_MONOTONIC = 0.9


@dataclass(frozen=True)
class HeadMeasure:
    """A head of the decoder's cross-attention.

    `forward`: share of token steps in which the most attended frame advances; `median_s`: median
    error of word starts, in seconds.
    """

    layer: int
    head: int
    forward: float
    median_s: float


@dataclass(frozen=True)
class _HeadSample:
    features: Tensor
    start: list[int]
    pieces: list[list[int]]
    starts: tuple[float, ...]

    @property
    def tokens(self) -> list[int]:
        return [token for piece in self.pieces for token in piece]


def measure_heads(
    network: Whisper, vocabulary: Vocabulary, spoken: Sequence[tuple[str, Spoken]]
) -> list[HeadMeasure]:
    """Measure every head on (language, sentence) pairs with word starts, best first."""
    samples = [_sample(vocabulary, language, said) for language, said in spoken]
    measures = []
    forward = _forward(network, vocabulary, samples)
    for layer in range(network.shape.decoder_layers):
        for head in range(network.shape.heads):
            with tempfile.TemporaryDirectory() as folder:
                convert(network, vocabulary, [(layer, head)], Path(folder))
                model = ctranslate2.models.Whisper(folder, compute_type="int8")
                error = _median_error(model, samples)
            measures.append(HeadMeasure(layer, head, float(forward[layer, head]), error))
    return sorted(measures, key=lambda measure: measure.median_s)


def best_heads(measures: Sequence[HeadMeasure]) -> list[tuple[int, int]]:
    """Return the monotonic heads nearly as good as the best; CTranslate2 averages them."""
    limit = max(measures[0].median_s, TIME_STEP) * _NEARLY_AS_GOOD
    chosen = [m for m in measures if m.median_s <= limit and m.forward >= _MONOTONIC]
    return [(m.layer, m.head) for m in chosen or measures[:1]]


def _sample(vocabulary: Vocabulary, language: str, said: Spoken) -> _HeadSample:
    audio = torch.zeros(1, _WINDOW_SAMPLES)
    heard = torch.from_numpy(said.samples[: _WINDOW_SAMPLES - _LEAD_SAMPLES])
    audio[0, _LEAD_SAMPLES : _LEAD_SAMPLES + len(heard)] = heard
    return _HeadSample(
        log_mel(audio),
        [vocabulary.id(name) for name in ("startoftranscript", language, "transcribe")],
        [vocabulary.word(word) for word in said.text.split()],
        tuple(start + _LEAD_SAMPLES / 16_000 for start in said.starts or ()),
    )


def _forward(network: Whisper, vocabulary: Vocabulary, samples: Sequence[_HeadSample]) -> Tensor:
    """Return the share of forward steps, shape (layers, heads)."""
    steps, forward = 0, torch.zeros(network.shape.decoder_layers, network.shape.heads)
    for sample in samples:
        tokens = [*sample.start, vocabulary.id("notimestamps"), *sample.tokens]
        with torch.no_grad():
            _, attentions = network.decode(torch.tensor([tokens]), network.encode(sample.features))
        first = len(sample.start)  # the position of <|notimestamps|> predicts the first token
        for layer, logits in enumerate(attentions):
            looked = logits[0, :, first:-1].argmax(-1)
            forward[layer] += (looked.diff(dim=-1) >= 0).sum(-1)
        steps += len(tokens) - first - 2
    return forward / steps


def _median_error(model: ctranslate2.models.Whisper, samples: Sequence[_HeadSample]) -> float:
    errors: list[float] = []
    for sample in samples:
        features = ctranslate2.StorageView.from_array(np.ascontiguousarray(sample.features.numpy()))
        [aligned] = model.align(features, sample.start, [sample.tokens], [_WINDOW_SAMPLES // 160])
        frames: dict[int, int] = {}
        for token, frame in aligned.alignments:
            frames.setdefault(token, frame)
        firsts = np.cumsum([0, *(len(piece) for piece in sample.pieces)])[:-1]
        found = [frames.get(int(first), 0) * TIME_STEP for first in firsts]
        # Not the first word: its path always begins at the start of the window.
        errors += [abs(a - b) for a, b in list(zip(found, sample.starts, strict=True))[1:]]
    return float(np.median(errors))
