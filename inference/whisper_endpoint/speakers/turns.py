# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Data types: the turns of speakers, and the allowed number of speakers."""

from dataclasses import dataclass
from typing import NamedTuple

MOST_SPEAKERS = 30
"""Default maximum number of speakers, and the limit in `request.schema.json`."""


class Turn(NamedTuple):
    """A time in which one speaker speaks.

    Attributes
    ----------
    start, end : float
        Seconds from the start of the recording.
    speaker : int
        Arbitrary number from 0; equal numbers are the same person.
    """

    start: float
    end: float
    speaker: int


@dataclass(frozen=True)
class Diarization:
    """Who speaks when.

    Attributes
    ----------
    turns : tuple of Turn
        In chronological order; may overlap.
    exclusive : tuple of Turn
        The same without overlaps: only the likeliest speaker at any time.
    alike : tuple of tuple of float
        For each speaker, by number: how similar their voice is to each known voice, -1 to 1. Empty
        without speakers.
    """

    turns: tuple[Turn, ...]
    exclusive: tuple[Turn, ...]
    alike: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True)
class SpeakerCount:
    """The allowed number of people in a recording: at least one."""

    least: int = 1
    most: int = MOST_SPEAKERS

    @classmethod
    def of(cls, exact: int | None, least: int | None, most: int | None) -> "SpeakerCount":
        """Return the count for a request's parameters, which may be None."""
        if exact is not None:
            return cls(exact, exact)
        return cls(least or 1, most or MOST_SPEAKERS)
