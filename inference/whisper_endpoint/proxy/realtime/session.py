# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the whisper-live-sagemaker authors
"""A session: handles client events, runs a ``whisper_stream`` channel per side, sends events."""

import asyncio
import base64
import binascii
import time
from collections.abc import Awaitable, Callable
from typing import Any

import orjson

from whisper_endpoint.errors import (
    EmptyCommit,
    EndpointError,
    InvalidParameter,
    MalformedBody,
    WrongState,
)
from whisper_endpoint.proxy.realtime.configuration import Configuration
from whisper_endpoint.proxy.realtime.incoming import IncomingAudio
from whisper_endpoint.proxy.realtime.request_sender import RequestSender
from whisper_endpoint.proxy.realtime.server_events import (
    Event,
    ServerEvents,
    expiry,
    new_session_id,
)
from whisper_stream.channel import Channel
from whisper_stream.checkpoint import ChannelCheckpoint
from whisper_stream.errors import StreamError
from whisper_stream.events import Event as CallEvent
from whisper_stream.events import TranscriptResult, UtteranceLost
from whisper_stream.requests import TranscriptionRequest

# Pending finals of a session from which no more audio is read until one has arrived.
_MOST_FINALS = 8
# Limits of pending utterances and their seconds per channel of a checkpoint: more than any session
# leaves.
_MOST_PENDING, _MOST_PENDING_S = 500, 600
# Limit of a checkpoint's words next to cuts, and of its languages: far more than there are.
_MOST_KEPT = 100
# As in the schema of requests.
_LONGEST_ID = 128


class Session:
    """A client's session, from its first event to its last. For one event loop.

    Parameters
    ----------
    sender : RequestSender
        Sends requests for partials and finals.
    send : callable
        Sends one event; waits while the client does not read.
    seconds : float
        Maximum length of the session.
    configuration : Configuration
        Initial configuration, which the client may change.
    is_old : bool
        Whether the client uses the API before its general availability.

    Attributes
    ----------
    is_over : bool
        Whether the client has ended it.
    """

    def __init__(
        self,
        sender: RequestSender,
        send: Callable[[Event], Awaitable[None]],
        seconds: float,
        configuration: Configuration,
        *,
        is_old: bool = False,
    ) -> None:
        self.is_over = False
        self._is_closed = False
        self.session_id = new_session_id()
        self._sender = sender
        self._send = send
        self._events = ServerEvents(self.session_id, expiry(seconds), is_old=is_old)
        self._configuration = configuration
        self._call_id = self.session_id
        self._resumed: list[ChannelCheckpoint] = []
        # None until there is audio, so that an idle session costs little.
        self._incoming: IncomingAudio | None = None
        self._channels: list[Channel] = []
        self._speaking: list[str | None] = []
        # For each channel, the finals not reported yet, and whether they have been answered.
        self._in_turn: list[dict[str, tuple[TranscriptionRequest, bool]]] = []
        self._turn = asyncio.Lock()
        self._is_last = False
        self._finals: set[asyncio.Task[None]] = set()
        self._partials: set[asyncio.Task[None]] = set()

    @property
    def seconds(self) -> float:
        """Seconds of audio received, per channel."""
        rate = self._configuration.call.sample_rate
        return max((one.received for one in self._channels), default=0) / rate

    async def begin(self) -> None:
        """Send the event that the session was created."""
        await self._tell([self._events.session("created", self._configuration)])

    async def take(self, message: str | bytes) -> None:
        """Handle a message: an event as text, or audio as bytes; some clients send both as bytes.

        Waits while too many finals are pending, and while the client does not read.
        """
        event: dict[str, Any] = {}
        try:
            found = _event(message)
            if found is None and isinstance(message, bytes):
                await self._hear(message)
                return
            if found is None:
                raise MalformedBody("The message is not an event: send a JSON object with a type.")
            event = found
            handler = _HANDLERS.get(event["type"])
            if handler is None:
                raise InvalidParameter(
                    f"The event {event['type'][:50]!r} is not known: send one of "
                    f"{', '.join(_HANDLERS)}.",
                    field="type",
                )
            await handler(self, event)
        except EndpointError as error:
            await self._tell([self._events.error(error, event.get("event_id"))])
        except StreamError as error:
            refusal = InvalidParameter(str(error), field="audio")
            await self._tell([self._events.error(refusal, event.get("event_id"))])

    async def expire(self, error: EndpointError) -> None:
        """Send a checkpoint to resume from, and the reason why the session ends."""
        await self._tell([*self._checkpoint(), self._events.error(error)])

    def close(self) -> None:
        """Abandon all requests in progress; nothing more is sent."""
        self._is_closed = True
        self._sender.close()

    async def _update(self, event: dict[str, Any]) -> None:
        self._events.is_old = event["type"] == "transcription_session.update"
        session, resumed = event.get("session"), None
        if isinstance(session, dict):
            session = dict(session)
            resumed = session.pop("resume", None)
        changed = self._configuration.updated(session)
        is_same = changed.described()["format"] == self._configuration.described()["format"]
        if self._incoming is not None and (not is_same or resumed is not None):
            raise WrongState(
                "The session already has audio, so its format and checkpoint can no "
                "longer change: open another session."
            )
        if self._resumed and resumed is None and _form(changed) != _form(self._configuration):
            raise WrongState(
                "The session resumes from a checkpoint and keeps its format: send the "
                "checkpoint again with another one, or open another session."
            )
        if resumed is not None:
            self._resume(resumed, changed)
        self._configuration = changed
        for channel in self._channels:
            channel.change(changed.call)
        await self._tell([self._events.session("updated", changed)])

    def _resume(self, checkpoint: Any, form: Configuration) -> None:
        """Resume from another session's checkpoint."""
        try:
            rows = [ChannelCheckpoint.from_row(row) for row in checkpoint["channels"]]
            is_same = len(rows) == form.channels
            is_same = is_same and checkpoint["sample_rate"] == form.call.sample_rate
            is_same = is_same and all(_is_small(row, form.call.sample_rate) for row in rows)
            call_id = checkpoint["call_id"]
            is_same = is_same and isinstance(call_id, str) and 0 < len(call_id) <= _LONGEST_ID
        except (KeyError, TypeError, ValueError, IndexError):
            is_same, rows, call_id = False, [], ""
        if not is_same:
            raise InvalidParameter(
                "session.resume is not a checkpoint of a session with this format: send "
                "the one from session.checkpoint.created, with the same format.",
                field="session.resume",
            )
        self._resumed, self._call_id = rows, call_id

    async def _append(self, event: dict[str, Any]) -> None:
        audio = event.get("audio")
        try:
            data = base64.b64decode(audio, validate=True)  # type: ignore[arg-type]
        except (TypeError, ValueError, binascii.Error):
            raise InvalidParameter(
                "audio is not base64: send the bytes of the samples as base64 text.", field="audio"
            ) from None
        await self._hear(data)

    async def _hear(self, data: bytes) -> None:
        if not data:
            return  # the format can still change
        self._begin_audio()
        assert self._incoming is not None
        for columns in self._incoming.slices(data):
            events: list[Event] = []
            now = time.monotonic()
            for channel, samples in zip(self._channels, columns, strict=True):
                requests, told = channel.feed(samples, None, now)
                for request in requests:
                    if not request.is_partial:
                        events += self._over(request, is_spoken=True)
                events += self._begun(channel)
                events += self._lost(told)
                self._ask_all(requests)
            await self._tell(events)
            await self._room()
            await asyncio.sleep(0)

    async def _commit(self, event: dict[str, Any]) -> None:
        if self._configuration.in_pieces:
            return  # each chunk was processed when it was appended
        await self._end_turn(event)

    async def _end_audio(self, event: dict[str, Any]) -> None:
        self._is_last = True
        await self._end_turn(event)

    async def _end(self, event: dict[str, Any]) -> None:
        del event
        self.is_over = True

    async def _end_turn(self, event: dict[str, Any]) -> None:
        del event
        heard = [channel for channel in self._channels if channel.being_said]
        requests = [one.commit(time.monotonic()) for one in heard or self._channels]
        asked = [one for one in requests if one is not None]
        if not asked:
            raise EmptyCommit(
                "There is no audio since the last item: send audio before you commit."
            )
        events = list[Event]()
        for request in asked:
            # If the detector has just ended the utterance, the item has no words.
            events += self._over(request, is_spoken=bool(heard))
        self._ask_all(asked)
        await self._tell(events)

    async def _clear(self, event: dict[str, Any]) -> None:
        del event
        for channel in self._channels:
            channel.clear()
            self._speaking[channel.number] = None
        await self._tell([self._events.cleared()])

    async def _tell_checkpoint(self, event: dict[str, Any]) -> None:
        del event
        if not self._channels:
            raise WrongState(
                "The session has had no audio yet, so there is nothing to go on from: send audio "
                "before you ask for a checkpoint."
            )
        await self._tell(self._checkpoint())

    def _begin_audio(self) -> None:
        if self._incoming is not None:
            return
        form = self._configuration
        self._incoming = IncomingAudio(form)
        resumed = self._resumed or [ChannelCheckpoint()] * form.channels
        self._channels = [
            Channel(number, self._call_id, form.call, one) for number, one in enumerate(resumed)
        ]
        self._speaking = [None] * form.channels
        self._in_turn = [{} for _ in range(form.channels)]

    def _begun(self, channel: Channel) -> list[Event]:
        """Return the event for the start of speech, once per utterance."""
        said = channel.being_said
        if said is None or not self._configuration.call.by_silence:
            return []
        utterance, start = said
        if self._speaking[channel.number] == utterance:
            return []
        self._speaking[channel.number] = utterance
        return [self._events.speech_started(utterance, start, self._channel(channel.number))]

    def _over(self, request: TranscriptionRequest, *, is_spoken: bool) -> list[Event]:
        """Return the events for the end of an utterance whose final is requested."""
        events: list[Event] = []
        number, utterance = request.channel, request.utterance_id
        at = self._channel(number)
        self._in_turn[number][utterance] = (request, False)
        if is_spoken and self._configuration.call.by_silence:
            if self._speaking[number] != utterance:
                events.append(self._events.speech_started(utterance, request.start, at))
            events.append(self._events.speech_stopped(utterance, request.end, at))
            self._speaking[number] = None
        return events + self._events.committed(utterance, at)

    def _ask_all(self, requests: list[TranscriptionRequest]) -> None:
        for request in requests:
            task = asyncio.create_task(self._ask(request))
            tasks = self._partials if request.is_partial else self._finals
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    async def _ask(self, request: TranscriptionRequest) -> None:
        """Request the transcript of one state of an utterance and send the resulting events."""
        outcome = await self._sender.send(request, self._configuration.call)
        channel, now = self._of(request), time.monotonic()
        if outcome.response is not None:
            told = channel.answered(request, outcome.response, now)
        else:
            told = channel.failed(request, outcome.attempts, outcome.reason, now)
        if (due := channel.due(now)) is not None:
            self._ask_all([due])
        try:
            if request.is_partial:
                await self._tell(self._of_partial(request, told))
            else:
                await self._tell_finals(channel, request, told)
        except OSError:
            self.close()  # the client is gone

    def _of_partial(self, request: TranscriptionRequest, told: list[CallEvent]) -> list[Event]:
        at, wanted = self._channel(request.channel), self._configuration.has_partials
        results = [one for one in told if isinstance(one, TranscriptResult)]
        return [
            event for one in results for event in self._events.heard(one, at, has_partials=wanted)
        ]

    async def _tell_finals(
        self, channel: Channel, request: TranscriptionRequest, told: list[CallEvent]
    ) -> None:
        """Send the finals that are due: those of a channel are sent in order of the utterances."""
        turn = self._in_turn[channel.number]
        turn[request.utterance_id] = (request, True)
        ends = {
            one.result_id: one for one in told if isinstance(one, TranscriptResult | UtteranceLost)
        }
        over, events = [], list[Event]()
        for utterance, (asked, is_answered) in list(turn.items()):
            if not is_answered:
                break
            del turn[utterance]
            over.append(utterance)
            events += self._final(asked, ends.get(utterance))
        await self._tell(events)
        for utterance in over:
            channel.read(utterance)

    def _final(
        self, request: TranscriptionRequest, end: TranscriptResult | UtteranceLost | None
    ) -> list[Event]:
        at = self._channel(request.channel)
        if self._configuration.in_pieces:
            at["is_last_result"] = self._is_last and not any(self._in_turn)
        if isinstance(end, UtteranceLost):
            return [self._events.failed(end.result_id, end.reason, at)]
        # Without speech there is no result, but the item still needs a final.
        text = end.text if end else ""
        languages = [{"code": end.language}] if end and end.language else []
        seconds = round(request.end - request.start, 3)
        return self._events.completed(request.utterance_id, text, at, seconds, languages)

    def _lost(self, told: list[CallEvent]) -> list[Event]:
        return [
            self._events.failed(one.result_id, one.reason, self._channel(one.channel))
            for one in told
            if isinstance(one, UtteranceLost)
        ]

    def _checkpoint(self) -> list[Event]:
        if not self._channels:
            return []
        rate = self._configuration.call.sample_rate
        rows = [channel.checkpoint for channel in self._channels]
        position = min(one.heard_until for one in rows) / rate
        checkpoint = {
            "call_id": self._call_id,
            "sample_rate": rate,
            "channels": [one.to_row() for one in rows],
        }
        return [self._events.checkpoint(checkpoint, position)]

    async def _room(self) -> None:
        """Wait until few enough finals are pending."""
        while len(self._finals) >= _MOST_FINALS:
            await asyncio.wait(self._finals, return_when=asyncio.FIRST_COMPLETED)

    async def _tell(self, events: list[Event]) -> None:
        """Send events without others in between."""
        async with self._turn:
            for event in events:
                if not self._is_closed:
                    await self._send(event)

    def _of(self, request: TranscriptionRequest) -> Channel:
        return self._channels[request.channel]

    def _channel(self, number: int) -> Event:
        """Return the channel field, if there are two channels."""
        return {"channel": number} if self._configuration.channels > 1 else {}


_HANDLERS: dict[str, Callable[[Session, dict[str, Any]], Awaitable[None]]] = {
    "session.update": Session._update,
    "transcription_session.update": Session._update,
    "input_audio_buffer.append": Session._append,
    "input_audio_buffer.commit": Session._commit,
    "input_audio_buffer.clear": Session._clear,
    "session.checkpoint.create": Session._tell_checkpoint,
    # Sent by Riva's clients.
    "input_audio_buffer.done": Session._end_audio,
    "session.end": Session._end,
}


def _form(configuration: Configuration) -> tuple[int, int]:
    """Return the properties that a checkpoint must share with its session."""
    return configuration.channels, configuration.call.sample_rate


def _is_small(row: ChannelCheckpoint, rate: int) -> bool:
    """Whether a channel's checkpoint is within the limits."""
    samples = sum(one.last - one.start for one in row.pending)
    is_short = all(0 < len(one.result_id) <= _LONGEST_ID for one in row.pending)
    is_short = is_short and len(row.kept) <= _MOST_KEPT and len(row.evidence) <= _MOST_KEPT
    return is_short and len(row.pending) <= _MOST_PENDING and samples <= _MOST_PENDING_S * rate


def _event(message: str | bytes) -> dict[str, Any] | None:
    """Return the event that a message is; None if it is none."""
    if isinstance(message, bytes) and not message.startswith(b"{"):
        return None
    try:
        event = orjson.loads(message)
    except ValueError:
        return None
    is_event = isinstance(event, dict) and isinstance(event.get("type"), str)
    return event if is_event else None
