# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import pytest
from faster_whisper import tokenizer

from whisper_contract.languages import NAMES, code_of


def test_they_are_all_of_whispers() -> None:
    assert set(tokenizer._LANGUAGE_CODES) == set(NAMES)
    assert len({name.lower() for name in NAMES.values()}) == len(NAMES)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("English", "en"),
        (" haitian creole ", "ht"),
        ("en-US", "en"),
        ("zh_Hant_TW", "zh"),
        ("yue", "yue"),
        ("Klingon", None),
        ("xx-US", None),
        ("", None),
    ],
)
def test_a_language_goes_by_its_code(text: str, code: str | None) -> None:
    assert code_of(text) == code
