# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Channels with the same sound are found and said; those of two parties are none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.endpoint.helpers import clip_samples
from tests.unit.endpoint.media import encoded
from whisper_endpoint.audio.decode import Limits, decode_channels
from whisper_endpoint.audio.speech.equal_channels import equal_channels, warnings
from whisper_endpoint.errors import DeadlineExceeded

Voice = NDArray[np.float32]


def noise(length: int, dbfs: float) -> Voice:
    chance = np.random.default_rng(round(-dbfs))
    return chance.normal(0, 10 ** (dbfs / 20), length).astype(np.float32)


def quieter(samples: Voice, decibels: float) -> Voice:
    return samples * np.float32(10 ** (-decibels / 20))


@pytest.fixture(scope="module")
def agent() -> Voice:
    clip = clip_samples() / np.float32(32768)
    return np.concatenate([clip, np.zeros(16_000, np.float32), clip[::-1]])


@pytest.fixture(scope="module")
def caller(agent: Voice) -> Voice:
    """Another voice: the same at three quarters of the speed."""
    places = np.arange(len(agent)) * 0.75
    slowed: Voice = np.interp(places, np.arange(len(agent)), agent).astype(np.float32)
    return slowed


@pytest.mark.parametrize("gain", [1.0, -1.0, 0.5, 2.0])
def test_the_same_sound_at_another_level_is_the_same(agent: Voice, gain: float) -> None:
    other = agent * np.float32(gain) + noise(len(agent), -60)
    assert equal_channels([agent, other]) == [[0, 1]]


@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("ogg", "libopus")])
def test_a_mono_call_saved_as_stereo_is_the_same(container: str, codec: str) -> None:
    data = encoded(clip_samples(), container, codec, 48_000, channels=2)
    channels = [one.samples for one in decode_channels(data, Limits(seconds=60))]
    assert equal_channels(channels) == [[0, 1]]


def test_two_parties_are_not_the_same(agent: Voice, caller: Voice) -> None:
    assert equal_channels([agent, caller]) == []
    # Each hears the other, one of them only a little.
    assert equal_channels([agent + quieter(caller, 12), caller + quieter(agent, 6)]) == []
    assert equal_channels([agent, quieter(agent, 20)]) == []  # an echo
    assert equal_channels([agent, agent * 0]) == []
    assert equal_channels([agent * 0, agent * 0]) == []


def test_what_one_party_says_between_equal_music_is_not_the_same(agent: Voice) -> None:
    music = noise(20 * 16_000, -20)
    nothing = np.zeros(len(agent), np.float32)
    channels = [np.concatenate([music, one]) for one in (agent, nothing)]
    assert equal_channels(channels) == []


@pytest.mark.parametrize("seconds", [0, 0.5])
def test_too_little_is_nothing(agent: Voice, seconds: float) -> None:
    short = agent[: round(seconds * 16_000)]
    assert equal_channels([short, short]) == []
    assert equal_channels([agent]) == []


def test_each_group_has_a_sentence(agent: Voice, caller: Voice) -> None:
    first, second = warnings([agent, caller, agent, caller, agent])
    assert first.startswith("Channels 0, 2 and 4 have the same sound")
    assert "is in the transcript 3 times" in first
    assert second.startswith("Channels 1 and 3 have the same sound")
    assert "is in the transcript twice: send channel_identification=false" in second


def test_the_search_can_be_stopped(agent: Voice) -> None:
    def stop() -> None:
        raise DeadlineExceeded("late")

    with pytest.raises(DeadlineExceeded):
        list(warnings([agent, agent], stop))
