# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What a call says while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_whisper.call import CallTranscriber
from live_whisper.errors import StreamError
from tests.unit.live.spoken import RATE, Held, Reader, line, stereo
from whisper_stream.events import CallEnded, TranscriptResult
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from whisper_stream.events import Event
from tests.unit.live.calls import (
    FEW,
    SEEDS,
    TURNS,
    adds_up,
    begin,
    finals_in_order,
    frames,
    no_more_after_final,
    spoken,
    texts,
)

pytestmark = pytest.mark.usefixtures("loudness")


def stable_words_stay(events: list[Event]) -> None:
    stable: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, TranscriptResult) and event.is_partial:
            now = [word.text for word in event.words if word.is_stable]
            before = stable.get(event.result_id, [])
            assert now[: len(before)] == before
            stable[event.result_id] = now


@given(left=TURNS, right=TURNS, chance=SEEDS)
@FEW
def test_every_word_is_final_exactly_once_whatever_the_order_of_answers(left, right, chance):
    call_audio = stereo(line(left), line(right, 5000))
    held = Held()
    call = begin(Reader(), held)
    events: list[Event] = []
    for frame in frames(call_audio, iter([4800] * 10_000)):
        call.feed(frame)
        for _ in range(chance.choice([0, 0, 1, 2])):
            if held.waiting:
                held.do(chance.randrange(len(held.waiting)))
        events += call.waiting_events()
    call.finish()
    while held.waiting:
        held.do(chance.randrange(len(held.waiting)))
    events += call.events()

    assert [texts(events, 0), texts(events, 1)] == [spoken(call_audio, 0), spoken(call_audio, 1)]
    no_more_after_final(events)
    finals_in_order(events)
    stable_words_stay(events)
    adds_up(events)


@given(turns=TURNS, sizes=st.lists(st.integers(1, 5000), max_size=30))
@FEW
def test_how_the_stream_is_cut_into_frames_changes_no_final(turns, sizes):
    audio = stereo(line(turns), line([(0.5, 2)], 5000))
    events = list(begin(Reader()).transcribe(frames(audio, sizes)))
    assert texts(events, 0) == spoken(audio, 0)
    assert texts(events, 1) == spoken(audio, 1)


def test_channels_may_come_apart_and_interleaved_alike() -> None:
    audio = stereo(line([(0.4, 6), (1.5, 3)]), line([(2.0, 4)], 5000))
    together, apart = begin(Reader()), begin(Reader())
    one = list(together.transcribe(frames(audio)))
    for at in range(0, len(audio), 1600):
        for channel in (0, 1):
            apart.feed_channel(channel, audio[at : at + 1600, channel].astype("<i2").tobytes())
    apart.finish()
    other = list(apart.events())
    assert [texts(one, 0), texts(one, 1)] == [texts(other, 0), texts(other, 1)]


def test_captions_grow_and_the_final_has_their_result_id() -> None:
    events = list(begin(Reader()).transcribe(frames(stereo(line([(0.5, 15)]), line([])))))
    results = [event for event in events if isinstance(event, TranscriptResult)]
    assert len({one.result_id for one in results}) == 1
    assert [one.is_partial for one in results] == [True] * (len(results) - 1) + [False]
    assert len(results) > 4
    lengths = [len(one.words) for one in results]
    assert lengths == sorted(lengths)
    assert any(word.is_stable for word in results[-2].words)


def test_one_partial_at_a_time_and_the_newest_audio_in_the_next() -> None:
    held, reader = Held(), Reader()
    call = begin(reader, held)
    for frame in frames(stereo(line([(0.2, 30)]), line([]))[: 8 * RATE]):
        call.feed(frame)
    assert len(held.waiting) == 1
    held.do()
    assert len(held.waiting) == 1
    held.do()
    assert reader.asks[1].end - reader.asks[0].end > 5
    call.close()


def test_an_utterance_longer_than_the_limit_is_cut_with_an_overlap() -> None:
    reader = Reader()
    audio = stereo(line([(0.3, 160)]), line([]))
    events = list(begin(reader, partials=False).transcribe(frames(audio)))
    lengths = [len(ask.audio) / RATE for ask in reader.asks]
    assert len(lengths) == 3
    assert max(lengths) <= 28.1
    assert reader.asks[0].end - reader.asks[1].start == pytest.approx(1.0, abs=0.05)
    assert texts(events, 0) == spoken(audio, 0)


@pytest.mark.parametrize(("words", "pause", "finals"), [(22, 0.35, 2), (22, 0.2, 1), (13, 0.35, 1)])
def test_a_long_utterance_ends_at_a_breath_and_a_short_one_does_not(
    words: int, pause: float, finals: int
) -> None:
    reader = Reader()
    audio = stereo(line([(0.3, words), (pause, 5)]), line([]))
    events = list(begin(reader, partials=False).transcribe(frames(audio)))
    assert len(reader.asks) == finals
    assert texts(events, 0) == spoken(audio, 0)


def test_without_partials_only_finals_are_asked_for() -> None:
    reader = Reader()
    list(begin(reader, partials=False).transcribe(frames(stereo(line([(0.3, 20)]), line([])))))
    assert [ask.is_partial for ask in reader.asks] == [False]


def test_a_click_is_no_utterance_and_silence_asks_nothing() -> None:
    audio = np.zeros((5 * RATE, 2), np.int16)
    audio[RATE : RATE + 800] = 3000
    reader = Reader()
    events = list(begin(reader).transcribe(frames(audio)))
    assert reader.asks == []
    assert [type(event) for event in events] == [CallEnded]


def test_short_pauses_are_part_of_an_utterance_and_long_ones_end_it() -> None:
    reader = Reader()
    audio = stereo(line([(0.5, 6), (0.4, 6), (1.2, 6)]), line([]))
    list(begin(reader, partials=False).transcribe(frames(audio)))
    assert len(reader.asks) == 2


def test_after_the_end_no_more_audio_is_taken() -> None:
    call = begin(Reader())
    call.finish()
    with pytest.raises(StreamError, match="finished"):
        call.feed(b"\0\0\0\0")


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(StreamError, match="multiple of 4 bytes"):
        begin(Reader()).feed(b"\0\0\0")


def test_an_unknown_channel_is_refused() -> None:
    with pytest.raises(StreamError, match="no channel 2"):
        begin(Reader()).feed_channel(2, b"\0\0")


def test_the_language_is_kept_after_enough_evidence() -> None:
    reader = Reader(language="es")
    audio = stereo(line([(0.5, 10), (1.5, 10), (1.5, 10)]), line([(3, 2)], 5000))
    list(begin(reader, partials=False).transcribe(frames(audio)))
    assert [ask.language for ask in reader.asks if ask.channel == 0] == [None, None, "es"]
    assert [ask.language for ask in reader.asks if ask.channel == 1] == [None]


def test_with_a_list_what_is_long_is_detected_though_the_language_is_known() -> None:
    reader = Reader(language="es")
    audio = stereo(line([(0.5, 10), (1.5, 10), (1.5, 20), (1.5, 2)]), line([]))
    list(begin(reader, allowed_languages=("en", "es")).transcribe(frames(audio)))
    later = [ask for ask in reader.asks if ask.start > reader.asks[0].end]
    assert {ask.end - ask.start >= 2.0 for ask in later if ask.is_partial} == {True, False}
    for ask in later:
        assert ask.language == (None if ask.end - ask.start >= 2.0 else "es")
    assert (later[-1].is_partial, later[-1].language) == (False, "es")


def test_the_languages_that_may_be_detected_go_with_every_request() -> None:
    reader = Reader(language="es")
    audio = stereo(line([(0.5, 4)]), line([(0.5, 4)]))
    list(begin(reader, allowed_languages=("en", "es")).transcribe(frames(audio)))
    assert {ask.languages for ask in reader.asks} == {("en", "es")}


def test_a_given_language_is_asked_for_from_the_start() -> None:
    reader = Reader()
    list(
        begin(reader, languages=("en", "es")).transcribe(
            frames(stereo(line([(0.5, 4)]), line([(0.5, 4)])))
        )
    )
    assert {(ask.channel, ask.language) for ask in reader.asks} == {(0, "en"), (1, "es")}


def test_threads_and_a_callback_lose_nothing() -> None:
    audio = stereo(line([(0.1, 40), (1.0, 40)]), line([(0.7, 50)], 5000))
    events: list[Event] = []
    with CallTranscriber(Reader(), CallSettings(sample_rate=RATE), on_event=events.append) as call:
        for frame in frames(audio):
            call.feed(frame)
        call.finish()
        assert call.wait(60)
    assert texts(events, 0) == spoken(audio, 0)
    assert texts(events, 1) == spoken(audio, 1)
    adds_up(events)


def test_a_callback_that_fails_neither_stops_the_call_nor_puts_words_into_the_log(caplog) -> None:
    audio = stereo(line([(0.1, 10), (1.0, 10)]), line([]))
    taken: list[Event] = []

    def fail_once(event: Event) -> None:
        if isinstance(event, TranscriptResult) and not event.is_partial and not refused:
            refused.append(event)
            raise OSError(event.text)
        taken.append(event)

    refused: list[TranscriptResult] = []
    how = CallSettings(sample_rate=RATE)
    with CallTranscriber(Reader(), how, on_event=fail_once) as call:
        for frame in frames(audio):
            call.feed(frame)
        call.finish()
        assert call.wait(60)
    assert [word.text for word in refused[0].words] + texts(taken, 0) == spoken(audio, 0)
    adds_up(taken)
    (pending,) = call.checkpoint()["channels"][0]["pending"]
    assert pending["result_id"] == refused[0].result_id
    assert "TranscriptResult" in caplog.text
    assert "OSError" in caplog.text
    assert "w0" not in caplog.text


@pytest.mark.parametrize(
    ("wrong", "said_so"),
    [
        ({"sample_rate": 44_100}, "44100 Hz"),
        ({"roles": ("AGENT", "BOSS")}, "BOSS"),
        ({"partial_interval_s": (2.0, 1.0)}, "Partial intervals"),
        ({"max_utterance_s": 40.0}, "at most 29 s"),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong, said_so) -> None:
    with pytest.raises(StreamError, match=said_so):
        CallSettings(**wrong)
