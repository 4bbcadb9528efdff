# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""How often to request partials: adapted to the endpoint's latency, within bounds."""

_WEIGHT = 0.3
_TIMES_LATENCY = 2.0
"""Requests at twice the latency leave the endpoint idle half of the time."""


class PartialInterval:
    """The interval between a channel's partials.

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
        """Seconds of audio between partials; the longest before the first answer."""
        if self._latency is None:
            return self._longest
        return min(self._longest, max(self._shortest, _TIMES_LATENCY * self._latency))

    def answered(self, seconds: float) -> None:
        """Record the latency of a partial; for a lost one, how long it was awaited."""
        before = self._latency if self._latency is not None else seconds
        self._latency = before + _WEIGHT * (seconds - before)
