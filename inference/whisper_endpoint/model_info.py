# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The properties of a model that are needed to prepare requests for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelInfo:
    """Properties of a model.

    Attributes
    ----------
    n_mels : int
        Number of Mel bins of its features.
    languages : tuple of str
        Whisper's codes, sorted.
    multilingual : bool
        Whether it supports languages and tasks; otherwise it is English-only.
    pause_s : float or None
        Seconds of silence after which it needs a new window, if it was trained on single
        utterances.
    is_half : bool
        Whether it takes features in float16, which halves their size.
    """

    n_mels: int
    languages: tuple[str, ...]
    multilingual: bool
    pause_s: float | None = None
    is_half: bool = False
