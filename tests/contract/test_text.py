# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Text from words and words from text; live and in files it is the same rule."""

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.rendering import document
from tests.contract.transcripts import segment
from whisper_contract import text
from whisper_contract.transcript import Transcript

ANY = st.text(alphabet=st.sampled_from([*" a1.-@,$", "你", "。", "ー", "ก", "ั", "้", "¿", "\u3000"]))

# As Whisper has them: a blank of its own before a word, or none.
SPOKEN = [
    (" call| 555|-1234", "call 555-1234", ["call", "555-1234"]),
    (" it's| $1|,200|.50", "it's $1,200.50", ["it's", "$1,200.50"]),
    (" john|.doe|@example|.com.", "john.doe@example.com.", ["john.doe@example.com."]),
    (" high|-end| autos", "high-end autos", ["high-end", "autos"]),
    (" T|-I|-L|-L|-E", "T-I-L-L-E", ["T-I-L-L-E"]),
    (" ¿Cómo?", "¿Cómo?", ["¿Cómo?"]),
    (
        "你|好。|我|用|P|ython|20|24|年",
        "你好。我用Python2024年",
        ["你", "好。", "我", "用", "Python2024", "年"],
    ),
    ("お|電話|で|す。", "お電話です。", ["お", "電話", "で", "す。"]),
    ("สว|ั|สดี| ครับ", "สวัสดี ครับ", ["สวั", "สดี", "ครับ"]),
]


@pytest.mark.parametrize(("words", "said", "_"), SPOKEN)
def test_words_are_joined_as_whisper_has_them(words: str, said: str, _: list[str]) -> None:
    assert text.join(words.split("|")) == said


@pytest.mark.parametrize(("words", "_", "read"), SPOKEN)
def test_forms_whose_words_have_no_blanks_have_words_of_a_reader(
    words: str, _: str, read: list[str]
) -> None:
    transcript = Transcript("en", (segment(0, 10, words.replace("|", ""), words),))
    verbose = document(transcript, "verbose_json")["words"]
    assert [one["word"] for one in verbose] == read
    (whisperx,) = document(transcript, "segments")
    assert [one["word"] for one in whisperx["words"]] == read
    amazon = document(transcript, "transcribe")["results"]["items"]
    assert "".join(one["alternatives"][0]["content"] for one in amazon) == "".join(read)
    kinds = [one["type"] for one in amazon]
    assert kinds.count("pronunciation") == len(read)
    assert verbose[0]["start"] == 0
    assert verbose[-1]["end"] == 10


@given(st.lists(ANY))
def test_what_is_taken_apart_can_be_joined(words: list[str]) -> None:
    found = list(text.apart(words))
    assert len(found) == len(words)
    assert text.join(before + word for before, word in found) == text.join(words)
    assert all(word == word.strip() for _, word in found)
    assert all(not before.strip() for before, _ in found)


@given(st.lists(ANY))
def test_what_stands_together_has_no_blank_inside(words: list[str]) -> None:
    parts = list(text.together(words))
    assert [word for part in parts for word in words[part]] == words
    for part in parts:
        assert not any(char.isspace() for char in "".join(words[part]).strip()) or any(
            " " in word.strip() or "\u3000" in word.strip() for word in words[part]
        )


@given(ANY)
def test_pieces_are_the_text_and_begin_where_a_line_may(whole: str) -> None:
    found = text.pieces(whole)
    assert "".join(found) == whole
    assert all(found)
    for before, piece in itertools.pairwise(found):
        assert piece.strip()
        assert unicodedata.category(piece[0]) != "Mn"
        assert piece[0] not in "。ー"
        if not piece[0].isspace():
            assert text.is_unspaced(before[-1]) or text.is_unspaced(piece[0])


def test_a_channels_segments_are_joined_as_they_are_and_turns_by_a_blank() -> None:
    parts = [(0, "今天"), (0, "下午"), (1, "好。"), (0, " T"), (0, "-I")]
    said = (segment(n, n + 1, one, channel=c) for n, (c, one) in enumerate(parts))
    assert Transcript("zh", tuple(said), channels=2).text == "今天下午 好。 T-I"
