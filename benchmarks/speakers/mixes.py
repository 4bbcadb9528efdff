# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Compose single-channel recordings of several people, with their turns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.real_calls.levels import speech_frames
from benchmarks.real_calls.prompts import SAMPLE_RATE
from benchmarks.speakers.voices import Person, Signal, utterances
from demo_model.tts import line
from whisper_endpoint.speakers.turns import Turn

# Probability that the same speaker continues.
_GOES_ON = 0.3
_PAUSE_S, _OVERLAP_S = (0.15, 1.5), (0.3, 1.5)
_LEVEL_DBFS, _LEVEL_SPREAD_DB = -22.0, 4.0
_NOISE_DBFS = -60.0
# Longest silence within a turn.
_WITHIN_S = 0.3


@dataclass(frozen=True)
class MixRecipe:
    """Parameters of a recording; deterministic.

    Attributes
    ----------
    seed : int
        Random seed for who says what and when.
    people : tuple of Person
        The speakers; each speaks, in random order.
    seconds : float
        Approximate length.
    cuts_in : float
        Probability that the next speaker interrupts, 0 to 1.
    held_back : int
        Utterances of each person that are not used.
    """

    seed: int
    people: tuple[Person, ...]
    seconds: float
    cuts_in: float = 0.12
    held_back: int = 0


@dataclass(frozen=True)
class Mix:
    """A composed recording.

    Attributes
    ----------
    samples : ndarray, shape (n,), float32 in [-1, 1], 16 kHz mono
        In the telephone band.
    voices : tuple of ndarray, each of shape (n,), float32 in [-1, 1], 16 kHz mono
        Each person's clean speech in it.
    turns : tuple of Turn
        In chronological order; may overlap.
    """

    samples: Signal
    voices: tuple[Signal, ...]
    turns: tuple[Turn, ...]

    @property
    def people(self) -> int:
        """Number of speakers."""
        return len(self.voices)


def make(recipe: MixRecipe) -> Mix:
    """Compose a recording."""
    draw = np.random.default_rng(recipe.seed)
    levels = draw.normal(_LEVEL_DBFS, _LEVEL_SPREAD_DB / 2, len(recipe.people))
    placed: list[tuple[int, int, Signal]] = []
    order = list(draw.permutation(len(recipe.people)))
    end, speaker = round(0.5 * SAMPLE_RATE), -1
    while end < recipe.seconds * SAMPLE_RATE or order:
        before = speaker
        speaker = int(order.pop(0)) if order else _next(draw, before, len(recipe.people))
        said = utterances(recipe.people[speaker])[recipe.held_back :]
        signal = line.at_level(said[int(draw.integers(len(said)))], float(levels[speaker]))
        is_early = speaker != before and draw.random() < recipe.cuts_in and placed
        shift = -draw.uniform(*_OVERLAP_S) if is_early else draw.uniform(*_PAUSE_S)
        begin = max(0, end + round(float(shift) * SAMPLE_RATE))
        placed.append((speaker, begin, signal))
        end = max(end, begin + len(signal))
    mixed = draw.normal(0, 10 ** (_NOISE_DBFS / 20), end + SAMPLE_RATE // 2).astype(np.float32)
    voices = [np.zeros_like(mixed) for _ in recipe.people]
    for who, begin, signal in placed:
        for one in (mixed, voices[who]):
            one[begin : begin + len(signal)] += signal
    return Mix(
        line.from_line(line.companded(np.clip(mixed, -1, 1), "mu")),
        tuple(line.from_line(voice) for voice in voices),
        turns_of(placed),
    )


def turns_of(placed: Sequence[tuple[int, int, Signal]]) -> tuple[Turn, ...]:
    """Return each person's turns, bridging short pauses.

    Parameters
    ----------
    placed : sequence of (int, int, ndarray)
        (speaker, first sample, signal) triples.
    """
    found: list[Turn] = []
    for speaker in sorted({who for who, _, _ in placed}):
        spans = [
            (begin / SAMPLE_RATE + start / 100, begin / SAMPLE_RATE + end / 100)
            for who, begin, signal in placed
            if who == speaker
            for start, end in _runs(speech_frames((signal * 32767).astype(np.int16), SAMPLE_RATE))
        ]
        mine: list[Turn] = []
        for start, end in sorted(spans):
            if mine and start - mine[-1].end <= _WITHIN_S:
                mine[-1] = Turn(mine[-1].start, max(end, mine[-1].end), speaker)
            else:
                mine.append(Turn(start, end, speaker))
        found += mine
    return tuple(sorted(found))


def _next(draw: np.random.Generator, before: int, people: int) -> int:
    if people == 1 or draw.random() < _GOES_ON:
        return before
    other = int(draw.integers(people - 1))
    return other + (other >= before)


def _runs(is_on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], is_on, [False]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
