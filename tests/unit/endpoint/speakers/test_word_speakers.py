# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who says each word: sentences stay whole where two speak at once; interjections are heard."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from whisper_endpoint.speakers import word_speakers
from whisper_endpoint.speakers.turns import Diarization, Turn
from whisper_endpoint.speakers.word_speakers import WordSpeakers
from whisper_endpoint.transcript import Word

ANA, BEN, CEM = range(3)


def words(text: str, start: float = 0.0, step: float = 0.4) -> list[Word]:
    """Words of the same length, one after another."""
    times = itertools.count(start, step)
    return [
        Word(begin, begin + step, f" {word}", 1.0)
        for word, begin in zip(text.split(), times, strict=False)
    ]


def told(
    said: Sequence[Word], turns: tuple[Turn, ...], exclusive: tuple[Turn, ...] | None = None
) -> list[int]:
    found = Diarization(tuple(sorted(turns)), turns if exclusive is None else exclusive)
    return WordSpeakers(found).of_words(said)


# Ana ends her sentence at 3.2 s, Ben has begun at 1.6 s, and is the likelier one from there on.
SENTENCE = words("I would like to order a pair. No.")


def test_a_sentence_ends_with_who_began_it_where_another_is_likelier() -> None:
    turns = Turn(0, 2.8, ANA), Turn(1.6, 6, BEN)
    switched = Turn(0, 1.6, ANA), Turn(1.6, 6, BEN)
    assert told(SENTENCE, turns, switched) == [ANA] * 7 + [BEN]
    # Where Ana is not heard any more, the words are not hers.
    assert told(SENTENCE, switched, switched) == [ANA] * 4 + [BEN] * 4


@pytest.mark.parametrize("text", ["I would like yes to order", "I would, like. Yes. To order."])
@pytest.mark.parametrize("step", [0.2, 0.4, 0.8])
def test_an_interjection_is_its_own_speakers(text: str, step: float) -> None:
    turns = Turn(0, 3 * step, ANA), Turn(3 * step, 4 * step, BEN), Turn(4 * step, 6 * step, ANA)
    assert told(words(text, step=step), turns) == [ANA] * 3 + [BEN] + [ANA] * 2


def test_an_interjection_that_the_turns_have_for_most_of_its_time_is_its_own_speakers() -> None:
    turns = Turn(0, 1.22, ANA), Turn(1.28, 1.55, BEN), Turn(1.6, 2.4, ANA)
    assert told(words("I would like yes to order"), turns) == [ANA] * 3 + [BEN] + [ANA] * 2


def test_who_speaks_changes_between_sentences_rather_than_within() -> None:
    # The turns are late by more than half of a word.
    turns = Turn(0, 1.42, ANA), Turn(1.42, 4, BEN)
    assert told(words("how are you? Fine, thanks"), turns) == [ANA] * 3 + [BEN] * 2


def test_a_word_without_time_is_that_speakers_in_whose_turn_it_is() -> None:
    said = [Word(0, 1, " a", 1.0), Word(2, 2, " b.", 1.0), Word(4, 5, " c", 1.0)]
    assert told(said, (Turn(0, 1.5, ANA), Turn(1.5, 3, BEN), Turn(3.5, 5, CEM))) == [ANA, BEN, CEM]


def test_a_word_outside_all_turns_is_the_nearest_speakers() -> None:
    turns = Turn(1, 2, BEN), Turn(8, 9, ANA)
    said = [Word(at, at + 0.3, f" {at}.", 1.0) for at in (0.0, 2.5, 7.0, 12.0)]
    assert told(said, turns) == [BEN, BEN, ANA, ANA]


def test_without_turns_one_person_says_everything() -> None:
    assert told(SENTENCE, ()) == [0] * 8
    assert WordSpeakers(Diarization((), ())).of_span(1, 2) == 0
    assert told((), (Turn(0, 1, BEN),)) == []


def test_the_way_is_the_cheapest_of_all() -> None:
    draw = np.random.default_rng(1)
    for _ in range(30):
        costs, changes = draw.uniform(0, 3, (6, 3)), draw.uniform(0, 3, 6)

        def total(way: tuple[int, ...], costs=costs, changes=changes) -> float:
            changed = [a != b for a, b in itertools.pairwise(way)]
            return float(costs[np.arange(6), way].sum() + changes[1:][changed].sum())

        best = min(itertools.product(range(3), repeat=6), key=total)
        assert word_speakers._cheapest_way(costs, changes) == list(best)


def test_of_two_who_speak_all_the_time_the_likelier_one_has_the_words() -> None:
    turns = Turn(0, 4, ANA), Turn(0, 4, BEN), Turn(9, 10, ANA)
    assert told(SENTENCE, turns, (Turn(0, 4, BEN), Turn(9, 10, ANA))) == [BEN] * 8
