# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Finds numbers in a text, written or in words: their digits and positions.

``four one double five``, ``4-1-5 5``, ``cuarenta y uno`` and ``eight hundred`` are numbers in
English and Spanish. Both are recognised in every text, since callers switch between them.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

_TOKEN = re.compile(r"\d+|[^\W\d_]+")
# What may separate the parts of one number; not a colon, which is used in times.
_GAP = re.compile(r"[\s,.…\-\u2013\u2014/()?]*")
_UNITS = {
    word: str(digit)
    for words in (
        "zero one two three four five six seven eight nine",
        "cero uno dos tres cuatro cinco seis siete ocho nueve",
    )
    for digit, word in enumerate(words.split())
} | {"nought": "0", "niner": "9"}
_BELOW_THIRTY = {
    word: str(number)
    for words, first in (
        ("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 10),
        ("diez - doce trece catorce quince dieciseis diecisiete dieciocho diecinueve", 10),
        ("veinte veintiuno veintidos veintitres veinticuatro veinticinco veintiseis", 20),
        ("veintisiete veintiocho veintinueve", 27),
    )
    for number, word in enumerate(words.split(), first)
    if word != "-"
}
_TENS = {
    word: str(number)
    for words in (
        "twenty thirty forty fifty sixty seventy eighty ninety",
        "- treinta cuarenta cincuenta sesenta setenta ochenta noventa",
    )
    for number, word in enumerate(words.split(), 2)
    if word != "-"
}
_HUNDREDS = {
    word: str(number)
    for number, word in enumerate(
        """ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos
        ochocientos novecientos""".split(),  # noqa: SIM905 - as words are read
        1,
    )
} | {"cien": "1"}
_TIMES = {"double": 2, "doble": 2, "triple": 3, "treble": 3, "quadruple": 4, "cuadruple": 4}
BEGINNING = re.compile(rf"\b(?:{'|'.join(_TIMES)}|plus)\W*$")
"""Words at the end of a text (lower case, no accents) after which a number follows."""
_LARGE = {"thousand", "million", "billion", "mil", "millon", "millones"}
_AND = {"and", "y"}
# What people say between digits.
_FILLERS = {
    *(
        "uh",
        "um",
        "umm",
        "er",
        "erm",
        "ah",
        "eh",
        "hm",
        "hmm",
        "mm",
        "este",
        "pues",
        "like",
        "okay",
    ),
    *("dash", "hyphen", "guion", "space", "espacio", "then", "luego", "again", "yes", "si"),
}
# Suffixes of digits that make them a word, such as 4th.
_SUFFIXES = {
    *("st", "nd", "rd", "th", "k", "m", "g", "x", "h", "s", "am", "pm", "km", "kg", "cm", "mm"),
    *("mb", "gb", "ml", "mg", "hrs", "min", "er", "do", "ro", "to", "o", "a", "p"),
}
# The beginning of an IBAN: country code and two check digits.
_COUNTRY = re.compile(r"[A-Z]{2}\d\d")
_MOST_FILLERS = 2
_LONG = 3


@dataclass(frozen=True)
class Numeral:
    """A part of a number: a digit, a number in words, or digits that are written together.

    Attributes
    ----------
    start, end : int
        Character offsets in the text.
    is_spelled : bool
        Whether its digits are said or written one by one.
    """

    start: int
    end: int
    digits: str
    is_spelled: bool


@dataclass(frozen=True)
class Run:
    """Numerals with nothing significant between them: presumably one number.

    Attributes
    ----------
    is_quantity : bool
        Whether it has words such as "thousand".
    """

    text: str
    numerals: tuple[Numeral, ...]
    is_quantity: bool = False

    @property
    def start(self) -> int:
        """Offset of its first character."""
        return self.numerals[0].start

    @property
    def end(self) -> int:
        """Offset after its last character."""
        return self.numerals[-1].end

    @cached_property
    def digits(self) -> str:
        """All of its digits."""
        return "".join(one.digits for one in self.numerals)

    @property
    def written(self) -> str:
        """The number as it is in the text."""
        return self.text[self.start : self.end]

    @property
    def longest_spelled(self) -> int:
        """Length of the longest sequence of digits said or written one by one."""
        longest = current = 0
        for one in self.numerals:
            current = current + len(one.digits) if one.is_spelled else 0
            longest = max(longest, current)
        return longest


@dataclass(frozen=True)
class _Token:
    start: int
    end: int
    text: str


def plain(text: str) -> str:
    """Return a text in lower case without accents, of the same length."""
    return "".join(_plain_character(char) for char in text)


def runs(text: str, language: str) -> list[Run]:
    """Return the numbers of a text, in order.

    Parameters
    ----------
    language : str
        Whisper's code: ``once`` is eleven only in Spanish, ``o`` is zero except in Spanish.
    """
    return list(_joined(text, list(_numerals(text, language))))


def _plain_character(char: str) -> str:
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    lower = unicodedata.normalize("NFD", char)[0].lower()
    return lower if len(lower) == 1 else char


def _numerals(text: str, language: str) -> Iterator[Numeral | str]:
    """Yield numerals and the words between them."""
    tokens = [_Token(*one.span(), one[0]) for one in _TOKEN.finditer(plain(text))]
    place = 0
    while place < len(tokens):
        found = _numeral(text, tokens, place, language)
        if found is None:
            yield tokens[place].text
            place += 1
        else:
            numeral, place = found
            yield numeral


def _numeral(
    text: str, tokens: Sequence[_Token], place: int, language: str
) -> tuple[Numeral, int] | None:
    token = tokens[place]
    if token.text.isdigit():
        return _written(text, tokens, place)
    if token.text in _TIMES:
        repeated = _unit(tokens, place + 1, language)
        if repeated:
            digits = repeated * _TIMES[token.text]
            return Numeral(token.start, tokens[place + 1].end, digits, True), place + 2
        return None
    number, end = _hundred(tokens, place)
    if not number:
        number, end = _below_hundred(tokens, place, language)
    if number:
        return Numeral(token.start, tokens[end - 1].end, number, False), end
    unit = _unit(tokens, place, language)
    return (Numeral(token.start, token.end, unit, True), place + 1) if unit else None


def _written(text: str, tokens: Sequence[_Token], place: int) -> tuple[Numeral, int] | None:
    """Return digits, unless they are part of a word or code such as 4th or B52."""
    token = tokens[place]
    if token.start and text[token.start - 1].isalpha():
        is_country = place and _COUNTRY.fullmatch(text, tokens[place - 1].start, token.end)
        numeral = Numeral(token.start, token.end, token.text, is_spelled=False)
        return (numeral, place + 1) if is_country else None
    if place + 1 < len(tokens) and tokens[place + 1].start == token.end:
        after = tokens[place + 1].text
        if after in _SUFFIXES or len(after) > 1:
            return None
    return Numeral(token.start, token.end, token.text, len(token.text) == 1), place + 1


def _unit(tokens: Sequence[_Token], place: int, language: str) -> str:
    """Return the digit at this token; empty if it is none."""
    word = tokens[place].text if place < len(tokens) else ""
    if word == "oh" or (word == "o" and language != "es"):
        return "0" if _stands_by_digits(tokens, place) else ""
    return word if len(word) == 1 and word.isdigit() else _UNITS.get(word, "")


def _stands_by_digits(tokens: Sequence[_Token], place: int) -> bool:
    beside = [tokens[n].text for n in (place - 1, place + 1) if 0 <= n < len(tokens)]
    known = (*_UNITS, *_BELOW_THIRTY, *_TENS, *_TIMES, "oh", "o")
    return any(one.isdigit() or one in known for one in beside)


def _below_hundred(tokens: Sequence[_Token], place: int, language: str) -> tuple[str, int]:
    """Return a number from 10 to 99 in words, and the index of the token after it."""
    word = tokens[place].text if place < len(tokens) else ""
    if word in _BELOW_THIRTY:
        return _BELOW_THIRTY[word], place + 1
    if word == "once" and language == "es":
        return "11", place + 1
    if word not in _TENS:
        return "", place
    unit = place + 1
    if unit < len(tokens) and tokens[unit].text == "y":
        unit += 1
    if unit < len(tokens) and _UNITS.get(tokens[unit].text, "0") != "0":
        return _TENS[word] + _UNITS[tokens[unit].text], unit + 1
    return f"{_TENS[word]}0", place + 1


def _hundred(tokens: Sequence[_Token], place: int) -> tuple[str, int]:
    """Return a number from 100 to 999 in words, and the index of the token after it."""
    word, end = tokens[place].text, place + 1
    hundreds = _HUNDREDS.get(word, "")
    if not hundreds:
        unit = word if word.isdigit() else _UNITS.get(word, "")
        if not unit or end >= len(tokens) or tokens[end].text != "hundred":
            return "", place
        hundreds, end = unit, end + 1
    rest = end + 1 if end < len(tokens) and tokens[end].text == "and" else end
    tens, behind = _below_hundred(tokens, rest, "")
    if tens:
        return hundreds + tens, behind
    if word in _HUNDREDS and end < len(tokens) and _UNITS.get(tokens[end].text, "0") != "0":
        return f"{hundreds}0{_UNITS[tokens[end].text]}", end + 1
    return f"{hundreds}00", end


def _joined(text: str, parts: Sequence[Numeral | str]) -> Iterator[Run]:
    """Join numerals that have only gaps and fillers between them."""
    current: list[Numeral] = []
    between: list[str] = []
    is_quantity = False
    for part in parts:
        if isinstance(part, str):
            is_quantity |= part in _LARGE and not between and bool(current)
            between.append(part)
            continue
        if current and not _goes_on(text, current[-1], part, between):
            yield Run(text, tuple(current), is_quantity)
            current, is_quantity = [], bool(between) and between[-1] in _LARGE
        elif not current:
            is_quantity = bool(between) and between[-1] in _LARGE
        current.append(part)
        between = []
    if current:
        yield Run(text, tuple(current), is_quantity)


def _goes_on(text: str, one: Numeral, other: Numeral, between: Sequence[str]) -> bool:
    gap = text[one.end : other.start]
    if len(between) > _MOST_FILLERS:
        return False
    if not between:
        return _GAP.fullmatch(gap) is not None
    is_short = len(one.digits) < _LONG and len(other.digits) < _LONG
    joins = all(word in _FILLERS or (is_short and word in _AND) for word in between)
    return joins and _GAP.fullmatch(re.sub(r"[^\W\d_]", "", gap)) is not None
