# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
import itertools
import re
import time

import pytest

from tests.unit.endpoint.ingress.redaction.sentences import (
    Sentence,
    with_secrets,
    without_secrets,
)
from whisper_endpoint.ingress.redaction.recognisers import Finding, find

SECRETS = list(with_secrets(500, seed=1))


def shown(text: str, language: str = "en", *, is_live: bool = False) -> str:
    """The text as a final has it."""
    found = find(text, language, is_live=is_live).findings
    for one in reversed(found):
        text = f"{text[: one.start]}[{one.label}]{text[one.end :]}"
    return text


def held(text: str, language: str = "en") -> str:
    """The text as a partial has it."""
    found = find(text, language, is_live=True)
    end = len(text) if found.open_from is None else found.open_from
    for one in reversed([one for one in found.findings if one.start < end]):
        text = f"{text[: one.start]}[{one.label}]{text[one.end :]}"
        end += len(one.label) + 2 - (one.end - one.start)
    return text[:end].strip()


def is_covered(one: Sentence, findings: list[Finding]) -> bool:
    begin = one.text.index(one.secret)
    within = set(itertools.chain(*(range(part.start, part.end) for part in findings)))
    places = range(begin, begin + len(one.secret))
    return all(place in within or not one.text[place].isalnum() for place in places)


def is_beyond(one: Sentence, part: Finding) -> bool:
    """Whether a finding takes words that are no secret."""
    begin = one.text.index(one.secret) if one.secret else len(one.text)
    outside = [*range(begin), *range(begin + len(one.secret), len(one.text))]
    return any(part.start <= place < part.end and one.text[place].isalnum() for place in outside)


def test_secrets_are_found_and_nothing_else() -> None:
    rows = [(one, find(one.text, one.language).findings) for one in SECRETS]
    missed = [one.text for one, found in rows if not is_covered(one, found)]
    beyond = [one.text for one, found in rows for part in found if is_beyond(one, part)]
    named = [one for one, found in rows if {part.label for part in found} == {one.label}]
    assert len(missed) <= 0.01 * len(rows), missed
    assert len(beyond) <= 0.01 * len(rows), beyond
    assert len(named) >= 0.98 * len(rows)


def test_dates_prices_times_orders_and_years_stay() -> None:
    harmless = list(without_secrets(300, seed=2))
    taken = [one.text for one in harmless if find(one.text, one.language).findings]
    assert len(taken) <= 0.01 * len(harmless), taken


def test_no_partial_shows_the_beginning_of_a_secret() -> None:
    early = []
    for one in SECRETS:
        begin = one.text.index(one.secret)
        before = one.text[:begin].strip()
        for cut in re.finditer(r"\s|$", one.text):
            text = held(one.text[: cut.start()], one.language)
            text = re.sub(" [A-Z]$", "", text)  # half of an account's country
            is_held = before.startswith(text) or text.startswith(f"{before} [")
            # Nobody can tell that a name begins an address before there is a sign.
            is_name = one.label == "EMAIL" and not re.search("@|arroba|dot|punto", text)
            if not is_held and not is_name and not is_beyond_begin(one, text):
                early.append((one.text, text))
    assert len(early) <= 0.002 * len(SECRETS), early


def is_beyond_begin(one: Sentence, text: str) -> bool:
    """Whether more than the secret has been left out, as of "a m a r i a arroba"."""
    return "[" in text and one.text.startswith(text[: text.index("[")])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("four one one one, double one, triple one", "[NUMBER]"),
        ("Call +44 20 7946 0958 now.", "Call [PHONE] now."),
        ("It is (415) 555-0132, extension 12.", "It is [PHONE], extension 12."),
        ("eight hundred five five five oh one nine nine", "[PHONE]"),
        ("My pin is 1985.", "My pin is [NUMBER]."),
        ("The last four of my social are 1120.", "The last four of my social are [SSN]."),
        ("card ending in 4242", "card ending in [CARD_NUMBER]"),
        ("4111 1111 uh 1111 1111 okay", "[CARD_NUMBER] okay"),
        ("It is 411, let me see, 1111 1111 1111", "It is [NUMBER], let me see, [NUMBER]"),
        ("\uff14\uff11\uff11\uff11 1111 1111 1111", "[CARD_NUMBER]"),
        ("J. Doe: j.doe+home@mail.example.co.uk!", "J. Doe: [EMAIL]!"),
        ("j underscore doe at example dot co dot uk", "[EMAIL]"),
        ("I'm at 4-1-Pile, 5-5-Pile, 4-1-3-2.", "I'm at [NUMBER]-Pile, [NUMBER]-Pile, [NUMBER]."),
        ("my email is john at gmail", "my email is [EMAIL]"),
        ("It is 5.5.6.778. Thank you.", "It is [NUMBER]. Thank you."),
    ],
)  # fmt: skip
def test_what_is_left_of_a_text(text: str, left: str) -> None:
    assert shown(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "The server is at 192.168.10.1 and we moved 1,250,000 units.",
        "Order 48291034 shipped on 2024-03-12.",
        "Look at amazon dot com.",
        "Version 4.18.255 runs on 10.0.0.255.",
        "From 1999-2003 it was open 24/7.",
        "The 4th of 52 was a 747, or a B52.",
        "We meet at noon. It's you at the door.",
        "It weighs 1500 kg, and runs on 5G.",
        "",
    ],
)
def test_what_stays(text: str) -> None:
    assert shown(text) == text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("737.", "[NUMBER]."),
        ("Yes, it's 415", "Yes, it's [NUMBER]"),
        ("555 and then it ends", "[NUMBER] and then it ends"),
        ("My number is on the phone: 415.", "My number is on the phone: [PHONE]."),
        ("I was born in 1985.", "I was born in 1985."),
        ("It was 350 dollars.", "It was 350 dollars."),
        ("There are 12.", "There are 12."),
    ],
)
def test_a_number_at_the_edge_of_an_utterance_may_go_on_in_another(text: str, left: str) -> None:
    assert shown(text, is_live=True) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("I have four", "I have"),
        ("I have four children at school", "I have four children at school"),
        ("my card is 4111", "my card is"),
        ("it is 4111 um let me", "it is"),
        ("it is 4111 1111 1111 1111 and it is old", "it is [CARD_NUMBER] and it is old"),
        ("my email is john", "my email is"),
        ("it's john dot", "it's"),
        ("write j o h", "write"),
        ("so we met at", "so we met at"),
    ],
)  # fmt: skip
def test_a_partial_ends_where_something_may_have_begun(text: str, left: str) -> None:
    assert held(text) == left


@pytest.mark.parametrize(
    "part",
    ["1 ", "a@", "x dot ", "_", "J. ", "email is ", "ES91 ", "4 or 5 ", "411 is 5551234567 "],
)
def test_long_texts_take_no_longer_than_their_length(part: str) -> None:
    def seconds(characters: int) -> float:
        began = time.process_time()
        find(part * (characters // len(part)), "en", is_live=True)
        return time.process_time() - began

    # Eight times as much takes 64 times as long where the time grows with the square.
    assert seconds(8_000) < 40 * max(seconds(1_000), 0.05)
