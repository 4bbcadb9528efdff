# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Whose the voices of a window are, and whether windows that hear the same say the same."""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.speakers.clustering import Tracks
from whisper_endpoint.speakers.extraction import HeardVoices
from whisper_endpoint.speakers.models import VOICES


def of_voices(tracks: Tracks, people: NDArray[np.float32], windows: int) -> NDArray[np.intp]:
    """Return whose each voice of each window is, shape (windows, 3); -1: nobody's.

    The voices of one window are different people's as long as there are enough people.
    """
    who = np.full((windows, VOICES), -1, np.intp)
    alike = tracks.vectors @ people.T
    edges = np.flatnonzero(np.diff(tracks.windows, prepend=-1, append=-1))
    for begin, end in itertools.pairwise(edges.tolist()):
        rows = slice(begin, end)
        who[tracks.windows[begin], tracks.voices[rows]] = _assigned(alike[rows])
    return who


def _assigned(alike: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the people that up to three voices are most like together, each another one."""
    voices, people = alike.shape
    if voices > people:
        nearest: NDArray[np.intp] = alike.argmax(axis=1)
        return nearest
    # The best choice takes for each voice one of the three that it is most like.
    likely = np.argsort(-alike, axis=1)[:, :VOICES].tolist()
    choices = [choice for choice in itertools.product(*likely) if len({*choice}) == voices]
    return np.array(
        max(choices, key=lambda choice: sum(alike[row, one] for row, one in enumerate(choice)))
    )


def agreement(heard: HeardVoices, people: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far the windows that hear the same agree on each person.

    Of all that one window gives to a person, and another one to anybody, it is the share that the
    other gives to the same person. Only what is one voice's alone, in both windows, counts.

    Parameters
    ----------
    people : ndarray, shape (people, dimension), float32, each of length 1

    Returns
    -------
    ndarray, shape (people,), float64 in [0, 1]
        1 where no two windows hear anything of them.
    """
    count = len(people)
    said = np.zeros(count * count, np.intp)
    for one, other in _heard_twice(heard, of_voices(heard.tracks, people, len(heard.firsts))):
        known = (one >= 0) & (other >= 0)
        said += np.bincount(one[known] * count + other[known], minlength=count * count)
    both = said.reshape(count, count) + said.reshape(count, count).T
    total = both.sum(axis=1)
    return np.where(total > 0, both.diagonal() / np.maximum(total, 1), 1.0)


def _heard_twice(
    heard: HeardVoices, who: NDArray[np.intp]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield who speaks alone in the frames that two windows share, by the one and by the other."""
    size = heard.active.shape[1]
    waiting: list[tuple[int, NDArray[np.intp]]] = []
    for first, active, whose in zip(heard.firsts.tolist(), heard.active, who, strict=True):
        alone = np.where(active.sum(axis=1) == 1, whose[active.argmax(axis=1)], -1)
        waiting = [(before, one) for before, one in waiting if first - before < size]
        for before, one in waiting:
            yield one[first - before :], alone[: size - (first - before)]
        waiting.append((first, alone))
