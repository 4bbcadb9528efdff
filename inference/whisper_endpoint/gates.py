# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whether a window's text is believed: faster-whisper's gates.

From the Whisper paper, section 4.5 (arXiv 2212.04356): a text that repeats itself or of which
the model is unsure is decoded again at a higher temperature; a window that is probably silent,
and of whose text the model is unsure, has no text.
"""

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from whisper_endpoint.request import Parameters


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A window decoded once.

    Attributes
    ----------
    tokens : tuple of int
        Timestamps included.
    text : str
        Without blanks around.
    temperature : float
        0 for beam search.
    avg_logprob : float
        Per token, the end token included; natural logarithm.
    no_speech_prob : float
        Probability of the no-speech token at the start, 0 to 1.
    """

    tokens: tuple[int, ...]
    text: str
    temperature: float
    avg_logprob: float
    no_speech_prob: float

    @property
    def compression_ratio(self) -> float:
        """Bytes of the text divided by bytes of its zlib compression."""
        encoded = self.text.encode()
        return len(encoded) / len(zlib.compress(encoded))


def is_silent(attempt: Attempt, parameters: "Parameters") -> bool:
    """Whether the window holds no speech: likely by its no-speech token, and unsure of its text."""
    threshold = parameters.no_speech_threshold
    if threshold is None or attempt.no_speech_prob <= threshold:
        return False
    log_prob = parameters.log_prob_threshold
    return log_prob is None or attempt.avg_logprob <= log_prob


def is_refused(attempt: Attempt, parameters: "Parameters") -> bool:
    """Whether the window should be decoded again: repetitive or unsure, and not just silent."""
    if _is_unsure(attempt, parameters):
        return not is_silent(attempt, parameters)
    return _is_repetitive(attempt, parameters)


def best(attempts: "Sequence[Attempt]", parameters: "Parameters") -> Attempt:
    """Return the surest of attempts that were all refused, one that does not repeat if any."""
    sane = [attempt for attempt in attempts if not _is_repetitive(attempt, parameters)]
    return max(sane or attempts, key=lambda attempt: attempt.avg_logprob)


def _is_unsure(attempt: Attempt, parameters: "Parameters") -> bool:
    threshold = parameters.log_prob_threshold
    return threshold is not None and attempt.avg_logprob < threshold


def _is_repetitive(attempt: Attempt, parameters: "Parameters") -> bool:
    threshold = parameters.compression_ratio_threshold
    return threshold is not None and attempt.compression_ratio > threshold
