# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""base on composed calls in five languages."""

import numpy as np
import pytest

from benchmarks.accuracy import word_errors
from benchmarks.real_calls.prompts import SAMPLE_RATE, read_prompts
from tests.real.cases import LANGUAGES, Case
from tests.real.checks import check_detection, check_text, check_times, check_words
from tests.real.side_by_side import SideBySide
from whisper_stream.settings import CallSettings

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("case", LANGUAGES, ids=str)
def test_voice_detection_hears_both_speakers(base: SideBySide, case: Case) -> None:
    check_detection(base.call(case))


@pytest.mark.parametrize("case", LANGUAGES, ids=str)
def test_no_text_is_invented_or_repeated(base: SideBySide, case: Case) -> None:
    check_text(base.call(case), base.heard(case, words=False))


@pytest.mark.parametrize("words", [False, True], ids=["segments", "words"])
@pytest.mark.parametrize("case", LANGUAGES, ids=str)
def test_times_are_those_of_the_words(base: SideBySide, case: Case, words: bool) -> None:
    check_times(base.call(case), base.heard(case, words=words))


@pytest.mark.parametrize("case", LANGUAGES, ids=str)
def test_the_text_is_the_same_with_word_times(base: SideBySide, case: Case) -> None:
    assert base.heard(case, words=True).text == base.heard(case, words=False).text


def test_words_are_as_good_as_those_of_faster_whisper(base: SideBySide) -> None:
    check_words(base, LANGUAGES)


@pytest.mark.parametrize("case", LANGUAGES, ids=str)
def test_the_first_speaker_s_language_is_found(base: SideBySide, case: Case) -> None:
    assert base.heard(case, words=False).language == case.recipe.languages[0]


def test_callers_who_change_the_language_in_a_live_call_are_heard_in_both(base: SideBySide) -> None:
    pause = np.zeros(round(1.2 * SAMPLE_RATE), np.int16)
    long, short = (
        {
            language: [one for one in read_prompts(language) if least < one.seconds < most]
            for language in ("en", "es")
        }
        for least, most in ((4.5, 6.0), (3.0, 3.4))
    )
    # Longer at first: where nothing is known, a list's first language is preferred up to 4 s.
    orders = [
        [long[first][1], *short[first][:1], *short[second][:2]]
        for first, second in (("en", "es"), ("es", "en"))
    ]
    lines = [np.concatenate([part for one in o for part in (one.samples, pause)]) for o in orders]
    length = max(map(len, lines))
    call = np.stack([np.pad(one, (0, length - len(one))) for one in lines], axis=1)
    settings = CallSettings(partials=False, final_limit_s=600, allowed_languages=("en", "es"))
    seconds = np.array_split(call.astype("<i2"), length // SAMPLE_RATE)
    finals = base.live([one.tobytes() for one in seconds], settings)
    for number, order in enumerate(orders):
        heard = [one for one in finals if one.channel == number]
        assert [one.language for one in heard] == [one.language for one in order]
        text = " ".join(one.text for one in heard)
        assert word_errors(" ".join(one.text for one in order), text).rate < 0.4, text
