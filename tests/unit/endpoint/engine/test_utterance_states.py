# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Which requests are states of one utterance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whisper_endpoint.engine.utterance_states import UtteranceRef, Utterances
from whisper_endpoint.ingress import fingerprint
from whisper_endpoint.messages import UtteranceState
from whisper_endpoint.transcript import Transcript

BLOCK = fingerprint.BLOCK_SAMPLES


def voice(seed: int, blocks: int = 100) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.random.default_rng(seed).standard_normal(blocks * BLOCK).astype(np.float32)


def seen(
    samples: "np.ndarray[tuple[int], np.dtype[np.float32]]",
    call: str = "",
    utterance: str | None = None,
    sequence: int | None = None,
) -> UtteranceState:
    return UtteranceState(
        is_partial=True,
        scope=(call, ""),
        utterance_id=utterance,
        sequence=sequence,
        fingerprint=fingerprint.of(samples),
    )


def said(language: str) -> Transcript:
    return Transcript(language, ())


class ManualClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def enter(utterances: Utterances, state: UtteranceState, manner: str = "") -> UtteranceRef:
    ref = utterances.enter(state, manner)
    assert ref is not None
    return ref


def test_audio_grown_longer_is_the_same_utterance_and_other_audio_is_not() -> None:
    utterances = Utterances()
    keys = {enter(utterances, seen(voice(1)[: end * BLOCK])).key for end in (3, 4, 50, 51, 100)}
    assert len(keys) == 1
    assert enter(utterances, seen(voice(2))).key not in keys
    assert len(utterances) == 2


def test_audio_that_goes_on_differently_is_another_utterance() -> None:
    utterances = Utterances()
    greeting = voice(1, 40)
    one, two = (np.concatenate([greeting, voice(seed, 20)]) for seed in (2, 3))
    first = enter(utterances, seen(greeting))
    utterances.learn(first, said("aa"), None)
    grown = enter(utterances, seen(one))
    assert grown.key == first.key
    assert grown.known == said("aa")
    other = enter(utterances, seen(two))
    assert other.key != first.key
    assert other.known is None
    assert enter(utterances, seen(np.concatenate([one, voice(9, 5)]))).key == first.key
    assert enter(utterances, seen(np.concatenate([two, voice(9, 5)]))).key == other.key


def test_calls_and_channels_are_never_mixed() -> None:
    utterances = Utterances()
    keys = {enter(utterances, seen(voice(1), call)).key for call in ("", "a", "b")}
    assert len(keys) == 3
    names = {
        enter(utterances, seen(voice(1), call, name)).key for call in "ab" for name in ("x", "y")
    }
    assert len(names | keys) == 7
    assert enter(utterances, seen(voice(2), "a", "x")).key not in names | keys


def test_a_lower_sequence_number_is_outdated_and_changes_nothing() -> None:
    utterances = Utterances()
    newest = enter(utterances, seen(voice(1, 60), utterance="u", sequence=5))
    utterances.learn(newest, said("bb"), None)
    late = enter(utterances, seen(voice(1, 60)[: 30 * BLOCK], utterance="u", sequence=4))
    assert late.is_outdated
    # It must not get words that its own audio does not hold.
    assert late.known is None
    again = enter(utterances, seen(voice(1, 60), utterance="u", sequence=5))
    assert not again.is_outdated
    assert again.known == said("bb")


def test_what_is_known_is_never_newer_than_the_audio_asked_about() -> None:
    utterances = Utterances()
    samples = voice(1)
    one = enter(utterances, seen(samples[: 30 * BLOCK]))
    two = enter(utterances, seen(samples[: 60 * BLOCK]))
    assert one.known is None
    utterances.learn(two, said("bb"), None)
    assert one.known is None
    assert two.known == said("bb")
    utterances.learn(one, said("aa"), None)
    assert two.known == said("bb")
    three = enter(utterances, seen(samples))
    assert three.known == said("bb")


def test_words_are_forced_once_two_states_agreed_on_them() -> None:
    utterances = Utterances()
    samples = voice(1)
    texts = [(1, 2, 3, 4, 5, 6, 7, 8), (1, 2, 3, 9, 5, 6, 7, 8, 10, 11), (1, 2, 3, 9, 5, 6, 7, 8)]
    forced = []
    for end, tokens in zip((20, 40, 60), texts, strict=True):
        ref = enter(utterances, seen(samples[: end * BLOCK]))
        forced.append(ref.prefix)
        utterances.learn(ref, said("en"), tokens)
    forced.append(enter(utterances, seen(samples[: 80 * BLOCK])).prefix)
    # Nothing, one text only, what two agree on, and that less the last five of the newer one.
    assert forced == [(), (), (1, 2, 3), (1, 2, 3)]


def test_nothing_is_forced_on_other_audio_another_manner_or_after_a_bad_text() -> None:
    samples = voice(1)

    def after(*texts: tuple[int, ...] | None) -> Utterances:
        utterances = Utterances()
        for number, tokens in enumerate(texts, start=1):
            end = 20 * number * BLOCK
            ref = enter(utterances, seen(samples[:end], utterance="u"), "en")
            utterances.learn(ref, said("en"), tokens)
        return utterances

    text = tuple(range(20))
    grown = seen(samples, utterance="u")
    assert enter(after(text, text), grown, "en").prefix == text[:15]
    assert enter(after(text, text), grown, "es").prefix == ()
    assert enter(after(text, text), seen(voice(2), utterance="u"), "en").prefix == ()
    assert enter(after(text, text, None), grown, "en").prefix == ()
    assert enter(after(text, None, text), grown, "en").prefix == ()


def test_memory_is_bounded_by_number_and_age() -> None:
    clock = ManualClock()
    utterances = Utterances(max_utterances=10, clock=clock)
    for seed in range(50):
        enter(utterances, seen(voice(seed, 5)))
    assert len(utterances) == 10
    samples = voice(99)
    key = enter(utterances, seen(samples[: 10 * BLOCK])).key
    clock.now = 59
    assert enter(utterances, seen(samples[: 20 * BLOCK])).key == key
    clock.now = 120
    assert enter(utterances, seen(samples)).key != key
    assert len(utterances) == 1


def test_too_short_to_be_known_again() -> None:
    assert Utterances().enter(seen(voice(1)[: BLOCK - 1])) is None


SILENCE = np.zeros(BLOCK, np.float32)


@pytest.mark.parametrize("stranger", [SILENCE, np.tile(SILENCE, 300), voice(7)])
@pytest.mark.parametrize("sequence", [None, 0, 2**60])
def test_who_knows_a_name_and_not_the_audio_changes_nothing(
    stranger: "np.ndarray[tuple[int], np.dtype[np.float32]]", sequence: int | None
) -> None:
    """Before, between and after the states of an utterance that begins with silence."""
    samples = np.concatenate([SILENCE, voice(1)])
    utterances = Utterances()
    for number, end in enumerate((30, 60, 90)):
        enter(utterances, seen(stranger, "a", "u", sequence))
        ref = enter(utterances, seen(samples[: end * BLOCK], "a", "u", number))
        assert not ref.is_outdated
        assert ref.key is not None
        assert enter(utterances, seen(stranger, "a", "u", sequence)).key != ref.key


def test_a_text_that_was_asked_for_otherwise_is_not_known() -> None:
    utterances = Utterances()
    utterances.learn(enter(utterances, seen(voice(1, 50)), "theirs"), said("xx"), None)
    assert enter(utterances, seen(voice(1, 50)), "mine").known is None


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12)), max_size=40))
def test_nobody_ever_gets_text_of_audio_that_is_not_their_own(
    requests: list[tuple[int, int]],
) -> None:
    """Four speakers with a common beginning, in any order and length."""
    start = voice(0, 4)
    audio = [np.concatenate([start, voice(speaker + 1, 12)]) for speaker in range(4)]
    utterances = Utterances(max_utterances=3)
    for speaker, blocks in requests:
        samples = audio[speaker][: blocks * BLOCK]
        ref = utterances.enter(seen(samples))
        assert ref is not None
        if ref.known is not None:
            heard = np.array(ref.known.language.split(), dtype=np.float32)
            assert np.array_equal(heard, samples[: len(heard)])
        # The text stands for the audio itself, as far as the fingerprint sees it.
        heard = samples[: max(1, blocks - 1) * BLOCK]
        utterances.learn(ref, said(" ".join(map(repr, map(float, heard)))), None)


@pytest.mark.parametrize("length", [1, 2, 30])
def test_the_same_audio_again_replaces_nothing_unless_its_sender_named_it(length: int) -> None:
    utterances = Utterances()
    samples = voice(1, 60)
    keys = [enter(utterances, seen(samples[: length * BLOCK])).key for _ in range(3)]
    assert keys[0] is not None
    assert keys[1:] == [None, None]
    assert enter(utterances, seen(samples)).key == keys[0]
    named = {enter(utterances, seen(samples, utterance="u")).key for _ in range(3)}
    assert len(named) == 1
    assert None not in named


def test_the_same_audio_does_not_agree_with_itself() -> None:
    utterances = Utterances()
    samples = voice(1, 60)
    text = tuple(range(20))
    for _ in range(3):
        ref = enter(utterances, seen(samples[: 30 * BLOCK]))
        utterances.learn(ref, said("en"), text)
    assert enter(utterances, seen(samples[: 40 * BLOCK])).prefix == ()
    ref = enter(utterances, seen(samples[: 50 * BLOCK]))
    utterances.learn(ref, said("en"), text)
    assert enter(utterances, seen(samples)).prefix == text[:15]
