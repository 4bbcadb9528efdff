# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""base on composed calls in five languages."""

import pytest

from tests.real.cases import LANGUAGES, Case
from tests.real.checks import check_detection, check_text, check_times, check_words
from tests.real.side_by_side import SideBySide

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
