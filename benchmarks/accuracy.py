# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Word error rate of a client's finals against the references of the sample calls.

Both sides are normalised in the same way: lower case, punctuation removed, runs of white space
made one space. Each channel is compared as one text, all its finals in the order of their start,
because the client cuts utterances where the speaker paused and not where a sentence ended. The
rate over several channels or calls is all their errors over all their reference words.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import jiwer

from benchmarks.references import ReferenceUtterance, text_of
from live_whisper.audio.samples import CHANNELS

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

    def __add__(self, other: Self) -> Self:
        return type(self)(self.errors + other.errors, self.words + other.words)


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
    said: Sequence[ReferenceUtterance], results: Iterable[Any]
) -> dict[int, WordErrors]:
    """Compare what was said with the finals of any client's `results`, for each channel."""
    finals = [result for result in results if not result.is_partial]
    return {
        channel: word_errors(text_of(said, channel), text_of(finals, channel))
        for channel in range(CHANNELS)
    }


def total(errors: Iterable[WordErrors]) -> WordErrors:
    """Sum the errors and words of several channels or calls."""
    return sum(errors, WordErrors(0, 0))
