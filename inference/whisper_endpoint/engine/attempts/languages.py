# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Chooses a window's language among those allowed, favouring the first of them."""

from collections.abc import Sequence

from whisper_endpoint.audio.features import FRAMES_PER_SECOND

# With less audio than this the most probable language is wrong, with confidence, one time in four.
_SHORT_S = 4.0
# Probability, among those allowed, from which a short window may differ from the first language.
_EVIDENT = 0.8


def choose(
    ranking: Sequence[tuple[str, float]], allowed: Sequence[str], frames: int
) -> tuple[str, float]:
    """Choose the language of a window.

    Parameters
    ----------
    ranking : sequence of (str, float)
        Language tokens such as ``<|en|>`` and probabilities, most probable first.
    allowed : sequence of str
        Whisper's codes, the most usual first; empty for all.
    frames : int
        Length of the audio in frames of 10 ms.

    Returns
    -------
    language : str
        The most probable one; for a short window the first allowed, unless another is evident.
    probability : float
        0 to 1, among those allowed.
    """
    among = _probabilities(ranking, allowed)
    if not among:
        return allowed[0], 1 / len(allowed)
    language, probability = max(among.items(), key=lambda one: one[1])
    is_short = frames < _SHORT_S * FRAMES_PER_SECOND
    if allowed and language != allowed[0] and is_short and probability < _EVIDENT:
        language = allowed[0]
    return language, among.get(language, 0.0)


def next_best(
    ranking: Sequence[tuple[str, float]], allowed: Sequence[str], spoken: str
) -> tuple[str, float]:
    """Return the most probable language but ``spoken``, and its probability as in `choose`.

    The probability is 0 if there is no other.
    """
    among = _probabilities(ranking, allowed)
    among.pop(spoken, None)
    return max(among.items(), key=lambda one: one[1], default=(spoken, 0.0))


def _probabilities(
    ranking: Sequence[tuple[str, float]], allowed: Sequence[str]
) -> dict[str, float]:
    """Return the probabilities among those allowed; empty if none of them is possible."""
    found = [(token[2:-2], probability) for token, probability in ranking]
    if not allowed:
        return dict(found)
    among = {language: p for language, p in found if language in allowed}
    total = sum(among.values())
    return {language: p / total for language, p in among.items()} if total > 0 else {}
