# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
from __future__ import annotations

import json
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from live_whisper.call import CallTranscriber, InlineExecutor
from live_whisper.errors import EndpointUnusable, InvocationFailed, StreamError
from live_whisper.events import AudioMissing, CallEnded, TranscriptResult, UtteranceLost
from live_whisper.settings import CallSettings
from tests.unit.live.spoken import RATE, Held, Loudness, Reader, line, said, stereo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from live_whisper.audio.samples import Samples
    from live_whisper.call import Checkpoint, Executor
    from live_whisper.events import Event
    from live_whisper.transport.requests import TranscriptionRequest, TranscriptionResponse

TURNS = st.lists(st.tuples(st.floats(0.0, 3.0), st.integers(1, 75)), min_size=1, max_size=2)

SEEDS = st.integers(0, 2**32).map(random.Random)
FEW = settings(max_examples=15, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""Examples are whole calls: shrinking one takes minutes."""


@pytest.fixture(autouse=True)
def loudness() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("live_whisper.audio.utterances.webrtcvad.Vad", Loudness)
        yield


class Stopped:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def begin(reader: Reader, executor: Executor | None = None, **more: object) -> CallTranscriber:
    how = CallSettings(sample_rate=RATE, **more)  # type: ignore[arg-type]
    return CallTranscriber(reader, how, executor=executor or InlineExecutor())


def frames(call: Samples, sizes: Iterable[int] = ()) -> Iterator[bytes]:
    at, sizes = 0, iter(sizes)
    while at < len(call):
        size = next(sizes, 1600)
        yield call[at : at + size].astype("<i2").tobytes()
        at += size


def texts(events: Iterable[Event], channel: int) -> list[str]:
    """The finals of a channel in the order of the call."""
    finals = [
        event
        for event in events
        if isinstance(event, TranscriptResult) and event.channel == channel
        if not event.is_partial
    ]
    return [word.text for one in sorted(finals, key=lambda one: one.start) for word in one.words]


def spoken(call: Samples, channel: int) -> list[str]:
    return [word.text for word in said(call[:, channel])]


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
    stable_words_stay(events)
    adds_up(events)


def no_more_after_final(events: list[Event]) -> None:
    ended: set[str] = set()
    for event in events:
        if isinstance(event, TranscriptResult):
            assert event.result_id not in ended
            if not event.is_partial:
                ended.add(event.result_id)


def stable_words_stay(events: list[Event]) -> None:
    stable: dict[str, list[str]] = {}
    for event in events:
        if isinstance(event, TranscriptResult) and event.is_partial:
            now = [word.text for word in event.words if word.is_stable]
            before = stable.get(event.result_id, [])
            assert now[: len(before)] == before
            stable[event.result_id] = now


def adds_up(events: list[Event]) -> None:
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    counts = ended.counts
    assert counts.utterances == counts.finals + counts.finals_lost
    assert counts.partials_asked == (
        counts.partials_shown
        + counts.partials_superseded
        + counts.partials_dropped
        + counts.partials_late
    )


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


def test_a_lost_partial_is_dropped_and_costs_no_word() -> None:
    reader = Reader(fails=lambda ask: ask.is_partial)
    audio = stereo(line([(0.5, 12)]), line([]))
    events = list(begin(reader).transcribe(frames(audio)))
    assert texts(events, 0) == spoken(audio, 0)
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.counts.partials_dropped == ended.counts.partials_asked > 2
    assert ended.counts.finals_lost == 0


def test_a_final_that_stays_away_is_tried_until_its_limit_and_reported(monkeypatch) -> None:
    clock = Stopped()
    monkeypatch.setattr(
        "threading.Event.wait", lambda _self, seconds: setattr(clock, "now", clock.now + seconds)
    )
    reader = Reader(fails=lambda ask: True)
    call = CallTranscriber(
        reader,
        CallSettings(sample_rate=RATE, partials=False, final_limit_s=10),
        executor=InlineExecutor(),
        clock=clock,
    )
    events = list(call.transcribe(frames(stereo(line([(0.5, 5)]), line([])))))
    (lost, ended) = events
    assert isinstance(lost, UtteranceLost)
    assert lost.reason == "The endpoint is away."
    assert lost.attempts == len(reader.asks) > 3
    assert (lost.start, lost.end) == pytest.approx((0.25, 2.8), abs=0.1)
    assert isinstance(ended, CallEnded)
    assert ended.counts.finals_lost == 1
    assert ended.counts.retries == lost.attempts - 1
    assert clock.now < 110.1


def test_a_final_that_comes_with_a_later_attempt_is_not_lost(monkeypatch) -> None:
    monkeypatch.setattr("threading.Event.wait", lambda _self, _seconds: False)
    answers = iter([True, True, False])
    reader = Reader(fails=lambda ask: next(answers))
    audio = stereo(line([(0.5, 5)]), line([]))
    events = list(begin(reader, partials=False).transcribe(frames(audio)))
    assert texts(events, 0) == spoken(audio, 0)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].counts.retries == 2


def test_what_the_endpoint_refuses_is_not_sent_again() -> None:
    class Refusing(Reader):
        def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
            self.asks.append(ask)
            raise InvocationFailed("The audio is not audio.", is_passing=False)

    reader = Refusing()
    audio = stereo(line([(0.5, 5)]), line([]))
    events = list(begin(reader, partials=False).transcribe(frames(audio)))
    assert len(reader.asks) == 1
    assert isinstance(events[0], UtteranceLost)


def test_a_failure_of_the_client_itself_is_reported_too(caplog) -> None:
    class Broken(Reader):
        def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
            raise ZeroDivisionError

    audio = stereo(line([(0.5, 5)]), line([]))
    events = list(begin(Broken(), partials=False).transcribe(frames(audio)))
    assert isinstance(events[0], UtteranceLost)
    assert "ZeroDivisionError" in events[0].reason
    assert "ZeroDivisionError" in caplog.text


def test_an_endpoint_that_cannot_be_used_ends_the_call_at_once() -> None:
    class Unknown(Reader):
        def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
            raise EndpointUnusable("There is no endpoint whisper.")

    call = begin(Unknown())
    with pytest.raises(EndpointUnusable, match="no endpoint whisper"):
        list(call.transcribe(frames(stereo(line([(0.5, 40)]), line([])))))


def test_an_endpoint_that_was_there_and_is_away_for_a_while_costs_no_final(monkeypatch) -> None:
    monkeypatch.setattr("threading.Event.wait", lambda _self, _seconds: False)

    class Away(Reader):
        def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
            heard = super().transcribe(ask, seconds)
            if len(self.asks) in (2, 3):
                raise EndpointUnusable("Nothing answers.")
            return heard

    audio = stereo(line([(0.5, 5), (1.5, 5)]), line([]))
    events = list(begin(Away(), partials=False).transcribe(frames(audio)))
    assert texts(events, 0) == spoken(audio, 0)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].counts.retries == 2


def test_closing_reports_what_has_no_answer() -> None:
    held = Held()
    call = begin(Reader(), held, partials=False)
    for frame in frames(stereo(line([(0.5, 5)]), line([]))):
        call.feed(frame)
    call.close()
    held.do()
    lost, ended = call.events()
    assert isinstance(lost, UtteranceLost)
    assert isinstance(ended, CallEnded)


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


@given(turns=TURNS, back=st.floats(0.0, 4.0), at=st.floats(0.1, 0.9))
@FEW
def test_a_stream_that_comes_again_from_an_earlier_position_repeats_nothing(turns, back, at):
    audio = stereo(line(turns), line([(0.2, 3)], 5000))
    call = begin(Reader())
    broken = round(at * len(audio))
    again = max(0, broken - round(back * RATE))
    call.feed(audio[:broken].astype("<i2").tobytes())
    call.feed(audio[again:].astype("<i2").tobytes(), position=again / RATE)
    call.finish()
    events = list(call.events())
    assert texts(events, 0) == spoken(audio, 0)
    assert texts(events, 1) == spoken(audio, 1)


def test_a_stream_that_was_set_back_goes_on_from_there() -> None:
    audio = stereo(line([(0.2, 40)]), line([(3.0, 20)], 5000))
    call = begin(Reader())
    call.feed(audio[: 10 * RATE].astype("<i2").tobytes())
    again, *others = frames(audio[8 * RATE :])
    call.feed(again, position=8.0)
    assert call.position == pytest.approx(8.1)
    for frame in others:
        call.feed(frame)
    call.finish()
    events = list(call.events())
    assert not any(isinstance(event, AudioMissing) for event in events)
    assert texts(events, 0) == spoken(audio, 0)
    assert texts(events, 1) == spoken(audio, 1)


def test_a_stream_that_goes_on_later_says_what_is_missing_and_keeps_its_times() -> None:
    audio = stereo(line([(0.5, 4), (20.0, 4)]), line([]))
    call = begin(Reader())
    call.feed(audio[: 3 * RATE].astype("<i2").tobytes())
    call.feed(audio[19 * RATE :].astype("<i2").tobytes(), position=19.0)
    call.finish()
    events = list(call.events())
    missing = [event for event in events if isinstance(event, AudioMissing)]
    assert [(one.channel, one.start, one.end) for one in missing] == [(0, 3, 19), (1, 3, 19)]
    finals = [e for e in events if isinstance(e, TranscriptResult) and not e.is_partial]
    assert finals[1].words[0].start == pytest.approx(22.1, abs=0.05)
    assert texts(events, 0) == spoken(audio, 0)


@given(left=TURNS, right=TURNS, at=st.floats(0.05, 0.95), chance=SEEDS)
@FEW
def test_another_process_goes_on_from_a_checkpoint_without_repeating_or_losing(
    left, right, at, chance
):
    audio = stereo(line(left), line(right, 5000))
    held = Held()
    first = begin(Reader(), held)
    events: list[Event] = []
    for frame in frames(audio[: round(at * len(audio))], iter([4800] * 10_000)):
        first.feed(frame)
        if held.waiting and chance.random() < 0.5:
            held.do(chance.randrange(len(held.waiting)))
        if chance.random() < 0.5:
            events += first.waiting_events()
    state = json.loads(json.dumps(first.checkpoint()))

    second = CallTranscriber(
        Reader(), CallSettings(sample_rate=RATE), executor=InlineExecutor(), checkpoint=state
    )
    assert second.call_id == first.call_id
    again = round(second.position * RATE)
    second.feed(audio[again:].astype("<i2").tobytes())
    second.finish()
    events += second.events()
    assert texts(events, 0) == spoken(audio, 0)
    assert texts(events, 1) == spoken(audio, 1)
    no_more_after_final(events)


def test_an_utterance_that_was_shown_before_the_break_keeps_its_result_id() -> None:
    audio = stereo(line([(0.5, 20)]), line([]))
    first = begin(Reader())
    first.feed(audio[: 4 * RATE].astype("<i2").tobytes())
    shown = [e for e in first.waiting_events() if isinstance(e, TranscriptResult)]
    second = CallTranscriber(
        Reader(),
        CallSettings(sample_rate=RATE),
        executor=InlineExecutor(),
        checkpoint=first.checkpoint(),
    )
    second.feed(audio[round(second.position * RATE) :].astype("<i2").tobytes())
    second.finish()
    final = [e for e in second.events() if isinstance(e, TranscriptResult)][-1]
    assert shown
    assert final.result_id == shown[0].result_id
    assert [word.text for word in final.words] == spoken(audio, 0)


@dataclass
class Remembering(Reader):
    """Answers as the endpoint does: a partial that comes before one that it knows is superseded."""

    newest: dict[str, int] = field(default_factory=dict)

    def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        heard = super().transcribe(ask, seconds)
        known = self.newest.setdefault(ask.utterance_id, 0)
        self.newest[ask.utterance_id] = max(known, ask.sequence)
        return replace(heard, is_superseded=ask.is_partial and ask.sequence < known)


def test_partials_go_on_after_a_break_for_an_endpoint_that_remembers_the_utterance() -> None:
    audio = stereo(line([(0.5, 30)]), line([]))
    reader = Remembering()
    first = begin(reader)
    for frame in frames(audio[: 8 * RATE]):
        first.feed(frame)
    before = len(reader.asks)
    second = resumed(reader, first.checkpoint())
    second.feed(audio[round(second.position * RATE) : 8 * RATE].astype("<i2").tobytes())
    events = list(second.transcribe(frames(audio[8 * RATE :])))
    sequences = [ask.sequence for ask in reader.asks[before:]]
    assert sequences == sorted(sequences)
    assert reader.asks[before].utterance_id == reader.asks[0].utterance_id
    shown = [e for e in events if isinstance(e, TranscriptResult) and e.is_partial]
    assert shown[0].end < 9
    assert len(shown) == len(sequences) - 1 > 5


def resumed(reader: Reader, checkpoint: Checkpoint) -> CallTranscriber:
    how = CallSettings(sample_rate=RATE)
    return CallTranscriber(reader, how, executor=InlineExecutor(), checkpoint=checkpoint)


def broken_off(audio: Samples, seconds: float) -> CallTranscriber:
    """A call whose finals are all awaited when it breaks off."""
    call = begin(Reader(), Held(), partials=False)
    for frame in frames(audio[: round(seconds * RATE)]):
        call.feed(frame)
    return call


def test_what_was_awaited_and_never_comes_again_is_lost_and_counted() -> None:
    first = broken_off(stereo(line([(0.5, 5)]), line([(0.7, 4)])), 3.8)
    second = resumed(Reader(), first.checkpoint())
    second.finish()
    *lost, ended = second.events()
    assert [(type(one), one.channel) for one in lost] == [(UtteranceLost, 0), (UtteranceLost, 1)]
    assert (lost[0].start, lost[0].end) == pytest.approx((0.25, 2.8), abs=0.1)
    assert "resumed call" in lost[0].reason
    assert isinstance(ended, CallEnded)
    assert ended.counts.utterances == ended.counts.finals_lost == 2


def test_of_what_was_awaited_the_part_that_comes_again_is_final() -> None:
    audio = stereo(line([(0.5, 10)]), line([]))
    second = resumed(Reader(), broken_off(audio, 5.8).checkpoint())
    begins = round(second.position * RATE)
    second.feed(audio[begins : 3 * RATE].astype("<i2").tobytes())
    second.finish()
    events = list(second.events())
    assert texts(events, 0) == spoken(audio[: 3 * RATE], 0)
    adds_up(events)


def test_what_was_heard_before_the_break_is_not_heard_again_after_a_gap() -> None:
    audio = stereo(line([(0.5, 5), (3.0, 5), (3.0, 5), (1.0, 5)]), line([]))
    first = begin(Reader())
    first.feed(audio[: 13 * RATE].astype("<i2").tobytes())
    second = resumed(Reader(), first.checkpoint())
    assert second.position < 1
    second.feed(audio[6 * RATE :].astype("<i2").tobytes(), position=6.0)
    second.finish()
    events = list(second.events())
    ids = [e.result_id for e in events if isinstance(e, TranscriptResult) and not e.is_partial]
    assert len(ids) == len(set(ids))
    assert texts(events, 0) == [f"w{number}" for number in range(6, 20)]
    adds_up(events)


def test_speech_after_a_gap_that_ends_in_silence_heard_before_keeps_its_times() -> None:
    audio = stereo(line([(0.5, 5), (20.0, 5)]), line([]))
    second = resumed(Reader(), broken_off(audio, 21.0).checkpoint())
    second.feed(audio[10 * RATE :].astype("<i2").tobytes(), position=10.0)
    second.finish()
    *_, lost, final, _ended = (e for e in second.events() if not is_partial(e))
    assert isinstance(lost, UtteranceLost)
    assert isinstance(final, TranscriptResult)
    assert [word.text for word in final.words] == ["w5", "w6", "w7", "w8", "w9"]
    assert final.start == pytest.approx(22.5, abs=0.05)


def is_partial(event: Event) -> bool:
    return isinstance(event, TranscriptResult) and event.is_partial


@given(turns=TURNS, at=st.floats(0.2, 0.95), gap=st.floats(0.0, 10.0))
@FEW
def test_words_after_a_gap_behind_a_checkpoint_keep_their_times(turns, at, gap):
    audio = stereo(line(turns), line([(0.2, 20)], 5000))
    state = broken_off(audio, at * len(audio) / RATE).checkpoint()
    second = resumed(Reader(), state)
    begins = second.position + gap
    second.feed(audio[round(begins * RATE) :].astype("<i2").tobytes(), position=begins)
    second.finish()
    events = list(second.events())
    adds_up(events)
    for channel in (0, 1):
        true = {word.text: word.start for word in said(audio[:, channel])}
        found = [
            word
            for event in events
            if isinstance(event, TranscriptResult) and event.channel == channel
            if not event.is_partial
            for word in event.words
        ]
        assert len({word.text for word in found}) == len(found)
        assert all(abs(word.start - true[word.text]) <= 0.2 for word in found)
    pending = {one["result_id"] for row in state["channels"] for one in row["pending"]}
    assert pending <= {event.result_id for event in events[:-1] if not is_missing(event)}


def is_missing(event: Event) -> bool:
    return isinstance(event, AudioMissing)


def test_a_partial_from_before_the_break_is_taken_back_if_nothing_was_said() -> None:
    class Deaf(Reader):
        def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
            return replace(super().transcribe(ask, seconds), words=())

    audio = stereo(line([(0.5, 10)]), line([]))
    first = begin(Reader())
    first.feed(audio[: 3 * RATE].astype("<i2").tobytes())
    shown = [e for e in first.waiting_events() if isinstance(e, TranscriptResult)]
    second = resumed(Deaf(), first.checkpoint())
    second.feed(audio[round(second.position * RATE) :].astype("<i2").tobytes())
    second.finish()
    *_, final, _ended = second.events()
    assert isinstance(final, TranscriptResult)
    assert (final.result_id, final.is_partial, final.words) == (shown[0].result_id, False, ())


def test_a_checkpoint_of_another_rate_is_refused() -> None:
    state = begin(Reader()).checkpoint()
    with pytest.raises(StreamError, match="8000 Hz"):
        CallTranscriber(Reader(), CallSettings(sample_rate=8000), checkpoint=state)


def test_the_language_is_kept_after_enough_evidence() -> None:
    reader = Reader(language="es")
    audio = stereo(line([(0.5, 10), (1.5, 10), (1.5, 10)]), line([(3, 2)], 5000))
    list(begin(reader, partials=False).transcribe(frames(audio)))
    assert [ask.language for ask in reader.asks if ask.channel == 0] == [None, None, "es"]
    assert [ask.language for ask in reader.asks if ask.channel == 1] == [None]


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
