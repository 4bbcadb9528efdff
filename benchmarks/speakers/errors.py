# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Diarization error rate as in NIST's md-eval, including overlapping speech."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.speakers.turns import Turn

_FRAMES_PER_SECOND = 100


@dataclass(frozen=True)
class Errors:
    """Seconds of all speakers' speech, and of each kind of error."""

    speech: float = 0.0
    missed: float = 0.0
    false: float = 0.0
    confused: float = 0.0

    def __add__(self, other: "Errors") -> "Errors":
        """Return the sums."""
        return Errors(
            self.speech + other.speech,
            self.missed + other.missed,
            self.false + other.false,
            self.confused + other.confused,
        )

    @property
    def rate(self) -> float:
        """Errors as a share of speech, 0 to above 1."""
        return (self.missed + self.false + self.confused) / max(self.speech, 1e-9)


def errors(
    reference: Sequence[Turn], found: Sequence[Turn], seconds: float, collar_s: float = 0.0
) -> Errors:
    """Count errors with the best assignment of speakers.

    Parameters
    ----------
    seconds : float
        Length of the recording.
    collar_s : float
        Unscored margin around each boundary of a reference turn.
    """
    is_scored = np.ones(round(seconds * _FRAMES_PER_SECOND), bool)
    if collar_s:
        for edge in itertools.chain.from_iterable((one.start, one.end) for one in reference):
            is_scored[_frame(edge - collar_s) : _frame(edge + collar_s)] = False
    said, heard = (speaking(one, len(is_scored))[is_scored] for one in (reference, found))
    right = _together(said, heard)
    count, other = said.sum(axis=1), heard.sum(axis=1)
    both = np.minimum(count, other).sum()
    return Errors(
        *(
            float(frames) / _FRAMES_PER_SECOND
            for frames in (
                count.sum(),
                np.maximum(count - other, 0).sum(),
                np.maximum(other - count, 0).sum(),
                both - right,
            )
        )
    )


def speaking(turns: Sequence[Turn], length: int) -> NDArray[np.bool_]:
    """Return who speaks in each frame of 10 ms, shape (length, speakers), in order of numbers."""
    names = sorted({turn.speaker for turn in turns})
    found = np.zeros((length, len(names)), bool)
    for turn in turns:
        found[_frame(turn.start) : _frame(turn.end), names.index(turn.speaker)] = True
    return found


def _frame(second: float) -> int:
    return max(0, round(second * _FRAMES_PER_SECOND))


def _together(said: NDArray[np.bool_], heard: NDArray[np.bool_]) -> int:
    """Return the number of correct frames under the best one-to-one assignment of speakers.

    Dynamic programming over subsets: each reference speaker takes one found speaker, or none.
    """
    common = said.T.astype(np.int64) @ heard.astype(np.int64)
    best = {frozenset[int](): 0}
    for row in common.tolist():
        longer = dict(best)
        for taken, frames in best.items():
            for one, more in enumerate(row):
                if one not in taken and more:
                    key = taken | {one}
                    longer[key] = max(longer.get(key, 0), frames + more)
        best = longer
    return max(best.values())
