# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which voice is loud enough to be that of the channel's own speaker."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.endpoint.helpers import clip_samples
from whisper_stream.audio.utterances import UtteranceSpan, UtteranceTracker, VoiceByLevel
from whisper_stream.settings import CallSettings

RATE = 8_000


class HearsVoice:
    """Takes everything for voice, as WebRTC's detector does with some lines' noise."""

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        """Hear voice."""
        return bool(buf) and sample_rate == RATE


def noise(dbfs: float, seconds: float) -> NDArray[np.int16]:
    samples = np.random.default_rng(7).normal(0, 32768 * 10 ** (dbfs / 20), round(seconds * RATE))
    return np.asarray(np.rint(samples), np.int16)


def heard(*parts: NDArray[np.int16]) -> list[UtteranceSpan]:
    tracker = UtteranceTracker(CallSettings(), detector=VoiceByLevel(HearsVoice()))
    ended = tracker.feed(np.concatenate(parts))
    last = tracker.finish()
    return [*ended, last] if last else ended


@pytest.mark.parametrize("dbfs", [-12, -30, -40, -50])
def test_a_speaker_of_any_level_is_heard_and_the_line_is_not(dbfs: float) -> None:
    (only,) = heard(noise(-75, 2), noise(dbfs, 3), noise(min(-70, dbfs - 30), 4))
    assert only.start == pytest.approx(1.75 * RATE, abs=480)
    assert only.end == pytest.approx(5.3 * RATE, abs=480)


def test_the_other_partys_echo_is_no_utterance() -> None:
    assert len(heard(noise(-12, 3), noise(-75, 2), noise(-55, 3), noise(-75, 2))) == 1


def test_who_talks_more_softly_later_is_heard() -> None:
    assert len(heard(noise(-12, 3), noise(-75, 2), noise(-42, 3), noise(-75, 2))) == 2


def test_a_click_makes_nobody_unheard() -> None:
    click = np.full(240, 32_000, np.int16)
    assert len(heard(click, noise(-75, 2), noise(-45, 3), noise(-75, 2))) == 1


def test_the_tracker_hears_by_level_unless_it_is_given_another_detector() -> None:
    clip = clip_samples()
    echo = np.asarray(np.rint(clip * 10 ** (-40 / 20)), np.int16)
    pause = np.zeros(32_000, np.int16)
    settings = CallSettings(sample_rate=16_000)
    assert len(UtteranceTracker(settings).feed(np.concatenate([echo, pause]))) == 1
    assert len(UtteranceTracker(settings).feed(np.concatenate([clip, pause, echo, pause]))) == 1


class AllIsVoice:
    """Takes whatever is not silence for voice."""

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        """Look for anything."""
        return sample_rate == RATE and any(buf)


@pytest.mark.parametrize(
    ("voice", "silence", "utterances"), [(0.6, 0.75, 1), (0.6, 1.0, 2), (1.5, 0.75, 2)]
)
def test_what_is_short_waits_longer_for_more(voice: float, silence: float, utterances: int) -> None:
    spoken = np.ones(round(voice * RATE), np.int16)
    pause = np.zeros(round(silence * RATE), np.int16)
    tracker = UtteranceTracker(CallSettings(), detector=AllIsVoice())
    ended = tracker.feed(np.concatenate([spoken, pause, spoken, pause, pause]))
    assert len(ended) == utterances
