# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Call-centre sentences in English and Spanish, with about 150 words each.

Lower case, without punctuation. One sentence in ten, by a hash of its text, is reserved: the
demonstration model is never trained on it, and sample calls and evaluation only use
reserved sentences.
"""

import functools
import hashlib
import random
import re
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

Language: TypeAlias = Literal["en", "es"]

LANGUAGES: Final[tuple[Language, ...]] = ("en", "es")

_RESERVED_SHARE = 10
_MAX_DRAWS = 1_000
_SLOT = re.compile(r"\{(\w+?)(\d*)\}")

# Shares among modified training sentences.
_SHARE_CUT = 0.35
_SHARE_JOINED = 0.35
_SHARE_CHANGED = 0.2
_SHARE_DOUBLED = 0.35  # of digit strings: repeated digits are the hardest
_LONGEST = 14  # words

_SLOT_WORDS: Final[dict[Language, dict[str, str]]] = {
    "en": {
        "digit": "zero one two three four five six seven eight nine",
        "name": "john mary david sarah michael anna robert linda",
        "month": (
            "january february march april may june july august september october november december"
        ),
        "day": "monday tuesday wednesday thursday friday saturday sunday",
        "product": "account order invoice card policy ticket router phone laptop subscription",
        "fault": "broken late missing blocked cancelled expired wrong lost",
        "time": "today tomorrow yesterday tonight",
    },
    "es": {
        "digit": "cero uno dos tres cuatro cinco seis siete ocho nueve",
        "name": "carlos maría pedro lucía miguel ana roberto elena",
        "month": (
            "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre "
            "diciembre"
        ),
        "day": "lunes martes miércoles jueves viernes sábado domingo",
        "product": "cuenta orden factura tarjeta póliza entrada línea cámara compra reserva",
        "fault": "rota tarde perdida bloqueada cancelada vencida pagada abierta",
        "time": "hoy mañana ayer ahora",
    },
}
SLOTS: Final[dict[Language, dict[str, tuple[str, ...]]]] = {
    language: {slot: tuple(words.split()) for slot, words in slots.items()}
    for language, slots in _SLOT_WORDS.items()
}

# {digit4} is four consecutive digits; other braces are one word of the slot.
TEMPLATES: Final[dict[Language, tuple[str, ...]]] = {
    "en": (
        "hello this is {name} how can i help you {time}",
        "hello my name is {name} and i am calling about my {product}",
        "good morning {name} my {product} is {fault}",
        "my {product} number is {digit4}",
        "my {product} number is {digit6}",
        "the last four digits are {digit4}",
        "can you confirm the last {digit} digits of your {product} number",
        "can you please check the status of my {product}",
        "i would like to cancel my {product} before {day}",
        "i want to speak to an agent about the {product}",
        "i am calling about my {product} because it is {fault}",
        "my {product} was {fault} since {day}",
        "the {product} that you sent in {month} is {fault}",
        "we will send a new {product} on {day} {month} {digit}",
        "thank you {name} please hold while i check your {product}",
        "please hold the line {name} one moment",
        "your {product} will arrive on {day} or {day}",
        "is there anything else i can do for you {time}",
        "yes that is correct the {product} is {fault}",
        "no that is not right my {product} is {fault} not {fault}",
        "i was born on {month} {digit} {digit}",
        "please transfer {digit2} hundred dollars to {name}",
        "i have paid the {product} two times in {month}",
        "could you repeat the {product} number please",
        "sorry i did not hear that could you say the {product} again",
        "i moved to a new address in {month}",
        "there is a problem with the payment of my {product}",
        "they told me to call again on {day}",
        "can i change the {product} to {day} {time}",
        "how much does the new {product} cost {name}",
        "the price of this {product} is {digit2} dollars",
        "great thank you for your help {name} goodbye",
        "we are open from {day} to {day}",
        "my email is not working since {day}",
        "i need the refund before {month}",
        "{digit3} {digit3}",
        "{digit5}",
    ),
    "es": (
        "hola le habla {name} en qué puedo ayudarle {time}",
        "hola me llamo {name} y llamo por mi {product}",
        "buenos días {name} mi {product} está {fault}",
        "el número de mi {product} es {digit4}",
        "el número de la {product} es {digit6}",
        "los últimos cuatro números son {digit4}",
        "puede confirmar los últimos {digit} números de su {product}",
        "puede revisar por favor el estado de mi {product}",
        "quiero cancelar mi {product} antes del {day}",
        "quiero hablar con un agente sobre la {product}",
        "llamo por mi {product} porque está {fault}",
        "mi {product} está {fault} desde el {day}",
        "la {product} que me mandaron en {month} está {fault}",
        "le mandamos una nueva {product} el {day} {digit} de {month}",
        "gracias {name} espere mientras busco su {product}",
        "espere en la línea {name} un momento",
        "su {product} va a llegar el {day} o el {day}",
        "hay algo más que pueda hacer por usted {time}",
        "sí es correcto la {product} está {fault}",
        "no eso no es así mi {product} está {fault} no {fault}",
        "yo nací en {month} el {digit} {digit}",
        "por favor pase {digit2} cientos de pesos a {name}",
        "ya pagué la {product} dos veces en {month}",
        "puede repetir el número de la {product} por favor",
        "perdón no le oí bien puede decir la {product} otra vez",
        "cambié de dirección en {month}",
        "hay un problema con el pago de mi {product}",
        "me dijeron que llamara otra vez el {day}",
        "puedo cambiar la {product} para el {day} {time}",
        "cuánto cuesta la nueva {product} {name}",
        "el precio de esta {product} es de {digit2} pesos",
        "muchas gracias por su ayuda {name} hasta luego",
        "estamos abiertos de {day} a {day}",
        "mi correo no funciona desde el {day}",
        "necesito el dinero antes de {month}",
        "{digit3} {digit3}",
        "{digit5}",
    ),
}


# Used only for training: the model that the shipped one started from had seen all their
# sentences, so none counts as new.
_TRAINING_ONLY: Final = frozenset(
    {
        "hello this is {name} how can i help you {time}",
        "i am calling about my {product} because it is {fault}",
        "can you confirm the last {digit} digits of your {product} number",
    }
)


def is_reserved(sentence: str) -> bool:
    """Return whether a sentence is excluded from training; the same on every machine."""
    digest = hashlib.sha256(sentence.encode()).digest()
    return int.from_bytes(digest[:4], "big") % _RESERVED_SHARE == 0


@functools.cache
def vocabulary(language: Language) -> tuple[str, ...]:
    """Return every word of a language, sorted."""
    words = {word for slot in SLOTS[language].values() for word in slot}
    for template in TEMPLATES[language]:
        words.update(_SLOT.sub(" ", template).split())
    return tuple(sorted(words))


def draw_reserved(language: Language, chance: random.Random) -> str:
    """Draw a sentence never used in training, deterministic by state."""
    templates = [each for each in TEMPLATES[language] if each not in _TRAINING_ONLY]
    return _draw(lambda: fill(chance.choice(templates), language, chance), is_reserved)


def draw_for_training(language: Language, chance: random.Random) -> str:
    """Draw a training sentence: a template, a modified one, digits, or random words.

    With templates alone, the decoder memorises them: having seen ten of twelve months after
    "before", it recognizes no other there.
    """

    def candidate() -> str:
        (kind,) = chance.choices(*zip(*_KINDS.items(), strict=True))
        return " ".join(kind(language, chance))

    return _draw(
        candidate,
        lambda sentence: not (is_reserved(sentence) or holds_reserved(sentence, language)),
    )


def holds_reserved(text: str, language: Language) -> bool:
    """Return whether `text` contains a reserved filling of a template."""
    words = text.split()
    return any(
        is_reserved(part) and _forms(language).fullmatch(part)
        for begin in range(len(words))
        for part in (" ".join(words[begin:end]) for end in range(begin + 1, len(words) + 1))
    )


def fill(template: str, language: Language, chance: random.Random) -> str:
    """Fill the slots of a template."""

    def word(slot: re.Match[str]) -> str:
        choices = SLOTS[language][slot[1]]
        return " ".join(chance.choice(choices) for _ in range(int(slot[2] or 1)))

    return _SLOT.sub(word, template)


def fill_fixed(template: str, words: dict[str, str]) -> str:
    """Fill the first slot of each kind in `words`; leave the others."""
    for slot, word in words.items():
        template = template.replace(f"{{{slot}}}", word, 1)
    return template


def draw_reserved_from(template: str, language: Language, chance: random.Random) -> str:
    """Fill a template with words never used in training; raises LookupError if none are found."""
    return _draw(lambda: fill(template, language, chance), is_reserved)


@functools.cache
def _forms(language: Language) -> re.Pattern[str]:
    """Return a pattern that matches every filling of every template."""

    def choices(slot: re.Match[str]) -> str:
        word = f"(?:{'|'.join(SLOTS[language][slot[1]])})"
        return " ".join([word] * int(slot[2] or 1))

    return re.compile("|".join(_SLOT.sub(choices, template) for template in TEMPLATES[language]))


def _as_templates_say(language: Language, chance: random.Random) -> list[str]:
    return fill(chance.choice(TEMPLATES[language]), language, chance).split()


def _changed(language: Language, chance: random.Random) -> list[str]:
    """Cut a filled template, append another, and change some words."""
    words = _as_templates_say(language, chance)
    if chance.random() < _SHARE_CUT:
        words = words[chance.randrange(len(words)) :]
    if chance.random() < _SHARE_CUT:
        words = words[: chance.randint(1, len(words))]
    if chance.random() < _SHARE_JOINED:
        more = _as_templates_say(language, chance)
        words += more[chance.randrange(len(more)) :]
    known = vocabulary(language)
    return [
        chance.choice(known) if chance.random() < _SHARE_CHANGED else word
        for word in words[:_LONGEST]
    ]


def _digits(language: Language, chance: random.Random) -> list[str]:
    """Return two to eight digits, with up to two words on either side."""
    digits = chance.choices(SLOTS[language]["digit"], k=chance.randint(2, 8))
    if chance.random() < _SHARE_DOUBLED:
        place = chance.randrange(1, len(digits))
        digits[place] = digits[place - 1]
    before, after = (_words(language, chance, chance.choice((0, 0, 1, 2))) for _ in range(2))
    return [*before, *digits, *after]


def _at_random(language: Language, chance: random.Random) -> list[str]:
    return _words(language, chance, chance.randint(1, 7))


def _words(language: Language, chance: random.Random, count: int) -> list[str]:
    return chance.choices(vocabulary(language), k=count)


_KINDS: Final[dict[Callable[[Language, random.Random], list[str]], float]] = {
    _as_templates_say: 0.35,
    _changed: 0.3,
    _digits: 0.2,
    _at_random: 0.15,
}


def _draw(candidate: Callable[[], str], accept: Callable[[str], bool]) -> str:
    for _ in range(_MAX_DRAWS):
        sentence = candidate()
        if accept(sentence):
            return sentence
    raise LookupError("No sentence of this kind was found; the template has too few fillings.")
