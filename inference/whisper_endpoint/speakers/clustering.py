# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Voices that are alike become one person: average linkage, then as many people as there are."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.speakers.models import unit
from whisper_endpoint.speakers.turns import SpeakerCount

# Two clusters whose voices are less alike than this on average are two people. This and what
# follows were chosen on one half of the voices of benchmarks/speakers.
_ALIKE = 0.5
# Two voices in one window that the segmentation tells apart are taken to be less alike by this.
_APART = 0.6
# Two people whose middles are more alike than this are one.
_SAME = 0.75
# Only what is heard alone for this many seconds says how many people there are.
_CLEAN_S = 1.0
# A person speaks for at least this share of all speech, within bounds in seconds; counted as often
# as windows overlap.
_LEAST_SHARE, _LEAST_S, _ENOUGH_S = 0.02, 2.0, 10.0
# Pieces that are shorter say too little of a voice, in seconds.
_SHORT_PIECE_S = 0.8
_FEW_PIECES = 5
_ROUNDS = 5
# More are not compared with one another: the work grows with their square.
_MOST_COMPARED = 1500
# Clusters that are looked through where at least so many people speak.
_MOST_CLUSTERS = 60

_Vectors = NDArray[np.float32]
_Labels = NDArray[np.intp]


@dataclass(frozen=True)
class Tracks:
    """Voices of windows: one row for each voice in each window.

    Attributes
    ----------
    windows : ndarray, shape (n,), int
        Number of the window.
    voices : ndarray, shape (n,), int
        Number of the voice in its window.
    vectors : ndarray, shape (n, dimension), float32, each of length 1
    clean_s : ndarray, shape (n,), float32
        Seconds in which the voice is heard alone.
    """

    windows: NDArray[np.intp]
    voices: NDArray[np.intp]
    vectors: _Vectors
    clean_s: NDArray[np.float32]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.windows)

    def only(self, rows: NDArray[np.intp]) -> "Tracks":
        """Return some of them."""
        return Tracks(self.windows[rows], self.voices[rows], self.vectors[rows], self.clean_s[rows])


@dataclass(frozen=True)
class Pieces:
    """Short stretches of speech.

    Attributes
    ----------
    starts, ends : ndarray, shape (n,), float64
        Seconds from the start of the recording.
    vectors : ndarray, shape (n, dimension), float32, each of length 1
    """

    starts: NDArray[np.float64]
    ends: NDArray[np.float64]
    vectors: _Vectors


def people(tracks: Tracks, pieces: Pieces, speech_s: float, count: SpeakerCount) -> _Vectors:
    """Return what each person's voice is like.

    Parameters
    ----------
    tracks : Tracks
        At least one.
    speech_s : float
        Seconds in which anybody speaks.
    count : SpeakerCount
        How many there may be; where fewer voices are heard, there are fewer.

    Returns
    -------
    ndarray, shape (people, dimension), float32, each of length 1
    """
    usual = _telling(tracks)
    share = len(usual) / len(tracks)
    least_s = float(np.clip(_LEAST_SHARE * speech_s, _LEAST_S, _ENOUGH_S)) * share
    labels = _labels(usual, least_s, count)
    return _merged(_refined(_middles(usual.vectors, usual.clean_s, labels), pieces), pieces, count)


def _telling(tracks: Tracks) -> Tracks:
    """Return the tracks that say how many people there are."""
    clean = np.flatnonzero(tracks.clean_s >= _CLEAN_S)
    if len(clean) < 2:
        clean = np.sort(np.argsort(-tracks.clean_s)[:4])
    if len(clean) > _MOST_COMPARED:
        clean = clean[np.linspace(0, len(clean) - 1, _MOST_COMPARED).astype(np.intp)]
    return tracks.only(clean)


def _labels(tracks: Tracks, least_s: float, count: SpeakerCount) -> _Labels:
    tree = Tree(_similarities(tracks))

    def heard(labels: _Labels, seconds: float) -> _Labels:
        return _without_small(labels, tracks, seconds, count.least)

    found = heard(tree.cut_at(_ALIKE), least_s)
    clusters = count.most
    while len(np.unique(found)) > count.most:
        found = heard(tree.cut_into(clusters), 0)
        clusters -= 1
    if len(np.unique(found)) < count.least:
        for clusters in range(count.least, min(len(tracks), _MOST_CLUSTERS) + 1):
            finer = heard(tree.cut_into(clusters), least_s / 2)
            if len(np.unique(finer)) >= count.least:
                return finer
    return found


def _similarities(tracks: Tracks) -> NDArray[np.float32]:
    alike = tracks.vectors @ tracks.vectors.T
    alike[tracks.windows[:, None] == tracks.windows[None, :]] -= np.float32(_APART)
    return alike


class Tree:
    """Average linkage: the two clusters that are most alike become one, until all are one.

    Parameters
    ----------
    alike : ndarray, shape (n, n), float32
        How much each is like each other; it is changed.
    """

    def __init__(self, alike: NDArray[np.float32]) -> None:
        self._size = len(alike)
        self._merges = list(_merges(alike))

    def cut_at(self, alike: float) -> _Labels:
        """Return the cluster of each where no two clusters are as much alike as this."""
        return self._labels(sum(one[2] > alike for one in self._merges))

    def cut_into(self, clusters: int) -> _Labels:
        """Return the cluster of each where there are so many."""
        return self._labels(max(0, self._size - clusters))

    def _labels(self, merges: int) -> _Labels:
        labels = np.arange(self._size)
        for kept, gone, _ in self._merges[:merges]:
            labels[labels == gone] = kept
        return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def _merges(alike: NDArray[np.float32]) -> Iterator[tuple[int, int, float]]:
    """Yield which cluster takes which other one in, and how much alike they were.

    Each row's best is kept, so that a step looks at rows whose best has changed alone.
    """
    count = len(alike)
    np.fill_diagonal(alike, -np.inf)
    sizes, is_left = np.ones(count, np.float32), np.ones(count, bool)
    best = alike.argmax(axis=1) if count else np.zeros(0, np.intp)
    value = alike[np.arange(count), best]
    for _ in range(count - 1):
        kept = int(value.argmax())
        gone = int(best[kept])
        yield kept, gone, float(value[kept])
        both = sizes[kept] + sizes[gone]
        row = (alike[kept] * sizes[kept] + alike[gone] * sizes[gone]) / both
        row[~is_left] = row[[kept, gone]] = -np.inf
        alike[kept], alike[:, kept] = row, row
        alike[gone], alike[:, gone] = -np.inf, -np.inf
        is_left[gone], value[gone], sizes[kept] = False, -np.inf, both
        best[kept], value[kept] = row.argmax(), row.max()
        for other in np.flatnonzero(is_left & ((best == kept) | (best == gone))):
            best[other] = alike[other].argmax()
            value[other] = alike[other, best[other]]
        is_nearer = is_left & (row > value)
        best[is_nearer], value[is_nearer] = kept, row[is_nearer]


def _without_small(labels: _Labels, tracks: Tracks, least_s: float, least: int) -> _Labels:
    """Give clusters that are heard too little to those that they are most like."""
    labels = labels.copy()
    while True:
        names = np.unique(labels)
        seconds = np.array([tracks.clean_s[labels == name].sum() for name in names])
        smallest = int(seconds.argmin())
        if len(names) <= max(1, least) or seconds[smallest] >= least_s:
            return labels
        middles = unit(np.stack([tracks.vectors[labels == name].sum(axis=0) for name in names]))
        alike = middles @ middles[smallest]
        alike[smallest] = -np.inf
        labels[labels == names[smallest]] = names[alike.argmax()]


def _middles(vectors: _Vectors, weights: NDArray[np.float32], labels: _Labels) -> _Vectors:
    weighted = vectors * weights[:, None]
    return unit(np.stack([weighted[labels == name].sum(axis=0) for name in np.unique(labels)]))


def _refined(middles: _Vectors, pieces: Pieces) -> _Vectors:
    """Move each person's middle to the pieces that are most like it."""
    lengths = (pieces.ends - pieces.starts).astype(np.float32)
    is_long = lengths >= _SHORT_PIECE_S
    vectors, weights = pieces.vectors[is_long], lengths[is_long]
    if len(vectors) < _FEW_PIECES:
        return middles
    for _ in range(_ROUNDS):
        labels = (vectors @ middles.T).argmax(axis=1)
        if len(np.unique(labels)) < len(middles):
            break
        middles = _middles(vectors, weights, labels)
    return middles


def _merged(middles: _Vectors, pieces: Pieces, count: SpeakerCount) -> _Vectors:
    """Take people whose voices are too much alike for one."""
    lengths = pieces.ends - pieces.starts
    while len(middles) > count.least:
        alike = middles @ middles.T - 9 * np.eye(len(middles), dtype=np.float32)
        one, other = np.unravel_index(int(alike.argmax()), alike.shape)
        if alike[one, other] < _SAME:
            break
        labels = (pieces.vectors @ middles.T).argmax(axis=1)
        heard = [lengths[labels == name].sum() for name in (one, other)]
        both = unit((middles[one] * heard[0] + middles[other] * heard[1])[None])
        middles = _refined(np.vstack([np.delete(middles, [one, other], axis=0), both]), pieces)
    return middles
