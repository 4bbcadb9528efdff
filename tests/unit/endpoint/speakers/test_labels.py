# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Words get their speakers, and segments end where the speaker changes."""

from dataclasses import replace

import pytest

from tests.contract.transcripts import segment
from whisper_endpoint.speakers.labels import label
from whisper_endpoint.speakers.turns import Diarization, SpeakerCount, Turn
from whisper_endpoint.transcript import Segment, Transcript, merge_channels

# Words of a second each.
SAID = segment(0, 6, " a b c d e f", " a| b| c| d| e| f", tokens=(1, 2))


def labelled(*segments: Segment, turns: tuple[Turn, ...]) -> Transcript:
    (found,) = label([Transcript("en", segments)], [Diarization(turns, turns)])
    return found


def told(transcript: Transcript) -> list[tuple[int | None, str]]:
    for one in transcript.segments:
        assert {word.speaker for word in one.words or ()} <= {one.speaker}
    return [(one.speaker, one.text) for one in transcript.segments]


def test_a_segment_is_cut_where_the_speaker_changes() -> None:
    found = labelled(SAID, turns=(Turn(0, 2.2, 5), Turn(2.2, 4.9, 1), Turn(4.9, 6, 5)))
    assert told(found) == [(0, " a b"), (1, " c d e"), (0, " f")]
    assert [(one.start, one.end) for one in found.segments] == [(0, 2), (2, 5), (5, 6)]
    assert ([one.id for one in found.segments], found.speakers) == ([1, 2, 3], 2)
    assert {one.tokens for one in found.segments} == {()}
    assert found.text == "a b c d e f"


def test_a_sentence_stays_whole_where_another_speaker_cuts_in() -> None:
    said = segment(0, 6, " a b c. d e f", " a| b| c.| d| e| f")
    turns = Turn(0, 3, 0), Turn(1, 6, 1)
    (found,) = label(
        [Transcript("en", (said,))], [Diarization(turns, (Turn(0, 1, 0), Turn(1, 6, 1)))]
    )
    assert told(found) == [(0, " a b c."), (1, " d e f")]


def test_a_segment_of_one_speaker_stays_as_it_is() -> None:
    found = labelled(SAID, turns=(Turn(0, 6, 5),))
    (one,) = found.segments
    assert (one.tokens, one.start, one.end, one.speaker) == ((1, 2), 0, 6, 0)


def test_a_word_in_a_pause_is_the_nearest_speakers() -> None:
    found = labelled(SAID, turns=(Turn(0, 0.5, 0), Turn(4.6, 5, 1)))
    assert told(found) == [(0, " a b c"), (1, " d e f")]


def test_what_a_reader_takes_for_one_word_has_one_speaker() -> None:
    price = segment(0, 2, " $5.50", " $5|.50")
    found = labelled(price, turns=(Turn(0, 0.8, 0), Turn(0.8, 2, 1)))
    assert told(found) == [(0, " $5.50")]


def test_where_nobody_is_heard_one_person_says_everything() -> None:
    assert told(labelled(SAID, turns=())) == [(0, SAID.text)]
    assert labelled(turns=(Turn(0, 1, 0),)).speakers == 0


@pytest.mark.parametrize("words", [None, ()])
def test_a_segment_without_words_is_that_speakers_who_speaks_for_most_of_it(
    words: tuple[()] | None,
) -> None:
    bare = replace(SAID, words=words)
    found = labelled(bare, turns=(Turn(0, 2, 0), Turn(2, 6, 1)))
    assert told(found) == [(0, SAID.text)]
    assert found.segments[0].words == words
    both = labelled(segment(0, 1, " x", " x"), bare, turns=(Turn(0, 2, 0), Turn(2, 6, 1)))
    assert told(both) == [(0, " x"), (1, SAID.text)]


def test_a_segment_whose_words_are_not_its_text_is_not_cut() -> None:
    other = replace(SAID, text=" a b (c) d e f")
    found = labelled(other, turns=(Turn(0, 2, 0), Turn(2, 6, 1)))
    assert told(found) == [(0, other.text)]
    assert found.segments[0].tokens == (1, 2)


def test_speakers_of_two_channels_are_different_people() -> None:
    left = Transcript("en", (segment(1, 2, " l", " l"), segment(4, 5, " m", " m")))
    right = Transcript("en", (segment(0, 1, " r", " r"),))
    turns = (Turn(0, 3, 0), Turn(3, 6, 1)), (Turn(0, 6, 0),)
    both = merge_channels(label([left, right], [Diarization(one, one) for one in turns]))
    assert [(one.channel, one.speaker) for one in both.segments] == [(1, 0), (0, 1), (0, 2)]
    assert both.speakers == 3


def test_how_many_may_speak() -> None:
    assert SpeakerCount.of(3, 2, 4) == SpeakerCount(3, 3)
    assert SpeakerCount.of(None, 2, None) == SpeakerCount(2, 30)
    assert SpeakerCount.of(None, None, 4) == SpeakerCount(1, 4)
