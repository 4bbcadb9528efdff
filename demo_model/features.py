# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whisper's log-mel features in PyTorch, over a batch; the filters are faster-whisper's."""

import functools

import torch
from faster_whisper.feature_extractor import FeatureExtractor
from torch import Tensor

HOP = 160
_WINDOW = 400


@functools.cache
def _filters() -> tuple[Tensor, Tensor]:
    filters = torch.tensor(FeatureExtractor().mel_filters, dtype=torch.float32)
    return filters, torch.hann_window(_WINDOW)


def log_mel(audio: Tensor) -> Tensor:
    """Compute features (batch, 80, n // 160) of 16 kHz audio (batch, n), float32 in [-1, 1].

    100 frames per second, normalised per window as in Whisper.
    """
    filters, window = _filters()
    spectrum = torch.stft(audio, _WINDOW, HOP, window=window, return_complex=True)
    power = spectrum[..., :-1].abs() ** 2
    logs = (filters @ power).clamp(min=1e-10).log10()
    logs = torch.maximum(logs, logs.amax(dim=(1, 2), keepdim=True) - 8)
    return (logs + 4) / 4
