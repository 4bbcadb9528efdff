# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Shared by all models made here: Whisper's special tokens, and hand-filled specifications."""

from collections.abc import Iterable
from typing import Any

from ctranslate2.specs import model_spec

TIME_STEP = 0.02
"""Seconds between timestamps, and between encoder frames."""

TIMES = 1501
"""Number of timestamps in a 30 s window."""


def special_tokens(languages: Iterable[str]) -> tuple[str, ...]:
    """Return all non-text tokens in Whisper's order; the last `TIMES` are timestamps."""
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
    """Mark unset weights as absent from this architecture."""
    for path, value in spec.variables().items():
        if value is None:
            layer, _, attribute = path.rpartition("/")
            setattr(model_spec.index_spec(spec, layer), attribute, model_spec.OPTIONAL)
