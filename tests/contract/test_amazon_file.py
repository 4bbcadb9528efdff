# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Amazon Transcribe's file of a batch job."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.contract.rendering import anything, document, milliseconds
from tests.contract.transcripts import ONE_CHANNEL, TWO_CHANNELS, segment, transcripts
from whisper_contract.amazon_items import items
from whisper_contract.transcript import Transcript, Word


def said(items: list[dict[str, Any]]) -> str:
    """The text of items as Amazon joins them: a blank before a word."""
    parts = [
        (" " if one["type"] == "pronunciation" else "") + one["alternatives"][0]["content"]
        for one in items
    ]
    return "".join(parts).strip()


def test_amazon_transcribe_to_the_letter() -> None:
    found = document(ONE_CHANNEL, "transcribe", job_name="call-1", account_id="111122223333")
    assert (found["jobName"], found["accountId"], found["status"]) == (
        "call-1",
        "111122223333",
        "COMPLETED",
    )
    results = found["results"]
    assert "channel_labels" not in results
    assert results["items"][:3] == [
        {
            "id": 0,
            "type": "pronunciation",
            "alternatives": [{"confidence": "0.5", "content": "Hello"}],
            "start_time": "0.123",
            "end_time": "0.749",
        },
        {
            "id": 1,
            "type": "punctuation",
            "alternatives": [{"confidence": "0.0", "content": ","}],
        },
        {
            "id": 2,
            "type": "pronunciation",
            "alternatives": [{"confidence": "0.51", "content": "I'm"}],
            "start_time": "0.749",
            "end_time": "1.374",
        },
    ]
    assert said(results["items"][:5]) == "Hello, I'm Ana."
    contents = [one["alternatives"][0]["content"] for one in results["items"][5:]]
    assert contents == ["She", "said", '"', "no", '"?']
    assert results["audio_segments"][1] == {
        "id": 1,
        "transcript": 'She said "no"?',
        "start_time": "3661.0",
        "end_time": "3662.5",
        "items": [5, 6, 7, 8, 9],
    }


def test_channels_in_amazons_form() -> None:
    results = document(TWO_CHANNELS, "transcribe")["results"]
    labels = results["channel_labels"]
    assert labels["number_of_channels"] == 2
    assert [(one["channel_label"], said(one["items"])) for one in labels["channels"]] == [
        ("ch_0", "hello bye"),
        ("ch_1", "hi there"),
    ]
    assert [one["channel_label"] for one in results["items"]] == ["ch_0", "ch_1", "ch_1", "ch_0"]
    assert results["transcripts"] == [{"transcript": "hello hi there bye"}]


def test_a_silent_channel_is_a_channel() -> None:
    quiet = Transcript("en", TWO_CHANNELS.segments[:1], channels=2)
    labels = document(quiet, "transcribe")["results"]["channel_labels"]
    assert labels["channels"][1] == {"channel_label": "ch_1", "items": []}


def test_a_segment_without_words_is_one_item_with_its_own_times() -> None:
    bare = Transcript("en", (segment(1, 2, " hello, you."),))
    (item,) = document(bare, "transcribe")["results"]["items"]
    assert item["alternatives"] == [{"confidence": "0.779", "content": "hello, you."}]
    assert (item["start_time"], item["end_time"]) == ("1.0", "2.0")


@anything
@given(transcripts())
def test_amazons_items_say_every_word_once(transcript: Transcript) -> None:
    results = document(transcript, "transcribe")["results"]
    items = results["items"]
    assert [one["id"] for one in items] == list(range(len(items)))
    assert [n for one in results["audio_segments"] for n in one["items"]] == list(range(len(items)))
    for stretch, one in zip(results["audio_segments"], transcript.segments, strict=True):
        mine = [items[n]["alternatives"][0]["content"] for n in stretch["items"]]
        words = [word.word.strip() for word in one.words] if one.words else [one.text.strip()]
        assert "".join(mine) == "".join(words)
    if "channel_labels" in results:
        channels = results["channel_labels"]["channels"]
        listed = [item for one in channels for item in one["items"]]
        assert sorted(listed, key=lambda item: item["id"]) == items


def test_the_words_in_amazons_form_say_what_the_items_of_a_word_are() -> None:
    spoken = ' ¿Cómo?| well…| "Yes,"| (no)| $5.50,| 今日は。| don\'t'
    transcript = Transcript("en", (segment(0, 7, spoken.replace("|", ""), spoken),))
    found = document(transcript, "transcribe")["results"]["items"]
    assert [(one["type"], one["alternatives"][0]["content"]) for one in found] == [
        item for word in spoken.split("|") for item in items(word)
    ]


def times(item: dict[str, Any]) -> tuple[int, int]:
    return milliseconds(float(item["start_time"])), milliseconds(float(item["end_time"]))


@anything
@given(transcripts())
def test_no_two_words_of_a_channel_have_the_same_times(transcript: Transcript) -> None:
    results = document(transcript, "transcribe")["results"]
    words = [one for one in results["items"] if one["type"] == "pronunciation"]
    named = [(one.get("channel_label"), times(one)) for one in words]
    assert len(set(named)) == len(named)


def test_words_at_one_time_are_told_apart_by_a_millisecond_in_their_order() -> None:
    at = [(1.0, 1.0), (1.0, 1.0), (1.0004, 1.0), (1.0, 1.001), (1.0, 1.5), (1.0, 1.5), (2.0, 2.0)]
    words = tuple(Word(start, end, f" w{n},", 0.5) for n, (start, end) in enumerate(at))
    both = (replace(segment(1, 3, " w"), words=words, channel=n) for n in (0, 1))
    results = document(Transcript("en", tuple(both), channels=2), "transcribe")["results"]
    for channel in results["channel_labels"]["channels"]:
        found = [times(one) for one in channel["items"] if one["type"] == "pronunciation"]
        assert found == [
            *((1000, 1000), (1000, 1001), (1000, 1002), (1000, 1003)),
            *((1000, 1500), (1000, 1501), (2000, 2000)),
        ]


@anything
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=30))
def test_words_in_order_of_time_stay_in_it(steps: list[tuple[int, int]]) -> None:
    words, start, end = [], 0, 0
    for step, length in steps:
        start += step * (step > 1)
        end = max(end, start + length)
        words.append(Word(start / 1000, end / 1000, " w", 0.5))
    one = replace(segment(0, 1, " w"), words=tuple(words))
    found = document(Transcript("en", (one,)), "transcribe")["results"]["items"]
    given_times = [times(item) for item in found if "start_time" in item][: len(words)]
    assert given_times == sorted(set(given_times))
    for (first, last), word in zip(given_times, words, strict=False):
        assert first == milliseconds(word.start)
        assert milliseconds(word.end) <= last <= milliseconds(word.end) + len(words)
