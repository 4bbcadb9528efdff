# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Decide which words of a partial are stable.

A word is stable once it and all words before it were the same in three updates; or in two, followed
by two words that were also the same (the last word of a partial changes in one update of four, one
followed by two hardly ever). Stable words stay: later updates only change what follows them. The
final, based on the whole utterance, may still correct them.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from whisper_stream.requests import LiveWord

_UPDATES = 3
_UPDATES_WITHIN = 2
_WORDS_BEHIND = 2
# Letters, combining marks (half of the vowels in Thai and Hindi), and digits.
_COMPARED = frozenset({"L", "M", "N"})


def plain(text: str) -> str:
    """Normalize a word for comparison: lower case, without punctuation, one kind of apostrophe."""
    lower = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")  # noqa: RUF001
    return "".join(
        char for char in lower if char == "'" or unicodedata.category(char)[0] in _COMPARED
    )


class Stability:
    """Tracks the partials of one utterance."""

    def __init__(self) -> None:
        self._stable: list[LiveWord] = []
        self._last: list[str] = []
        self._counts: list[int] = []

    def update(self, words: Sequence[LiveWord]) -> tuple[LiveWord, ...]:
        """Process a newer partial; return the words to show, stable ones first."""
        shown = [*self._stable, *self._behind_stable(words)]
        texts = [plain(word.text) for word in shown]
        same = 0
        while same < min(len(texts), len(self._last)) and texts[same] == self._last[same]:
            same += 1
        counts = [count + 1 for count in self._counts[:same]] + [1] * (len(texts) - same)
        self._last, self._counts = texts, counts
        while len(self._stable) < len(shown) and self._is_settled(len(self._stable), same):
            place = len(self._stable)
            self._stable.append(replace(shown[place], is_stable=True))
        return (*self._stable, *shown[len(self._stable) :])

    def _is_settled(self, place: int, same: int) -> bool:
        behind = same - 1 - place
        needed = _UPDATES_WITHIN if behind >= _WORDS_BEHIND else _UPDATES
        return self._counts[place] >= needed

    def _behind_stable(self, words: Sequence[LiveWord]) -> Sequence[LiveWord]:
        if not self._stable:
            return words
        count = len(self._stable)
        if [plain(w.text) for w in words[:count]] == [plain(w.text) for w in self._stable]:
            return words[count:]
        end = self._stable[-1].end
        return [word for word in words if (word.start + word.end) / 2 > end]
