# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Clusters similar voices into people: average linkage, then a choice of the number of people."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.speakers.models import unit
from whisper_endpoint.speakers.turns import SpeakerCount

# Two clusters are one person if their mean similarity is at least this share of the similarity
# within each, which ranges from 0.55 in a call to 0.85 in read prompts. The second value is for a
# cluster too small to have a similarity of its own: a single sentence is often less similar to the
# others of the same person.
# All these values were tuned on one half of the voices of benchmarks/speakers, on the same voices
# played slower and faster, which are more similar to one another, and on a call.
_SHARE_OF_OWN, _SHARE_OF_FEW = 0.8, 0.7
# Similarity assumed within a person of whom there is too little audio, and the minimum similarity
# of two clusters of one person.
_USUAL_ALIKE, _LEAST_ALIKE = 0.75, 0.3
# Nearer windows overlap, so their similarity says nothing about a person.
_APART_WINDOWS = 5
_FEWEST_PAIRS = 8
# Deducted from the similarity of two voices that the segmentation separates in one window.
_APART = 0.6
# Two people whose centroids are more similar than this are merged.
_SAME = 0.8
# A person similar to another (second value) on whom overlapping windows agree less than this is
# only the other's way of speaking: a laugh, a word of assent.
_AGREED, _LIKE_SOMEBODY = 0.55, 0.6
# Only voices heard alone for this many seconds decide the number of people.
_CLEAN_S = 1.0
# Minimum speech of a person, as a share of all speech and in seconds: with a fixed time alone, an
# hour would get too many people.
_LEAST_SHARE, _LEAST_S = 0.01, 0.4
# Shorter pieces say too little about a voice, in seconds.
_SHORT_PIECE_S = 0.8
_FEW_PIECES = 5
_ROUNDS = 5
# Maximum voices compared with one another: the work grows quadratically.
_MOST_COMPARED = 1500
# Maximum clusters tried when a request asks for a minimum number of people.
_MOST_CLUSTERS = 60

_Vectors = NDArray[np.float32]
_Labels = NDArray[np.intp]

Agreement = Callable[[_Vectors], NDArray[np.float64]]
"""Returns how far windows agree on each person; see ``agreement.py``."""


@dataclass(frozen=True)
class Tracks:
    """The voices of windows: one row for each voice in each window.

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
        The same, with each second divided among the windows that contain it, so that the sum is in
        seconds of the recording.
    """

    windows: NDArray[np.intp]
    voices: NDArray[np.intp]
    vectors: _Vectors
    clean_s: NDArray[np.float32]
    own_s: NDArray[np.float32]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.windows)

    def only(self, rows: NDArray[np.intp]) -> "Tracks":
        """Return some of the rows."""
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
    """Return a voice vector (centroid) for each person.

    Parameters
    ----------
    tracks : Tracks
        At least one.
    speech_s : float
        Seconds in which anybody speaks.
    count : SpeakerCount
        Allowed number of people; there may be fewer if fewer voices are found.
    agreement : callable
        Returns how far overlapping windows agree on each person, 0 to 1.

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
    """Return the tracks from which the number of people is determined."""
    clean = np.flatnonzero(tracks.clean_s >= _CLEAN_S)
    if len(clean) < 2:
        clean = np.sort(np.argsort(-tracks.clean_s)[:4])
    if len(clean) > _MOST_COMPARED:
        clean = clean[np.linspace(0, len(clean) - 1, _MOST_COMPARED).astype(np.intp)]
    return tracks.only(clean)


def _recut(
    tree: "Tree", natural: _Labels, tracks: Tracks, least_s: float, count: SpeakerCount
) -> _Labels:
    """Return the cluster of each track, cut again to get an allowed number of people."""
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
    """A cluster, and the two clusters that it was merged from; None for a single track.

    Attributes
    ----------
    rows : ndarray of int
        Tracks in the cluster.
    """

    rows: NDArray[np.intp]
    parts: "tuple[Branch, Branch] | None" = None


class _Likeness:
    """Similarities of the voices of some tracks."""

    def __init__(self, tracks: Tracks) -> None:
        self._alike = tracks.vectors @ tracks.vectors.T
        distance = np.abs(tracks.windows[:, None] - tracks.windows[None, :])
        self._tells = distance >= _APART_WINDOWS
        self.own_s = tracks.own_s

    def is_one(self, first: Branch, second: Branch) -> bool:
        """Whether two clusters are the same person."""
        between = float(self._alike[np.ix_(first.rows, second.rows)].mean())
        own = [one for part in (first, second) for one in self._within(part)]
        share = _SHARE_OF_OWN if len(own) == 2 else _SHARE_OF_FEW
        return between >= max(_LEAST_ALIKE, share * float(np.mean(own or [_USUAL_ALIKE])))

    def _within(self, branch: Branch) -> list[float]:
        where = np.ix_(branch.rows, branch.rows)
        tells = self._tells[where]
        # Each pair is counted twice.
        return [float(self._alike[where][tells].mean())] if tells.sum() >= 2 * _FEWEST_PAIRS else []


def _split(root: Branch, likeness: _Likeness, least_s: float) -> _Labels:
    """Return the cluster of each track, splitting from the root until both parts are one person.

    A part with too little speech for a person does not stop the descent into the other one.
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
    """Average linkage: merges the two most similar clusters until one is left.

    Parameters
    ----------
    alike : ndarray, shape (n, n), float32
        Pairwise similarities; modified in place.
    """

    def __init__(self, alike: NDArray[np.float32]) -> None:
        self._size = len(alike)
        self._merges = list(_merges(alike))

    @property
    def root(self) -> Branch:
        """The cluster of all tracks, of which there must be at least one."""
        branches = {number: Branch(np.array([number])) for number in range(self._size)}
        last = branches[0]
        for kept, gone in self._merges:
            parts = branches[kept], branches.pop(gone)
            last = Branch(np.concatenate([part.rows for part in parts]), parts)
            branches[kept] = last
        return last

    def cut_into(self, clusters: int) -> _Labels:
        """Return the cluster of each track when cut into this many clusters."""
        labels = np.arange(self._size)
        for kept, gone in self._merges[: max(0, self._size - clusters)]:
            labels[labels == gone] = kept
        return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def _merges(alike: NDArray[np.float32]) -> Iterator[tuple[int, int]]:
    """Yield the merges as (kept cluster, merged cluster).

    The maximum of each row is cached, so that a step only updates rows whose maximum has changed.
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
    """Merge clusters with too little speech into the most similar ones."""
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
    """Move each centroid to the pieces most similar to it (k-means)."""
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
    """Merge people whose voices are too similar."""
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
    """Remove people to whom hardly any piece belongs: they come from windows with two voices."""
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
    """Remove people on whom windows do not agree, the least agreed first."""
    while len(middles) > count.least:
        alike = middles @ middles.T - 9 * np.eye(len(middles), dtype=np.float32)
        agreed = np.where(alike.max(axis=1) > _LIKE_SOMEBODY, agreement(middles), 1.0)
        if agreed.min() >= _AGREED:
            break
        middles = _refined(np.delete(middles, int(agreed.argmin()), axis=0), pieces)
    return middles
