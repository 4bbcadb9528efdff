# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Extracts voices from a recording in one pass, stretch by stretch, in little memory.

Three hours take about 60 MB: the voices active in each window, and vectors of voices and of short
pieces.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE
from whisper_endpoint.speakers import filterbank
from whisper_endpoint.speakers.clustering import Pieces, Tracks
from whisper_endpoint.speakers.models import VOICES, Embedding, Segmentation

STEP_S = 2
"""Seconds between two windows: with 4 s, speakers were missed in a whole call."""

# Windows in a batch of the segmentation, and in a stretch (4 minutes). With eight in a batch, a
# sixth of its time goes into memory that is returned after each.
_BATCH = 2
_STRETCH_WINDOWS = 120
# Shorter pauses belong to the speech around them, and shorter speech is ignored; in seconds.
_PAUSE_S, _SHORTEST_S = 0.2, 0.2
# Pieces of speech: length and hop, in seconds.
_PIECE_S, _PIECE_STEP_S = 1.5, 0.75
# Minimum frames of a piece for the embedding, and pieces in a batch of it: with 16, each second of
# speech takes a sixth longer.
_LEAST_PIECE_FRAMES = 25
_PIECES_AT_ONCE = 4
# Minimum segmentation frames of a voice, and of it alone to use only those; minimum and maximum
# feature frames used for its vector.
_LEAST_FRAMES, _LEAST_ALONE = 12, 30
_LEAST_FEATURES, _MOST_FEATURES = 20, 400
# A voice is not embedded again if nearly all of its frames, and of those of a voice that was, are
# the same; or, if both are alone for so many frames (5 s), most of its own.
_SAME_FRAMES = 0.9
_LONG_FRAMES, _SAME_OF_LONG = 296, 0.75

Read = Callable[[int], NDArray[np.float32]]
"""Returns the given number of next samples of a recording, or fewer at its end."""


@dataclass(frozen=True)
class HeardVoices:
    """The data extracted from a recording.

    Attributes
    ----------
    seconds : float
        Length of the recording.
    firsts : ndarray, shape (windows,), int
        Index of each window's first frame in the recording.
    active : ndarray, shape (windows, frames, 3), bool
        Which voices of a window are active.
    speakers : ndarray, shape (frames,), int
        Number of people speaking in each frame of the recording.
    tracks : Tracks
        Voices of windows.
    pieces : Pieces
        Short stretches of speech.
    """

    seconds: float
    firsts: NDArray[np.intp]
    active: NDArray[np.bool_]
    speakers: NDArray[np.intp]
    tracks: Tracks
    pieces: Pieces


class VoiceExtractor:
    """Extracts voices from recordings, one after another.

    Parameters
    ----------
    segmentation : Segmentation
    embedding : Embedding
    """

    def __init__(self, segmentation: Segmentation, embedding: Embedding) -> None:
        self.segmentation = segmentation
        self._embedding = embedding

    def extract(self, read: Read, length: int) -> HeardVoices:
        """Extract the voices of a recording.

        Parameters
        ----------
        read : callable
            Returns the next samples, float32, 16 kHz mono; non-finite ones count as silence.
        length : int
            Total number of samples.
        """
        model, step = self.segmentation, STEP_S * SAMPLE_RATE
        starts = np.arange(0, max(1, length - model.window + step), step, dtype=np.intp)
        firsts = np.rint(starts / model.hop).astype(np.intp)
        vote = Votes(length // model.hop + 2, model.frames)
        active, tracks, pieces = [], list[_Track](), list[_Piece]()
        samples = np.zeros(0, np.float32)
        embedded = _Embedded()
        for begin in range(0, len(starts), _STRETCH_WINDOWS):
            mine = starts[begin : begin + _STRETCH_WINDOWS]
            origin, end = int(mine[0]), int(mine[-1]) + model.window
            is_last = begin + len(mine) == len(starts)
            wanted = (length if is_last else end) - origin - len(samples)
            samples = np.concatenate([samples, _clean(read(max(0, wanted)))])
            features = self._embedding.features(samples)
            voices = self._voices(samples, mine - origin)
            active.append(voices)
            for number, one in enumerate(voices, start=begin):
                vote.add(int(firsts[number]), one)
                embedded.move_to(int(firsts[number]))
                start = int(starts[number]) - origin
                tracks += self._tracks(number, start, one, features, embedded)
            # Frames before this are in no later window.
            settled = vote.length if is_last else int(firsts[begin + len(mine)])
            speech = self._speech(vote, int(firsts[begin]), settled)
            pieces += self._pieces(speech, origin, features)
            if not is_last:
                samples = samples[int(starts[begin + len(mine)]) - origin :]
        heard = np.concatenate(active)
        return HeardVoices(
            length / SAMPLE_RATE,
            firsts,
            heard,
            vote.speakers(),
            self._joined_tracks(tracks, self._own_seconds(firsts, heard)),
            self._joined_pieces(pieces),
        )

    def _voices(self, samples: NDArray[np.float32], starts: NDArray[np.intp]) -> NDArray[np.bool_]:
        found = []
        for begin in range(0, len(starts), _BATCH):
            some = starts[begin : begin + _BATCH]
            windows = np.zeros((len(some), self.segmentation.window), np.float32)
            for window, start in zip(windows, some, strict=True):
                part = samples[start : start + self.segmentation.window]
                window[: len(part)] = part
            found.append(self.segmentation.voices(windows))
        return np.concatenate(found)

    def _tracks(
        self,
        number: int,
        start: int,
        voices: NDArray[np.bool_],
        features: NDArray[np.float32],
        embedded: "_Embedded",
    ) -> "Iterator[_Track]":
        """Yield a vector for each voice of a window, preferably from where it speaks alone."""
        hop, offset = self.segmentation.hop, self.segmentation.offset
        begin = start // filterbank.HOP_SAMPLES
        end = (start + self.segmentation.window) // filterbank.HOP_SAMPLES
        rows = np.arange(begin, min(len(features), end))
        middles = rows * filterbank.HOP_SAMPLES + filterbank.FRAME_SAMPLES // 2 - start
        frames = (middles - offset + hop // 2) // hop
        is_within = (frames >= 0) & (frames < len(voices))
        rows, frames = rows[is_within], frames[is_within]
        is_one = voices.sum(axis=1) == 1
        for voice in range(VOICES):
            heard = voices[:, voice]
            alone = heard & is_one
            if heard.sum() < _LEAST_FRAMES:
                continue
            used = alone if alone.sum() >= _LEAST_ALONE else heard
            chosen = rows[used[frames]]
            if len(chosen) < _LEAST_FEATURES:
                continue
            vector = embedded.vector(used)
            if vector is None:
                spare = max(0, len(chosen) - _MOST_FEATURES)
                chosen = chosen[spare // 2 :][:_MOST_FEATURES]
                (vector,) = self._embedding.of(features[chosen][None])
                embedded.add(used, vector)
            yield number, voice, vector, float(alone.sum()) * hop / SAMPLE_RATE

    def _speech(self, vote: "Votes", begin: int, end: int) -> list[tuple[float, float]]:
        """Return the speech between two frames, in seconds of the recording."""
        return self.seconds(vote.speakers(begin, end) > 0, begin, _PAUSE_S, _SHORTEST_S)

    def seconds(
        self, is_on: NDArray[np.bool_], first: int, pause_s: float, shortest_s: float
    ) -> list[tuple[float, float]]:
        """Return runs of frames as seconds of the recording.

        Parameters
        ----------
        is_on : ndarray, shape (frames,), bool
        first : int
            Index of the first frame in the recording.
        pause_s, shortest_s : float
            Runs at most ``pause_s`` apart are joined; runs up to ``shortest_s`` are dropped.
        """
        found: list[tuple[float, float]] = []
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_on, [False]])))
        hop, offset = self.segmentation.hop, self.segmentation.offset
        for run in edges.reshape(-1, 2):
            start, end = (((first + frame) * hop + offset) / SAMPLE_RATE for frame in run.tolist())
            if found and start - found[-1][1] <= pause_s:
                found[-1] = found[-1][0], end
            else:
                found.append((start, end))
        return [(start, end) for start, end in found if end - start > shortest_s]

    def _pieces(
        self, speech: list[tuple[float, float]], origin: int, features: NDArray[np.float32]
    ) -> "list[_Piece]":
        """Return vectors of short pieces of speech; samples before `origin` have no features."""
        spans = [piece for start, end in speech for piece in _cut(start, end)]
        by_length: dict[int, list[tuple[float, float]]] = {}
        for start, end in spans:
            frames = max(_LEAST_PIECE_FRAMES, round((end - start) * filterbank.FRAMES_PER_SECOND))
            by_length.setdefault(min(len(features), frames), []).append((start, end))
        found: list[_Piece] = []
        for frames, those in by_length.items():
            for begin in range(0, len(those) if frames else 0, _PIECES_AT_ONCE):
                some = those[begin : begin + _PIECES_AT_ONCE]
                rows = [self._row(start, origin, len(features) - frames) for start, _ in some]
                heard = np.stack([features[row : row + frames] for row in rows])
                vectors = self._embedding.of(heard)
                found += [(*span, one) for span, one in zip(some, vectors, strict=True)]
        return sorted(found, key=lambda piece: piece[:2])

    @staticmethod
    def _row(start: float, origin: int, last: int) -> int:
        row = int((start - origin / SAMPLE_RATE) * filterbank.FRAMES_PER_SECOND)
        return max(0, min(row, last))

    def _own_seconds(
        self, firsts: NDArray[np.intp], active: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return the seconds in which each voice of each window is alone, shape (windows, 3).

        Each frame is divided among the windows that contain it; fewer do at the edges.
        """
        size = active.shape[1]
        windows = np.zeros(int(firsts[-1]) + size, np.float32)
        for first in firsts:
            windows[first : first + size] += 1
        seconds = self.segmentation.hop / SAMPLE_RATE / windows
        return np.stack(
            [
                seconds[first : first + size] @ (voices & (voices.sum(axis=1) == 1)[:, None])
                for first, voices in zip(firsts, active, strict=True)
            ]
        ).astype(np.float32)

    def _joined_tracks(self, tracks: "list[_Track]", own_s: NDArray[np.float32]) -> Tracks:
        windows = np.array([one[0] for one in tracks], np.intp)
        voices = np.array([one[1] for one in tracks], np.intp)
        return Tracks(
            windows,
            voices,
            self._stacked([one[2] for one in tracks]),
            np.array([one[3] for one in tracks], np.float32),
            own_s[windows, voices],
        )

    def _joined_pieces(self, pieces: "list[_Piece]") -> Pieces:
        return Pieces(
            np.array([one[0] for one in pieces], np.float64),
            np.array([one[1] for one in pieces], np.float64),
            self._stacked([one[2] for one in pieces]),
        )

    def _stacked(self, vectors: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.array(vectors, np.float32).reshape(-1, self._embedding.dimension)


class _Embedded:
    """Voices that were embedded in a window and in those before that overlap it."""

    def __init__(self) -> None:
        self._first = 0
        self._voices: list[tuple[int, NDArray[np.bool_], NDArray[np.float32]]] = []

    def move_to(self, first: int) -> None:
        """Begin a window, by the index of its first frame in the recording."""
        self._first = first
        self._voices = [one for one in self._voices if first - one[0] < len(one[1])]

    def add(self, used: NDArray[np.bool_], vector: NDArray[np.float32]) -> None:
        """Add a voice of the window, with the frames used for its vector, shape (frames,)."""
        self._voices.append((self._first, used, vector))

    def vector(self, used: NDArray[np.bool_]) -> NDArray[np.float32] | None:
        """Return the vector of the last voice with the same speech in a window before, if any."""
        for first, others, vector in reversed(self._voices):
            shift = self._first - first
            common = int((used[: len(used) - shift] & others[shift:]).sum())
            if shift and _is_same(common, int(used.sum()), int(others.sum())):
                return vector
        return None


def _is_same(common: int, used: int, others: int) -> bool:
    """Whether a voice has the same speech as another, by the frames of both and of each."""
    is_long = min(used, others) >= _LONG_FRAMES
    return common >= _SAME_FRAMES * max(used, others) or (
        is_long and common >= _SAME_OF_LONG * used
    )


class Votes:
    """Number of people speaking in each frame, averaged over its windows, weighted to their middle.

    Parameters
    ----------
    length, window : int
        Frames of the recording and of a window.
    """

    def __init__(self, length: int, window: int) -> None:
        self.length = length
        self._window = np.hamming(window).astype(np.float32)
        self._count = np.zeros(length + window, np.float32)
        self._weight = np.zeros(length + window, np.float32)

    def add(self, first: int, voices: NDArray[np.bool_]) -> None:
        """Add a window's active voices, shape (window, 3), from frame ``first`` on."""
        where = slice(first, first + len(self._window))
        self._count[where] += voices.sum(axis=1) * self._window
        self._weight[where] += self._window

    def speakers(self, begin: int = 0, end: int | None = None) -> NDArray[np.intp]:
        """Return the number of people speaking in each frame from ``begin`` to ``end``."""
        where = slice(begin, self.length if end is None else min(end, self.length))
        mean = self._count[where] / np.maximum(self._weight[where], 1e-6)
        return np.rint(mean).astype(np.intp)


_Track = tuple[int, int, NDArray[np.float32], float]
_Piece = tuple[float, float, NDArray[np.float32]]


def _cut(start: float, end: float) -> Iterator[tuple[float, float]]:
    """Cut speech into overlapping pieces, the last of which ends with it."""
    if end - start > _PIECE_S:
        while start + _PIECE_S < end:
            yield start, start + _PIECE_S
            start += _PIECE_STEP_S
        start = end - _PIECE_S
    yield start, end


def _clean(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -1, 1)
