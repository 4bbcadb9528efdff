# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Callers of any level are heard, music is not."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.real_calls import prompts
from benchmarks.real_calls.compose import CallRecipe, compose
from benchmarks.real_calls.levels import FRAMES_PER_SECOND, speech_frames
from demo_model.tts import line
from whisper_endpoint.audio.vad import find_speech, speech_within
from whisper_endpoint.messages import SAMPLE_RATE, Span, VadParameters

RECORDED = Path(__file__).parents[3] / "shared/real/two-channel-call.flac"
MOST_LOST = 0.02
SPEECH_DBFS = -40.0


def lost(spans: list[Span], speech: NDArray[np.bool_]) -> float:
    """Share of the speech, in frames of 10 ms, that lies outside the spans."""
    found = np.zeros(len(speech), np.bool_)
    for span in spans:
        frames = np.array(span) * FRAMES_PER_SECOND // SAMPLE_RATE
        found[frames[0] : frames[1] + 1] = True
    return float((speech & ~found).sum() / speech.sum())


@pytest.mark.parametrize("dbfs", [-6, -20, -40])
def test_both_channels_of_a_composed_call_are_heard_at_any_level(dbfs: float) -> None:
    if sentence := prompts.missing():
        pytest.skip(sentence)
    recipe = CallRecipe(
        seed=21, languages=("en", "it"), seconds=60, levels_dbfs=(dbfs, dbfs), longest_pause_s=8
    )
    call = compose(recipe)
    for channel in (0, 1):
        assert lost(find_speech(call.audio(channel)), call.speech[:, channel]) <= MOST_LOST


@pytest.mark.parametrize("gain_db", [0, -25, -45])
def test_hold_music_is_not_heard_as_speech(gain_db: float) -> None:
    if sentence := prompts.missing():
        pytest.skip(sentence)
    for piece in prompts.hold_music():
        quieter = piece[: 60 * prompts.SAMPLE_RATE] * 10 ** (gain_db / 20) / 32768
        samples = line.from_line(np.asarray(quieter, np.float32))
        assert find_speech(np.asarray(samples, np.float32)) == []


@pytest.mark.parametrize(("music_s", "below_db"), [(60, 0), (60, 4), (10, 10), (10, 20), (10, 30)])
def test_a_voice_after_hold_music_is_heard(music_s: int, below_db: float) -> None:
    if sentence := prompts.missing():
        pytest.skip(sentence)
    said = [one for one in prompts.read_prompts("en") if 3 < one.seconds < 6][::5]
    gap = np.zeros(prompts.SAMPLE_RATE * 3 // 4, np.float32)
    for piece, prompt in zip(prompts.hold_music(), said, strict=False):
        music = line.at_level(piece[: music_s * prompts.SAMPLE_RATE].astype(np.float32), -20)
        voice = line.at_level(prompt.samples.astype(np.float32), -20 - below_db)
        samples = line.from_line(np.concatenate([music, gap, voice, gap]))
        speech = np.zeros(len(samples) * FRAMES_PER_SECOND // SAMPLE_RATE, np.bool_)
        spoken = speech_frames(prompt.samples, prompts.SAMPLE_RATE)
        start = (len(music) + len(gap)) * FRAMES_PER_SECOND // prompts.SAMPLE_RATE
        speech[start : start + len(spoken)] = spoken
        assert lost(find_speech(samples), speech) <= MOST_LOST


def test_hold_music_that_becomes_quieter_is_hardly_ever_heard_as_speech() -> None:
    if sentence := prompts.missing():
        pytest.skip(sentence)
    size = 10 * prompts.SAMPLE_RATE
    found = 0
    for piece in prompts.hold_music():
        parts = [
            line.at_level(piece[number * size : (number + 1) * size].astype(np.float32), dbfs)
            for number, dbfs in enumerate((-18, -45, -18, -45))
        ]
        spans = find_speech(line.from_line(np.concatenate(parts)))
        found += sum(span.end - span.start for span in spans)
    # At the beginning the detector is not sure of itself: of 120 it took one for speech.
    assert found <= 2 * SAMPLE_RATE


def recorded_channels() -> list[NDArray[np.float32]]:
    if not RECORDED.exists():
        pytest.skip("The recorded call is not beside the checkout.")
    with av.open(RECORDED) as file:
        blocks = [frame.to_ndarray().reshape(-1, 2) for frame in file.decode(audio=0)]
    return [
        line.from_line(channel.astype(np.float32) / np.float32(32768))
        for channel in np.concatenate(blocks).T
    ]


def test_short_answers_of_a_recorded_caller_are_heard_closely() -> None:
    _, caller = recorded_channels()
    span = Span(*(round(second * SAMPLE_RATE) for second in (137.84, 141.2)))
    (first, *_) = speech_within(caller, span, VadParameters())
    # "Yeah. Yeah, give me one second": the first is 0.3 s long.
    assert first.start / SAMPLE_RATE == pytest.approx(138.0, abs=0.2)


@pytest.mark.parametrize("gain_db", [0, -20, -40])
def test_both_channels_of_a_recorded_call_are_heard_at_any_level(gain_db: float) -> None:
    for wide in recorded_channels():
        quieter = np.rint(wide * 32768 * 10 ** (gain_db / 20)).astype(np.float32) / 32768
        assert lost(find_speech(quieter), loud_frames(wide)) <= MOST_LOST


def loud_frames(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Of each 10 ms whether it is speech: 0.2 s or more over a level, but for gaps of 0.2 s."""
    size = SAMPLE_RATE // FRAMES_PER_SECOND
    frames = samples[: len(samples) // size * size].reshape(-1, size)
    loud = np.square(frames).mean(axis=1) > 10 ** (SPEECH_DBFS / 10)
    return _without_runs(_without_runs(loud, 20, of=False), 20, of=True)


def _without_runs(flags: NDArray[np.bool_], shorter: int, *, of: bool) -> NDArray[np.bool_]:
    edges = np.flatnonzero(np.diff(flags)) + 1
    parts = np.split(flags, edges)
    return np.concatenate(
        [~part if part[0] == of and len(part) < shorter else part for part in parts]
    )
