# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Recognises cards, accounts, telephone numbers and e-mail addresses in a text.

Check digits and national formats are those of python-stdnum and Google's libphonenumber. The words
before a number count too, since people announce what they are about to read out. Dates, prices,
times, years and order numbers are not redacted.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import phonenumbers
from stdnum import iban, luhn
from stdnum.us import ssn

from whisper_endpoint.ingress.redaction.emails import emails, unfinished
from whisper_endpoint.ingress.redaction.numerals import BEGINNING, Run, plain, runs

CARD, ACCOUNT, SSN = "CARD_NUMBER", "BANK_ACCOUNT", "SSN"
PHONE, EMAIL, NUMBER = "PHONE", "EMAIL", "NUMBER"
_ORDER = ""

# The last cue before a number decides its kind; those of _ORDER mark it as harmless.
_CUES = (
    (CARD, r"cards?|visa|mastercard|amex|american express|cvv|cvc|security code|tarjetas?"),
    (SSN, r"social security|social|ssn|seguro social|seguridad social"),
    (ACCOUNT, r"accounts?|iban|routing|sort code|bank|cuentas?|clabe"),
    (
        PHONE,
        (
            r"phone|telephone|(call|text|reach|dial)( (me|us|him|her|them))?|cell|mobile|landline"
            r"|telefono|movil|celular|fijo|llam\w+|marque|whatsapp"
        ),
    ),
    (NUMBER, r"pin|passcode|password|access code|verification|clave|contrasena"),
    (
        _ORDER,
        (
            r"orders?|invoice|ticket|case|reference|tracking|confirmation|booking|reservation|flight"
            r"|model|serial|sku|version|part|page|room|zip|postal|pedidos?|facturas?|referencia|caso"
            r"|reserva|vuelo|modelo|serie|articulo|incidencia|seguimiento|pagina|habitacion"
        ),
    ),
)
_CUE = re.compile("|".join(rf"(?P<c{n}>\b(?:{words})\b)" for n, (_, words) in enumerate(_CUES)))
_CUE_REACH = 80
_CLOSE = 24
_MONEY_BEFORE = re.compile(r"[$€£¥]\s*$")
_UNIT_AFTER = re.compile(
    r"\s*([$€£¥%°]|(dollars?|euros?|pounds?|cents?|pesos?|dolares|libras?|centavos|centimos|percent"
    r"|por ciento|usd|eur|years?|anos|months?|meses|weeks?|semanas|days?|dias|hours?|horas|minutes?"
    r"|minutos|seconds?|segundos|miles|millas|kilomet\w+|meters?|metros|people|personas|units?"
    r"|unidades|pieces|piezas|points?|puntos|degrees|grados|items|articulos|customers|clientes)\b)"
)
_MONTHS = (
    r"(january|february|march|april|may|june|july|august|september|october|november|december"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre)"
)
_MONTH_BEFORE = re.compile(rf"\b{_MONTHS}( the| de| del)?\W*$")
_MONTH_AFTER = re.compile(rf"\W*(of |de )?{_MONTHS}\b")
_DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})|(\d{4})([/-])(\d{1,2})\6(\d{1,2})")
_YEAR = re.compile(r"(19|20)\d\d")
_YEAR_BEFORE = re.compile(r"\b(in|since|of|from|until|by|year|en|desde|de|del|ano|hasta)\s*$")
_YEARS = re.compile(r"(19|20)\d\d\s*[-\u2013\u2014/]\s*(19|20)\d\d")
_AMOUNT = re.compile(r"\d{1,3}([,.]\d{3})+([.,]\d{1,2})?|\d+[.,]\d{1,2}")
_ADDRESS = re.compile(r"\d{1,3}(\.\d{1,3}){2,3}")
_MOST_IN_BYTE = 255
_SSN = re.compile(r"\d{3}[\s-]+\d{2}[\s-]+\d{4}")
_GROUPS = re.compile(r"\d+(\s*[-\u2013]\s*\d+)+|\d+(\.\d+){2,}")
_PLUS_BEFORE = re.compile(r"(\+|\bplus|\bmas)\s*$")
_REGIONS = {
    "en": ("US", "GB"),
    "es": ("ES", "MX", "US"),
    "de": ("DE",),
    "fr": ("FR",),
    "it": ("IT",),
    "pt": ("PT", "BR"),
}
_WORD = re.compile(r"\w+")
# Limits in digits: (min, max) of cards, min and max of phone numbers, min of spelled-out numbers,
# max of harmless ones, min of a part of a number.
_CARD_DIGITS = (13, 19)
_LIKELY_PHONE, _PHONE_DIGITS = 6, 15
_SPELLED, _MOST_HARMLESS, _PART = 4, 6, 3
_GROUPED = 5
_NEAR_WORDS, _NEAR_PAIR = 8, 5
# After more words than this, a number that was being read out is complete or paused.
_SETTLING_WORDS = 2
_COUNTRY = re.compile(r"\b([A-Z][\s.]+[A-Z][\s.]+|[A-Z]{2}\s?)$")
_COUNTRY_REACH = 8
_SHORTEST_IBAN, _LONGEST_ACCOUNT = 15, 32
_COMPACT = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}")


@dataclass(frozen=True)
class Finding:
    """A stretch of text to redact, from character ``start`` up to but excluding ``end``."""

    start: int
    end: int
    label: str


@dataclass(frozen=True)
class Found:
    """The result of :func:`find`.

    Attributes
    ----------
    findings : list of Finding
        In order, without overlaps.
    open_from : int or None
        Offset from which the text may have to be redacted once the utterance continues.
    """

    findings: list[Finding]
    open_from: int | None


def find(text: str, language: str, *, is_live: bool = False) -> Found:
    """Find what to redact in a text.

    Parameters
    ----------
    language : str
        Whisper's code; empty if unknown.
    is_live : bool
        Whether the text is an utterance, so that a number at its edge may continue in another.
    """
    lower = plain(text)
    addresses = [Finding(start, end, EMAIL) for start, end in emails(lower)]
    everything = runs(text, language)
    taken = [*addresses, *_ibans(text, everything)]
    numbers = [one for one in everything if not _is_in(one, taken)]
    labels = [_label(one, lower, language, is_live=is_live) for one in numbers]
    for place, label in enumerate(labels):
        if label is None:
            labels[place] = _neighbour(place, lower, numbers, labels)
    taken += [
        Finding(_opened(text, one.start, label), one.end, label)
        for one, label in zip(numbers, labels, strict=True)
        if label
    ]
    findings = _apart(sorted(taken, key=lambda one: (one.start, -one.end)))
    return Found(findings, _open_from(text, lower, everything, findings))


def _open_from(
    text: str, lower: str, numbers: Sequence[Run], findings: Sequence[Finding]
) -> int | None:
    """Return the start of the first number or address that may be incomplete."""
    announced = BEGINNING.search(lower, max(0, len(lower) - _CUE_REACH))
    begins = [unfinished(lower), announced.start() if announced else None]
    for one in reversed(numbers):
        if len(lower) - one.end > _CUE_REACH:
            break
        behind = len(_WORD.findall(lower, one.end))
        is_told = _is_in(one, findings) or _is_harmless(one, lower)
        is_doubtful = len(one.digits) >= _PART and behind <= _NEAR_WORDS
        is_account = _COUNTRY.search(text, max(0, one.start - _COUNTRY_REACH), one.start)
        is_open = is_account and sum(map(str.isalnum, text[one.start :])) <= _LONGEST_ACCOUNT
        if behind <= _SETTLING_WORDS or (not is_told and (is_doubtful or is_open)):
            begins.append(_opened(text, one.start, ACCOUNT))
    if findings and not _WORD.search(lower, findings[-1].end):
        begins.append(findings[-1].start)
    return min((one for one in begins if one is not None), default=None)


def _label(run: Run, lower: str, language: str, *, is_live: bool) -> str | None:
    """Return the kind of a number; None if it is not redacted."""
    digits, length = run.digits, len(run.digits)
    cue, is_close = _cue(lower, run.start)
    is_secret = cue in (CARD, ACCOUNT, SSN, NUMBER)
    is_date = _is_date(run, lower) and not (is_secret and is_close)
    if is_date or _is_amount(run, lower) or _is_dated(run, lower):
        return None
    if _is_card(digits):
        return CARD
    if is_secret and length >= (_PART if is_live else _SPELLED) and (is_close or not _is_year(run)):
        return cue
    least = _PART if is_live else _LIKELY_PHONE
    if cue == PHONE and least <= length <= _PHONE_DIGITS and not _is_year(run):
        return PHONE
    return None if cue == _ORDER else _unannounced(run, lower, language, is_live=is_live)


def _unannounced(run: Run, lower: str, language: str, *, is_live: bool) -> str | None:
    """Return the kind of a number without a cue; None if it is not redacted."""
    length = len(run.digits)
    if _SSN.fullmatch(run.written) and ssn.is_valid(run.digits):
        return SSN
    if _is_address(run.written):
        return None
    if length > _MOST_HARMLESS:
        return PHONE if _is_phone(run, lower, language) else NUMBER
    is_grouped = length >= _GROUPED and _GROUPS.fullmatch(run.written) is not None
    is_at_edge = not (_WORD.search(lower, 0, run.start) and _WORD.search(lower, run.end))
    is_part = is_live and length >= _PART and is_at_edge
    return NUMBER if run.longest_spelled >= _SPELLED or is_grouped or is_part else None


def _cue(lower: str, start: int) -> tuple[str | None, bool]:
    """Return the kind given by the last cue before a number, and whether the cue is close."""
    begin = max(0, start - _CUE_REACH)
    last = None
    for last in _CUE.finditer(lower, begin, start):  # noqa: B007 - the last one counts
        pass
    if last is None:
        return None, False
    name = last.lastgroup
    assert name is not None
    return _CUES[int(name[1:])][0], start - last.end() <= _CLOSE


def _neighbour(
    place: int, lower: str, numbers: Sequence[Run], labels: Sequence[str | None]
) -> str | None:
    """Return the kind of a nearby number of which this one may be a part, or None."""
    run, near = numbers[place], slice(max(0, place - _NEAR_WORDS), place + _NEAR_WORDS + 1)
    # Two spelled digits may remain around a misheard one.
    reach = _NEAR_WORDS if len(run.digits) >= _PART else _NEAR_PAIR * (run.longest_spelled > 1)
    if _is_harmless(run, lower) or _cue(lower, run.start) == (_ORDER, True):
        return None
    for other, label in zip(numbers[near], labels[near], strict=True):
        between = lower[other.end : run.start] or lower[run.end : other.start]
        if label and other is not run and len(_WORD.findall(between)) <= reach:
            return label
    return None


def _is_harmless(run: Run, lower: str) -> bool:
    return (
        _is_amount(run, lower)
        or _is_date(run, lower)
        or _is_dated(run, lower)
        or _UNIT_AFTER.match(lower, run.end) is not None
    )


def _is_amount(run: Run, lower: str) -> bool:
    """Whether it is money, or written like an amount."""
    # Whisper may also write digits read out as "$5.5.667788".
    is_one = bool(_AMOUNT.fullmatch(run.written)) or len(re.findall(r"\D", run.written)) <= 1
    if run.is_quantity or (is_one and _MONEY_BEFORE.search(_before(run, lower))):
        return True
    if len(run.digits) > _MOST_HARMLESS and not _AMOUNT.fullmatch(run.written):
        return False
    is_counted = _UNIT_AFTER.match(lower, run.end) is not None
    return is_counted or bool(_AMOUNT.fullmatch(run.written)) or _is_address(run.written)


def _is_address(written: str) -> bool:
    """Whether it may be an IP address or a version; digits read out may become "5.5.6.778"."""
    parts = written.split(".")
    return bool(_ADDRESS.fullmatch(written)) and max(map(int, parts)) <= _MOST_IN_BYTE


def _is_date(run: Run, lower: str) -> bool:
    if _YEARS.fullmatch(run.written):
        return True
    date = _DATE.fullmatch(run.written)
    if date is None:
        is_named = _MONTH_BEFORE.search(_before(run, lower)) or _MONTH_AFTER.match(lower, run.end)
        return is_named is not None and len(run.digits) <= _MOST_HARMLESS
    day, _, month, _, _, _, month_of_year, day_of_year = date.groups()
    first, second = int(day or day_of_year), int(month or month_of_year)
    return 1 <= min(first, second) <= 12 and max(first, second) <= 31


def _is_dated(run: Run, lower: str) -> bool:
    """Whether it is a year after a word such as "in" or "since"."""
    return _is_year(run) and _YEAR_BEFORE.search(_before(run, lower)) is not None


def _before(run: Run, lower: str) -> str:
    """Return the text before a number, as far as cues count."""
    return lower[max(0, run.start - _CUE_REACH) : run.start]


def _is_year(run: Run) -> bool:
    return len(run.numerals) <= 2 and _YEAR.fullmatch(run.digits) is not None


def _is_card(digits: str) -> bool:
    shortest, longest = _CARD_DIGITS
    return shortest <= len(digits) <= longest and digits[0] in "23456" and luhn.is_valid(digits)


def _is_phone(run: Run, lower: str, language: str) -> bool:
    has_plus = _PLUS_BEFORE.search(_before(run, lower)) is not None
    number = f"+{run.digits}" if has_plus else run.digits
    regions = (None,) if has_plus else _REGIONS.get(language, ("US",))
    for region in regions:
        try:
            parsed = phonenumbers.parse(number, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(parsed) and phonenumbers.is_valid_number(parsed):
            return True
    return False


def _ibans(text: str, numbers: Sequence[Run]) -> Iterator[Finding]:
    """Yield IBANs with valid check digits, written in groups or spelled out."""
    numerals = {one.start: one for run in numbers for one in run.numerals}
    characters: list[tuple[int, int, str]] = []
    place = 0
    while place < len(text):
        numeral = numerals.get(place)
        if numeral is not None:
            characters += [(place, numeral.end, digit) for digit in numeral.digits]
            place = numeral.end
            continue
        if text[place].isalnum():
            characters.append((place, place + 1, plain(text[place]).upper()))
        place += 1
    compact = "".join(one for *_, one in characters)
    begin = 0
    while (found := _COMPACT.search(compact, begin)) is not None:
        lengths = range(len(found[0]), _SHORTEST_IBAN - 1, -1)
        length = next((one for one in lengths if _is_iban(found[0][:one])), 0)
        if length:
            first, last = characters[found.start()], characters[found.start() + length - 1]
            yield Finding(first[0], last[1], ACCOUNT)
        begin = found.start() + (length or 1)


def _is_iban(text: str) -> bool:
    # ISO 7064's check first: stdnum's takes a hundred times as long.
    rotated = "".join(str(int(char, 36)) for char in text[4:] + text[:4])
    return int(rotated) % 97 == 1 and iban.is_valid(text)


def _is_in(run: Run, findings: Sequence[Finding]) -> bool:
    return any(run.start < one.end and run.end > one.start for one in findings)


def _opened(text: str, start: int, label: str) -> int:
    """Return the start of a number including its plus sign, bracket, hash or country code."""
    country = (
        _COUNTRY.search(text, max(0, start - _COUNTRY_REACH), start) if label == ACCOUNT else None
    )
    if country:
        return country.start()
    while start and text[start - 1] in "+(#":
        start -= 1
    return start


def _apart(findings: Sequence[Finding]) -> list[Finding]:
    apart: list[Finding] = []
    for one in findings:
        if apart and one.start < apart[-1].end:
            apart[-1] = replace(apart[-1], end=max(apart[-1].end, one.end))
        else:
            apart.append(one)
    return apart
