# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Assigns the voices of each window to people, and measures whether overlapping windows agree."""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.speakers.clustering import Tracks
from whisper_endpoint.speakers.extraction import HeardVoices
from whisper_endpoint.speakers.models import VOICES


def of_voices(tracks: Tracks, people: NDArray[np.float32], windows: int) -> NDArray[np.intp]:
    """Return the person of each voice of each window, shape (windows, 3); -1 for none.

    The voices of one window get different people as long as there are enough people.
    """
    who = np.full((windows, VOICES), -1, np.intp)
    alike = tracks.vectors @ people.T
    edges = np.flatnonzero(np.diff(tracks.windows, prepend=-1, append=-1))
    for begin, end in itertools.pairwise(edges.tolist()):
        rows = slice(begin, end)
        who[tracks.windows[begin], tracks.voices[rows]] = _assigned(alike[rows])
    return who


def _assigned(alike: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the best assignment of up to three voices to different people, if there are enough."""
    voices, people = alike.shape
    if voices > people:
        nearest: NDArray[np.intp] = alike.argmax(axis=1)
        return nearest
    # In the best assignment, each voice gets one of the three people it is most similar to.
    likely = np.argsort(-alike, axis=1)[:, :VOICES].tolist()
    choices = [choice for choice in itertools.product(*likely) if len({*choice}) == voices]
    return np.array(
        max(choices, key=lambda choice: sum(alike[row, one] for row, one in enumerate(choice)))
    )


def agreement(heard: HeardVoices, people: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how far overlapping windows agree on each person.

    Of the frames that one window assigns to a person and another window to anybody, it is the share
    that the other assigns to the same person. Only frames with a single voice in both count.

    Parameters
    ----------
    people : ndarray, shape (people, dimension), float32, each of length 1

    Returns
    -------
    ndarray, shape (people,), float64 in [0, 1]
        1 for a person without such frames.
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
    """Yield, for two overlapping windows, the person speaking alone in each shared frame."""
    size = heard.active.shape[1]
    waiting: list[tuple[int, NDArray[np.intp]]] = []
    for first, active, whose in zip(heard.firsts.tolist(), heard.active, who, strict=True):
        alone = np.where(active.sum(axis=1) == 1, whose[active.argmax(axis=1)], -1)
        waiting = [(before, one) for before, one in waiting if first - before < size]
        for before, one in waiting:
            yield one[first - before :], alone[: size - (first - before)]
        waiting.append((first, alone))
