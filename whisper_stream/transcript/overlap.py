# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Assign each word in the overlap of two utterances to one of them.

Both utterances contain the overlap. The one before the seam keeps the words centred before it, the
one after it the others. Alignments of the same word differ by some hundredths of a second, so both
keep words close to the seam, and the one answered last drops duplicates.
"""

from collections.abc import Sequence

from whisper_stream.requests import LiveWord
from whisper_stream.transcript.stability import plain

_CLOSE_S = 0.2
_SAME_S = 0.5


def before(
    words: Sequence[LiveWord], seam: float | None, others: Sequence[LiveWord] = ()
) -> tuple[LiveWord, ...]:
    """Return the words of an utterance that ends at a seam.

    Parameters
    ----------
    seam : float or None
        In seconds of the call; None if there is none.
    others : sequence of LiveWord
        Words kept by the utterance on the other side, if answered first.
    """
    if seam is None:
        return tuple(words)
    kept = [word for word in words if _middle(word) < seam + _CLOSE_S]
    while kept and _is_near(kept[-1], seam) and _is_in(kept[-1], others):
        kept.pop()
    return tuple(kept)


def after(
    words: Sequence[LiveWord], seam: float | None, others: Sequence[LiveWord] = ()
) -> tuple[LiveWord, ...]:
    """Return the words of an utterance that begins at a seam; see `before`."""
    if seam is None:
        return tuple(words)
    kept = [word for word in words if _middle(word) >= seam - _CLOSE_S]
    while kept and _is_near(kept[0], seam) and _is_in(kept[0], others):
        kept.pop(0)
    return tuple(kept)


def _is_near(word: LiveWord, seam: float) -> bool:
    return abs(_middle(word) - seam) < _SAME_S


def _is_in(word: LiveWord, others: Sequence[LiveWord]) -> bool:
    return any(
        plain(word.text) == plain(other.text) and abs(_middle(word) - _middle(other)) < _SAME_S
        for other in others
    )


def _middle(word: LiveWord) -> float:
    return (word.start + word.end) / 2
