# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Made sentences of callers, in English and Spanish: with a secret in them, or with none.

Numbers are written as Whisper writes what is said: in digits of any grouping, in words, or both.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from stdnum import iban, luhn
from stdnum.iso7064 import mod_97_10

_WORDS = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "es": ("cero", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve"),
}
_PAIRS = {
    "en": {"11": "eleven", "12": "twelve", "15": "fifteen", "20": "twenty", "34": "thirty-four",
           "55": "fifty five", "60": "sixty", "78": "seventy eight", "91": "ninety-one"},
    "es": {"11": "once", "12": "doce", "15": "quince", "20": "veinte", "34": "treinta y cuatro",
           "55": "cincuenta y cinco", "60": "sesenta", "78": "setenta y ocho",
           "91": "noventa y uno"},
}  # fmt: skip
_DOUBLE = {"en": "double", "es": "doble"}
_FILLERS = {"en": ["uh,", "um,", "then"], "es": ["eh,", "este,", "luego"]}
_AFTER = {
    "en": ["", " Thank you.", " Did you get that?", " and the line is bad today"],
    "es": ["", " Gracias.", " ¿Lo tiene?", " y la línea se oye mal hoy"],
}
_CUES = {
    "CARD_NUMBER": {
        "en": ["My card number is ", "It's a Visa, ", "The number on the card: ", "Sure, it is "],
        "es": ["Mi número de tarjeta es ", "Es una Visa, ", "La tarjeta es la ", "Sí, es el "],
    },
    "BANK_ACCOUNT": {
        "en": ["My account number is ", "The routing number is ", "The bank account is "],
        "es": ["Mi número de cuenta es ", "La cuenta es la ", "El IBAN es "],
    },
    "IBAN": {"en": ["The IBAN is ", "Transfer it to "], "es": ["El IBAN es ", "Páguelo a "]},
    "SSN": {
        "en": ["My social security number is ", "The social is ", "My SSN: "],
        "es": ["Mi número de seguro social es ", "El número de la seguridad social es "],
    },
    "PHONE": {
        "en": ["Call me at ", "My phone number is ", "You can reach me at ", "It is "],
        "es": ["Llámeme al ", "Mi teléfono es el ", "Mi móvil es ", "Es el "],
    },
    "EMAIL": {
        "en": ["My email is ", "Send it to ", "The address is "],
        "es": ["Mi correo es ", "Envíelo a ", "La dirección es "],
    },
    "NUMBER": {
        "en": ["It says ", "The digits are ", "My PIN is "],
        "es": ["Pone ", "Las cifras son ", "Mi clave es "],
    },
}
_LANGUAGES = ("en", "es")


@dataclass(frozen=True)
class Sentence:
    """What a caller says; `secret` is a part of `text`, empty if it holds none."""

    text: str
    language: str
    secret: str = ""
    label: str = ""


def with_secrets(number: int, seed: int) -> Iterator[Sentence]:
    """Yield sentences with one secret each, as many of each kind, in both languages."""
    chance = random.Random(seed)
    kinds = list(_SECRETS)
    for place in range(number):
        kind, language = kinds[place % len(kinds)], _LANGUAGES[place // len(kinds) % 2]
        secret = _SECRETS[kind](chance, language)
        begin, end = chance.choice(_CUES[kind][language]), chance.choice(_AFTER[language])
        label = "BANK_ACCOUNT" if kind == "IBAN" else kind
        yield Sentence(f"{begin}{secret}{end or '.'}", language, secret, label)


def without_secrets(number: int, seed: int) -> Iterator[Sentence]:
    """Yield sentences with numbers that are harmless: dates, prices, times, orders, years."""
    chance = random.Random(seed)
    for place in range(number):
        language = _LANGUAGES[place % 2]
        templates = _HARMLESS[language]
        template = templates[place // 2 % len(templates)]
        yield Sentence(_filled(template, chance, language), language)


def _digits(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def _said(digits: str, chance: random.Random, language: str) -> str:
    """Write digits as Whisper does, in one of many ways."""
    way = chance.randrange(7)
    if way == 0:
        return digits
    if way == 1:
        return _grouped(digits, chance, " ", 4)
    if way == 2:
        return _grouped(digits, chance, "-", 3)
    if way == 3:
        return "-".join(digits)
    if way == 4:
        return ", ".join(digits)
    return _in_words(digits, chance, language)


def _grouped(digits: str, chance: random.Random, mark: str, size: int) -> str:
    """Write digits in groups, at times of odd lengths."""
    groups, left = [], digits
    while left:
        length = size if chance.random() < 0.7 else chance.randint(2, 5)
        groups.append(left[:length])
        left = left[length:]
    return mark.join(groups)


def _in_words(digits: str, chance: random.Random, language: str) -> str:
    words: list[str] = []
    place = 0
    while place < len(digits):
        two, one = digits[place : place + 2], digits[place]
        roll = chance.random()
        if len(two) == 2 and two[0] == two[1] and roll < 0.5:
            words.append(f"{_DOUBLE[language]} {_WORDS[language][int(one)]}")
            place += 2
        elif two in _PAIRS[language] and roll < 0.3:
            words.append(_PAIRS[language][two])
            place += 2
        else:
            is_oh = language == "en" and one == "0" and roll < 0.6
            word = one if roll < 0.1 else _WORDS[language][int(one)]
            words.append("oh" if is_oh and words else word)
            place += 1
        if place % 4 == 0 and place < len(digits):
            if roll < 0.06:
                words.append(chance.choice(_FILLERS[language]))
            elif roll > 0.5:
                words[-1] += ","
    return " ".join(words)


def _card(chance: random.Random, language: str) -> str:
    begin, length = chance.choice([("4", 16), ("51", 16), ("37", 15)])
    digits = begin + _digits(chance, length - len(begin) - 1)
    return _said(digits + luhn.calc_check_digit(digits), chance, language)


def _iban(chance: random.Random, language: str) -> str:
    country, length = chance.choice([("DE", 18), ("PT", 21), ("IT", 0)])
    body = _digits(chance, length) if length else ""
    if country == "IT":
        return chance.choice(_ITALIAN)
    number = country + mod_97_10.calc_check_digits(f"{body}{country}") + body
    if not iban.is_valid(number, check_country=False):
        raise AssertionError(number)
    if chance.random() < 0.4:
        return f"{country[0]} {country[1]} {_in_words(number[2:], chance, language)}"
    return " ".join(number[place : place + 4] for place in range(0, len(number), 4))


_ITALIAN = ["IT60 X054 2811 1010 0000 0123 456", "GB29 NWBK 6016 1331 9268 19",
            "FR14 2004 1010 0505 0001 3M02 606"]  # fmt: skip


def _account(chance: random.Random, language: str) -> str:
    return _said(_digits(chance, chance.randint(8, 12)), chance, language)


def _ssn(chance: random.Random, language: str) -> str:
    digits = f"{chance.randint(100, 600)}{chance.randint(10, 99)}{chance.randint(1000, 9999)}"
    if chance.random() < 0.3:
        return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"
    return _said(digits, chance, language)


def _phone(chance: random.Random, language: str) -> str:
    if language == "es":
        digits = chance.choice(["6", "91", "7"]) + _digits(chance, 8)
        digits = digits[:9]
        written = f"{digits[:3]} {digits[3:5]} {digits[5:7]} {digits[7:]}"
    else:
        digits = (
            chance.choice(["415", "212", "617"]) + str(chance.randint(2, 9)) + _digits(chance, 6)
        )
        written = chance.choice([f"({digits[:3]}) {digits[3:6]}-{digits[6:]}",
                                 f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"])  # fmt: skip
    return written if chance.random() < 0.4 else _said(digits, chance, language)


def _email(chance: random.Random, language: str) -> str:
    name = chance.choice(["john", "maria", "jdoe", "ana42", "info"])
    more = chance.choice(["", "smith", "lopez", "k"])
    host = chance.choice(["gmail", "example", "acme-mail", "hotmail"])
    top = chance.choice(["com", "org", "net"] if language == "en" else ["com", "es", "mx"])
    if chance.random() < 0.4:
        return f"{name}{'.' + more if more else ''}@{host}.{top}"
    at, dot = {"en": ("at", "dot"), "es": ("arroba", "punto")}[language]
    if chance.random() < 0.3:
        name = " ".join(name)
    said = f"{name} {dot} {more}" if more else name
    return f"{said} {at} {host}" + (f".{top}" if chance.random() < 0.3 else f" {dot} {top}")


def _spelled(chance: random.Random, language: str) -> str:
    digits = _digits(chance, chance.randint(4, 9))
    way = chance.randrange(4)
    if way < 2:
        return (", ", "-")[way].join(digits)
    return " ".join(_WORDS[language][int(one)] for one in digits)


_SECRETS: dict[str, Callable[[random.Random, str], str]] = {
    "CARD_NUMBER": _card,
    "BANK_ACCOUNT": _account,
    "IBAN": _iban,
    "SSN": _ssn,
    "PHONE": _phone,
    "EMAIL": _email,
    "NUMBER": _spelled,
}
_HARMLESS = {
    "en": (
        "I was born in {year} and moved here in {year}.",
        "We spoke on {month} {day}, {year}, at {hour}:{minute}.",
        "It was due on {day2}/{day2}/{year}, was it not?",
        "The price is ${price} plus {percent} percent.",
        "My order number is {order}, from last week.",
        "Your ticket {order} was closed after {day} days.",
        "I paid {thousands} dollars for {day} units.",
        "Come between {hour}:{minute} and {hour}:{minute}, please.",
        "It happened between {year} and {year}.",
        "There were {three} people, {day} of them from flight {four}.",
        "The card was charged ${price} on {month} {day}.",
        "We have had this account since {year}.",
        "I waited twenty five minutes, then one hour and ten minutes.",
        "It cost two hundred and fifty thousand dollars in nineteen ninety eight.",
        "One of them called twice, and no one answered in {day} minutes.",
        "Call me at {hour} or {hour} tomorrow.",
        "Press one for sales, two for support, or three.",
        "Room {three} on page {day} of version {day}.{day}.",
        "Let us look at amazon dot com and at the other one.",
    ),
    "es": (
        "Nací en {year} y vivo aquí desde {year}.",
        "Hablamos el {day} de {month} de {year} a las {hour}:{minute}.",
        "Vencía el {day2}/{day2}/{year}, ¿verdad?",
        "El precio es {price} euros más {percent} por ciento.",
        "Mi número de pedido es {order}, de la semana pasada.",
        "La incidencia {order} se cerró en {day} días.",
        "Pagué {thousands} pesos por {day} unidades.",
        "Venga entre las {hour}:{minute} y las {hour}:{minute}.",
        "Fue en los años {year} o {year}.",
        "Éramos {three} personas, {day} del vuelo {four}.",
        "Me cobraron en la tarjeta {price} euros el {day} de {month}.",
        "Tenemos la cuenta desde {year}.",
        "Esperé veinticinco minutos y luego una hora y diez minutos.",
        "Costó doscientos cincuenta mil euros en mil novecientos noventa y ocho.",
        "Una vez me llamaron a las {hour} y otra a las {hour}.",
        "Marque uno para ventas, dos para soporte o tres.",
        "La habitación {three} en la página {day} de la versión {day}.{day}.",
    ),
}
_MONTHS = {"en": ["March", "August", "December"], "es": ["marzo", "agosto", "diciembre"]}


def _filled(template: str, chance: random.Random, language: str) -> str:
    """Fill the fields of a template, each occurrence with a number of its own."""
    comma, point = (",", ".") if language == "en" else (".", ",")
    made: dict[str, Callable[[], str]] = {
        "year": lambda: str(chance.randint(1950, 2029)),
        "month": lambda: chance.choice(_MONTHS[language]),
        "day": lambda: str(chance.randint(1, 28)),
        "day2": lambda: f"{chance.randint(1, 12):02d}",
        "hour": lambda: str(chance.randint(1, 12)),
        "minute": lambda: f"{chance.randint(0, 59):02d}",
        "percent": lambda: str(chance.randint(1, 30)),
        "price": lambda: f"{chance.randint(1, 999)}{comma}{chance.randint(0, 999):03d}{point}99",
        "thousands": lambda: (
            f"{chance.randint(1, 9)}{comma}{_digits(chance, 3)}{comma}{_digits(chance, 3)}"
        ),
        "order": lambda: _digits(chance, chance.randint(5, 10)),
        "three": lambda: str(chance.randint(100, 999)),
        "four": lambda: str(chance.randint(1000, 9999)),
    }
    while "{" in template:
        name = template[template.index("{") + 1 : template.index("}")]
        template = template.replace(f"{{{name}}}", made[name](), 1)
    return template
