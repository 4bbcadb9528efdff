# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.lca_client.segmenter import (
    FRAME_SAMPLES,
    SILENT_FRAMES_TO_END,
    ChannelSegmenter,
)

if TYPE_CHECKING:
    from whisper_stream.audio.samples import Samples


class Scripted:
    """A detector with scripted results, which records its inputs."""

    def __init__(self, script: str) -> None:
        self.script = iter(script)
        self.asked: list[tuple[int, int]] = []

    def is_speech(self, buf: bytes, sample_rate: int) -> bool:
        self.asked.append((len(buf), sample_rate))
        return next(self.script) == "v"


def play(script: str) -> tuple[ChannelSegmenter, list[tuple[int, int, Samples]]]:
    """Feed one numbered frame per letter; return (start, end, audio) of each ended utterance."""
    segmenter = ChannelSegmenter(Scripted(script))
    ended = [
        (segmenter.start, segmenter.voiced_until, segmenter.utterance)
        for number in range(len(script))
        for _ in segmenter.feed(np.full(FRAME_SAMPLES, number, np.int16))
    ]
    return segmenter, ended


def frame_numbers(audio: Samples) -> list[int]:
    return [int(sample) for sample in audio[::FRAME_SAMPLES]]


def test_frames_are_480_samples_at_a_claimed_16_khz() -> None:
    detector = Scripted("." * 3)
    segmenter = ChannelSegmenter(detector)
    assert list(segmenter.feed(np.zeros(1500, np.int16))) == []
    assert detector.asked == [(960, 16000)] * 3


def test_the_tenth_silent_frame_ends_an_utterance_that_holds_the_nine_before() -> None:
    _, ended = play("..vvv" + "." * 10)
    ((start, voiced_until, audio),) = ended
    assert (start, voiced_until) == (2 * FRAME_SAMPLES, 5 * FRAME_SAMPLES)
    assert frame_numbers(audio) == list(range(2, 5 + SILENT_FRAMES_TO_END - 1))


def test_nine_silent_frames_are_a_pause() -> None:
    segmenter, ended = play("v" + "." * 9 + "v" + "." * 9)
    assert ended == []
    assert segmenter.speaking
    assert frame_numbers(segmenter.utterance) == list(range(20))


def test_the_next_voice_begins_a_new_utterance() -> None:
    _, ended = play("v" + "." * 25 + "vv" + "." * 10)
    assert [(start, frame_numbers(audio)[0]) for start, _, audio in ended] == [
        (0, 0),
        (26 * FRAME_SAMPLES, 26),
    ]


def test_silence_alone_is_no_utterance() -> None:
    segmenter, ended = play("." * 40)
    assert ended == []
    assert not segmenter.pending


def test_an_utterance_stays_pending_until_it_is_answered_and_not_beyond_the_next() -> None:
    segmenter, _ = play("v" + "." * 10)
    assert segmenter.pending
    segmenter.answered = True
    assert not segmenter.pending
    segmenter = ChannelSegmenter(Scripted("v" + "." * 10 + "v"))
    list(segmenter.feed(np.zeros(11 * FRAME_SAMPLES, np.int16)))
    segmenter.answered = True
    list(segmenter.feed(np.zeros(FRAME_SAMPLES, np.int16)))
    assert segmenter.pending


@pytest.mark.parametrize("step", [80, 333, 800, 5000])
def test_how_the_audio_is_cut_up_on_its_way_changes_nothing(speech: Samples, step: int) -> None:
    audio = np.concatenate([np.zeros(8000, np.int16), speech, np.zeros(12000, np.int16)])

    def ended(step: int) -> list[tuple[int, int, bytes]]:
        segmenter = ChannelSegmenter()
        return [
            (segmenter.start, segmenter.voiced_until, segmenter.utterance.tobytes())
            for at in range(0, len(audio), step)
            for _ in segmenter.feed(audio[at : at + step])
        ]

    assert ended(step) == ended(480)


def test_real_speech_between_silences_is_one_utterance_in_the_right_place(speech: Samples) -> None:
    audio = np.concatenate([np.zeros(16000, np.int16), speech, np.zeros(16000, np.int16)])
    segmenter = ChannelSegmenter()
    bounds = [(segmenter.start, segmenter.voiced_until) for _ in segmenter.feed(audio)]
    ((start, end),) = bounds
    assert abs(start / 8000 - 2.0) <= 0.1
    assert abs(end / 8000 - 4.27) <= 0.4  # the detector holds on for a few frames
