# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Training: first short pieces, then whole windows, on the CPU in about an hour.

There are four losses. The tokens' cross-entropy is Whisper's own. Three others let a small network
learn from hours of speech instead of years, because the synthesisers report word times: the encoder
names the word of each frame (or, without times, the words in order, by CTC), and two heads of the
last decoder layer attend to the next word's frames.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

from demo_model.batches import IGNORED, BatchMaker, TrainingBatch
from demo_model.network import NetworkShape, Whisper

_GUIDED_HEADS = 2
_WARM_UP = 150
_AT_BEGIN = 0.25
_REACH = 0.2
_LOWEST_RATE = 2e-5
_FRAME_LOSS, _ORDER_LOSS, _ATTENTION_LOSS = 1.0, 0.1, 0.3
_EVERY_CHECKPOINT = 50
_EMA = 0.998
_LEAST = 1e-6
# Halves the time if the CPU supports it; otherwise a hundred times slower.
_HAS_BFLOAT16 = bool(torch.cpu.get_capabilities().get("avx512_bf16"))


@dataclass(frozen=True)
class Schedule:
    """Number of steps on short pieces, then on whole windows (alternating with pieces).

    `batch`: pieces per step; whole windows are fewer, for the same work. `rate`: peak learning
    rate, lower for weights that are already trained.
    """

    pieces: int = 2_150
    windows: int = 1_900
    batch: int = 32
    rate: float = 1e-3

    @property
    def steps(self) -> int:
        """Total number of steps."""
        return self.pieces + self.windows


@dataclass(frozen=True)
class ClassCounts:
    """Number of tokens, and of word classes of frames."""

    tokens: int
    words: int


# Window seconds, share, and windows per step: most live audio fits into 10 s.
_WINDOWS = (
    (6.0, 0.12, 16),
    (8.0, 0.12, 12),
    (10.0, 0.26, 10),
    (12.0, 0.1, 8),
    (15.0, 0.14, 6),
    (20.0, 0.1, 4),
    (30.0, 0.16, 3),
)


def train(
    maker: BatchMaker,
    sizes: ClassCounts,
    schedule: Schedule,
    checkpoint: Path,
    tell: Callable[[str], None],
    prepare: Callable[[Whisper], None] = lambda _network: None,
) -> Whisper:
    """Train from random weights, after `prepare`, or from a checkpoint of the same command.

    Every fifty steps, write the checkpoint and pass a line of figures to `tell`. Return the moving
    average of the weights, which is better than the last step's.
    """
    torch.manual_seed(0)
    network = Whisper(NetworkShape(), sizes.tokens, sizes.words)
    prepare(network)
    mean = copy.deepcopy(network)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=schedule.rate, weight_decay=0.01, betas=(0.9, 0.98)
    )
    first = _resume(checkpoint, network, mean, optimizer)
    sums: dict[str, float] = {}
    for step in range(first, schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, schedule)
        losses = _losses(network, _draw(maker, step, schedule))
        optimizer.zero_grad()
        torch.stack(list(losses.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        _follow(mean, network, min(_EMA, (1 + step) / (10 + step)))
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + loss.item()
        if (step + 1) % _EVERY_CHECKPOINT == 0:
            figures = ", ".join(f"{k} {v / _EVERY_CHECKPOINT:.3f}" for k, v in sums.items())
            tell(f"step {step + 1} of {schedule.steps}: {figures}")
            sums = {}
            _save(checkpoint, step + 1, network, mean, optimizer)
    mean.eval()
    return mean


def mean_with(network: Whisper, earlier: Whisper, share: float) -> Whisper:
    """Interpolate between these weights and the initial ones; `share` (0 to 1) is the latter's.

    Averages of two points of a training generalize better to unseen sentences (Izmailov et al.,
    "Averaging Weights Leads to Wider Optima and Better Generalization").
    """
    both, begin = copy.deepcopy(network), earlier.state_dict()
    for name, weights in both.state_dict().items():
        weights.lerp_(begin[name], share)
    return both


def _draw(maker: BatchMaker, step: int, schedule: Schedule) -> TrainingBatch:
    if step < schedule.pieces or step % 2:
        # Only near the start of the window: an untrained network cannot yet learn to attend by
        # arbitrary positions.
        reach = _REACH * (step >= schedule.pieces * _AT_BEGIN)
        return maker.pieces(schedule.batch, reach)
    seconds, size = maker.choose([(s, share, n) for s, share, n in _WINDOWS])
    return maker.windows(size, seconds)


def _losses(network: Whisper, batch: TrainingBatch) -> dict[str, Tensor]:
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_HAS_BFLOAT16):
        encoded = network.encode(batch.features, batch.offsets)
        logits, attentions = network.decode(batch.tokens, encoded)
        frames = network.frame_words(encoded)
    said = F.cross_entropy(logits.float().flatten(0, 1), batch.targets.flatten())
    losses = {"tokens": said}
    if (batch.frame_words != IGNORED).any():
        labels = F.cross_entropy(frames.float().flatten(0, 1), batch.frame_words.flatten())
        losses["frames"] = _FRAME_LOSS * labels
    if any(batch.spoken):
        losses["order"] = _ORDER_LOSS * _order(frames.float(), batch.spoken)
    if batch.attended.any():
        guided = attentions[-1][:, :_GUIDED_HEADS].float()
        losses["attention"] = _ATTENTION_LOSS * _attention(guided, batch.attended)
    return losses


def _order(frames: Tensor, spoken: list[list[int]]) -> Tensor:
    """Return the CTC loss of windows without known word times."""
    rows = [row for row, words in enumerate(spoken) if words]
    lengths = torch.tensor([len(spoken[row]) for row in rows])
    wanted = torch.tensor([word for row in rows for word in spoken[row]])
    scores = frames[rows].log_softmax(-1).transpose(0, 1)
    steps = torch.full((len(rows),), frames.shape[1])
    return F.ctc_loss(scores, wanted, steps, lengths, zero_infinity=True)


def _attention(logits: Tensor, attended: Tensor) -> Tensor:
    """Return the cross-entropy between the heads' attention and the next word's frames."""
    scores = logits.log_softmax(-1).mean(1)
    return -(scores * attended).sum() / attended.sum().clamp(min=_LEAST)


def _rate(step: int, schedule: Schedule) -> float:
    """Return the learning rate: linear warm-up, then half a cosine."""
    if step < _WARM_UP:
        return schedule.rate * (step + 1) / _WARM_UP
    part = (step - _WARM_UP) / max(1, schedule.steps - _WARM_UP)
    return _LOWEST_RATE + (schedule.rate - _LOWEST_RATE) * 0.5 * (1 + math.cos(math.pi * part))


def _follow(mean: Whisper, network: Whisper, keep: float) -> None:
    for kept, new in zip(mean.parameters(), network.parameters(), strict=True):
        kept.data.lerp_(new.data, 1 - keep)


def _save(path: Path, step: int, network: Whisper, mean: Whisper, optimizer: Any) -> None:
    part = path.with_suffix(".part")
    state = {
        "step": step,
        "network": network.state_dict(),
        "mean": mean.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(state, part)
    part.replace(path)


def _resume(path: Path, network: Whisper, mean: Whisper, optimizer: Any) -> int:
    if not path.exists():
        return 0
    state = torch.load(path)
    network.load_state_dict(state["network"])
    mean.load_state_dict(state["mean"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])
