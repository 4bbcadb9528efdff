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
    found = [(token[2:-2], probability) for token, probability in ranking]
    if not allowed:
        return found[0]
    among = {language: p for language, p in found if language in allowed}
    total = sum(among.values())
    if total <= 0:
        return allowed[0], 1 / len(allowed)
    language, probability = max(among.items(), key=lambda one: one[1])
    is_short = frames < _SHORT_S * FRAMES_PER_SECOND
    if language != allowed[0] and is_short and probability < _EVIDENT * total:
        language, probability = allowed[0], among.get(allowed[0], 0.0)
    return language, probability / total


def next_best(
    ranking: Sequence[tuple[str, float]], allowed: Sequence[str], spoken: str
) -> tuple[str, float]:
    """Return the most probable language but ``spoken``, and its probability as in `choose`.

    The probability is 0 if there is no other.
    """
    found = [(token[2:-2], probability) for token, probability in ranking]
    among = {language: p for language, p in found if not allowed or language in allowed}
    total = sum(among.values()) if allowed else 1.0
    among.pop(spoken, None)
    if not among or total <= 0:
        return spoken, 0.0
    language, probability = max(among.items(), key=lambda one: one[1])
    return language, probability / total
