# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Scripts of the sample calls, with sentences drawn from the reserved ones."""

import random
from dataclasses import dataclass

from demo_model.tts.sentences import SLOTS, Language, draw_reserved_from, fill_fixed

AGENT, CALLER = 0, 1


@dataclass(frozen=True)
class ScriptLine:
    """A sentence template of a script, which may overlap the previous line.

    `hold_s`: seconds of hold music on the agent's channel afterwards.
    """

    channel: int
    template: str
    overlaps: bool = False
    hold_s: float = 0.0


@dataclass(frozen=True)
class FilledLine:
    """A line with its slots filled."""

    channel: int
    text: str
    overlaps: bool
    hold_s: float


OVERLAP = (
    ScriptLine(AGENT, "we are open from {day} to {day}"),
    ScriptLine(CALLER, "hello my name is {name} and i am calling about my {product}"),
    ScriptLine(AGENT, "sorry i did not hear that could you say the {product} again"),
    ScriptLine(CALLER, "the last four digits are {digit4}", overlaps=True),
    ScriptLine(AGENT, "we will send a new {product} on {day} {month} {digit}"),
    ScriptLine(CALLER, "yes that is correct the {product} is {fault}", overlaps=True),
    ScriptLine(AGENT, "your {product} will arrive on {day} or {day}"),
    ScriptLine(AGENT, "the price of this {product} is {digit2} dollars"),
)

NOISE = (
    ScriptLine(AGENT, "we are open from {day} to {day}"),
    ScriptLine(CALLER, "the {product} that you sent in {month} is {fault}"),
    ScriptLine(AGENT, "thank you {name} please hold while i check your {product}"),
    ScriptLine(CALLER, "my {product} number is {digit6}"),
    ScriptLine(CALLER, "i want to speak to an agent about the {product}"),
    ScriptLine(AGENT, "the price of this {product} is {digit2} dollars"),
    ScriptLine(CALLER, "i would like to cancel my {product} before {day}"),
    ScriptLine(AGENT, "great thank you for your help {name} goodbye"),
)

SILENT_CALLER = (
    ScriptLine(AGENT, "we are open from {day} to {day}"),
    ScriptLine(CALLER, "my {product} was {fault} since {day}"),
    ScriptLine(AGENT, "thank you {name} please hold while i check your {product}"),
    ScriptLine(AGENT, "the last four digits are {digit4}"),
    ScriptLine(AGENT, "we will send a new {product} on {day} {month} {digit}"),
    ScriptLine(AGENT, "the price of this {product} is {digit2} dollars"),
    ScriptLine(AGENT, "your {product} will arrive on {day} or {day}"),
)

ON_HOLD = (
    ScriptLine(AGENT, "good morning {name} my {product} is {fault}"),
    ScriptLine(CALLER, "no that is not right my {product} is {fault} not {fault}"),
    ScriptLine(AGENT, "thank you {name} please hold while i check your {product}", hold_s=14.0),
    ScriptLine(AGENT, "the last four digits are {digit4}"),
    ScriptLine(CALLER, "please transfer {digit2} hundred dollars to {name}"),
    ScriptLine(AGENT, "we will send a new {product} on {day} {month} {digit}"),
    ScriptLine(CALLER, "can i change the {product} to {day} {time}"),
    ScriptLine(AGENT, "your {product} will arrive on {day} or {day}", hold_s=9.0),
    ScriptLine(AGENT, "the price of this {product} is {digit2} dollars"),
    ScriptLine(CALLER, "i have paid the {product} two times in {month}"),
    ScriptLine(AGENT, "great thank you for your help {name} goodbye"),
)

SPANISH = (
    ScriptLine(CALLER, "hola me llamo {name} y llamo por mi {product}"),
    ScriptLine(AGENT, "gracias {name} espere mientras busco su {product}"),
    ScriptLine(CALLER, "llamo por mi {product} porque está {fault}"),
    ScriptLine(AGENT, "puede confirmar los últimos {digit} números de su {product}"),
    ScriptLine(CALLER, "los últimos cuatro números son {digit4}", overlaps=True),
    ScriptLine(AGENT, "el precio de esta {product} es de {digit2} pesos"),
    ScriptLine(CALLER, "la {product} que me mandaron en {month} está {fault}"),
    ScriptLine(AGENT, "le mandamos una nueva {product} el {day} {digit} de {month}"),
    ScriptLine(CALLER, "sí es correcto la {product} está {fault}"),
    ScriptLine(AGENT, "su {product} va a llegar el {day} o el {day}"),
    ScriptLine(CALLER, "por favor pase {digit2} cientos de pesos a {name}"),
    ScriptLine(AGENT, "estamos abiertos de {day} a {day}"),
)

UNKNOWN_VOICE = (
    ScriptLine(AGENT, "we are open from {day} to {day}"),
    ScriptLine(CALLER, "hello my name is {name} and i am calling about my {product}"),
    ScriptLine(AGENT, "could you repeat the {product} number please"),
    ScriptLine(CALLER, "my {product} number is {digit4}"),
    ScriptLine(AGENT, "the {product} that you sent in {month} is {fault}"),
    ScriptLine(CALLER, "i was born on {month} {digit} {digit}"),
    ScriptLine(AGENT, "thank you {name} please hold while i check your {product}"),
    ScriptLine(CALLER, "my {product} was {fault} since {day}"),
    ScriptLine(AGENT, "your {product} will arrive on {day} or {day}"),
    ScriptLine(CALLER, "i would like to cancel my {product} before {day}"),
)


def draw(
    script: tuple[ScriptLine, ...], language: Language, chance: random.Random
) -> list[FilledLine]:
    """Fill a script's slots, in order, with sentences never used in training.

    Names and products stay the same in a call if a reserved sentence allows it.
    """
    slots = SLOTS[language]
    fixed = {slot: chance.choice(slots[slot]) for slot in ("name", "product", "fault")}
    return [
        FilledLine(
            line.channel, _draw_line(line, fixed, language, chance), line.overlaps, line.hold_s
        )
        for line in script
    ]


def _draw_line(
    line: ScriptLine, fixed: dict[str, str], language: Language, chance: random.Random
) -> str:
    for kept in (fixed, {"product": fixed["product"]}, {"name": fixed["name"]}):
        try:
            return draw_reserved_from(fill_fixed(line.template, kept), language, chance)
        except LookupError:
            continue
    return draw_reserved_from(line.template, language, chance)
