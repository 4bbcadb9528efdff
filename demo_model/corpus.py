# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""The training clips: drawn from a seed, synthesised once, cached on disk."""

import itertools
import multiprocessing
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from demo_model.tts.sentences import LANGUAGES, Language, draw_for_training, vocabulary
from demo_model.tts.synthesis import Spoken, speak
from demo_model.tts.voices import draw_voice

_SHORT_SHARE = 0.15  # share of one to three random words, to learn spelling


@dataclass(frozen=True)
class Clip:
    """A spoken sentence: samples (n,), int16 at 16 kHz; `starts` of its words, in seconds."""

    language: Language
    text: str
    samples: NDArray[np.int16]
    starts: tuple[float, ...] | None


def build_corpus(path: Path, clips: int, seed: int, tell: Callable[[str], None]) -> list[Clip]:
    """Return clips, read from `path`, or synthesised on all cores and saved there."""
    if not path.exists():
        _synthesise(path, clips, seed, tell)
    with np.load(path, allow_pickle=False) as stored:
        edges = np.concatenate([[0], np.cumsum(stored["lengths"])])
        marks = np.concatenate([[0], np.cumsum(stored["marks"])])
        samples, starts = stored["samples"], stored["starts"]
        return [
            Clip(
                language,
                text,
                samples[edges[index] : edges[index + 1]],
                tuple(starts[marks[index] : marks[index + 1]].tolist()) or None,
            )
            for index, (language, text) in enumerate(
                zip(stored["languages"].tolist(), stored["texts"].tolist(), strict=True)
            )
        ]


def _synthesise(path: Path, clips: int, seed: int, tell: Callable[[str], None]) -> None:
    with multiprocessing.Pool() as pool:
        tasks = zip(itertools.repeat(seed), range(clips))
        spoken = []
        for language, clip in pool.imap(_speak_one, tasks, chunksize=50):
            spoken.append((language, clip))
            tell(f"{len(spoken)} of {clips}")
    pcm = [np.rint(np.clip(clip.samples, -1, 1) * 32767).astype(np.int16) for _, clip in spoken]
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part.npz")
    np.savez(
        part,
        samples=np.concatenate(pcm),
        lengths=np.array([len(clip) for clip in pcm]),
        starts=np.array([start for _, clip in spoken for start in clip.starts or ()], np.float32),
        marks=np.array([len(clip.starts or ()) for _, clip in spoken]),
        languages=np.array([language for language, _ in spoken]),
        texts=np.array([clip.text for _, clip in spoken]),
    )
    part.replace(path)


def _speak_one(task: tuple[int, int]) -> tuple[Language, Spoken]:
    seed, index = task
    chance = random.Random(f"training {seed} {index}")  # noqa: S311 - a draw of words
    language = LANGUAGES[index % len(LANGUAGES)]
    if chance.random() < _SHORT_SHARE:
        text = " ".join(chance.choices(vocabulary(language), k=chance.randint(1, 3)))
    else:
        text = draw_for_training(language, chance)
    return language, speak(draw_voice(language, chance), text)
