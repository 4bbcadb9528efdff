# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is known of the voices in a recording: how many may speak, and who speaks when."""

from dataclasses import dataclass
from typing import NamedTuple

MOST_SPEAKERS = 30
"""That are told apart, unless a request says fewer: `request.schema.json` allows no more."""


class Turn(NamedTuple):
    """One speaker speaks.

    Attributes
    ----------
    start, end : float
        Seconds from the start of the recording.
    speaker : int
        Number, from 0, of no meaning but that equal ones are one person.
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
        In order of time; two people may speak at once.
    exclusive : tuple of Turn
        The same with the likeliest one alone.
    """

    turns: tuple[Turn, ...]
    exclusive: tuple[Turn, ...]


@dataclass(frozen=True)
class SpeakerCount:
    """How many people may speak in a recording: at least one."""

    least: int = 1
    most: int = MOST_SPEAKERS

    @classmethod
    def of(cls, exact: int | None, least: int | None, most: int | None) -> "SpeakerCount":
        """Return what a request says; None: nothing."""
        if exact is not None:
            return cls(exact, exact)
        return cls(least or 1, most or MOST_SPEAKERS)
