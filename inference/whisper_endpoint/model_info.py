# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What has to be known of a model before a request can be prepared for it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelInfo:
    """What is known of a model.

    Attributes
    ----------
    n_mels : int
        Mel bins of its features.
    languages : tuple of str
        Whisper's codes, sorted.
    multilingual : bool
        Whether it takes a language and a task at all; otherwise it is English-only.
    pause_s : float or None
        Seconds of silence after which it needs a new window, if it was trained on single
        utterances.
    is_half : bool
        Whether it takes features in float16, which are half as much to send and to copy.
    """

    n_mels: int
    languages: tuple[str, ...]
    multilingual: bool
    pause_s: float | None = None
    is_half: bool = False
