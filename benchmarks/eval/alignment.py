# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Align two texts word by word."""

from collections.abc import Iterator
from typing import Literal, NamedTuple, TypeAlias

import jiwer

from benchmarks.accuracy import normalise

Kind: TypeAlias = Literal["equal", "substitute", "delete", "insert"]


class AlignedWord(NamedTuple):
    """A reference word and a recognized word; empty if missing."""

    kind: Kind
    said: str
    heard: str


def align(said: str, heard: str, language: str) -> list[AlignedWord]:
    """Align two normalised texts with the fewest errors."""
    left, right = normalise(said, language).split(), normalise(heard, language).split()
    if not left or not right:
        return [AlignedWord("delete", word, "") for word in left] + [
            AlignedWord("insert", "", word) for word in right
        ]
    return list(_aligned(left, right))


def _aligned(left: list[str], right: list[str]) -> Iterator[AlignedWord]:
    found = jiwer.process_words(" ".join(left), " ".join(right))
    for chunk in found.alignments[0]:
        said = left[chunk.ref_start_idx : chunk.ref_end_idx]
        heard = right[chunk.hyp_start_idx : chunk.hyp_end_idx]
        length = max(len(said), len(heard))
        said += [""] * (length - len(said))
        heard += [""] * (length - len(heard))
        for one, other in zip(said, heard, strict=True):
            yield AlignedWord(chunk.type, one, other)
