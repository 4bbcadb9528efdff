# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Echoes of the other side of a call, and what only looks like one."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.endpoint.helpers import clip_samples
from whisper_endpoint.audio.decode import Audio
from whisper_endpoint.audio.speech.echoes import WithoutEcho, find_echo, without_echoes
from whisper_endpoint.audio.vad import find_speech
from whisper_endpoint.errors import DeadlineExceeded
from whisper_endpoint.messages import SAMPLE_RATE, Span

Voice = NDArray[np.float32]


def quieter(samples: Voice, decibels: float) -> Voice:
    return samples * np.float32(10 ** (-decibels / 20))


def later(samples: Voice, seconds: float) -> Voice:
    delay = round(abs(seconds) * SAMPLE_RATE)
    nothing = np.zeros(delay, np.float32)
    if seconds < 0:
        return np.concatenate([samples[delay:], nothing])
    return np.concatenate([nothing, samples])[: len(samples)]


def line_noise(length: int) -> Voice:
    return np.random.default_rng(1).normal(0, 10 ** (-70 / 20), length).astype(np.float32)


@pytest.fixture(scope="module")
def agent() -> Voice:
    clip = clip_samples() / np.float32(32768)
    pause = np.zeros(SAMPLE_RATE, np.float32)
    return np.concatenate([clip, pause, clip[::-1], pause, clip])


@pytest.fixture(scope="module")
def caller(agent: Voice) -> Voice:
    """Another voice: the same at three quarters of the speed."""
    places = np.arange(len(agent)) * 0.75
    slowed: Voice = np.interp(places, np.arange(len(agent)), agent).astype(np.float32)
    return slowed


@pytest.mark.parametrize("decibels", [20, 30, 40])
@pytest.mark.parametrize("delay", [-0.05, 0.0, 0.1, 0.4])
def test_an_echo_on_a_channel_where_nobody_speaks_is_no_speech(
    agent: Voice, decibels: float, delay: float
) -> None:
    heard = later(quieter(agent, decibels), delay) + line_noise(len(agent))
    echo = find_echo(heard, agent)
    assert echo is not None
    assert echo.delay_s == pytest.approx(delay, abs=0.002)
    assert find_speech(heard) != []
    assert find_speech(WithoutEcho(heard, echo.spans)) == []


def test_what_the_other_person_says_is_kept(agent: Voice, caller: Voice) -> None:
    nothing = np.zeros(len(agent), np.float32)
    source = np.concatenate([agent, nothing])
    own = np.concatenate([nothing, quieter(caller, 15)])
    heard = own + later(quieter(source, 25), 0.2) + line_noise(len(own))
    echo = find_echo(heard, source)
    assert echo is not None
    kept = WithoutEcho(heard, echo.spans)
    behind = slice(len(agent) + SAMPLE_RATE // 2, None)
    assert np.array_equal(kept[behind], heard[behind])
    assert min(span.start for span in find_speech(kept)) > len(agent) - SAMPLE_RATE


def test_both_at_once_are_kept(agent: Voice, caller: Voice) -> None:
    heard = caller + later(quieter(agent, 25), 0.2)
    echo = find_echo(heard, agent)
    assert echo is None or np.abs(caller[slice(*echo.spans[0])]).max() < 0.05


@pytest.mark.parametrize("hertz", [50, 150, 440])
def test_a_tone_on_both_channels_is_no_echo(agent: Voice, caller: Voice, hertz: float) -> None:
    tone = np.sin(2 * np.pi * hertz * np.arange(len(agent)) / SAMPLE_RATE).astype(np.float32)
    heard = quieter(caller, 20) + quieter(tone, 35)
    assert find_echo(heard, agent + quieter(tone, 20)) is None


def test_two_voices_and_two_equal_channels_have_no_echo(agent: Voice, caller: Voice) -> None:
    assert find_echo(quieter(caller, 20), agent) is None
    assert find_echo(agent, agent) is None
    assert find_echo(np.zeros(len(agent), np.float32), agent) is None
    assert find_echo(agent[:100], agent) is None
    assert find_echo(agent, agent[:0]) is None


def test_only_a_recording_of_two_channels_is_looked_at_and_the_answer_says_so(
    agent: Voice,
) -> None:
    faint = later(quieter(agent, 25), 0.25)
    first, second = without_echoes((Audio(agent, ("Damaged.",)), Audio(faint, ("Damaged.",))))
    assert np.array_equal(first.samples[:], agent)
    assert first.warnings == ("Damaged.",)
    assert find_speech(second.samples) == []
    _, sentence = second.warnings
    assert "of channel 1, the first at " in sentence
    assert "only the echo of channel 0 was heard, which was left out" in sentence
    three = (Audio(agent), Audio(faint), Audio(faint))
    assert without_echoes(three) is three


def test_samples_are_silenced_as_they_are_read() -> None:
    samples = np.arange(1, 11, dtype=np.float32)
    quiet = WithoutEcho(samples, (Span(2, 4), Span(7, 9)))
    assert len(quiet) == 10
    assert quiet[:].tolist() == [1, 2, 0, 0, 5, 6, 7, 0, 0, 10]
    assert quiet[3:8].tolist() == [0, 5, 6, 7, 0]
    assert quiet[-4:].tolist() == [7, 0, 0, 10]
    assert quiet[5:5].tolist() == []
    assert samples[2] == 3


def test_the_search_can_be_stopped(agent: Voice) -> None:
    def stop() -> None:
        raise DeadlineExceeded("late")

    with pytest.raises(DeadlineExceeded):
        find_echo(agent, agent, stop)
