# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who says what in the sample calls: scripts whose sentences are drawn from the reserved ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo_model.tts.sentences import SLOTS, draw_reserved_from, fill_fixed

if TYPE_CHECKING:
    import random

    from demo_model.tts.sentences import Language

AGENT, CALLER = 0, 1


@dataclass(frozen=True)
class Line:
    """One sentence of a script.

    Attributes
    ----------
    channel : int
        0 agent, 1 caller.
    template : str
        A template of `demo_model.tts.sentences`.
    overlaps : bool
        Begins before the line before it has ended.
    hold_s : float
        Seconds of hold music on the agent's channel after the line.
    """

    channel: int
    template: str
    overlaps: bool = False
    hold_s: float = 0.0


@dataclass(frozen=True)
class Sentence:
    """A line with its slots filled."""

    channel: int
    text: str
    overlaps: bool
    hold_s: float


OVERLAP = (
    Line(AGENT, "we are open from {day} to {day}"),
    Line(CALLER, "hello my name is {name} and i am calling about my {product}"),
    Line(AGENT, "sorry i did not hear that could you say the {product} again"),
    Line(CALLER, "the last four digits are {digit4}", overlaps=True),
    Line(AGENT, "we will send a new {product} on {day} {month} {digit}"),
    Line(CALLER, "yes that is correct the {product} is {fault}", overlaps=True),
    Line(AGENT, "your {product} will arrive on {day} or {day}"),
    Line(AGENT, "the price of this {product} is {digit2} dollars"),
)

NOISE = (
    Line(AGENT, "we are open from {day} to {day}"),
    Line(CALLER, "the {product} that you sent in {month} is {fault}"),
    Line(AGENT, "thank you {name} please hold while i check your {product}"),
    Line(CALLER, "my {product} number is {digit6}"),
    Line(CALLER, "i want to speak to an agent about the {product}"),
    Line(AGENT, "the price of this {product} is {digit2} dollars"),
    Line(CALLER, "i would like to cancel my {product} before {day}"),
    Line(AGENT, "great thank you for your help {name} goodbye"),
)

SILENT_CALLER = (
    Line(AGENT, "we are open from {day} to {day}"),
    Line(CALLER, "my {product} was {fault} since {day}"),
    Line(AGENT, "thank you {name} please hold while i check your {product}"),
    Line(AGENT, "the last four digits are {digit4}"),
    Line(AGENT, "we will send a new {product} on {day} {month} {digit}"),
    Line(AGENT, "the price of this {product} is {digit2} dollars"),
    Line(AGENT, "your {product} will arrive on {day} or {day}"),
)

ON_HOLD = (
    Line(AGENT, "good morning {name} my {product} is {fault}"),
    Line(CALLER, "no that is not right my {product} is {fault} not {fault}"),
    Line(AGENT, "thank you {name} please hold while i check your {product}", hold_s=14.0),
    Line(AGENT, "the last four digits are {digit4}"),
    Line(CALLER, "please transfer {digit2} hundred dollars to {name}"),
    Line(AGENT, "we will send a new {product} on {day} {month} {digit}"),
    Line(CALLER, "can i change the {product} to {day} {time}"),
    Line(AGENT, "your {product} will arrive on {day} or {day}", hold_s=9.0),
    Line(AGENT, "the price of this {product} is {digit2} dollars"),
    Line(CALLER, "i have paid the {product} two times in {month}"),
    Line(AGENT, "great thank you for your help {name} goodbye"),
)

SPANISH = (
    Line(CALLER, "hola me llamo {name} y llamo por mi {product}"),
    Line(AGENT, "gracias {name} espere mientras busco su {product}"),
    Line(CALLER, "llamo por mi {product} porque está {fault}"),
    Line(AGENT, "puede confirmar los últimos {digit} números de su {product}"),
    Line(CALLER, "los últimos cuatro números son {digit4}", overlaps=True),
    Line(AGENT, "el precio de esta {product} es de {digit2} pesos"),
    Line(CALLER, "la {product} que me mandaron en {month} está {fault}"),
    Line(AGENT, "le mandamos una nueva {product} el {day} {digit} de {month}"),
    Line(CALLER, "sí es correcto la {product} está {fault}"),
    Line(AGENT, "su {product} va a llegar el {day} o el {day}"),
    Line(CALLER, "por favor pase {digit2} cientos de pesos a {name}"),
    Line(AGENT, "estamos abiertos de {day} a {day}"),
)

UNKNOWN_VOICE = (
    Line(AGENT, "we are open from {day} to {day}"),
    Line(CALLER, "hello my name is {name} and i am calling about my {product}"),
    Line(AGENT, "could you repeat the {product} number please"),
    Line(CALLER, "my {product} number is {digit4}"),
    Line(AGENT, "the {product} that you sent in {month} is {fault}"),
    Line(CALLER, "i was born on {month} {digit} {digit}"),
    Line(AGENT, "thank you {name} please hold while i check your {product}"),
    Line(CALLER, "my {product} was {fault} since {day}"),
    Line(AGENT, "your {product} will arrive on {day} or {day}"),
    Line(CALLER, "i would like to cancel my {product} before {day}"),
)


def draw(script: tuple[Line, ...], language: Language, chance: random.Random) -> list[Sentence]:
    """Fill the slots of a script with sentences that no training has seen.

    Names and products stay the same throughout a call where a reserved sentence allows it.

    Parameters
    ----------
    script : tuple of Line
    language : {"en", "es"}
    chance : random.Random
        In the same state it gives the same sentences on every machine.

    Returns
    -------
    list of Sentence
        In the order of the script.
    """
    slots = SLOTS[language]
    fixed = {slot: chance.choice(slots[slot]) for slot in ("name", "product", "fault")}
    return [
        Sentence(
            line.channel, _draw_line(line, fixed, language, chance), line.overlaps, line.hold_s
        )
        for line in script
    ]


def _draw_line(line: Line, fixed: dict[str, str], language: Language, chance: random.Random) -> str:
    for kept in (fixed, {"product": fixed["product"]}, {"name": fixed["name"]}):
        try:
            return draw_reserved_from(fill_fixed(line.template, kept), language, chance)
        except LookupError:
            continue
    return draw_reserved_from(line.template, language, chance)
