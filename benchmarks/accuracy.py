# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Word error rate of a client's finals against the references of the sample calls.

Both sides are normalised in the same way: lower case, punctuation removed, runs of white space
made one space. Each channel is compared as one text, all its finals in the order of their start,
because the client cuts utterances where the speaker paused and not where a sentence ended. The
rate over several channels or calls is all their errors over all their reference words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jiwer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.references import Reference
    from live_whisper.lca_client.client import UtteranceResult

_NOT_WORD = re.compile(r"[^\w\s]|_")


@dataclass(frozen=True)
class WordErrors:
    """Substitutions, deletions and insertions, and the number of words that were really said."""

    errors: int
    words: int

    @property
    def rate(self) -> float:
        """Errors per reference word; infinite where nothing was said and text came back."""
        if self.words:
            return self.errors / self.words
        return float("inf") if self.errors else 0.0

    def __add__(self, other: WordErrors) -> WordErrors:
        return WordErrors(self.errors + other.errors, self.words + other.words)


def normalise(text: str) -> str:
    """Lower the case, drop punctuation (apostrophes too), and make white space single."""
    return " ".join(_NOT_WORD.sub("", text.lower()).split())


def word_errors(reference: str, hypothesis: str) -> WordErrors:
    """Count the word errors of one text after normalising both sides."""
    said, heard = normalise(reference), normalise(hypothesis)
    if not said:
        return WordErrors(len(heard.split()), 0)
    counts = jiwer.process_words(said, heard)
    return WordErrors(
        counts.substitutions + counts.deletions + counts.insertions, len(said.split())
    )


def channel_errors(
    reference: Reference, results: Iterable[UtteranceResult]
) -> dict[int, WordErrors]:
    """Compare the finals of a call with its reference.

    Returns
    -------
    dict of int to WordErrors
        One entry for each channel of the reference.
    """
    finals = sorted((r for r in results if not r.is_partial), key=lambda final: final.start)
    errors = {}
    for channel in (row.channel for row in reference.channels):
        heard = " ".join(final.text for final in finals if final.channel == channel)
        errors[channel] = word_errors(" ".join(reference.texts(channel)), heard)
    return errors


def total(errors: Sequence[WordErrors]) -> WordErrors:
    """Sum the errors and words of several channels or calls."""
    return sum(errors, WordErrors(0, 0))
