# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whisper's network in PyTorch, with training-only parts.

A small version of "Robust Speech Recognition via Large-Scale Weak Supervision" (Radford et al.,
2022), section 2.2: two convolutions, sinusoidal positions, pre-norm blocks, output weights tied to
the token embeddings.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

MELS = 80
FRAMES = 1_500
"""Encoder frames in a 30 s window."""

MAX_TOKENS = 448
_POSITION_SCALE = 0.3  # at full scale, positions initially drown the convolutions
_EMBEDDING_STD = 0.05
_CONVOLUTION_STD = 0.1  # PyTorch's default is four times smaller and learns slowly at first


@dataclass(frozen=True)
class NetworkShape:
    """Dimensions of the network."""

    width: int = 192
    heads: int = 3
    encoder_layers: int = 4
    decoder_layers: int = 2


class Attention(nn.Module):
    """Multi-head attention with fused projections, as CTranslate2 stores them."""

    def __init__(
        self, width: int, heads: int, *, is_cross: bool = False, is_causal: bool = False
    ) -> None:
        super().__init__()
        self.heads = heads
        self.is_causal = is_causal
        if is_cross:
            self.query = nn.Linear(width, width)
            self.key_value = nn.Linear(width, 2 * width)
        else:
            self.query_key_value = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, source: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the output, and the logits (batch, heads, queries, keys).

        Without a `source`, a decoder's `x` attends to earlier positions, an encoder's to all; the
        logits may then be empty.
        """
        query, key, value = self._project(x, source)
        # On a CPU, fused attention has a faster backward pass in float32, a slower one in bfloat16.
        if source is None and query.dtype == torch.float32:
            heard = F.scaled_dot_product_attention(query, key, value, is_causal=self.is_causal)
            fused: Tensor = self.out(heard.transpose(1, 2).flatten(2))
            return fused, query.new_empty(0)
        logits = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        if self.is_causal:
            length = x.shape[1]
            future = torch.ones(length, length, dtype=torch.bool).triu(1)
            logits = logits.masked_fill(future, -torch.inf)
        merged: Tensor = self.out((logits.softmax(-1) @ value).transpose(1, 2).flatten(2))
        return merged, logits

    def projections(self) -> list[nn.Linear]:
        """Return the linear layers in CTranslate2's order: input, then output projections."""
        if hasattr(self, "query"):
            return [self.query, self.key_value, self.out]
        return [self.query_key_value, self.out]

    def _project(self, x: Tensor, source: Tensor | None) -> list[Tensor]:
        if source is None:
            parts = self.query_key_value(x).chunk(3, -1)
        else:
            parts = (self.query(x), *self.key_value(source).chunk(2, -1))
        return [part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts]


class Block(nn.Module):
    """A transformer block, of the encoder or (with cross-attention) the decoder."""

    def __init__(self, width: int, heads: int, *, is_decoder: bool) -> None:
        super().__init__()
        self.self_norm = nn.LayerNorm(width)
        self.self_attention = Attention(width, heads, is_causal=is_decoder)
        if is_decoder:
            self.cross_norm = nn.LayerNorm(width)
            self.cross_attention = Attention(width, heads, is_cross=True)
        self.feed_norm = nn.LayerNorm(width)
        self.feed_in = nn.Linear(width, 4 * width)
        self.feed_out = nn.Linear(4 * width, width)

    def layers(self) -> dict[str, nn.Module]:
        """Return the layers with weights, by CTranslate2's names."""
        layers = {
            "self_attention/layer_norm": self.self_norm,
            "ffn/layer_norm": self.feed_norm,
            "ffn/linear_0": self.feed_in,
            "ffn/linear_1": self.feed_out,
        }
        attentions = {"self_attention": self.self_attention}
        if hasattr(self, "cross_attention"):
            layers["attention/layer_norm"] = self.cross_norm
            attentions["attention"] = self.cross_attention
        for name, attention in attentions.items():
            for index, layer in enumerate(attention.projections()):
                layers[f"{name}/linear_{index}"] = layer
        return layers

    def forward(self, x: Tensor, source: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the block's output, and the logits of its last attention."""
        mixed, logits = self.self_attention(self.self_norm(x))
        x = x + mixed
        if source is not None:
            mixed, logits = self.cross_attention(self.cross_norm(x), source)
            x = x + mixed
        return x + self.feed_out(F.gelu(self.feed_in(self.feed_norm(x)))), logits


class Whisper(nn.Module):
    """The network; `frame_words` is for training only, with class 0 for no word."""

    def __init__(self, shape: NetworkShape, tokens: int, words: int) -> None:
        super().__init__()
        width = shape.width
        self.shape = shape
        self.conv1 = nn.Conv1d(MELS, width, 3, padding=1)
        self.conv2 = nn.Conv1d(width, width, 3, stride=2, padding=1)
        for layer in (self.conv1, self.conv2):
            nn.init.normal_(layer.weight, std=_CONVOLUTION_STD)
        self.register_buffer("positions", _sinusoids(FRAMES, width) * _POSITION_SCALE)
        self.encoder = nn.ModuleList(
            Block(width, shape.heads, is_decoder=False) for _ in range(shape.encoder_layers)
        )
        self.encoder_norm = nn.LayerNorm(width)
        self.embeddings = nn.Parameter(torch.randn(tokens, width) * _EMBEDDING_STD)
        self.token_positions = nn.Parameter(torch.randn(MAX_TOKENS, width) * _EMBEDDING_STD)
        self.decoder = nn.ModuleList(
            Block(width, shape.heads, is_decoder=True) for _ in range(shape.decoder_layers)
        )
        self.decoder_norm = nn.LayerNorm(width)
        self.frame_words = nn.Linear(width, words)

    def encode(self, features: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Encode log-mel features (batch, 80, 2 * frames) of windows into (batch, frames, width).

        With `offsets` (batch,), of pieces that start that many encoder frames into a window.
        """
        x = F.gelu(self.conv2(F.gelu(self.conv1(features)))).transpose(1, 2)
        places = torch.arange(x.shape[1])
        x = x + self.positions[places if offsets is None else offsets[:, None] + places]
        for block in self.encoder:
            x, _ = block(x)
        encoded: Tensor = self.encoder_norm(x)
        return encoded

    def decode(self, tokens: Tensor, encoded: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return token logits (batch, tokens, vocabulary) and cross-attention logits by layer."""
        x = self.embeddings[tokens] + self.token_positions[: tokens.shape[1]]
        attentions = []
        for block in self.decoder:
            x, logits = block(x, encoded)
            attentions.append(logits)
        return self.decoder_norm(x) @ self.embeddings.T, attentions

    def weights(self) -> dict[str, Tensor]:
        """Return all weights of the converted model, by CTranslate2's names."""
        named: dict[str, Tensor] = {
            "encoder/position_encodings/encodings": self.positions,
            "decoder/position_encodings/encodings": self.token_positions,
            "decoder/embeddings/weight": self.embeddings,
        }
        layers: dict[str, nn.Module] = {
            "encoder/conv1": self.conv1,
            "encoder/conv2": self.conv2,
            "encoder/layer_norm": self.encoder_norm,
            "decoder/layer_norm": self.decoder_norm,
        }
        for part, blocks in (("encoder", self.encoder), ("decoder", self.decoder)):
            for index, block in enumerate(blocks):
                named_layers = block.layers().items()
                layers |= {f"{part}/layer_{index}/{name}": layer for name, layer in named_layers}
        for name, layer in layers.items():
            is_norm = isinstance(layer, nn.LayerNorm)
            named[f"{name}/gamma" if is_norm else f"{name}/weight"] = layer.weight
            named[f"{name}/beta" if is_norm else f"{name}/bias"] = layer.bias
        return named


def _sinusoids(length: int, width: int) -> Tensor:
    """Whisper's encoder positions: sines, then cosines, of geometric wavelengths up to 10,000."""
    half = width // 2
    scales = torch.exp(-math.log(10_000) / (half - 1) * torch.arange(half))
    angles = torch.arange(length)[:, None] * scales[None]
    return torch.cat([angles.sin(), angles.cos()], 1)
