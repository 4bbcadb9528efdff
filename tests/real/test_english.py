# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""tiny.en on composed calls in English: levels, noise, hold music, pauses, LCA's doubling."""

import numpy as np
import pytest

from benchmarks.accuracy import word_errors
from benchmarks.real_calls.prompts import SAMPLE_RATE, hold_music, read_prompts
from demo_model.tts.sounds import noise, silence, tones
from tests.real.cases import ENGLISH, Case
from tests.real.checks import check_detection, check_text, check_times, check_words
from tests.real.side_by_side import SideBySide
from whisper_stream.audio.samples import wav_bytes

pytestmark = pytest.mark.slow
SOUND_S = 30


@pytest.mark.parametrize("case", ENGLISH, ids=str)
def test_voice_detection_hears_both_speakers(tiny: SideBySide, case: Case) -> None:
    check_detection(tiny.call(case))


@pytest.mark.parametrize("case", ENGLISH, ids=str)
def test_no_text_is_invented_or_repeated(tiny: SideBySide, case: Case) -> None:
    check_text(tiny.call(case), tiny.heard(case, words=False))


@pytest.mark.parametrize("words", [False, True], ids=["segments", "words"])
@pytest.mark.parametrize("case", ENGLISH, ids=str)
def test_times_are_those_of_the_words(tiny: SideBySide, case: Case, words: bool) -> None:
    check_times(tiny.call(case), tiny.heard(case, words=words))


@pytest.mark.parametrize("case", ENGLISH, ids=str)
def test_the_text_is_the_same_with_word_times(tiny: SideBySide, case: Case) -> None:
    assert tiny.heard(case, words=True).text == tiny.heard(case, words=False).text


def test_words_are_as_good_as_those_of_faster_whisper(tiny: SideBySide) -> None:
    check_words(tiny, ENGLISH)


@pytest.mark.parametrize("kind", ["music", "silence", "noise", "tones"])
def test_what_nobody_says_has_no_text(tiny: SideBySide, kind: str) -> None:
    chance = np.random.default_rng(1)
    length = SOUND_S * SAMPLE_RATE
    if kind == "music":
        sounds = [piece[:length] for piece in hold_music()]
    else:
        make = {"silence": silence, "noise": noise, "tones": tones}[kind]
        made = [make(length, SAMPLE_RATE, chance) for _ in range(3)]
        sounds = [np.rint(one * 32767).astype(np.int16) for one in made]
    assert [tiny.text_of(wav_bytes(one, SAMPLE_RATE), language="en") for one in sounds] == [
        "" for _ in sounds
    ]


@pytest.mark.parametrize("hertz", [50, 60])
def test_words_are_found_under_a_mains_buzz_15_db_over_them(tiny: SideBySide, hertz: int) -> None:
    pause = np.zeros(SAMPLE_RATE)
    said = [one for one in read_prompts("en") if 3 < one.seconds < 6][::40]
    spoken = np.concatenate([part for one in said for part in (pause, one.samples)]) / 32768
    spoken *= 10 ** (-35 / 20) / np.sqrt(np.square(spoken).mean())
    times = np.arange(len(spoken)) / SAMPLE_RATE
    numbers = range(300 // hertz + 1, 3_400 // hertz)
    buzz = sum(np.sin(2 * np.pi * hertz * one * times + one * one) / one for one in numbers)
    buzz *= 10 ** (-20 / 20) / np.sqrt(np.square(buzz).mean())
    heard = np.rint((spoken + buzz) * 32767).clip(-32768, 32767).astype(np.int16)
    text = tiny.text_of(wav_bytes(heard, SAMPLE_RATE), language="en")
    found = word_errors(" ".join(one.text for one in said), text)
    assert found.words > 30
    assert found.rate < 0.25
