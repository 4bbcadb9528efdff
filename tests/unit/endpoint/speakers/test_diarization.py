# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Who speaks when, by models that know voices by their pitch."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.endpoint.speakers.toy_models import PITCHES, ToyEmbedding, ToySpeakerModels, voice
from whisper_endpoint.messages import SAMPLE_RATE
from whisper_endpoint.speakers import diarization, extraction
from whisper_endpoint.speakers.clustering import Tree
from whisper_endpoint.speakers.turns import Diarization, SpeakerCount, Turn

ANY = SpeakerCount()


class Tape:
    """Samples that are read once, with the most that was asked for at a time."""

    def __init__(self, samples: NDArray[np.float32]) -> None:
        self._samples = samples
        self._place = self.most = 0

    def read(self, count: int) -> NDArray[np.float32]:
        found = self._samples[self._place : self._place + count]
        assert len(found) == count
        self._place += count
        self.most = max(self.most, count)
        return found

    @property
    def is_over(self) -> bool:
        return self._place == len(self._samples)


def diarized(samples: NDArray[np.float32], count: SpeakerCount = ANY) -> Diarization:
    tape = Tape(samples)
    found = ToySpeakerModels().diarize(tape.read, len(samples), count)
    assert tape.is_over
    for turns in (found.turns, found.exclusive):
        assert all(0 <= one.start < one.end <= len(samples) / SAMPLE_RATE for one in turns)
        assert list(turns) == sorted(turns)
    assert all(
        a.end <= b.start + 0.31 for a, b in zip(found.exclusive, found.exclusive[1:], strict=False)
    )
    return found


def call(*said: tuple[int, float]) -> NDArray[np.float32]:
    pause = np.zeros(SAMPLE_RATE // 2, np.float32)
    return np.concatenate([pause, *(one for who, s in said for one in (voice(who, s), pause))])


def order(turns: Sequence[Turn]) -> list[int]:
    """Who speaks after whom, numbered as they come."""
    names: dict[int, int] = {}
    return [names.setdefault(turn.speaker, len(names)) for turn in turns]


def test_three_people_speak_in_turn() -> None:
    found = diarized(call((0, 4), (5, 3), (0, 3), (9, 5)))
    assert order(found.exclusive) == [0, 1, 0, 2]
    wanted = ((0.5, 4.5), (5, 8), (8.5, 11.5), (12, 17))
    np.testing.assert_allclose([one[:2] for one in found.exclusive], wanted, atol=0.1)
    assert found.turns == found.exclusive


def test_two_speak_at_once_and_one_of_them_has_the_words() -> None:
    samples = call((0, 6), (5, 6))
    samples[5 * SAMPLE_RATE : 7 * SAMPLE_RATE] += voice(5, 2)[: 2 * SAMPLE_RATE]
    found = diarized(samples)
    assert len({one.speaker for one in found.turns}) == 2
    both = sum(one.end - one.start for one in found.turns)
    alone = sum(one.end - one.start for one in found.exclusive)
    assert 0.8 < both - alone < 2.5


def test_the_number_that_is_given_is_found() -> None:
    samples = call((0, 4), (5, 4), (9, 4), (13, 4))
    for count in (SpeakerCount(2, 2), SpeakerCount(1, 3), SpeakerCount(4, 4), ANY):
        found = {one.speaker for one in diarized(samples, count).exclusive}
        assert count.least <= len(found) <= count.most
    assert len({one.speaker for one in diarized(samples).exclusive}) == 4
    # Fewer are heard than are said to be there.
    assert len({one.speaker for one in diarized(call((0, 4)), SpeakerCount(3, 3)).exclusive}) == 1


def test_a_long_recording_is_heard_in_stretches_and_people_stay_who_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extraction, "_STRETCH_WINDOWS", 10)
    monkeypatch.setattr(diarization, "_BLOCK", 1000)
    samples = call(*[(0, 7), (5, 5)] * 6)
    tape = Tape(samples)
    found = ToySpeakerModels().diarize(tape.read, len(samples), ANY)
    assert tape.most < 30 * SAMPLE_RATE
    assert len(samples) > 2 * tape.most
    assert order(found.exclusive) == [0, 1] * 6


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(20, np.float32),
        np.zeros(SAMPLE_RATE * 12, np.float32),
        voice(0, 0.05),
        np.full(SAMPLE_RATE * 2, np.nan, np.float32),
    ],
    ids=["empty", "a few samples", "silence", "50 ms", "NaN"],
)
def test_where_nobody_is_heard_there_are_no_turns(samples: NDArray[np.float32]) -> None:
    assert diarized(samples) == Diarization((), ())
    assert diarized(samples, SpeakerCount(2, 2)) == Diarization((), ())


def test_one_word_is_a_turn_of_one_person() -> None:
    (turn,) = diarized(call((3, 0.4))).exclusive
    np.testing.assert_allclose(turn[:2], (0.5, 0.9), atol=0.1)


@pytest.mark.parametrize("worst", [np.nan, np.inf, -np.inf])
def test_samples_that_are_none_change_nothing_elsewhere(worst: float) -> None:
    samples = call((0, 4), (5, 4))
    samples[:800] = worst
    assert order(diarized(samples).exclusive) == [0, 1]


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Frames of each stretch that is embedded."""
    frames: list[int] = []
    of = ToyEmbedding.of

    def counted(self: ToyEmbedding, features: NDArray[np.float32]) -> NDArray[np.float32]:
        frames.append(len(features[0]))
        return of(self, features)

    monkeypatch.setattr(ToyEmbedding, "of", counted)
    monkeypatch.setattr(extraction, "_STRETCH_WINDOWS", 5)
    return frames


def test_a_long_voice_of_a_window_before_is_not_embedded_again(embedded: list[int]) -> None:
    samples = np.concatenate([voice(0, 20), voice(5, 20), voice(9, 20)])
    heard = ToySpeakerModels().hear(Tape(samples).read, len(samples))
    windows = sum(frames > 200 for frames in embedded)
    # Every second window, and those in which the speaker changes.
    assert len(heard.firsts) / 2 <= windows <= 0.75 * len(heard.tracks)
    assert {*order(diarized(samples).exclusive)} == {0, 1, 2}
    # Each voice has the vector of whoever speaks there.
    for window, vector in zip(heard.tracks.windows, heard.tracks.vectors, strict=True):
        who = (0, 5, 9)[(0, 5, 9).index(int(vector.argmax()))]
        begin = (0, 20, 40)[(0, 5, 9).index(who)]
        assert begin < 2 * window + 10 and 2 * window < begin + 20


def test_speech_that_several_windows_have_is_embedded_once(embedded: list[int]) -> None:
    people = (0, 5, 9, 13, 17)
    samples = call(*[(who, 3) for who in people])
    heard = ToySpeakerModels().hear(Tape(samples).read, len(samples))
    # A window with only the beginning or the end of what somebody says embeds that.
    assert sum(frames > 285 for frames in embedded) == len(people)
    whole = heard.tracks.only(np.flatnonzero(heard.tracks.clean_s > 2.8))
    assert len(whole) > 2 * len(people)
    assert {int(vector.argmax()) for vector in whole.vectors} == {*people}
    assert order(diarized(samples).exclusive) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("others", [1, 12])
def test_who_speaks_for_a_second_at_an_edge_is_heard(others: int) -> None:
    samples = call((0, 1.3), *[(5, 4)] * others, (9, 1.3))
    assert {*order(diarized(samples).exclusive)} == {0, 1, 2}


def test_clipped_speech_is_speech() -> None:
    samples = np.clip(call((0, 4), (5, 4)) * 1000, -1, 1)
    assert len(diarized(samples).exclusive) >= 1


@pytest.mark.parametrize(
    ("people", "allowed", "found"),
    [(30, ANY, 30), (len(PITCHES), ANY, 30), (30, SpeakerCount(1, 6), 6)],
    ids=["30", "more", "few allowed"],
)
def test_a_crowd_is_as_many_as_may_be(people: int, allowed: SpeakerCount, found: int) -> None:
    samples = call(*[(number, 3) for number in range(people)])
    speakers = {one.speaker for one in diarized(samples, allowed).exclusive}
    assert 1 < len(speakers) <= found
    assert people > found or len(speakers) == people


def test_average_linkage_is_that_of_its_definition() -> None:
    draw = np.random.default_rng(1)
    vectors = draw.normal(size=(24, 6))
    alike = (vectors @ vectors.T).astype(np.float32)
    tree = Tree(alike.copy())
    clusters = [[number] for number in range(24)]
    for left in range(23, 0, -1):
        pairs = [(a, b) for a in range(len(clusters)) for b in range(a)]
        mean = {(a, b): alike[np.ix_(clusters[a], clusters[b])].mean() for a, b in pairs}
        one, other = max(pairs, key=mean.__getitem__)
        clusters[other] += clusters.pop(one)
        labels = tree.cut_into(left)
        assert {frozenset(np.flatnonzero(labels == name).tolist()) for name in set(labels)} == {
            frozenset(cluster) for cluster in clusters
        }
    assert sorted(tree.root.rows.tolist()) == list(range(24))
