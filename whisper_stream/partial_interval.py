# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How often to ask for a partial: as often as the endpoint answers quickly, within bounds."""

_WEIGHT = 0.3
_TIMES_LATENCY = 2.0
"""An endpoint that is asked again after twice its latency is left half of its time."""


class PartialInterval:
    """The time between two partials of a channel.

    Parameters
    ----------
    shortest, longest : float
        Seconds.
    """

    def __init__(self, shortest: float, longest: float) -> None:
        self._shortest, self._longest = shortest, longest
        self._latency: float | None = None

    @property
    def seconds(self) -> float:
        """Of audio from one partial to the next; the longest until a first answer came."""
        if self._latency is None:
            return self._longest
        return min(self._longest, max(self._shortest, _TIMES_LATENCY * self._latency))

    def answered(self, seconds: float) -> None:
        """Take note of a partial's latency; of a lost one, of how long it was waited for."""
        before = self._latency if self._latency is not None else seconds
        self._latency = before + _WEIGHT * (seconds - before)
