# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What is said in the sample calls: the demonstration model's sentences, drawn by a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

AGENT, CALLER = 0, 1

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
NAMES = ["john", "mary", "david", "sarah", "michael", "anna", "robert", "linda"]
MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
PRODUCTS = [
    "account",
    "order",
    "invoice",
    "card",
    "policy",
    "ticket",
    "router",
    "phone",
    "laptop",
    "subscription",
]
FAULTS = ["broken", "late", "missing", "blocked", "cancelled", "expired", "wrong", "lost"]


@dataclass(frozen=True)
class Line:
    """One sentence of a script.

    Attributes
    ----------
    channel : int
        0 agent, 1 caller.
    template : str
        Sentence with slots: {name}, {product}, {fault}, {month} stay the same throughout a call;
        {day} is a digit from one to nine, {digits4} and {digits5} so many, drawn anew each time.
    overlaps : bool
        Begins before the line before it has ended.
    """

    channel: int
    template: str
    overlaps: bool = False


@dataclass(frozen=True)
class Sentence:
    """A line with its slots filled."""

    channel: int
    text: str
    overlaps: bool


OVERLAP = (
    Line(AGENT, "hello this is {name} how can i help you today"),
    Line(CALLER, "i am calling about my {product} because it is {fault}"),
    Line(AGENT, "can you confirm the last four digits of your {product} number"),
    Line(CALLER, "the last four digits are {digits4}", overlaps=True),
    Line(AGENT, "i will send a new {product} on {month} {day}"),
    Line(CALLER, "yes that is correct", overlaps=True),
    Line(AGENT, "thank you for calling goodbye"),
)

NOISE = (
    Line(AGENT, "hello this is {name} how can i help you today"),
    Line(CALLER, "my {product} is {fault}"),
    Line(AGENT, "one moment please"),
    Line(CALLER, "my {product} number is {digits5}"),
    Line(CALLER, "can you please check the status of my {product}"),
    Line(AGENT, "is there anything else i can help you with"),
    Line(CALLER, "i would like to cancel my {product}"),
    Line(AGENT, "thank you for calling goodbye"),
)

SILENT_CALLER = (
    Line(AGENT, "hello this is {name} how can i help you today"),
    Line(CALLER, "i am calling about my {product} because it is {fault}"),
    Line(AGENT, "one moment please"),
    Line(AGENT, "the last four digits are {digits4}"),
    Line(AGENT, "i will send a new {product} on {month} {day}"),
    Line(AGENT, "is there anything else i can help you with"),
    Line(AGENT, "thank you for calling goodbye"),
)


def draw(script: tuple[Line, ...], chance: random.Random) -> list[Sentence]:
    """Fill the slots of a script.

    Parameters
    ----------
    script : tuple of Line
    chance : random.Random
        In the same state it gives the same sentences on every machine.

    Returns
    -------
    list of Sentence
        In the order of the script.
    """
    fixed = {
        "name": chance.choice(NAMES),
        "product": chance.choice(PRODUCTS),
        "fault": chance.choice(FAULTS),
        "month": chance.choice(MONTHS),
    }
    return [Sentence(line.channel, _filled(line, fixed, chance), line.overlaps) for line in script]


def _filled(line: Line, fixed: dict[str, str], chance: random.Random) -> str:
    drawn = {f"digits{n}": " ".join(chance.choice(DIGITS) for _ in range(n)) for n in (4, 5)}
    return line.template.format(**fixed, **drawn, day=chance.choice(DIGITS[1:]))
