# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Speakers who are like known voices have their names."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.transcripts import segment
from tests.unit.endpoint.speakers.test_diarization import Tape, call
from tests.unit.endpoint.speakers.toy_models import ToySpeakerModels, voice
from whisper_endpoint.messages import SAMPLE_RATE
from whisper_endpoint.speakers.known_voices import named
from whisper_endpoint.speakers.labels import label
from whisper_endpoint.speakers.turns import Diarization, SpeakerCount, Turn
from whisper_endpoint.transcript import Transcript, merge_channels

SAID = segment(0, 2, " a b", " a| b")
TURNS = Turn(0, 1, 0), Turn(1, 2, 1)


def channel(*alike: tuple[float, ...]) -> Diarization:
    return Diarization(TURNS, TURNS, alike)


def labels(*channels: Diarization, names: tuple[str, ...]) -> list[str | None]:
    found = label([Transcript("en", (SAID,))] * len(channels), channels, names)
    for one in merge_channels(found).segments:
        assert {word.speaker_name for word in one.words or ()} == {one.speaker_name}
    return [one.speaker_name for each in found for one in each.segments]


def test_the_most_similar_speaker_has_the_name_and_no_other() -> None:
    found = labels(channel((0.8, 0.6), (0.9, 0.2)), names=("Ana", "Bo"))
    assert found == ["Bo", "Ana"]
    assert labels(channel((0.8,), (0.9,)), names=("Ana",)) == [None, "Ana"]


def test_who_is_like_nobody_has_no_name() -> None:
    assert labels(channel((0.1, 0.2), (-0.3, 0.3)), names=("Ana", "Bo")) == [None, None]


def test_a_name_is_one_speakers_of_all_channels() -> None:
    first, second = channel((0.7,), (0.1,)), channel((0.2,), (0.9,))
    assert labels(first, second, names=("Ana",)) == [None, None, None, "Ana"]


def test_where_nobody_is_heard_nobody_is_known() -> None:
    assert labels(Diarization((), ()), names=("Ana",)) == [None]


@given(
    st.lists(st.tuples(*[st.floats(-1, 1)] * 4), max_size=6),
)
def test_a_name_and_a_speaker_have_one_another(alike: list[tuple[float, ...]]) -> None:
    names = ("a", "b", "c", "d")
    found = named(dict(enumerate(alike)), names)
    assert len(set(found.values())) == len(found)
    assert all(alike[who][names.index(name)] > 0 for who, name in found.items())
    # No pair that is left over is more similar than one that was taken from either.
    for who, each in enumerate(alike):
        if who not in found:
            free = [each[place] for place, name in enumerate(names) if name not in found.values()]
            assert max(free, default=0) < 0.9


def test_voices_are_compared_with_the_speakers() -> None:
    models, samples = ToySpeakerModels(), call((4, 4), (9, 4))
    known = [models.voice(voice(number, 3)) for number in (9, 4, 7)]
    tape = Tape(samples)
    found = models.diarize(tape.read, len(samples), SpeakerCount(), known)
    first, second = (found.alike[turn.speaker] for turn in found.exclusive)
    assert [int(np.argmax(one)) for one in (first, second)] == [1, 0]
    assert max(alike[2] for alike in found.alike) < 0.1


def test_silence_is_like_nobody() -> None:
    assert not ToySpeakerModels().voice(np.zeros(3 * SAMPLE_RATE, np.float32)).any()
