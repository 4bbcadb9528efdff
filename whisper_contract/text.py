# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Joins Whisper's words to text and splits text, for live calls and files alike.

Each of Whisper's words includes the space before it, if any: ``high-end`` is " high" and "-end",
``$5.50`` is " $5" and ".50", and Chinese, Japanese and Thai have no spaces. So words are joined as
they are, without adding or removing spaces.
"""

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

# Scripts without spaces between words, with their punctuation.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff9f\U00020000-\U0003134f]"
)
# Never at the beginning of a line: closing marks, repetition and length marks, small letters that
# modify the one before, and vowels written after their consonant.
_NEVER_FIRST = frozenset(
    "。，、．：；！？）］｝」』】〉》〕〗”’…‥・·,.!?:;)]}%"  # noqa: RUF001
    "ーゝゞヽヾ々ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ"
    "\u0e2f\u0e30\u0e32\u0e33\u0e45\u0e46\u0eaf\u0eb0\u0eb2\u0eb3\u0ec6"
)
# Never at the end of a line: opening marks, vowels written before their consonant, and stackers.
_NEVER_LAST = frozenset(
    "（［｛「『【〈《〔〖“‘([{$¥￥£€"  # noqa: RUF001
    "\u0e40\u0e41\u0e42\u0e43\u0e44\u0ec0\u0ec1\u0ec2\u0ec3\u0ec4\u1039\u17d2\u200d"
)
# Unicode's Default_Ignorable_Code_Point besides its category Cf, and Braille's blank: no glyph.
_NOT_SHOWN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
_SENTENCE_END = re.compile("[.!?。！？।؟۔…][\"'”’»)\\]）」』】]*$")  # noqa: RUF001
_CLAUSE_END = re.compile("[,;:，、；：،؛][\"'”’»)\\]）」』】]*$")  # noqa: RUF001


def join(words: Iterable[str]) -> str:
    """Return the text of words that include their spaces, stripped."""
    return "".join(words).strip()


def apart(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each word as (spaces before it, word without spaces).

    Spaces after a word count for the next one; a word of only spaces is empty.
    """
    before = ""
    for word in words:
        text = word.strip()
        start = word.find(text)
        if not text:
            before += word
            yield "", ""
            continue
        yield before + word[:start], text
        before = word[start + len(text) :]


def together(words: Sequence[str]) -> Iterator[slice]:
    """Yield slices of Whisper's words that form one word for a reader: ``john`` ``.doe``.

    These have no space between them. In scripts without spaces each of Whisper's words counts
    separately, except for marks that belong to the letter before.
    """
    begin = 0
    for place in range(1, len(words)):
        if not _is_one("".join(words[begin:place]), words[place]):
            yield slice(begin, place)
            begin = place
    if words:
        yield slice(begin, len(words))


def pieces(text: str) -> list[str]:
    """Split text where a line may be broken: at spaces, or between letters of unspaced scripts.

    Returns
    -------
    list of str
        Each with the spaces before it; joined they are the text.
    """
    edges = [0]
    edges += [place for place in range(1, len(text)) if _may_break(text[place - 1], text[place])]
    cut = [text[first:last] for first, last in itertools.pairwise([*edges, len(text)])]
    if len(cut) > 1 and not cut[-1].strip():
        cut[-2:] = ["".join(cut[-2:])]
    return [piece for piece in cut if piece]


def ends_sentence(text: str) -> bool:
    """Whether a text ends with a full stop or the like, in any script."""
    return _SENTENCE_END.search(text) is not None


def ends_clause(text: str) -> bool:
    """Whether a text ends with a comma or the like, in any script."""
    return _CLAUSE_END.search(text) is not None


def is_unspaced(char: str) -> bool:
    """Whether a character belongs to a script without spaces between words."""
    return _UNSPACED.match(char) is not None


def as_seen(text: str) -> str:
    """Return what a reader can tell of a text: no invisible characters, forms or spare blanks."""
    shown = (
        one
        for one in unicodedata.normalize("NFKC", _NOT_SHOWN.sub("", text))
        if unicodedata.category(one) != "Cf"
    )
    return " ".join("".join(shown).split())


def _is_one(before: str, word: str) -> bool:
    if not before or not word:
        return True
    if before[-1].isspace() or word[0].isspace():
        return False
    is_mark = unicodedata.category(word[0])[0] == "M"
    return is_mark or not (is_unspaced(before[-1]) or is_unspaced(word[0]))


def _may_break(left: str, right: str) -> bool:
    if left.isspace() or right.isspace():
        return right.isspace() and not left.isspace()
    if not (is_unspaced(left) or is_unspaced(right)):
        return False
    is_mark = unicodedata.category(right) in {"Mn", "Mc", "Me", "Cf"}
    return not is_mark and right not in _NEVER_FIRST and left not in _NEVER_LAST
