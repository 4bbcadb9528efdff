# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One word, and the items that it is in Amazon's file and in Amazon's stream."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whisper_contract.amazon_items import PRONUNCIATION, PUNCTUATION, items


def written(word: str) -> str:
    """The items with bars between them, what is punctuation in braces."""
    return "|".join(f"{{{said}}}" if kind == PUNCTUATION else said for kind, said in items(word))


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("hello", "hello"),
        (" Hello,", "Hello|{,}"),
        ("¿Cómo?", "{¿}|Cómo|{?}"),
        ("¡Vale!", "{¡}|Vale|{!}"),
        ("well…", "well|{…}"),
        ("well...", "well|{...}"),
        ('"Yes,"', '{"}|Yes|{,"}'),
        ("“Yes”,", "{“}|Yes|{”,}"),
        ("«Oui»", "{«}|Oui|{»}"),
        ("„Ja“.", "{„}|Ja|{“.}"),
        ("(no)", "{(}|no|{)}"),
        ("[inaudible]", "{[}|inaudible|{]}"),
        ("really?!", "really|{?!}"),
        ("wait—", "wait|{—}"),
        ("—So", "{—}|So"),
        # What belongs to a word.
        ("don't", "don't"),
        ("don’t.", "don’t|{.}"),  # noqa: RUF001
        ("'tis", "'tis"),
        ("callers'", "callers'"),
        ("well-known,", "well-known|{,}"),
        ("-5", "-5"),
        ("$5.50,", "$5.50|{,}"),
        ("€1,000.50.", "€1,000.50|{.}"),
        (".5", ".5"),
        ("50%", "50%"),
        ("50%.", "50%|{.}"),
        ("10:30", "10:30"),
        ("a.m.", "a.m|{.}"),
        ("AT&T", "AT&T"),
        ("#1", "#1"),
        ("me@example.com?", "me@example.com|{?}"),
        ("%", "%"),
        ("&", "&"),
        # Other scripts.
        ("今日は。", "今日は|{。}"),
        ("「はい」、", "{「}|はい|{」、}"),
        ("（好）！", "{（}|好|{）！}"),  # noqa: RUF001
        ("नमस्ते।", "नमस्ते|{।}"),
        ("نعم؟", "نعم|{؟}"),
        # Marks alone are no words.
        ("—?", "{—}|{?}"),
        ("...", "{...}"),
        ("-", "{-}"),
        ("--", "{--}"),
        ("'", "{'}"),
        ('"', '{"}'),
        ("", ""),
        ("  ", ""),
    ],
)
def test_a_word_is_what_is_said_and_the_marks_around_it(word: str, found: str) -> None:
    assert written(word) == found


@given(st.text(st.sampled_from("aB5 ¿¡(\"'.,…-—%$。」&") | st.characters(), max_size=12))
def test_the_items_of_a_word_are_the_word(word: str) -> None:
    found = list(items(word))
    assert "".join(content for _, content in found) == word.strip()
    assert all(content for _, content in found)
    assert sum(kind == PRONUNCIATION for kind, _ in found) <= 1
    said = [content for kind, content in found if kind == PRONUNCIATION]
    assert any(map(str.isalnum, word)) <= bool(said)


@given(st.sampled_from("¿¡(«"), st.text("abc", min_size=1), st.text(".,!?…)", max_size=3))
def test_marks_stand_around_what_is_said(before: str, said: str, after: str) -> None:
    wanted = [(PUNCTUATION, before), (PRONUNCIATION, said), (PUNCTUATION, after)]
    assert list(items(before + said + after)) == wanted[: 3 if after else 2]
