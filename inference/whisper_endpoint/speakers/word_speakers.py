# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Assigns a speaker to each word: the path of least cost, where changes of speaker cost (Viterbi).

Where two people speak at once, Whisper mostly writes one's sentence to its end, although the other
may already be the likelier speaker. So either may have said a word; the likelier one is slightly
preferred, and changes between sentences are cheaper than within them.
"""

import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whisper_contract.text import ends_sentence
from whisper_endpoint.speakers.turns import Diarization, Turn
from whisper_endpoint.transcript import Word

# Costs, in units of one word assigned to somebody speaking at that time. Tuned with
# benchmarks/speakers/words.py on the same half of the voices as clustering; wide ranges do equally
# well. A change costs less than 0.5, so that a "yes" within another's sentence, which takes two
# changes, still goes to its own speaker.
_CHANGE, _CHANGE_OF_SENTENCE = 0.4, 0.08
# Speaking for this share of a word is enough: times of words and turns are not exact.
_ENOUGH = 0.5
# Gain for being the likeliest speaker or, if nobody speaks, the nearest.
_LIKELIEST, _NEAREST = 0.1, 0.1
# Minimum duration assumed for a word, in seconds: Whisper gives some words none.
_SHORTEST_S = 0.02


class WordSpeakers:
    """Finds the speakers of words and segments, from the turns of one channel.

    Parameters
    ----------
    found : Diarization
        Without turns, everything is said by person 0.
    """

    def __init__(self, found: Diarization) -> None:
        self._found = found
        self._ends = [turn.end for turn in found.exclusive]
        self._people = sorted({turn.speaker for turn in found.exclusive}) or [0]

    def of_span(self, start: float, end: float) -> int:
        """Return the speaker of the exclusive turn with the largest overlap, or the nearest one."""
        turns = self._found.exclusive
        best, most = self._people[0], float("-inf")
        for turn in turns[max(0, bisect.bisect_left(self._ends, start) - 1) :]:
            # Negative if they do not overlap: the distance.
            common = min(end, turn.end) - max(start, turn.start)
            if common > most:
                best, most = turn.speaker, common
            if turn.start > end:
                break
        return best

    def of_words(self, words: Sequence[Word]) -> list[int]:
        """Return the speaker of each word of a channel, minimising the total cost.

        Parameters
        ----------
        words : sequence of Word
            Words as a reader sees them, in order.
        """
        if not words:
            return []
        way = _cheapest_way(self._costs(words), _change_costs(words))
        return [self._people[one] for one in way]

    def _costs(self, words: Sequence[Word]) -> NDArray[np.float64]:
        """Return the cost of assigning each word to each person, shape (words, people)."""
        speaking = self._shares(self._found.turns, words)
        likeliest = self._shares(self._found.exclusive, words)
        gain = np.minimum(1, speaking / _ENOUGH) + _LIKELIEST * likeliest
        for row in np.flatnonzero(~likeliest.any(axis=1)).tolist():
            nearest = self.of_span(words[row].start, words[row].end)
            gain[row, self._people.index(nearest)] += _NEAREST
        return -gain

    def _shares(self, turns: Sequence[Turn], words: Sequence[Word]) -> NDArray[np.float64]:
        """Return the share of each word covered by each person's turns, shape (words, people)."""
        spans = np.array([(word.start, word.end) for word in words])
        spare = np.maximum(0, _SHORTEST_S - (spans[:, 1] - spans[:, 0])) / 2
        starts, ends = spans[:, 0] - spare, spans[:, 1] + spare
        return np.stack(
            [
                (_spoken_s(mine, ends) - _spoken_s(mine, starts)) / (ends - starts)
                for mine in ([one for one in turns if one.speaker == who] for who in self._people)
            ],
            axis=1,
        )


def _spoken_s(turns: Sequence[Turn], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the total seconds of one person's turns up to each time."""
    if not turns:
        return np.zeros_like(times)
    edges = np.array([turn[:2] for turn in turns])
    lasted = np.cumsum(edges[:, 1] - edges[:, 0])
    before = np.stack([np.concatenate([[0.0], lasted[:-1]]), lasted], axis=1)
    return np.asarray(np.interp(times, edges.ravel(), before.ravel()))


def _change_costs(words: Sequence[Word]) -> NDArray[np.float64]:
    """Return the cost of a change of speaker before each word."""
    is_first = [False, *(ends_sentence(word.word.rstrip()) for word in words[:-1])]
    return np.where(is_first, _CHANGE_OF_SENTENCE, _CHANGE)


def _cheapest_way(costs: NDArray[np.float64], changes: NDArray[np.float64]) -> list[int]:
    """Return the column of each row that minimises the total cost with changes (Viterbi).

    Parameters
    ----------
    costs : ndarray, shape (n, columns), float64
        At least one row.
    changes : ndarray, shape (n,), float64
        Cost of changing the column from the previous row; the first is ignored.
    """
    columns = np.arange(costs.shape[1])
    cost = costs[0]
    before = np.empty(costs.shape, np.intp)
    for row in range(1, len(costs)):
        best = int(cost.argmin())
        changed = cost[best] + changes[row]
        before[row] = np.where(cost <= changed, columns, best)
        cost = np.minimum(cost, changed) + costs[row]
    way = [int(cost.argmin())]
    for row in range(len(costs) - 1, 0, -1):
        way.append(int(before[row, way[-1]]))
    return way[::-1]
