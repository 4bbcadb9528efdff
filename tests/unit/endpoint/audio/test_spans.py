# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Stretches of speech are faster-whisper's, whatever the probabilities and the settings."""

import numpy as np
import pytest
from faster_whisper import vad as faster_whisper_vad

from whisper_endpoint.audio.speech.spans import speech_spans
from whisper_endpoint.messages import VadParameters


def probabilities(chance: np.random.Generator, frames: int) -> np.ndarray:
    """Speech and silence of all lengths, and the frames between the two thresholds."""
    runs = chance.integers(1, 40, frames)
    levels = chance.choice([0.1, 0.42, 0.9], frames)
    return (np.repeat(levels, runs)[:frames] + chance.uniform(-0.1, 0.1, frames)).astype(np.float32)


def one_of(chance: np.random.Generator, *values: float | None) -> float | None:
    return values[int(chance.integers(len(values)))]


@pytest.mark.parametrize("seed", range(20))
def test_the_spans_are_those_of_faster_whisper(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(seed)
    length = int(chance.integers(1, 120 * 16_000))
    # faster-whisper hears a whole frame of silence behind what ends with a frame.
    heard = probabilities(chance, length // 512 + 1)
    monkeypatch.setattr(faster_whisper_vad, "get_vad_model", lambda: lambda _: heard)
    pause_ms = None if chance.random() < 0.3 else int(chance.choice([100, 500]))
    how = VadParameters(
        threshold=float(chance.choice([0.3, 0.5, 0.7])),
        neg_threshold=one_of(chance, None, 0.15, 0.45),
        min_speech_duration_ms=int(chance.choice([0, 300, 1000])),
        max_speech_duration_s=one_of(chance, None, 3.0, 8.0),
        min_silence_duration_ms=pause_ms,
        speech_pad_ms=int(chance.choice([0, 100, 400])),
    )
    expected = faster_whisper_vad.get_speech_timestamps(
        np.zeros(length, np.float32),
        faster_whisper_vad.VadOptions(
            threshold=how.threshold,
            neg_threshold=how.neg_threshold,
            min_speech_duration_ms=how.min_speech_duration_ms,
            max_speech_duration_s=how.max_speech_duration_s or float("inf"),
            min_silence_duration_ms=2000 if pause_ms is None else pause_ms,
            speech_pad_ms=how.speech_pad_ms,
        ),
    )
    found = speech_spans(heard.tolist(), length, how, 2.0)
    assert list(found) == [(one["start"], one["end"]) for one in expected]
