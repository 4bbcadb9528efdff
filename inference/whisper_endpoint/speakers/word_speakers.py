# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who says each word: the cheapest way from one to the next, on which a change of speaker costs.

Where two speak at once Whisper mostly writes one voice's sentence to its end, while the likeliest
voice is the other's already. So both voices of that time may have the word, the likelier one is
preferred a little, and the speaker changes rather between sentences.
"""

import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from whisper_contract.text import ends_sentence
from whisper_endpoint.speakers.turns import Diarization, Turn
from whisper_endpoint.transcript import Word

# In units of a word that somebody speaks for long enough. Chosen by benchmarks/speakers/words.py on
# the half of the voices that the thresholds of clustering are from, where wide ranges of them have
# as many words right. A change costs less than a half, so that a "yes" within another's sentence,
# which is worth one to and one back, is its own speaker's.
_CHANGE, _CHANGE_OF_SENTENCE = 0.4, 0.08
# Whoever speaks for this share of a word may say it: its times and those of turns are not exact.
_ENOUGH = 0.5
# What it is worth to be the likeliest speaker, or, where there is none, the nearest.
_LIKELIEST, _NEAREST = 0.1, 0.1
# Whisper gives some words no time at all: they are looked at for so long, in seconds.
_SHORTEST_S = 0.02


class WordSpeakers:
    """Tells who says what, by the turns of one channel.

    Parameters
    ----------
    found : Diarization
        Where there is no turn, one person, 0, says everything.
    """

    def __init__(self, found: Diarization) -> None:
        self._found = found
        self._ends = [turn.end for turn in found.exclusive]
        self._people = sorted({turn.speaker for turn in found.exclusive}) or [0]

    def of_span(self, start: float, end: float) -> int:
        """Return who is the likeliest for most of a time, or else next to it."""
        turns = self._found.exclusive
        best, most = self._people[0], float("-inf")
        for turn in turns[max(0, bisect.bisect_left(self._ends, start) - 1) :]:
            # Less than nothing in common is how far a turn is away.
            common = min(end, turn.end) - max(start, turn.start)
            if common > most:
                best, most = turn.speaker, common
            if turn.start > end:
                break
        return best

    def of_words(self, words: Sequence[Word]) -> list[int]:
        """Return who says each word of a channel, together the cheapest way.

        Parameters
        ----------
        words : sequence of Word
            As a reader has them, in the order in which they are said.
        """
        if not words:
            return []
        way = _cheapest_way(self._costs(words), _change_costs(words))
        return [self._people[one] for one in way]

    def _costs(self, words: Sequence[Word]) -> NDArray[np.float64]:
        """Return what it costs that each person says each word, shape (words, people)."""
        speaking = self._shares(self._found.turns, words)
        likeliest = self._shares(self._found.exclusive, words)
        gain = np.minimum(1, speaking / _ENOUGH) + _LIKELIEST * likeliest
        for row in np.flatnonzero(~likeliest.any(axis=1)).tolist():
            nearest = self.of_span(words[row].start, words[row].end)
            gain[row, self._people.index(nearest)] += _NEAREST
        return -gain

    def _shares(self, turns: Sequence[Turn], words: Sequence[Word]) -> NDArray[np.float64]:
        """Return for which share of each word each person has a turn, shape (words, people)."""
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
    """Return for how many seconds the turns of one person have lasted at each time."""
    if not turns:
        return np.zeros_like(times)
    edges = np.array([turn[:2] for turn in turns])
    lasted = np.cumsum(edges[:, 1] - edges[:, 0])
    before = np.stack([np.concatenate([[0.0], lasted[:-1]]), lasted], axis=1)
    return np.asarray(np.interp(times, edges.ravel(), before.ravel()))


def _change_costs(words: Sequence[Word]) -> NDArray[np.float64]:
    """Return what it costs that somebody else says each word than the one before."""
    is_first = [False, *(ends_sentence(word.word.rstrip()) for word in words[:-1])]
    return np.where(is_first, _CHANGE_OF_SENTENCE, _CHANGE)


def _cheapest_way(costs: NDArray[np.float64], changes: NDArray[np.float64]) -> list[int]:
    """Return the column of each row whose costs, with those of all changes, are least (Viterbi).

    Parameters
    ----------
    costs : ndarray, shape (n, columns), float64
        At least one row.
    changes : ndarray, shape (n,), float64
        Cost of another column than in the row before; the first counts for nothing.
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
