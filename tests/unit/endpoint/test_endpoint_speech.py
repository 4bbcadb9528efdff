# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import numpy as np

from tests.unit.endpoint.helpers import clip_samples, silence
from whisper_endpoint.speech import find_speech


def floats(*parts: np.ndarray) -> np.ndarray:
    return (np.concatenate(parts) / 32768).astype(np.float32)


def test_speech_is_found_where_it_is() -> None:
    clip = clip_samples()
    samples = floats(silence(4), clip, silence(5), clip, silence(3))
    first, second = find_speech(samples)
    assert abs(first.start / 16_000 - 4) < 0.6
    assert abs(second.start / 16_000 - (9 + len(clip) / 16_000)) < 0.6
    assert first.end < second.start
    assert second.end < len(samples)


def test_no_speech_in_silence_noise_and_tone() -> None:
    noise = np.random.default_rng(3).normal(0, 0.01, 48_000).astype(np.float32)
    tone = (0.2 * np.sin(np.arange(48_000) * 2 * np.pi * 425 / 16_000)).astype(np.float32)
    for samples in (floats(silence(3)), noise, tone, np.empty(0, np.float32)):
        assert find_speech(samples) == []
