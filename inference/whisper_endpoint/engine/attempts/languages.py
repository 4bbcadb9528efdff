# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which language a window is in: of those that are allowed, and against the usual one's odds."""

from collections.abc import Sequence

from whisper_endpoint.audio.features import FRAMES_PER_SECOND

# In less audio than this the likeliest language is wrong one time in four, and sure of it.
_SHORT_S = 4.0
# Among those allowed, the probability from which a short window is in another than the first.
_EVIDENT = 0.8


def choose(
    ranking: Sequence[tuple[str, float]], allowed: Sequence[str], frames: int
) -> tuple[str, float]:
    """Choose the language of a window.

    Parameters
    ----------
    ranking : sequence of (str, float)
        Language tokens such as ``<|en|>`` and probabilities, the likeliest first.
    allowed : sequence of str
        Whisper's codes, the usual one first; empty: all.
    frames : int
        Frames of 10 ms that were heard.

    Returns
    -------
    language : str
        The likeliest; of a short window the first one allowed, unless another is evident.
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
