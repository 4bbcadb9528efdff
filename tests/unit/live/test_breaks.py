# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""Streams that break and go on, in this process or in another one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from live_whisper.call import CallTranscriber, InlineExecutor
from live_whisper.errors import StreamError
from tests.unit.live.spoken import RATE, Held, Reader, line, said, stereo
from whisper_stream.events import (
    AudioMissing,
    CallEnded,
    TranscriptResult,
    UtteranceEvent,
    UtteranceLost,
)
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from live_whisper.call import Checkpoint
    from whisper_stream.audio.samples import Samples
    from whisper_stream.events import Event
    from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse
from tests.unit.live.calls import (
    FEW,
    SEEDS,
    TURNS,
    adds_up,
    begin,
    frames,
    no_more_after_final,
    spoken,
    texts,
)

pytestmark = pytest.mark.usefixtures("loudness")


@dataclass
class Remembering(Reader):
    """Answers as the endpoint does: a partial that comes before one that it knows is superseded."""

    newest: dict[str, int] = field(default_factory=dict)

    def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
        heard = super().transcribe(ask, seconds)
        known = self.newest.setdefault(ask.utterance_id, 0)
        self.newest[ask.utterance_id] = max(known, ask.sequence)
        return replace(heard, is_superseded=ask.is_partial and ask.sequence < known)


def resumed(reader: Reader, checkpoint: Checkpoint) -> CallTranscriber:
    how = CallSettings(sample_rate=RATE)
    return CallTranscriber(reader, how, executor=InlineExecutor(), checkpoint=checkpoint)


def broken_off(audio: Samples, seconds: float) -> CallTranscriber:
    """A call whose finals are all awaited when it breaks off."""
    call = begin(Reader(), Held(), partials=False)
    for frame in frames(audio[: round(seconds * RATE)]):
        call.feed(frame)
    return call


def is_partial(event: Event) -> bool:
    return isinstance(event, TranscriptResult) and event.is_partial


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


def test_what_was_awaited_and_never_comes_again_is_lost_and_counted() -> None:
    first = broken_off(stereo(line([(0.5, 5)]), line([(0.7, 4)])), 3.8)
    second = resumed(Reader(), first.checkpoint())
    second.finish()
    agents, callers, ended = second.events()
    assert isinstance(agents, UtteranceLost)
    assert isinstance(callers, UtteranceLost)
    assert (agents.channel, callers.channel) == (0, 1)
    assert (agents.start, agents.end) == pytest.approx((0.25, 2.8), abs=0.1)
    assert "resumed call" in agents.reason
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
    assert pending <= {one.result_id for one in events[:-1] if isinstance(one, UtteranceEvent)}


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


def test_words_after_a_cut_are_not_those_of_the_utterance_before_it() -> None:
    audio = stereo(line([(0.5, 60)]), line([]))
    # Both utterances hold a whole word that is said after the middle of what they share.
    call = begin(Reader(), partials=False, max_utterance_s=6.1)
    events = list(call.transcribe(frames(audio)))
    first, second = [event for event in events if isinstance(event, TranscriptResult)][:2]
    seam = first.until - call.settings.overlap_s / 2
    assert (first.words[-1].start + first.words[-1].end) / 2 < seam + 0.2
    assert (second.words[0].start + second.words[0].end) / 2 >= seam - 0.2


def test_a_checkpoint_of_another_rate_is_refused() -> None:
    state = begin(Reader()).checkpoint()
    with pytest.raises(StreamError, match="8000 Hz"):
        CallTranscriber(Reader(), CallSettings(sample_rate=8000), checkpoint=state)


def test_a_checkpoint_keeps_the_words_at_its_seams_and_what_is_known_of_the_language() -> None:
    call = begin(Reader(), partials=False)
    audio = stereo(line([(0.5, 80)]), line([]))
    for frame in frames(audio[: 31 * RATE]):
        call.feed(frame)
    state = json.loads(json.dumps(call.checkpoint()))
    (cut, _) = state["channels"]
    assert [words for _, words in cut["kept"] if words]
    assert cut["evidence"]["en"] > 1
    assert json.loads(json.dumps(resumed(Reader(), state).checkpoint())) == state
