# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What models made here share: Whisper's special tokens, and specifications filled by hand."""

from collections.abc import Iterable
from typing import Any

from ctranslate2.specs import model_spec

TIME_STEP = 0.02
"""Seconds between two timestamps, and between two frames of the encoder."""

TIMES = 1501
"""Timestamps of a window of 30 s."""


def special_tokens(languages: Iterable[str]) -> tuple[str, ...]:
    """Return every token that is not text, in Whisper's order; the last `TIMES` are times."""
    return (
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{language}|>" for language in languages),
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
        *(f"<|{step * TIME_STEP:.2f}|>" for step in range(TIMES)),
    )


def leave_out_what_is_unset(spec: Any) -> None:
    """Mark every weight that was not set as one that this architecture does not have."""
    for path, value in spec.variables().items():
        if value is None:
            layer, _, attribute = path.rpartition("/")
            setattr(model_spec.index_spec(spec, layer), attribute, model_spec.OPTIONAL)
