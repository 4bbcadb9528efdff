# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What comes from a telephone line with every sample twice is resampled from the line's rate."""

import itertools

import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from tests.unit.endpoint.helpers import clip_samples
from whisper_endpoint.audio.decode import Limits, decode, decode_channels
from whisper_endpoint.audio.duplicated_samples import resampled_properly
from whisper_endpoint.audio.raw import RawForm
from whisper_endpoint.ingress import fingerprint
from whisper_stream.audio.samples import wav_bytes

LIMITS = Limits(seconds=60)


def telephone() -> NDArray[np.int16]:
    """The clip at 8 kHz."""
    return np.asarray(soxr.resample(clip_samples(), 16_000, 8_000), np.int16)


LINE = telephone()
TWICE = np.repeat(LINE, 2)
PROPER = decode(LINE.tobytes(), LIMITS, RawForm("pcm16", 8_000)).samples


def floats(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    return samples.astype(np.float32) / np.float32(32768)


def assert_proper(found: NDArray[np.float32], skipped: int = 0) -> None:
    """The samples are the proper ones, but for the ends of what the resampler was given."""
    expected = PROPER[skipped : skipped + len(found)]
    assert np.abs(found[100:-100] - expected[100:-100]).max() <= 1 / 32768


def mirrored(samples: NDArray[np.float32]) -> float:
    """Share of the power that lies above the telephone band."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    return float(power[len(power) * 9 // 16 :].sum() / power.sum())


def test_wav_and_raw_samples_are_resampled() -> None:
    assert mirrored(floats(TWICE)) > 100 * mirrored(PROPER)
    for data, raw in (
        (wav_bytes(TWICE, 16_000), None),
        (TWICE.tobytes(), RawForm("pcm16", 16_000)),
        (TWICE.byteswap().tobytes(), RawForm("pcm16be", 16_000)),
        (floats(TWICE).tobytes(), RawForm("float32", 16_000)),
    ):
        found = decode(data, LIMITS, raw).samples
        assert len(found) == len(TWICE)
        assert_proper(found)


def test_each_channel_is_looked_at() -> None:
    other = clip_samples()[: len(TWICE)]
    both = np.stack([TWICE[: len(other)], other], axis=1)
    first, second = decode_channels(wav_bytes(both, 16_000), LIMITS)
    assert_proper(first.samples)
    assert np.array_equal(second.samples, floats(other))


@pytest.mark.parametrize("start", [0, 1, 640, 641])
@pytest.mark.parametrize("dropped", [0, 1])
def test_a_stream_may_be_cut_anywhere(start: int, dropped: int) -> None:
    part = floats(TWICE[start : len(TWICE) - dropped])
    found = resampled_properly(part)
    assert len(found) == len(part)
    assert_proper(found, start)


def test_anything_else_stays_as_it_is() -> None:
    chance = np.random.default_rng(2)
    odd_one_out = TWICE.copy()
    odd_one_out[20_001] += 1
    short = TWICE[:1_500]
    for samples in (
        clip_samples(),
        odd_one_out,
        short,
        np.zeros(32_000, np.int16),
        np.full(32_000, 8, np.int16),
        chance.integers(-1, 2, 32_000).astype(np.int16),
        np.empty(0, np.int16),
    ):
        given = floats(samples)
        assert resampled_properly(given) is given


def test_a_longer_state_of_an_utterance_begins_with_the_shorter_one() -> None:
    states = [
        fingerprint.of(decode(wav_bytes(TWICE[:length], 16_000), LIMITS).samples)
        for length in (9_600, 19_200, 19_680, len(TWICE))
    ]
    for shorter, longer in itertools.pairwise(states):
        assert shorter[-1] in longer
