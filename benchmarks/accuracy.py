# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Word error rate of transcripts against references.

Both sides are normalised by Whisper's rules (appendix C of its paper): in English, numbers become
digits, contractions are expanded and spelling is American; in other languages, text is lower-cased
without punctuation, and languages written without spaces are compared character by character.
Each channel is compared as one text, its finals ordered by start, because the client splits
utterances at pauses rather than at the ends of sentences. The rate over several channels or calls
is the sum of errors over the sum of reference words.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import jiwer
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from benchmarks.references import ReferenceUtterance, text_of
from whisper_stream.audio.samples import CHANNELS

_WITHOUT_BLANKS = ("zh", "yue", "ja", "th", "lo", "my", "km")


@dataclass(frozen=True)
class WordErrors:
    """Substitutions, deletions, insertions, and the number of reference words."""

    substitutions: int
    deletions: int
    insertions: int
    words: int

    @property
    def errors(self) -> int:
        """Total number of errors."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per reference word; infinite for text without a reference."""
        if self.words:
            return self.errors / self.words
        return float("inf") if self.errors else 0.0

    def __add__(self, other: Self) -> Self:
        return type(self)(
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
            self.words + other.words,
        )


NO_ERRORS = WordErrors(0, 0, 0, 0)


def normalise(text: str, language: str = "en") -> str:
    """Normalise as Whisper does; `language` is Whisper's code."""
    return " ".join(_normaliser(language)(text).split())


def word_errors(reference: str, hypothesis: str, language: str = "en") -> WordErrors:
    """Count the word errors of a text, after normalising both sides."""
    said, heard = normalise(reference, language), normalise(hypothesis, language)
    if not said:
        return WordErrors(0, 0, len(heard.split()), 0)
    counts = jiwer.process_words(said, heard)
    return WordErrors(counts.substitutions, counts.deletions, counts.insertions, len(said.split()))


def channel_errors(
    said: Sequence[ReferenceUtterance], results: Iterable[Any], language: str = "en"
) -> dict[int, WordErrors]:
    """Compare references with the finals in `results`, per channel."""
    finals = [result for result in results if not result.is_partial]
    return {
        channel: word_errors(text_of(said, channel), text_of(finals, channel), language)
        for channel in range(CHANNELS)
    }


def total(errors: Iterable[WordErrors]) -> WordErrors:
    """Sum the errors and words of several channels or calls."""
    return sum(errors, NO_ERRORS)


@cache
def _normaliser(language: str) -> Callable[[str], str]:
    if language == "en":
        normaliser: Callable[[str], str] = EnglishTextNormalizer()
    else:
        normaliser = BasicTextNormalizer(split_letters=language in _WITHOUT_BLANKS)
    return normaliser
