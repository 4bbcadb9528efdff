# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Two utterances that were cut out of one overlap: each word is said by one of them.

Both heard the overlap. The one before the seam keeps the words whose middle lies before it, the
one after it the others. Two alignments of one word differ by some hundredths of a second, so
both keep what is close to the seam, and the later one drops what the earlier one has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from live.stability import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from live.transport import Word

_CLOSE_S = 0.2
_SAME_S = 0.5


def before(words: Sequence[Word], seam: float | None) -> tuple[Word, ...]:
    """Return the words of an utterance that ends at a seam, seconds of the call."""
    if seam is None:
        return tuple(words)
    return tuple(word for word in words if _middle(word) < seam + _CLOSE_S)


def after(
    words: Sequence[Word], seam: float | None, earlier: Sequence[Word]
) -> tuple[Word, ...]:
    """Return the words of an utterance that begins at a seam.

    Parameters
    ----------
    words : sequence of Word
    seam : float or None
    earlier : sequence of Word
        What the utterance before it kept; empty if that is not known (yet).
    """
    if seam is None:
        return tuple(words)
    kept = [word for word in words if _middle(word) >= seam - _CLOSE_S]
    while kept and _middle(kept[0]) < seam + _SAME_S and _is_in(kept[0], earlier):
        kept.pop(0)
    return tuple(kept)


def _is_in(word: Word, earlier: Sequence[Word]) -> bool:
    return any(
        plain(word.text) == plain(other.text) and abs(_middle(word) - _middle(other)) < _SAME_S
        for other in earlier[-6:]
    )


def _middle(word: Word) -> float:
    return (word.start + word.end) / 2
