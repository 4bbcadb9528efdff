# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Voices that are alike become one person: average linkage, then as many people as there are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.speakers.models import unit
from whisper_endpoint.speakers.turns import SpeakerCount

# Two groups are one person's where their voices are, on average, at least this share as much alike
# as those within each: what one person's are differs from 0.55 in a call to 0.85 in read prompts.
# The second holds where one of them says too little of how alike its own are: a single sentence is
# often less like the others of the same person.
# These and what follows were chosen on one half of the voices of benchmarks/speakers, on the same
# ones played slower and faster, which are more like one another, and on a call.
_SHARE_OF_OWN, _SHARE_OF_FEW = 0.8, 0.7
# As alike are one person's voices where too little is heard of them to say, and never one person's
# are voices that are less alike than the second.
_USUAL_ALIKE, _LEAST_ALIKE = 0.75, 0.3
# Windows that are nearer to one another hear the same: they say nothing of how alike a person is.
_APART_WINDOWS = 5
_FEWEST_PAIRS = 8
# Two voices in one window that the segmentation tells apart are taken to be less alike by this.
_APART = 0.6
# Two people whose middles are more alike than this are one.
_SAME = 0.8
# Who is like somebody else, and on whom windows that hear the same agree for less than this share,
# is another's manner to speak: a laugh, a word of assent.
_AGREED, _LIKE_SOMEBODY = 0.55, 0.6
# Only what is heard alone for this many seconds says how many people there are.
_CLEAN_S = 1.0
# A person speaks for at least a hundredth of all speech: with a fixed time there are people too
# many in an hour.
_LEAST_SHARE, _LEAST_S = 0.01, 0.4
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

Agreement = Callable[[_Vectors], NDArray[np.float64]]
"""How far windows agree on people: see ``agreement.py``."""


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
        Seconds of the window in which the voice is heard alone.
    own_s : ndarray, shape (n,), float32
        The same, each second shared among the windows that hear it: together they are seconds of
        the recording.
    """

    windows: NDArray[np.intp]
    voices: NDArray[np.intp]
    vectors: _Vectors
    clean_s: NDArray[np.float32]
    own_s: NDArray[np.float32]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.windows)

    def only(self, rows: NDArray[np.intp]) -> "Tracks":
        """Return some of them."""
        seconds = self.clean_s[rows], self.own_s[rows]
        return Tracks(self.windows[rows], self.voices[rows], self.vectors[rows], *seconds)


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


def people(
    tracks: Tracks, pieces: Pieces, speech_s: float, count: SpeakerCount, agreement: Agreement
) -> _Vectors:
    """Return what each person's voice is like.

    Parameters
    ----------
    tracks : Tracks
        At least one.
    speech_s : float
        Seconds in which anybody speaks.
    count : SpeakerCount
        How many there may be; where fewer voices are heard, there are fewer.
    agreement : callable
        Returns how far windows that hear the same agree on each of some people, 0 to 1.

    Returns
    -------
    ndarray, shape (people, dimension), float32, each of length 1
    """
    usual = _telling(tracks)
    share = len(usual) / len(tracks)
    least_s = max(_LEAST_S, _LEAST_SHARE * speech_s) * share

    def settled(labels: _Labels) -> _Vectors:
        found = _refined(_middles(usual.vectors, usual.clean_s, labels), pieces)
        found = _agreed(_merged(found, pieces, count), pieces, count, agreement)
        return _likeliest(found, pieces, count)

    tree = Tree(_similarities(usual))
    labels = _split(tree.root, _Likeness(usual), least_s)
    natural = _without_small(labels, usual, least_s, count.least)
    found = settled(natural)
    if count.least <= len(found) <= count.most:
        return found
    return settled(_recut(tree, natural, usual, least_s, count))


def _telling(tracks: Tracks) -> Tracks:
    """Return the tracks that say how many people there are."""
    clean = np.flatnonzero(tracks.clean_s >= _CLEAN_S)
    if len(clean) < 2:
        clean = np.sort(np.argsort(-tracks.clean_s)[:4])
    if len(clean) > _MOST_COMPARED:
        clean = clean[np.linspace(0, len(clean) - 1, _MOST_COMPARED).astype(np.intp)]
    return tracks.only(clean)


def _recut(
    tree: "Tree", natural: _Labels, tracks: Tracks, least_s: float, count: SpeakerCount
) -> _Labels:
    """Return the cluster of each where there are more or fewer of them than there may be."""
    if len(np.unique(natural)) > count.most:
        return tree.cut_into(count.most)
    for clusters in range(count.least, min(len(tracks), _MOST_CLUSTERS) + 1):
        finer = _without_small(tree.cut_into(clusters), tracks, least_s / 2, count.least)
        if len(np.unique(finer)) >= count.least:
            return finer
    return natural


def _similarities(tracks: Tracks) -> NDArray[np.float32]:
    alike = tracks.vectors @ tracks.vectors.T
    alike[tracks.windows[:, None] == tracks.windows[None, :]] -= np.float32(_APART)
    return alike


@dataclass(frozen=True)
class Branch:
    """A cluster, and the two that it is made of; a single one has none.

    Attributes
    ----------
    rows : ndarray of int
        What is in it.
    """

    rows: NDArray[np.intp]
    parts: "tuple[Branch, Branch] | None" = None


class _Likeness:
    """How alike the voices of some tracks are."""

    def __init__(self, tracks: Tracks) -> None:
        self._alike = tracks.vectors @ tracks.vectors.T
        distance = np.abs(tracks.windows[:, None] - tracks.windows[None, :])
        self._tells = distance >= _APART_WINDOWS
        self.own_s = tracks.own_s

    def is_one(self, first: Branch, second: Branch) -> bool:
        """Whether two clusters are one person's."""
        between = float(self._alike[np.ix_(first.rows, second.rows)].mean())
        own = [one for part in (first, second) for one in self._within(part)]
        share = _SHARE_OF_OWN if len(own) == 2 else _SHARE_OF_FEW
        return between >= max(_LEAST_ALIKE, share * float(np.mean(own or [_USUAL_ALIKE])))

    def _within(self, branch: Branch) -> list[float]:
        where = np.ix_(branch.rows, branch.rows)
        tells = self._tells[where]
        # Each pair is there twice.
        return [float(self._alike[where][tells].mean())] if tells.sum() >= 2 * _FEWEST_PAIRS else []


def _split(root: Branch, likeness: _Likeness, least_s: float) -> _Labels:
    """Return the cluster of each, from the whole down to where both parts are one person's.

    A part that is heard too little for a person ends nothing: what is left of it is looked at.
    """
    labels = np.zeros(len(root.rows), np.intp)
    waiting, people = [root], 0
    left: list[Branch]
    while waiting:
        branch = waiting.pop()
        kept, left = branch, []
        while kept.parts is not None:
            smaller, larger = sorted(kept.parts, key=lambda part: likeness.own_s[part.rows].sum())
            if likeness.own_s[smaller.rows].sum() >= least_s:
                if not likeness.is_one(larger, smaller):
                    waiting += [smaller, larger, *left]
                break
            kept = larger
            left.append(Branch(smaller.rows))
        labels[branch.rows] = people
        people += 1
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)


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

    @property
    def root(self) -> Branch:
        """The cluster of all, with those that it is made of; there is at least one."""
        branches = {number: Branch(np.array([number])) for number in range(self._size)}
        last = branches[0]
        for kept, gone in self._merges:
            parts = branches[kept], branches.pop(gone)
            last = Branch(np.concatenate([part.rows for part in parts]), parts)
            branches[kept] = last
        return last

    def cut_into(self, clusters: int) -> _Labels:
        """Return the cluster of each where there are so many."""
        labels = np.arange(self._size)
        for kept, gone in self._merges[: max(0, self._size - clusters)]:
            labels[labels == gone] = kept
        return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def _merges(alike: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """Yield which cluster takes which other one in.

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
        yield kept, gone
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
        seconds = np.array([tracks.own_s[labels == name].sum() for name in names])
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


def _likeliest(middles: _Vectors, pieces: Pieces, count: SpeakerCount) -> _Vectors:
    """Leave out people whom no piece is most like: they are made of windows with two voices."""
    lengths = pieces.ends - pieces.starts
    while len(middles) > count.least and len(lengths):
        labels = (pieces.vectors @ middles.T).argmax(axis=1)
        heard_s = np.bincount(labels, lengths, len(middles))
        if heard_s.min() >= _SHORT_PIECE_S:
            break
        middles = _refined(np.delete(middles, int(heard_s.argmin()), axis=0), pieces)
    return middles


def _agreed(
    middles: _Vectors, pieces: Pieces, count: SpeakerCount, agreement: Agreement
) -> _Vectors:
    """Leave out those on whom windows do not agree, the least sure first."""
    while len(middles) > count.least:
        alike = middles @ middles.T - 9 * np.eye(len(middles), dtype=np.float32)
        agreed = np.where(alike.max(axis=1) > _LIKE_SOMEBODY, agreement(middles), 1.0)
        if agreed.min() >= _AGREED:
            break
        middles = _refined(np.delete(middles, int(agreed.argmin()), axis=0), pieces)
    return middles
