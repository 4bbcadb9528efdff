# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Determines who speaks when: extracts voices, clusters them into people, and makes turns."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from whisper_endpoint.messages import SAMPLE_RATE
from whisper_endpoint.speakers import clustering, models
from whisper_endpoint.speakers.agreement import agreement, of_voices
from whisper_endpoint.speakers.clustering import Pieces
from whisper_endpoint.speakers.extraction import HeardVoices, Read, VoiceExtractor
from whisper_endpoint.speakers.models import VOICES, Embedding, Segmentation
from whisper_endpoint.speakers.turns import Diarization, SpeakerCount, Turn

# Weight of the pieces around a frame relative to the windows that contain it.
_PIECE_WEIGHT = 6.0
_PIECE_S = 1.5
# Longest pause within a turn, and shortest turn, in seconds.
_PAUSE_S, _SHORTEST_S = 0.3, 0.1
# Frames processed at once: 10 minutes.
_BLOCK = 36_000


class SpeakerModels:
    """Diarization with the models in a folder.

    Parameters
    ----------
    folder : Path
        Contains the files named in ``models``.
    threads : int
        Number of compute threads.

    Raises
    ------
    ModelNotLoadable
        A file is not a model of the expected kind.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        segmentation = Segmentation(folder / models.SEGMENTATION, threads)
        self._extractor = VoiceExtractor(
            segmentation, Embedding(folder / models.EMBEDDING, threads)
        )

    def diarize(
        self,
        read: Read,
        length: int,
        count: SpeakerCount,
        known: Sequence[NDArray[np.float32]] = (),
    ) -> Diarization:
        """Determine who speaks when in a recording.

        Parameters
        ----------
        read : callable
            Returns up to the given number of next samples: float32, 16 kHz mono.
        length : int
            Total number of samples.
        count : SpeakerCount
            Allowed number of people.
        known : sequence of ndarray, each of shape (dimension,), float32
            Known voices, as from :meth:`voice`.
        """
        return self.decide(self.hear(read, length), count, known)

    def hear(self, read: Read, length: int) -> HeardVoices:
        """Extract the voices of a recording, which is nearly all of the work."""
        return self._extractor.extract(read, length)

    def voice(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the voice vector of a recording of one person; zeros without speech.

        Parameters
        ----------
        samples : ndarray, shape (n,), float32, 16 kHz mono
        """
        rest = [samples]
        pieces = self.hear(lambda _: rest.pop(), len(samples)).pieces
        weights = (pieces.ends - pieces.starts).astype(np.float32)
        return models.unit(weights @ pieces.vectors)

    def decide(
        self,
        heard: HeardVoices,
        count: SpeakerCount,
        known: Sequence[NDArray[np.float32]] = (),
    ) -> Diarization:
        """Return who speaks when, from the extracted voices."""
        if not len(heard.tracks):
            return Diarization((), ())
        hop = self._extractor.segmentation.hop
        speech_s = float((heard.speakers > 0).sum()) * hop / SAMPLE_RATE
        people = clustering.people(
            heard.tracks, heard.pieces, speech_s, count, functools.partial(agreement, heard)
        )
        either, one = _frames(heard, people, self._extractor.segmentation)
        alike = [[float(person @ voice) for voice in known] for person in people]
        return Diarization(
            self._turns(either, heard.seconds),
            self._turns(one, heard.seconds),
            tuple(map(tuple, alike)),
        )

    def _turns(self, speaking: NDArray[np.bool_], seconds: float) -> tuple[Turn, ...]:
        found = [
            Turn(max(0.0, start), min(seconds, end), person)
            for person in range(speaking.shape[1])
            for start, end in self._extractor.seconds(speaking[:, person], 0, _PAUSE_S, _SHORTEST_S)
        ]
        return tuple(sorted(turn for turn in found if turn.start < turn.end))


def _frames(
    heard: HeardVoices, people: NDArray[np.float32], segmentation: Segmentation
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return who speaks in each frame, everybody and the likeliest one, shape (frames, people)."""
    length = len(heard.speakers)
    who = of_voices(heard.tracks, people, len(heard.firsts))
    alike = heard.pieces.vectors @ people.T
    either = np.zeros((length, len(people)), bool)
    one = np.zeros_like(either)
    for begin in range(0, length, _BLOCK):
        end = min(begin + _BLOCK, length)
        score = _by_windows(heard, who, len(people), begin, end)
        score += _PIECE_WEIGHT * _by_pieces(heard.pieces, alike, begin, end, segmentation)
        order = np.argsort(-score, axis=1)
        speakers = heard.speakers[begin:end]
        for place in range(min(len(people), VOICES)):
            (rows,) = np.nonzero(speakers > place)
            either[begin + rows, order[rows, place]] = True
            if place == 0:
                one[begin + rows, order[rows, 0]] = True
    return either, one


def _by_windows(
    heard: HeardVoices, who: NDArray[np.intp], people: int, begin: int, end: int
) -> NDArray[np.float32]:
    """Return the weighted share of windows with each person, shape (end - begin, people)."""
    size = heard.active.shape[1]
    window = np.hamming(size).astype(np.float32)
    score = np.zeros((end - begin + 2 * size, people), np.float32)
    weight = np.zeros(len(score), np.float32)
    first, last = np.searchsorted(heard.firsts, [begin - size + 1, end])
    for number in range(int(first), int(last)):
        # The score has a window of padding before the block, for windows that begin earlier.
        place = int(heard.firsts[number]) - begin + size
        where = slice(place, place + size)
        weight[where] += window
        for person in np.unique(who[number][who[number] >= 0]):
            is_heard = heard.active[number][:, who[number] == person].any(axis=1)
            score[where, person] += is_heard * window
    score /= np.maximum(weight, 1e-6, dtype=np.float32)[:, None]
    return score[size : size + end - begin]


def _by_pieces(
    pieces: Pieces,
    alike: NDArray[np.float32],
    begin: int,
    end: int,
    segmentation: Segmentation,
) -> NDArray[np.float32]:
    """Return each person's similarity to the pieces around a frame, minus that of the best."""
    hop, offset = segmentation.hop, segmentation.offset
    score = np.zeros((end - begin, alike.shape[1]), np.float32)
    weight = np.zeros(end - begin, np.float32)
    firsts = np.maximum(0, (pieces.starts * SAMPLE_RATE - offset) // hop).astype(np.intp)
    lasts = ((pieces.ends * SAMPLE_RATE - offset) // hop).astype(np.intp) + 1
    for number in np.flatnonzero((lasts > begin) & (firsts < end)):
        first, last = int(firsts[number]), int(lasts[number])
        if last - first < 2:
            continue
        length_s = pieces.ends[number] - pieces.starts[number]
        shape = np.hamming(last - first).astype(np.float32) * min(1.0, length_s / _PIECE_S)
        low, high = max(first, begin), min(last, end)
        mine = shape[low - first : high - first]
        score[low - begin : high - begin] += mine[:, None] * (alike[number] - alike[number].max())
        weight[low - begin : high - begin] += mine
    score /= np.maximum(weight, 1e-6, dtype=np.float32)[:, None]
    return score
