# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""What becomes of a call whose requests fail."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from live_whisper.call import CallTranscriber, InlineExecutor
from live_whisper.errors import EndpointUnusable, InvocationFailed
from tests.unit.live.spoken import RATE, Held, Reader, line, stereo
from whisper_stream.events import CallEnded, TranscriptResult, UtteranceLost
from whisper_stream.settings import CallSettings

if TYPE_CHECKING:
    from whisper_stream.requests import TranscriptionRequest, TranscriptionResponse
from tests.unit.live.calls import begin, frames, spoken, texts

pytestmark = pytest.mark.usefixtures("loudness")


class Stopped:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_lost_partial_is_dropped_and_costs_no_word() -> None:
    reader = Reader(fails=lambda ask: ask.is_partial)
    audio = stereo(line([(0.5, 12)]), line([]))
    events = list(begin(reader).transcribe(frames(audio)))
    assert texts(events, 0) == spoken(audio, 0)
    ended = events[-1]
    assert isinstance(ended, CallEnded)
    assert ended.counts.partials_dropped == ended.counts.partials_asked > 2
    assert sum(ask.is_partial for ask in reader.asks) == ended.counts.partials_asked
    assert ended.counts.finals_lost == 0


@pytest.mark.parametrize("is_refused", [True, False])
def test_a_final_waits_for_that_of_the_utterance_before_it_however_that_ends(
    is_refused: bool,
) -> None:
    class RefusingFirst(Reader):
        def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
            if is_refused and ask.start < 1:
                raise InvocationFailed("The audio is not audio.", is_passing=False)
            return super().transcribe(ask, seconds)

    held = Held()
    call = begin(RefusingFirst(), held, partials=False)
    for frame in frames(stereo(line([(0.3, 5), (1.5, 5)]), line([]))):
        call.feed(frame)
    call.finish()
    held.do(1)
    assert list(call.waiting_events()) == []
    held.do()
    first = UtteranceLost if is_refused else TranscriptResult
    assert [type(event) for event in call.events()] == [first, TranscriptResult, CallEnded]


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


def test_a_final_that_is_called_superseded_is_asked_for_again(monkeypatch) -> None:
    monkeypatch.setattr("threading.Event.wait", lambda _self, _seconds: False)

    class Superseding(Reader):
        def transcribe(self, ask: TranscriptionRequest, seconds: float) -> TranscriptionResponse:
            heard = super().transcribe(ask, seconds)
            is_first = len(self.asks) == 1
            return replace(heard, words=(), is_superseded=True) if is_first else heard

    audio = stereo(line([(0.5, 5)]), line([]))
    events = list(begin(Superseding(), partials=False).transcribe(frames(audio)))
    assert texts(events, 0) == spoken(audio, 0)
    assert isinstance(events[-1], CallEnded)
    assert events[-1].counts.retries == 1


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
