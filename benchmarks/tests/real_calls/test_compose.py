# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import numpy as np
import pytest

from benchmarks.real_calls import prompts
from benchmarks.real_calls.compose import CallRecipe, compose
from benchmarks.real_calls.levels import speech_frames, speech_rms

RATE = prompts.SAMPLE_RATE


def voice(seconds: float) -> np.ndarray:
    tone = np.sin(np.arange(round(seconds * RATE)) * 0.4) * 8000
    return np.asarray(tone, np.int16)


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.int16)


def test_pauses_are_found_by_level_but_not_those_within_a_word() -> None:
    samples = np.concatenate([quiet(1), voice(1), quiet(0.1), voice(1), quiet(0.5), voice(0.5)])
    speech = speech_frames(samples, RATE)
    edges = np.flatnonzero(np.diff(speech.astype(int))) / 100
    assert edges == pytest.approx([0.99, 3.1, 3.59], abs=0.03)


def test_the_level_is_that_of_speech_alone() -> None:
    expected = 8000 / 32768 / np.sqrt(2)
    assert speech_rms(np.concatenate([quiet(9), voice(1)]), RATE) == pytest.approx(expected, 0.05)


def test_silence_has_neither_speech_nor_level() -> None:
    assert not speech_frames(quiet(1), RATE).any()
    assert speech_rms(quiet(1), RATE) == 0


needs_voices = pytest.mark.skipif(bool(prompts.missing()), reason=prompts.missing())


@needs_voices
def test_a_recipe_always_gives_the_same_call() -> None:
    recipe = CallRecipe(seed=3, seconds=20, noise_dbfs=-45, crosstalk_db=40, music=True)
    one, other = compose(recipe), compose(recipe)
    assert np.array_equal(one.samples, other.samples)
    assert one.utterances == other.utterances


@needs_voices
def test_speech_is_where_the_call_says_and_as_loud_as_asked() -> None:
    call = compose(CallRecipe(seed=4, seconds=60, levels_dbfs=(-18, -36)))
    for channel, dbfs in enumerate(call.recipe.levels_dbfs):
        speech = call.speech[:, channel]
        frames = call.samples[: len(speech) * 80, channel].reshape(-1, 80) / 32768
        level = 10 * np.log10((frames[speech] ** 2).mean())
        assert level == pytest.approx(dbfs, abs=2)
        said = [one for one in call.utterances if one.channel == channel]
        assert speech.sum() / 100 <= sum(one.end - one.start for one in said)
        for prompt in (prompt for one in said for prompt in one.prompts):
            first, last = round(prompt.start * 100), round(prompt.end * 100)
            assert speech[first : first + 10].any()
            assert speech[last - 10 : last].any()


@needs_voices
def test_utterances_are_as_long_as_real_ones() -> None:
    said = compose(CallRecipe(seed=5, seconds=600)).utterances
    lengths = [one.end - one.start for one in said]
    assert 3.5 <= np.median(lengths) <= 7.5
    assert 12 <= max(lengths) <= 29


@needs_voices
def test_doubled_samples_are_those_of_the_line() -> None:
    call = compose(CallRecipe(seed=6, seconds=10))
    doubled = np.frombuffer(call.wav("doubled", 0)[44:], "<i2")
    assert np.array_equal(doubled[::2], call.samples[:, 0])
    assert np.array_equal(doubled[1::2], call.samples[:, 0])
    assert len(call.wav("wide", 0)) == len(call.wav("doubled", 0))
