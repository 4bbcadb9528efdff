# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Scripts of the load test's callers: concatenated calls."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.real_calls.compose import CallRecipe
from benchmarks.real_calls.sample_calls import conversation
from benchmarks.references import ReferenceUtterance, SampleCall, sample_calls
from live_whisper.audio.call_file import Call
from scripts.weights import DEMO

_CLEAR_S = 0.4
"""Silence around possible start and end positions, so that no word is cut."""
_STEP_S = 0.1
_CONVERSATIONS = 6
_SECONDS = 90.0
_LONGEST_PAUSE_S = 8.0


@dataclass(frozen=True)
class Said:
    """A caller's audio, and its utterances with times in that audio."""

    call: Call
    utterances: tuple[ReferenceUtterance, ...]


def calls_for(model: str | None) -> list[SampleCall]:
    """Return the calls for a model, named as for `weights`; None: an unknown model.

    Utterances are as long as in real calls, except for the demonstration model, which was trained
    on single sentences and gets the sample calls.

    Raises
    ------
    CommandError
        There are no sample calls.
    """
    if model == DEMO:
        return read_samples()
    recipes = [
        CallRecipe(seed=seed, seconds=_SECONDS, longest_pause_s=_LONGEST_PAUSE_S)
        for seed in range(1, _CONVERSATIONS + 1)
    ]
    return [conversation(recipe, f"conversation-{recipe.seed}") for recipe in recipes]


def read_samples() -> list[SampleCall]:
    """Read the sample calls with the most common sample rate; raises CommandError if none."""
    samples = sample_calls()
    rates = [sample.call.sample_rate for sample in samples]
    usual = max(set(rates), key=rates.count)
    return [sample for sample in samples if sample.call.sample_rate == usual]


def script(samples: Sequence[SampleCall], caller: int, seconds: float) -> Said:
    """Return the script of one caller.

    `caller`: from 0; each starts with another sample at a random pause, the same for both clients.
    `seconds`: minimum length; the script ends at the next pause.
    """
    chance = random.Random(f"1/{caller}")  # noqa: S311 - nothing secret
    audio, utterances, at, index = [], [], 0.0, caller
    first = samples[caller % len(samples)]
    begin = chance.choice(_pauses(first.reference.utterances, 0.0, first.call.seconds / 2))
    while at < begin + seconds + first.call.seconds:
        sample = samples[index % len(samples)]
        audio.append(sample.call.samples)
        utterances += [_moved(said, at) for said in sample.reference.utterances]
        at += sample.call.seconds
        index += 1
    end = _pauses(utterances, begin + seconds, at)[0]
    rate = first.call.sample_rate
    samples_ = np.concatenate(audio)[round(begin * rate) : round(end * rate)]
    kept = (_moved(said, -begin) for said in utterances if begin <= said.start and said.end <= end)
    return Said(Call(rate, samples_), tuple(kept))


def _pauses(utterances: Sequence[ReferenceUtterance], start: float, end: float) -> list[float]:
    """Return the silent positions between two times; the end if there are none."""
    steps = [start + _STEP_S * step for step in range(int((end - start) / _STEP_S))]
    quiet = [
        at
        for at in steps
        if all(at < one.start - _CLEAR_S or at > one.end + _CLEAR_S for one in utterances)
    ]
    return quiet or [end]


def _moved(said: ReferenceUtterance, seconds: float) -> ReferenceUtterance:
    words = tuple(
        replace(word, start=word.start + seconds, end=word.end + seconds) for word in said.words
    )
    return replace(said, start=said.start + seconds, end=said.end + seconds, words=words)
