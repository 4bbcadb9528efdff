# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import random
import re

import pytest

from demo_model.tts.sentences import (
    LANGUAGES,
    SLOTS,
    TEMPLATES,
    draw_for_training,
    draw_reserved,
    draw_reserved_from,
    fill,
    fill_fixed,
    holds_reserved,
    is_reserved,
    vocabulary,
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_about_150_words_and_no_word_elsewhere(language):
    words = set(vocabulary(language))
    assert 140 <= len(words) <= 170
    chance = random.Random(1)
    for _ in range(500):
        assert set(draw_for_training(language, chance).split()) <= words
        assert set(draw_reserved(language, chance).split()) <= words


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_reserved_is_never_drawn_for_training(language):
    chance = random.Random(2)
    assert not any(is_reserved(draw_for_training(language, chance)) for _ in range(2_000))
    assert all(is_reserved(draw_reserved(language, chance)) for _ in range(200))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_reserved_sentence_is_said_within_another_for_training(language):
    chance = random.Random(5)
    reserved = draw_reserved(language, chance)
    first = vocabulary(language)[0]
    assert holds_reserved(f"{first} {reserved} {first}", language)
    assert not holds_reserved(" ".join(reserved.split()[1:-1]), language)
    known = {draw_reserved(language, chance) for _ in range(300)}
    drawn = [draw_for_training(language, chance) for _ in range(2_000)]
    assert not any(f" {one} " in f" {said} " for one in known for said in drawn)
    assert not any(holds_reserved(said, language) for said in drawn)


def test_training_hears_words_where_no_template_has_them():
    chance = random.Random(7)
    drawn = [draw_for_training("en", chance) for _ in range(4_000)]
    after_before = {w for said in drawn for w in re.findall(r"\bbefore (\w+)", said)}
    assert len(after_before - {*SLOTS["en"]["day"], *SLOTS["en"]["month"]}) > 10
    digit = f"(?:{'|'.join(SLOTS['en']['digit'])})"
    # No template has more than six in a row, and half of such strings have a digit twice by chance.
    strings = [s[0] for said in drawn if (s := re.search(f"{digit}(?: {digit}){{6,}}", said))]
    assert len(strings) > 0.02 * len(drawn)
    assert sum(bool(re.search(r"\b(\w+) \1\b", s)) for s in strings) > 0.58 * len(strings)


@pytest.mark.parametrize("language", LANGUAGES)
def test_about_one_sentence_in_ten_is_reserved(language):
    chance = random.Random(3)
    drawn = {fill(t, language, chance) for t in TEMPLATES[language] for _ in range(100)}
    share = sum(map(is_reserved, drawn)) / len(drawn)
    assert 0.07 < share < 0.13


def test_the_same_state_draws_the_same_and_another_something_else():
    first, again, other = (
        [draw_reserved("es", random.Random(seed)) for _ in range(3)] for seed in (4, 4, 5)
    )
    assert first == again != other


def test_every_training_word_is_heard_in_both_kinds_of_sentence():
    chance = random.Random(6)
    heard = {w for _ in range(4_000) for w in draw_for_training("en", chance).split()}
    assert heard == set(vocabulary("en"))


def test_fixed_words_fill_the_first_slot_of_their_kind_only():
    filled = fill_fixed("{day} or {day} with {name}", {"day": "monday"})
    assert filled == "monday or {day} with {name}"
    assert "{" not in fill(filled, "en", random.Random(1))


def test_repeated_slots_are_as_many_words():
    assert len(fill("{digit6}", "en", random.Random(1)).split()) == 6


def test_a_template_without_a_reserved_filling_is_refused():
    chosen = next(word for word in vocabulary("en") if not is_reserved(word))
    with pytest.raises(LookupError, match="too few fillings"):
        draw_reserved_from(chosen, "en", random.Random(1))
