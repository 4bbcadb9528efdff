# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""One channel of a call: audio and answers in, requests and results out.

Nothing here waits, sends or reads a clock: callers pass the time, so every order of events can be
tested.
"""

import uuid
from dataclasses import dataclass, field

import numpy as np

from whisper_stream.audio.buffer import AudioBuffer
from whisper_stream.audio.samples import Samples
from whisper_stream.audio.utterances import UtteranceSpan, UtteranceTracker
from whisper_stream.checkpoint import ChannelCheckpoint, Pending
from whisper_stream.events import AudioMissing, Counts, Event, TranscriptResult, UtteranceLost
from whisper_stream.partial_interval import PartialInterval
from whisper_stream.requests import LiveWord, TranscriptionRequest, TranscriptionResponse
from whisper_stream.settings import CallSettings
from whisper_stream.transcript import overlap
from whisper_stream.transcript.language_lock import LanguageLock
from whisper_stream.transcript.stability import Stability

_IDS = uuid.UUID("5f5ab9a2-6a5c-5c0c-8f0f-3b6a3c8b6f0e")
_SEAMS = 8
"""Number of seam sides whose words are kept for a neighbour answered later."""
_PAUSE_S = 1.5
"""Seconds of silence substituted for missing audio: enough to end an utterance."""
_NEVER_CAME = (
    "Its audio was not sent again; continue from the position that the resumed call reports."
)


@dataclass
class _State:
    """An utterance without a final, or with one that its successor has not used yet."""

    utterance: UtteranceSpan
    result_id: str
    asked_until: int = 0
    is_shown: bool = False
    stability: Stability = field(default_factory=Stability)


def _resumed(pending: Pending, utterance: UtteranceSpan | None = None) -> _State:
    """Resume an utterance after an interruption; a partial of it may have been shown."""
    return _State(utterance or pending.utterance(), pending.result_id, is_shown=True)


class Channel:
    """The state of one channel. Not thread-safe."""

    def __init__(
        self, number: int, call_id: str, settings: CallSettings, checkpoint: ChannelCheckpoint
    ) -> None:
        self.number = number
        self._call_id = call_id
        self._settings = settings
        self._rate = settings.sample_rate
        self._received = checkpoint.heard_until
        self._audio = AudioBuffer(self._rate, checkpoint.heard_until)
        self._tracker = UtteranceTracker(settings, checkpoint.listen_from)
        self._listen_from = checkpoint.listen_from
        self._awaited = [one for one in checkpoint.pending if one.end is not None]
        self._partial_interval = PartialInterval(*settings.partial_interval_s)
        self._lock = LanguageLock(
            settings.languages[number], checkpoint.evidence, settings.allowed_languages
        )
        self._open: _State | None = None
        self._waiting: dict[str, _State] = {}
        # Events of each ended utterance not yet reported; None until they are known.
        self._in_turn: dict[str, list[Event] | None] = {}
        self._partial_in_flight: str | None = None
        self._kept: dict[tuple[int | None, str], tuple[LiveWord, ...]] = dict(checkpoint.kept)
        self._unread: dict[str, UtteranceSpan] = {}
        self.counts = Counts()
        for one in checkpoint.pending:
            if one.end is None:
                self._tracker.open = one.utterance()
                self._open = _resumed(one, self._tracker.open)

    @property
    def received(self) -> int:
        """Samples received or skipped, at the line's rate, from the start of the call."""
        return self._received

    @property
    def being_said(self) -> tuple[str, float] | None:
        """The open utterance's id and start in seconds of the call; or None."""
        if self._tracker.open is None:
            return None
        state = self._of_open(self._tracker.open)
        return state.result_id, state.utterance.start / self._rate

    @property
    def checkpoint(self) -> ChannelCheckpoint:
        """The state to resume from; everything not final and read is repeated."""
        over = {key: state.utterance for key, state in self._waiting.items()} | self._unread
        pending = [*self._awaited, *(Pending.of(one, key) for key, one in over.items())]
        listen_from = self._tracker.earliest
        if self._tracker.open is not None:
            state = self._of_open(self._tracker.open)
            pending.append(Pending.of(state.utterance, state.result_id))
        return ChannelCheckpoint(
            heard_until=min([listen_from, *(one.start for one in pending)]),
            listen_from=listen_from,
            pending=tuple(pending),
            kept=tuple(self._kept.items()),
            evidence=self._lock.evidence,
        )

    def read(self, result_id: str) -> None:
        """Mark a final or a loss as read."""
        self._unread.pop(result_id, None)

    def feed(
        self, samples: Samples, position: int | None, now: float
    ) -> tuple[list[TranscriptionRequest], list[Event]]:
        """Process audio.

        Parameters
        ----------
        samples : ndarray, shape (n,), int16
        position : int or None
            Start of the audio, in samples of the call; None: directly after the last piece. Audio
            already received is skipped.
        now : float
            Time on the caller's clock.

        Returns
        -------
        requests : list of TranscriptionRequest
            To be sent.
        events : list of Event
        """
        events: list[Event] = []
        requests: list[TranscriptionRequest] = []
        at = self._received if position is None else position
        samples = samples[max(0, self._received - at) :]
        at = max(at, self._received)
        if at > self._received and len(samples):
            events += [self._missing(self._received, at), *self._passed_over(at)]
            more, lost = self._silence(at, now)
            requests, events = requests + more, events + lost
        if len(samples):
            requests += self._hear(samples, now)
        return requests, events

    def finish(self, now: float) -> tuple[list[TranscriptionRequest], list[Event]]:
        """End the channel: close the open utterance, and request what has no final yet."""
        self._audio.feed(np.empty(0, np.int16), is_last=True)
        over = [_resumed(one) for one in self._awaited]
        self._awaited = []
        if (ended := self._tracker.finish()) is not None:
            over.append(self._of_open(ended))
            self._open = None
        requests = [self._end(one, now) for one in over if one.utterance.start < self._received]
        gone = [one for one in over if one.utterance.start >= self._received]
        return requests, [self._never_came(one) for one in gone]

    def commit(self, now: float) -> TranscriptionRequest | None:
        """End the open utterance on the caller's request; more audio may follow.

        Returns
        -------
        TranscriptionRequest or None
            To be sent; None if there was no audio since the last utterance.
        """
        ended = self._tracker.commit()
        if ended is None:
            return None
        state = self._of_open(ended)
        self._open = None
        return self._end(state, now)

    def change(self, settings: CallSettings) -> None:
        """Replace the settings, for all further requests.

        Parameters
        ----------
        settings : CallSettings
            With the same sample rate.
        """
        before, self._settings, self._tracker.settings = self._settings, settings, settings
        languages = settings.languages[self.number], settings.allowed_languages
        if languages != (before.languages[self.number], before.allowed_languages):
            self._lock = LanguageLock(languages[0], allowed=languages[1])

    def clear(self) -> None:
        """Discard the open utterance, without a final."""
        self._tracker.drop()
        self._open = None

    def answered(
        self, request: TranscriptionRequest, response: TranscriptionResponse, now: float
    ) -> list[Event]:
        """Process an answer."""
        state = self._waiting.get(request.utterance_id)
        if not request.is_partial:
            return self._tell_in_turn(request, self._finalise(request, response, now))
        self._partial_in_flight = None
        self._partial_interval.answered(now - request.asked_at)
        if state is None and (self._open is None or self._open.result_id != request.utterance_id):
            self.counts.partials_late += 1
            return []
        state = state or self._open
        assert state is not None
        if response.is_superseded:
            self.counts.partials_superseded += 1
            return []
        self.counts.partials_shown += 1
        words = state.stability.update(self._own_words(response, state.utterance))
        if not words and not state.is_shown:
            return []
        state.is_shown = True
        return [self._result(request, words, response, now)]

    def failed(
        self, request: TranscriptionRequest, attempts: int, reason: str, now: float
    ) -> list[Event]:
        """Process a failed request: a partial is dropped, a lost final is reported."""
        if request.is_partial:
            self._partial_in_flight = None
            self._partial_interval.answered(now - request.asked_at)
            self.counts.partials_dropped += 1
            return []
        lost = self._lost(self._waiting.pop(request.utterance_id), attempts, reason)
        return self._tell_in_turn(request, [lost])

    def due(self, now: float) -> TranscriptionRequest | None:
        """Return the partial request that is due, if any."""
        tracker = self._tracker
        if not self._settings.partials or tracker.open is None or self._partial_in_flight:
            return None
        state = self._of_open(tracker.open)
        begun = state.asked_until or tracker.open.start
        has_news = tracker.open.voiced_until > state.asked_until
        if not has_news or tracker.position - begun < self._partial_interval.seconds * self._rate:
            return None
        state.asked_until = tracker.position
        self._partial_in_flight = state.result_id
        self.counts.partials_asked += 1
        return self._request(state, tracker.position, now, is_partial=True)

    def _hear(self, samples: Samples, now: float) -> list[TranscriptionRequest]:
        before, self._received = self._received, self._received + len(samples)
        self._audio.feed(samples)
        requests = self._again(now)
        unheard = samples[max(0, self._listen_from - before) :]
        for ended in self._tracker.feed(unheard):
            requests.append(self._end(self._of_open(ended), now))
            self._open = None
        due = self.due(now)
        self._audio.forget(min([self._tracker.earliest, *(one.start for one in self._awaited)]))
        return [*requests, due] if due else requests

    def _again(self, now: float) -> list[TranscriptionRequest]:
        """Request utterances that ended before the interruption, once their audio is here."""
        here = [one for one in self._awaited if self._received >= one.last]
        self._awaited = [one for one in self._awaited if self._received < one.last]
        return [self._end(_resumed(one), now) for one in here]

    def _passed_over(self, until: int) -> list[Event]:
        """Report earlier utterances as lost whose audio will no longer arrive."""
        gone = [one for one in self._awaited if self._received <= one.start <= one.last <= until]
        self._awaited = [one for one in self._awaited if one not in gone]
        return [self._never_came(_resumed(one)) for one in gone]

    def _silence(self, until: int, now: float) -> tuple[list[TranscriptionRequest], list[Event]]:
        """Process silence up to a position; only the beginning of a long gap."""
        # Awaited utterances are processed contiguously, so that their words keep their times.
        whole = max([self._received, *(one.last for one in self._awaited)])
        silence = min(until, whole + round(_PAUSE_S * self._rate)) - self._received
        requests = self._hear(np.zeros(silence, np.int16), now)
        events: list[Event] = []
        if until > self._received:
            if until > self._listen_from:
                more, events = self.finish(now)
                requests += more
            self._audio.jump(until)
            self._tracker.jump(max(until, self._listen_from))
            self._received = until
        return requests, events

    def _missing(self, start: int, end: int) -> AudioMissing:
        return AudioMissing(
            call_id=self._call_id,
            channel=self.number,
            start=start / self._rate,
            end=end / self._rate,
        )

    def _of_open(self, utterance: UtteranceSpan) -> _State:
        if self._open is None or self._open.utterance is not utterance:
            # Derived from the position: after an interruption the id is the same.
            name = f"{self._call_id}/{self.number}/{utterance.start}"
            self._open = _State(utterance, str(uuid.uuid5(_IDS, name)))
        return self._open

    def _end(self, state: _State, now: float) -> TranscriptionRequest:
        self._waiting[state.result_id] = state
        self._in_turn[state.result_id] = None
        self.counts.utterances += 1
        assert state.utterance.end is not None
        end = min(state.utterance.end, self._received)
        return self._request(state, end, now, is_partial=False)

    def _request(
        self, state: _State, end: int, now: float, *, is_partial: bool
    ) -> TranscriptionRequest:
        utterance = state.utterance
        return TranscriptionRequest(
            call_id=self._call_id,
            channel=self.number,
            utterance_id=state.result_id,
            # The same in every process: the endpoint remembers the latest.
            sequence=self._tracker.position,
            is_partial=is_partial,
            audio=self._audio.between(utterance.start, end),
            start=utterance.start / self._rate,
            end=end / self._rate,
            until=self._tracker.position / self._rate,
            language=self._lock.language_of((end - utterance.start) / self._rate),
            languages=self._lock.allowed,
            terms=self._settings.terms,
            prompt=self._settings.prompt,
            redaction=self._settings.redaction,
            want_words=not is_partial or self._settings.partial_words or utterance.seam is not None,
            beam_size=self._settings.beam_size,
            asked_at=now,
        )

    def _never_came(self, state: _State) -> UtteranceLost:
        self.counts.utterances += 1
        return self._lost(state, 0, _NEVER_CAME)

    def _lost(self, state: _State, attempts: int, reason: str) -> UtteranceLost:
        utterance = state.utterance
        assert utterance.end is not None
        self._unread[state.result_id] = utterance
        self.counts.finals_lost += 1
        return UtteranceLost(
            call_id=self._call_id,
            result_id=state.result_id,
            channel=self.number,
            role=self._settings.roles[self.number],
            start=utterance.start / self._rate,
            end=utterance.end / self._rate,
            attempts=attempts,
            reason=reason,
        )

    def _tell_in_turn(self, request: TranscriptionRequest, events: list[Event]) -> list[Event]:
        """Return the events that are next in order: finals keep the order of their utterances."""
        self._in_turn[request.utterance_id] = events
        told: list[Event] = []
        while self._in_turn and (first := next(iter(self._in_turn.items())))[1] is not None:
            told += first[1]
            del self._in_turn[first[0]]
        return told

    def _finalise(
        self, request: TranscriptionRequest, response: TranscriptionResponse, now: float
    ) -> list[Event]:
        state = self._waiting.pop(request.utterance_id)
        self.counts.finals += 1
        utterance = state.utterance
        words = self._own_words(response, utterance)
        self._kept.update(dict.fromkeys(self._sides(utterance), words))
        self._kept = dict(list(self._kept.items())[-_SEAMS:])
        if request.language is None:
            seconds = utterance.voiced / self._rate
            self._lock.hear(response.language, seconds, response.language_probability)
        if not words and not state.is_shown:
            return []
        self._unread[request.utterance_id] = utterance
        return [self._result(request, words, response, now)]

    def _own_words(
        self, response: TranscriptionResponse, utterance: UtteranceSpan
    ) -> tuple[LiveWord, ...]:
        seam, next_seam = utterance.seam, utterance.next_seam
        before, after = (
            self._kept.get((seam, "before"), ()),
            self._kept.get((next_seam, "after"), ()),
        )
        words = overlap.after(response.words, self._seconds(seam), before)
        return overlap.before(words, self._seconds(next_seam), after)

    def _sides(self, utterance: UtteranceSpan) -> list[tuple[int | None, str]]:
        """Return the utterance's seams, and its side of each."""
        sides = [(utterance.seam, "after"), (utterance.next_seam, "before")]
        return [side for side in sides if side[0] is not None]

    def _seconds(self, samples: int | None) -> float | None:
        return None if samples is None else samples / self._rate

    def _result(
        self,
        request: TranscriptionRequest,
        words: tuple[LiveWord, ...],
        response: TranscriptionResponse,
        now: float,
    ) -> TranscriptResult:
        return TranscriptResult(
            call_id=self._call_id,
            result_id=request.utterance_id,
            channel=self.number,
            role=self._settings.roles[self.number],
            language=response.language,
            start=words[0].start if words else request.start,
            end=words[-1].end if words else request.end,
            is_partial=request.is_partial,
            words=words,
            until=request.until,
            latency_s=now - request.asked_at,
            warnings=response.warnings,
        )
